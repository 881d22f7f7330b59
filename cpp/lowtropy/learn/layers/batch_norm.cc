// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "lowtropy/learn/layers/layers.h"
#include "lowtropy/math/sums.h"

namespace lowtropy {
namespace {

constexpr float kEpsilon = 1e-5F;

class BatchNorm : public Layer {
 public:
  LayerSettings Settings() const override { return {.op = "batchnorm", .epsilon = kEpsilon}; }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    shape_ = inputs[0];
    if (shape_.arrangement != Arrangement::kPlanes) {
      Refuse("A batch normalization takes planes, not rows.");
    }
    AddParameter("gamma", {shape_.channels}, 0, 1);
    AddParameter("beta", {shape_.channels}, 0, 0);
    running_.assign(CheckedProduct({2, shape_.channels}), 0);
    std::fill(running_.begin() + static_cast<ptrdiff_t>(shape_.channels), running_.end(), 1.0F);
    batch_.resize(shape_.channels);
    return shape_;
  }

  std::span<float> State() override { return running_; }

  void Forward(const Pass& pass) override {
    const size_t size = pass.examples * shape_.area();
    for (size_t c = 0; c < shape_.channels; ++c) {
      const float* x = pass.x + c * size;
      float* y = pass.y + c * size;
      const Statistics used = pass.training ? Measure(pass, c) : Running(c);
      const float gamma = Values(0)[c];
      const float beta = Values(1)[c];
      for (size_t i = 0; i < size; ++i) y[i] = (x[i] - used.mean) * used.scale * gamma + beta;
    }
  }

  // With x̂ = (x - mean) · scale: dx = gamma · scale · (dy - mean of dy - x̂ · mean of dy · x̂).
  void Backward(const Pass& pass) override {
    const size_t size = pass.examples * shape_.area();
    const float share = 1.0F / static_cast<float>(size);
    for (size_t c = 0; c < shape_.channels; ++c) {
      const float* x = pass.x + c * size;
      const float* dy = pass.dy + c * size;
      const float mean = batch_[c].mean;  // no structured binding: lambdas cannot capture those
      const float scale = batch_[c].scale;
      const float sum = SumFloats(dy, size);
      const float sum_normal =
          SumTerms(size, [&](size_t i) { return (x[i] - mean) * dy[i]; }) * scale;
      Gradients(0)[c] = sum_normal;
      Gradients(1)[c] = sum;
      if (pass.dx == nullptr) continue;
      float* dx = pass.dx + c * size;
      const float factor = Values(0)[c] * scale;
      const float shift = sum * share;
      const float slope = sum_normal * share * scale;
      for (size_t i = 0; i < size; ++i) dx[i] = factor * (dy[i] - shift - (x[i] - mean) * slope);
    }
  }

 private:
  struct Statistics {
    float mean = 0;
    float scale = 1;  // 1 / sqrt(variance + epsilon)
  };

  Statistics Running(size_t c) const {
    return {running_[c], 1.0F / std::sqrt(running_[shape_.channels + c] + kEpsilon)};
  }

  // The batch's statistics of a channel; they also enter the running ones, the variance as the
  // unbiased estimate.
  Statistics Measure(const Pass& pass, size_t c) {
    const size_t size = pass.examples * shape_.area();
    const float* x = pass.x + c * size;
    const auto count = static_cast<float>(size);
    const float mean = SumFloats(x, size) / count;
    const float squares = SumTerms(size, [&](size_t i) { return (x[i] - mean) * (x[i] - mean); });
    batch_[c] = {mean, 1.0F / std::sqrt(squares / count + kEpsilon)};
    const float unbiased = squares / std::max(1.0F, count - 1);
    float* running = running_.data() + c;
    running[0] += pass.statistics_weight * (mean - running[0]);
    running += shape_.channels;
    running[0] += pass.statistics_weight * (unbiased - running[0]);
    return batch_[c];
  }

  ValueShape shape_;
  std::vector<float> running_;     // means, then variances
  std::vector<Statistics> batch_;  // of the last Forward in training
};

}  // namespace

LayerPtr MakeBatchNorm() { return std::make_unique<BatchNorm>(); }

}  // namespace lowtropy
