// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <vector>

#include "lowtropy/learn/layers/layers.h"
#include "lowtropy/math/sums.h"

namespace lowtropy {
namespace {

class MaxPoolLayer : public Layer {
 public:
  MaxPoolLayer(size_t kernel, size_t stride) : kernel_(kernel), stride_(stride) {}

  LayerSettings Settings() const override {
    return {.op = "maxpool", .kernel = kernel_, .stride = stride_};
  }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    in_ = inputs[0];
    if (in_.arrangement != Arrangement::kPlanes || std::min(in_.height, in_.width) < kernel_) {
      Refuse("The pooling window does not fit into its input.");
    }
    if (CheckedProduct({in_.height, in_.width}) > UINT32_MAX) {
      Refuse("The planes to be pooled have more than 4294967295 pixels.");
    }
    out_ = in_;
    out_.height = Length(in_.height);
    out_.width = Length(in_.width);
    return out_;
  }

  void Reserve(size_t examples) override { winners_.resize(KeptSize(examples)); }
  size_t KeptSize(size_t examples) const override {
    return CheckedProduct({examples, out_.CheckedSize()});
  }

  void Forward(const Pass& pass) override {
    uint32_t* winner = winners_.data();
    float* y = pass.y;
    for (size_t plane = 0; plane < pass.examples * in_.channels; ++plane) {
      const float* x = pass.x + plane * in_.area();
      for (size_t r = 0; r < out_.height; ++r) {
        PoolRow(x, r * stride_, y, winner);
        y += out_.width;
        winner += out_.width;
      }
    }
  }

  void Backward(const Pass& pass) override {
    if (pass.dx == nullptr) return;
    std::fill_n(pass.dx, pass.examples * in_.size(), 0.0F);
    const uint32_t* winner = winners_.data();
    const float* dy = pass.dy;
    for (size_t plane = 0; plane < pass.examples * in_.channels; ++plane) {
      float* dx = pass.dx + plane * in_.area();
      for (size_t i = 0; i < out_.area(); ++i) dx[*winner++] += *dy++;
    }
  }

 private:
  size_t Length(size_t length) const { return (length - kernel_ + stride_ - 1) / stride_ + 1; }

  // One row of the output, from the rows of the plane from `top` on.
  void PoolRow(const float* x, size_t top, float* y, uint32_t* winner) const {
    const size_t bottom = std::min(top + kernel_, in_.height);
    const size_t corner = top * in_.width;
    for (size_t c = 0; c < out_.width; ++c) {
      winner[c] = static_cast<uint32_t>(corner + c * stride_);
    }
    for (size_t c = 0; c < out_.width; ++c) y[c] = x[corner + c * stride_];
    for (size_t r = top; r < bottom; ++r) {
      for (size_t j = 0; j < kernel_; ++j) {
        const size_t count = std::min(out_.width, (in_.width - j + stride_ - 1) / stride_);
        const size_t first = r * in_.width + j;
        if (stride_ == 2) {
          Raise<2>(x, first, 2, count, y, winner);
        } else {
          Raise<0>(x, first, stride_, count, y, winner);
        }
      }
    }
  }

  // Puts the elements first, first + stride … in the place of smaller ones. All windows of a row
  // side by side, because that becomes SIMD: engines compile selections of single floats to
  // branches, which are guessed wrong half of the time.
  template <size_t kStride>
  static void Raise(const float* x, size_t first, size_t stride, size_t count, float* y,
                    uint32_t* winner) {
    const size_t step = kStride > 0 ? kStride : stride;
    for (size_t c = 0; c < count; ++c) {
      const float value = x[first + c * step];
      const auto place = static_cast<uint32_t>(first + c * step);
      const bool more = value > y[c];
      winner[c] = more ? place : winner[c];
      y[c] = more ? value : y[c];
    }
  }

  size_t kernel_;
  size_t stride_;
  ValueShape in_;
  ValueShape out_;
  std::vector<uint32_t> winners_;  // of each output, where in its input plane it is from
};

class GlobalAveragePool : public Layer {
 public:
  LayerSettings Settings() const override { return {.op = "globalavgpool"}; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    in_ = inputs[0];
    if (in_.arrangement != Arrangement::kPlanes) {
      Refuse("A global pooling takes planes, not rows.");
    }
    return {.channels = in_.channels};
  }

  void Forward(const Pass& pass) override {
    const float scale = 1.0F / static_cast<float>(in_.area());
    ForPlanes(pass, [&](size_t plane, size_t at) {
      pass.y[at] = SumFloats(pass.x + plane * in_.area(), in_.area()) * scale;
    });
  }

  void Backward(const Pass& pass) override {
    if (pass.dx == nullptr) return;
    const float scale = 1.0F / static_cast<float>(in_.area());
    ForPlanes(pass, [&](size_t plane, size_t at) {
      std::fill_n(pass.dx + plane * in_.area(), in_.area(), pass.dy[at] * scale);
    });
  }

 private:
  // Calls work(plane, at), `at` being where the plane's mean is in the output's rows.
  template <class F>
  void ForPlanes(const Pass& pass, const F& work) const {
    for (size_t c = 0; c < in_.channels; ++c) {
      for (size_t e = 0; e < pass.examples; ++e) work(c * pass.examples + e, e * in_.channels + c);
    }
  }

  ValueShape in_;
};

}  // namespace

LayerPtr MakeMaxPool(size_t kernel, size_t stride) {
  return std::make_unique<MaxPoolLayer>(kernel, stride);
}
LayerPtr MakeGlobalAveragePool() { return std::make_unique<GlobalAveragePool>(); }

}  // namespace lowtropy
