// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "lowtropy/learn/layers/gemm.h"
#include "lowtropy/learn/layers/layers.h"
#include "lowtropy/math/sums.h"

namespace lowtropy {
namespace {

class FullyConnected : public Layer {
 public:
  FullyConnected(size_t outputs, float gain) : outputs_(outputs), gain_(gain) {}

  LayerSettings Settings() const override { return {.op = "fc", .outputs = outputs_}; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    ValueShape shape = inputs[0];
    if (shape.arrangement != Arrangement::kRows) {
      Refuse("A fully connected layer takes rows, not planes.");
    }
    inputs_ = shape.channels;
    steps_ = shape.steps;
    AddParameter("weight", {outputs_, inputs_},
                 std::sqrt(3.0F * gain_ / static_cast<float>(inputs_)));
    AddParameter("bias", {outputs_}, 0);
    shape.channels = outputs_;
    return shape;
  }

  void Forward(const Pass& pass) override {
    const size_t rows = pass.examples * steps_;
    FillRows(rows, outputs_, Values(1), pass.y);
    MultiplyByTransposed({rows, outputs_, inputs_, true}, {pass.x, inputs_}, {Values(0), inputs_},
                         {pass.y, outputs_});
  }

  void Backward(const Pass& pass) override {
    const size_t rows = pass.examples * steps_;
    const ConstBlock dy{pass.dy, outputs_};
    MultiplyTransposed({outputs_, inputs_, rows}, dy, {pass.x, inputs_}, {Gradients(0), inputs_});
    SumRows(rows, outputs_, pass.dy, Gradients(1));
    if (pass.dx == nullptr) return;
    Multiply({rows, inputs_, outputs_}, dy, {Values(0), inputs_}, {pass.dx, inputs_});
  }

 private:
  size_t outputs_;
  float gain_;
  size_t inputs_ = 0;
  size_t steps_ = 1;
};

}  // namespace

LayerPtr MakeFullyConnected(size_t outputs, float gain) {
  return std::make_unique<FullyConnected>(outputs, gain);
}

}  // namespace lowtropy
