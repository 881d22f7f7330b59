// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/sequence.h"

#include <algorithm>
#include <cmath>

#include "lowtropy/math/elementary.h"
#include "lowtropy/matrix/kernels/kernels.h"

namespace lowtropy {
namespace {

// Loops over floats side by side, which compilers turn into SIMD.
void SigmoidAll(float* x, size_t size) {
  for (size_t i = 0; i < size; ++i) x[i] = Sigmoid(x[i]);
}

void TanhAll(float* x, size_t size) {
  for (size_t i = 0; i < size; ++i) x[i] = Tanh(x[i]);
}

}  // namespace

uint64_t EmbeddingScratch(uint32_t width) { return width; }

size_t Embed(const Matrix& weight, size_t steps, const float* input, float* output,
             float* scratch) {
  const size_t width = weight.cols();
  const auto classes = static_cast<float>(weight.rows());
  for (size_t t = 0; t < steps; ++t) {
    const float number = input[t];
    if (!(number >= 0 && number < classes) || number != std::floor(number)) return t;
    weight.ReadRow(static_cast<size_t>(number), {scratch, width});
    for (size_t i = 0; i < width; ++i) output[i * steps + t] = scratch[i];
  }
  return steps;
}

// The gates, h with what kernels may read behind a right-hand side, and c.
uint64_t LstmScratch(uint32_t hidden) { return uint64_t{6} * hidden + kColumnSlack; }

void Lstm(const Matrix& weight, size_t steps, StepRange range, const float* input, float* output,
          float* scratch, float* workspace) {
  const size_t hidden = weight.cols();
  float* in = scratch;
  float* forget = in + hidden;
  float* candidate = forget + hidden;
  float* out = candidate + hidden;
  float* cell = out + hidden;
  float* state = cell + hidden;
  if (range.begin == 0) {
    std::fill_n(cell, hidden, 0.0F);
    std::fill_n(state, hidden + kColumnSlack, 0.0F);
  }
  for (size_t t = range.begin; t < range.end; ++t) {
    MultiplyVector(weight, {0, 4 * hidden}, state, scratch, {}, workspace);
    for (size_t g = 0; g < 4 * hidden; ++g) scratch[g] += input[g * steps + t];
    SigmoidAll(in, 2 * hidden);  // and `forget`
    TanhAll(candidate, hidden);
    SigmoidAll(out, hidden);
    for (size_t i = 0; i < hidden; ++i) cell[i] = forget[i] * cell[i] + in[i] * candidate[i];
    std::copy_n(cell, hidden, state);
    TanhAll(state, hidden);
    for (size_t i = 0; i < hidden; ++i) output[i * steps + t] = state[i] *= out[i];
  }
}

}  // namespace lowtropy
