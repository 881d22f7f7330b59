// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lowtropy/matrix/matrix.h"

namespace lowtropy {

// The operators on sequences: values of features x steps x 1, so that the steps of a feature lie
// side by side, and a 1x1 convolution is a fully connected layer at each step. None allocates;
// scratch has as many floats as asked for and overlaps neither input nor output.

// Row `input[t]` of the weight (classes x width) at each step. input: 1 x steps x 1, output: width
// x steps x 1. Returns how many steps were done: fewer than `steps` where input[t] is no integer
// from 0 to classes - 1.
size_t Embed(const Matrix& weight, size_t steps, const float* input, float* output, float* scratch);
uint64_t EmbeddingScratch(uint32_t width);

// What a long short-term memory of H cells does from step to step (Hochreiter and Schmidhuber 1997,
// with forget gates), from h = c = 0:
//   i, f, g, o = input[:, t] + weight · h, H values each
//   c = sigmoid(f) · c + sigmoid(i) · tanh(g);   h = sigmoid(o) · tanh(c);   output[:, t] = h
// input: 4H x steps x 1, what the sequence itself adds to the gates, biases included (a 1x1
// convolution makes it); weight: 4H x H; output: H x steps x 1. The order of gates is PyTorch's.
// Takes the steps of `range`, which is all of them, or follows the one before with its scratch.
struct StepRange {
  size_t begin;
  size_t end;
};
// `workspace`: of VectorWorkspace(weight) floats.
void Lstm(const Matrix& weight, size_t steps, StepRange range, const float* input, float* output,
          float* scratch, float* workspace);
uint64_t LstmScratch(uint32_t hidden);

}  // namespace lowtropy
