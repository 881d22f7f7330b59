// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "lowtropy/learn/layers/gemm.h"
#include "lowtropy/learn/layers/layers.h"
#include "lowtropy/math/elementary.h"
#include "lowtropy/math/sums.h"

namespace lowtropy {
namespace {

class Embedding : public Layer {
 public:
  Embedding(size_t count, size_t width) : count_(count), width_(width) {}

  LayerSettings Settings() const override { return {.op = "embedding", .outputs = width_}; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    ValueShape shape = inputs[0];
    if (shape.arrangement != Arrangement::kRows || shape.channels != 1) {
      Refuse("An embedding takes rows of one symbol.");
    }
    AddParameter("weight", {count_, width_}, 1.0F);
    steps_ = shape.steps;
    shape.channels = width_;
    return shape;
  }

  void Forward(const Pass& pass) override {
    for (size_t r = 0; r < pass.examples * steps_; ++r) {
      std::copy_n(Values(0) + Offset(pass.x[r]), width_, pass.y + r * width_);
    }
  }

  void Backward(const Pass& pass) override {
    std::fill_n(Gradients(0), count_ * width_, 0.0F);
    for (size_t r = 0; r < pass.examples * steps_; ++r) {
      const float* dy = pass.dy + r * width_;
      float* gradient = Gradients(0) + Offset(pass.x[r]);
      for (size_t i = 0; i < width_; ++i) gradient[i] += dy[i];
    }
  }

 private:
  size_t Offset(float symbol) const { return static_cast<size_t>(symbol) * width_; }

  size_t count_;
  size_t width_;
  size_t steps_ = 1;
};

// Cells that keep what they hold learn faster (Jozefowicz et al. 2015), so forget gates start open.
constexpr float kForgetBias = 1.0F;

// The gates of a row lie side by side: input, forget, candidate, output, `hidden` floats each.
class Lstm : public Layer {
 public:
  explicit Lstm(size_t hidden) : hidden_(hidden) {}

  LayerSettings Settings() const override {
    return {.op = "lstm", .outputs = hidden_, .forget_bias = kForgetBias};
  }
  bool ReadsOutput() const override { return true; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    ValueShape shape = inputs[0];
    if (shape.arrangement != Arrangement::kRows) {
      Refuse("A long short-term memory takes rows, not planes.");
    }
    inputs_ = shape.channels;
    steps_ = shape.steps;
    const float bound = 1.0F / std::sqrt(static_cast<float>(hidden_));
    AddParameter("weight_input", {4, hidden_, inputs_}, bound);
    AddParameter("weight_hidden", {4, hidden_, hidden_}, bound);
    AddParameter("bias", {4, hidden_}, 0);
    shape.channels = hidden_;
    return shape;
  }

  void Reserve(size_t examples) override {
    const size_t cells = CheckedProduct({examples, steps_, hidden_});
    gates_.resize(CheckedProduct({4, cells}));
    cells_.resize(cells);
    tanh_cells_.resize(cells);
    d_hidden_.resize(examples * hidden_);
    d_cells_.resize(examples * hidden_);
  }

  size_t KeptSize(size_t examples) const override {
    return CheckedProduct({examples, 6 * steps_ + 2, hidden_});
  }

  void Forward(const Pass& pass) override {
    const size_t width = 4 * hidden_;
    const size_t rows = pass.examples * steps_;
    FillRows(rows, width, Values(2), gates_.data());
    MultiplyByTransposed({rows, width, inputs_, true}, {pass.x, inputs_}, {Values(0), inputs_},
                         {gates_.data(), width});
    for (size_t t = 0; t < steps_; ++t) {
      const size_t row = t * pass.examples;
      if (t > 0) {
        const float* before = pass.y + (row - pass.examples) * hidden_;
        MultiplyByTransposed({pass.examples, width, hidden_, true}, {before, hidden_},
                             {Values(1), hidden_}, {gates_.data() + row * width, width});
      }
      for (size_t e = 0; e < pass.examples; ++e) ForwardRow(pass, row + e);
    }
  }

  void Backward(const Pass& pass) override {
    const size_t width = 4 * hidden_;
    const size_t rows = pass.examples * steps_;
    std::fill_n(d_hidden_.data(), pass.examples * hidden_, 0.0F);
    std::fill_n(d_cells_.data(), pass.examples * hidden_, 0.0F);
    for (size_t t = steps_; t-- > 0;) {
      const size_t row = t * pass.examples;
      for (size_t e = 0; e < pass.examples; ++e) BackwardRow(pass, row + e, e);
      // The gates now hold their gradients, and pass them on to the step before.
      if (t > 0) {
        Multiply({pass.examples, hidden_, width}, {gates_.data() + row * width, width},
                 {Values(1), hidden_}, {d_hidden_.data(), hidden_});
      }
    }
    BackwardWeights(pass, rows);
    if (pass.dx != nullptr) {
      Multiply({rows, inputs_, width}, {gates_.data(), width}, {Values(0), inputs_},
               {pass.dx, inputs_});
    }
  }

 private:
  void ForwardRow(const Pass& pass, size_t row) {
    float* input = gates_.data() + row * 4 * hidden_;
    float* forget = input + hidden_;
    float* candidate = forget + hidden_;
    float* output = candidate + hidden_;
    for (size_t i = 0; i < hidden_; ++i) input[i] = Sigmoid(input[i]);
    for (size_t i = 0; i < hidden_; ++i) forget[i] = Sigmoid(forget[i] + kForgetBias);
    for (size_t i = 0; i < hidden_; ++i) candidate[i] = Tanh(candidate[i]);
    for (size_t i = 0; i < hidden_; ++i) output[i] = Sigmoid(output[i]);
    float* cell = cells_.data() + row * hidden_;
    float* tanh_cell = tanh_cells_.data() + row * hidden_;
    if (row < pass.examples) {
      for (size_t i = 0; i < hidden_; ++i) cell[i] = input[i] * candidate[i];
    } else {
      const float* before = cell - pass.examples * hidden_;
      for (size_t i = 0; i < hidden_; ++i) {
        cell[i] = forget[i] * before[i] + input[i] * candidate[i];
      }
    }
    float* y = pass.y + row * hidden_;
    for (size_t i = 0; i < hidden_; ++i) tanh_cell[i] = Tanh(cell[i]);
    for (size_t i = 0; i < hidden_; ++i) y[i] = output[i] * tanh_cell[i];
  }

  // Replaces the gates of a row by the gradients of what went into them. d_hidden_ and d_cells_
  // hold what the step after sends back, and then d_cells_ what this one does.
  void BackwardRow(const Pass& pass, size_t row, size_t example) {
    float* input = gates_.data() + row * 4 * hidden_;
    float* forget = input + hidden_;
    float* candidate = forget + hidden_;
    float* output = candidate + hidden_;
    const float* tanh_cell = tanh_cells_.data() + row * hidden_;
    const bool first = row < pass.examples;
    const float* before = cells_.data() + (first ? row : row - pass.examples) * hidden_;
    const float* dy = pass.dy + row * hidden_;
    const float* d_hidden = d_hidden_.data() + example * hidden_;
    float* d_cells = d_cells_.data() + example * hidden_;
    for (size_t i = 0; i < hidden_; ++i) {
      const float in = input[i];
      const float keep = forget[i];
      const float new_value = candidate[i];
      const float out = output[i];
      const float d_y = dy[i] + d_hidden[i];
      const float d_cell = d_cells[i] + d_y * out * (1 - tanh_cell[i] * tanh_cell[i]);
      input[i] = d_cell * new_value * in * (1 - in);
      forget[i] = first ? 0.0F : d_cell * before[i] * keep * (1 - keep);
      candidate[i] = d_cell * in * (1 - new_value * new_value);
      output[i] = d_y * tanh_cell[i] * out * (1 - out);
      d_cells[i] = d_cell * keep;
    }
  }

  void BackwardWeights(const Pass& pass, size_t rows) {
    const size_t width = 4 * hidden_;
    const size_t later = rows - pass.examples;  // rows with a step before them
    MultiplyTransposed({width, inputs_, rows}, {gates_.data(), width}, {pass.x, inputs_},
                       {Gradients(0), inputs_});
    MultiplyTransposed({width, hidden_, later}, {gates_.data() + pass.examples * width, width},
                       {pass.y, hidden_}, {Gradients(1), hidden_});
    SumRows(rows, width, gates_.data(), Gradients(2));
  }

  size_t hidden_;
  size_t inputs_ = 0;
  size_t steps_ = 1;
  // All as rows, [step][example], of the last Forward.
  std::vector<float> gates_;  // after their activations; in Backward, the gradients before them
  std::vector<float> cells_;
  std::vector<float> tanh_cells_;
  // What a step sends back to the one before it, by example.
  std::vector<float> d_hidden_;
  std::vector<float> d_cells_;
};

}  // namespace

LayerPtr MakeEmbedding(size_t count, size_t width) {
  return std::make_unique<Embedding>(count, width);
}
LayerPtr MakeLstm(size_t hidden) { return std::make_unique<Lstm>(hidden); }

}  // namespace lowtropy
