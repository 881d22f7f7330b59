// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "lowtropy/learn/layers/layers.h"
#include "lowtropy/math/elementary.h"

namespace lowtropy {
namespace {

// Layers that work element by element, and may do so in place. They always do, after a copy where
// input and output are two: compilers make SIMD of such loops, but not of those over two pointers
// that might be one.
class Elementwise : public Layer {
 public:
  explicit Elementwise(std::string_view op) : op_(op) {}

  LayerSettings Settings() const override { return {.op = op_}; }
  bool InPlace() const override { return true; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    size_ = inputs[0].size();
    return inputs[0];
  }

 protected:
  size_t Size(const Pass& pass) const { return pass.examples * size_; }

  void CopyUnlessSame(const Pass& pass, const float* from, float* to) const {
    if (from != to) std::copy_n(from, Size(pass), to);
  }

 private:
  std::string_view op_;
  size_t size_ = 0;
};

class ReluLayer : public Elementwise {
 public:
  ReluLayer() : Elementwise("relu") {}

  bool ReadsOutput() const override { return true; }

  void Forward(const Pass& pass) override {
    CopyUnlessSame(pass, pass.x, pass.y);
    const size_t size = Size(pass);
    // NaN stays, for it shows that training has gone astray.
    for (size_t i = 0; i < size; ++i) pass.y[i] = pass.y[i] < 0 ? 0.0F : pass.y[i];
  }

  void Backward(const Pass& pass) override {
    if (pass.dx == nullptr) return;
    CopyUnlessSame(pass, pass.dy, pass.dx);
    const size_t size = Size(pass);
    for (size_t i = 0; i < size; ++i) {
      const float gradient = pass.dx[i];  // read in any case, or it is no SIMD
      pass.dx[i] = pass.y[i] > 0 ? gradient : 0.0F;
    }
  }
};

class TanhLayer : public Elementwise {
 public:
  TanhLayer() : Elementwise("tanh") {}

  bool ReadsOutput() const override { return true; }

  void Forward(const Pass& pass) override {
    CopyUnlessSame(pass, pass.x, pass.y);
    const size_t size = Size(pass);
    for (size_t i = 0; i < size; ++i) pass.y[i] = Tanh(pass.y[i]);
  }

  void Backward(const Pass& pass) override {
    if (pass.dx == nullptr) return;
    CopyUnlessSame(pass, pass.dy, pass.dx);
    const size_t size = Size(pass);
    for (size_t i = 0; i < size; ++i) pass.dx[i] *= 1 - pass.y[i] * pass.y[i];
  }
};

class AddLayer : public Elementwise {
 public:
  AddLayer() : Elementwise("add") {}

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    const ValueShape& a = inputs[0];
    const ValueShape& b = inputs[1];
    if (a.arrangement != b.arrangement || a.channels != b.channels || a.height != b.height ||
        a.width != b.width || a.steps != b.steps) {
      Refuse("Values of different shapes cannot be added.");
    }
    return Elementwise::Configure(inputs);
  }

  void Forward(const Pass& pass) override {
    CopyUnlessSame(pass, pass.x, pass.y);
    const size_t size = Size(pass);
    for (size_t i = 0; i < size; ++i) pass.y[i] += pass.x2[i];
  }

  void Backward(const Pass& pass) override {
    for (float* dx : {pass.dx, pass.dx2}) {
      if (dx != nullptr) CopyUnlessSame(pass, pass.dy, dx);
    }
  }
};

// Between rows that hold whole images and planes: [example][channel][pixel] and
// [channel][example][pixel].
void Exchange(size_t outer, size_t inner, size_t area, const float* from, float* to) {
  for (size_t i = 0; i < outer; ++i) {
    for (size_t j = 0; j < inner; ++j) {
      std::copy_n(from + (i * inner + j) * area, area, to + (j * outer + i) * area);
    }
  }
}

class Planes : public Layer {
 public:
  Planes(size_t channels, size_t height, size_t width)
      : shape_{Arrangement::kPlanes, channels, height, width} {}

  LayerSettings Settings() const override { return {.op = "planes"}; }
  bool InPlace() const override { return shape_.channels == 1; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    if (inputs[0].arrangement != Arrangement::kRows || inputs[0].size() != shape_.size()) {
      Refuse("The rows do not hold images of the given size.");
    }
    return shape_;
  }

  void Forward(const Pass& pass) override {
    if (pass.x == pass.y) return;
    Exchange(pass.examples, shape_.channels, shape_.area(), pass.x, pass.y);
  }

  void Backward(const Pass& pass) override {
    if (pass.dx == nullptr || pass.dx == pass.dy) return;
    Exchange(shape_.channels, pass.examples, shape_.area(), pass.dy, pass.dx);
  }

 private:
  ValueShape shape_;
};

class Flatten : public Layer {
 public:
  LayerSettings Settings() const override { return {.op = "flatten"}; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    in_ = inputs[0];
    return {.channels = in_.size()};
  }

  void Forward(const Pass& pass) override {
    Exchange(in_.channels, pass.examples, in_.area(), pass.x, pass.y);
  }

  void Backward(const Pass& pass) override {
    if (pass.dx == nullptr) return;
    Exchange(pass.examples, in_.channels, in_.area(), pass.dy, pass.dx);
  }

 private:
  ValueShape in_;
};

}  // namespace

LayerPtr MakeRelu() { return std::make_unique<ReluLayer>(); }
LayerPtr MakeTanh() { return std::make_unique<TanhLayer>(); }
LayerPtr MakeAdd() { return std::make_unique<AddLayer>(); }
LayerPtr MakePlanes(size_t channels, size_t height, size_t width) {
  return std::make_unique<Planes>(channels, height, width);
}
LayerPtr MakeFlatten() { return std::make_unique<Flatten>(); }

}  // namespace lowtropy
