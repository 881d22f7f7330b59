// SPDX-License-Identifier: Apache-2.0
// lrn and batchnorm: along the channels; softmax and logSoftmax: along any axis.
#include <cmath>

#include "lowtropy/graph/ops/image_kernels.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

ValueType InferSame(const TypedNode& typed) { return typed.inputs[0]; }

// Channels with their pixels, `count` times: Channels whose numbers are known to fit.
struct Planes {
  explicit Planes(const Channels& channels)
      : count(static_cast<size_t>(channels.count)),
        each{static_cast<uint32_t>(channels.channels), 1, static_cast<uint32_t>(channels.pixels)} {}
  size_t size() const { return static_cast<size_t>(each.size()); }

  size_t count;
  ImageShape each;
};

// ---- lrn ----

constexpr AttributeSpec kLrnAttributes[] = {
    {"size", AttributeKind::kInteger, 1, 5},      // channels in the window
    {"alpha", AttributeKind::kNumber, 1, 1e-4F},  // divided by size
    {"beta", AttributeKind::kNumber, 1, 0.75F},
    {"k", AttributeKind::kNumber, 1, 1},
};

ValueType InferLrn(const TypedNode& typed) {
  const uint32_t size = typed.node.Integer("size");
  CheckWindowRange(typed.node, "size", std::span(&size, 1), 1);
  return InferSame(typed);
}

void CheckLrn(const Node& node, std::span<const Range>) {
  const float alpha = node.Number("alpha");
  const float k = node.Number("k");
  const bool finite =
      std::isfinite(alpha) && std::isfinite(node.Number("beta")) && std::isfinite(k);
  if (finite && alpha >= 0 && k > 0) return;
  throw NodeError(ErrorKind::kValue, node,
                  "alpha, beta and k have to be finite, alpha at least 0 and k more than 0");
}

class LrnTask final : public Task {
 public:
  LrnTask(const Lrn& lrn, const Planes& planes)
      : Task({.work = static_cast<double>(planes.count) * LrnWork(lrn, planes.each),
              .scratch = LrnScratch(lrn, planes.each)}),
        lrn_(lrn),
        planes_(planes) {}

  void Run(const StepData& data, size_t, size_t) const override {
    for (size_t i = 0; i < planes_.count; ++i) {
      const size_t at = i * planes_.size();
      LocalResponseNorm(lrn_, planes_.each, data.inputs[0] + at, data.output + at, data.scratch);
    }
  }

 private:
  Lrn lrn_;
  Planes planes_;
};

std::unique_ptr<Task> PlanLrn(const TypedNode& typed, const Shape& output) {
  const Node& node = typed.node;
  return std::make_unique<LrnTask>(
      Lrn{node.Integer("size"), node.Number("alpha"), node.Number("beta"), node.Number("k")},
      Planes(ChannelsOf(output)));
}

// ---- batchnorm ----

constexpr AttributeSpec kBatchNormAttributes[] = {
    {"mean", AttributeKind::kVector},
    {"variance", AttributeKind::kVector},
    {"gamma", AttributeKind::kVector, 1, 0, true},
    {"beta", AttributeKind::kVector, 1, 0, true},
    {"epsilon", AttributeKind::kNumber, 1, 1e-5F},
};

uint64_t ChannelCount(const TypedNode& typed) { return ChannelsOf(typed.shape()).channels; }

void CheckBatchNorm(const Node& node, std::span<const Range> ranges) {
  const auto [least, most] = ranges[1];
  const float epsilon = node.Number("epsilon");
  if (least >= 0 && least + epsilon > 0 && std::isfinite(most + epsilon)) return;
  throw NodeError(ErrorKind::kValue, node,
                  "the variances in " + Quote(node["variance"].tensor) +
                      " with epsilon added are not all positive");
}

// (x + bias - mean) / sqrt(variance + epsilon) · gamma + beta as x · scale + shift. In float64: the
// terms of the shift may be much larger than their sum.
void Scale(const Node& node, const Network& network, const float* bias, std::vector<float>* scales,
           std::vector<float>* shifts) {
  const auto vector = [&](std::string_view role) -> const float* {
    const std::string& name = node[role].tensor;
    return name.empty() ? nullptr : network.vectors.at(name).As<float>().data();
  };
  const auto value = [](const float* from, size_t c, double otherwise) {
    return from == nullptr ? otherwise : static_cast<double>(from[c]);
  };
  const float* mean = vector("mean");
  const float* variance = vector("variance");
  const float* gamma = vector("gamma");
  const float* beta = vector("beta");
  const auto epsilon = static_cast<double>(node.Number("epsilon"));
  const size_t channels = network.vectors.at(node["mean"].tensor).size();
  for (size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(static_cast<double>(variance[c]) + epsilon);
    const double scale = value(gamma, c, 1) / deviation;
    const double shift =
        value(beta, c, 0) + (value(bias, c, 0) - static_cast<double>(mean[c])) * scale;
    scales->push_back(static_cast<float>(scale));
    shifts->push_back(static_cast<float>(shift));
  }
}

class BatchNormTask final : public Task {
 public:
  explicit BatchNormTask(const TypedNode& typed)
      : Task({.work = LightWork(typed)}), planes_(ChannelsOf(typed.shape())) {}

  void Run(const StepData& data, size_t, size_t) const override {
    const Epilogue& epilogue = data.epilogue;
    for (size_t i = 0; i < planes_.count; ++i) {
      const size_t at = i * planes_.size();
      ScaleShift(planes_.each, data.inputs[0] + at, epilogue.scale, epilogue.bias, epilogue.bounds,
                 data.output + at);
    }
  }

 private:
  Planes planes_;
};

std::unique_ptr<Task> PlanBatchNorm(const TypedNode& typed, const Shape&) {
  return std::make_unique<BatchNormTask>(typed);
}

// ---- softmax and logSoftmax ----

constexpr AttributeSpec kSoftmaxAttributes[] = {kLaterAxis};
constexpr AttributeSpec kLogSoftmaxAttributes[] = {{"axis", AttributeKind::kSigned, 1, -1}};

Planes PlanesAlongAxis(const TypedNode& typed) {
  if (typed.shape().rank() == 0) return Planes({1, 1, 1});
  return Planes(ChannelsAlong(typed.shape(), AxisOrChannels(typed.node, typed.shape())));
}

ValueType InferAlongAxis(const TypedNode& typed) {
  PlanesAlongAxis(typed);
  return typed.inputs[0];
}

using PlaneKernel = void (*)(const ImageShape& shape, const float* input, float* output);

class SoftmaxTask final : public Task {
 public:
  SoftmaxTask(const Planes& planes, PlaneKernel kernel)
      : Task({.work = 256 * static_cast<double>(planes.count) *
                      static_cast<double>(planes.each.size())}),
        planes_(planes),
        kernel_(kernel) {}

  void Run(const StepData& data, size_t, size_t) const override {
    for (size_t i = 0; i < planes_.count; ++i) {
      const size_t at = i * planes_.size();
      kernel_(planes_.each, data.inputs[0] + at, data.output + at);
    }
  }

 private:
  Planes planes_;
  PlaneKernel kernel_;
};

std::unique_ptr<Task> PlanSoftmax(const TypedNode& typed, const Shape&) {
  return std::make_unique<SoftmaxTask>(PlanesAlongAxis(typed), Softmax);
}

std::unique_ptr<Task> PlanLogSoftmax(const TypedNode& typed, const Shape&) {
  return std::make_unique<SoftmaxTask>(PlanesAlongAxis(typed), LogSoftmax);
}

}  // namespace

constinit const Operator ops::kLrn{.name = "lrn",
                                   .attributes = kLrnAttributes,
                                   .infer = InferLrn,
                                   .check = CheckLrn,
                                   .plan = PlanLrn};
constinit const Operator ops::kBatchNorm{.name = "batchnorm",
                                         .attributes = kBatchNormAttributes,
                                         .is_ending = Ending::kScale,
                                         .takes_bounds = true,
                                         .overwrites = true,
                                         .infer = InferSame,
                                         .vector_size = ChannelCount,
                                         .check = CheckBatchNorm,
                                         .scale = Scale,
                                         .plan = PlanBatchNorm};
constinit const Operator ops::kSoftmax{.name = "softmax",
                                       .attributes = kSoftmaxAttributes,
                                       .overwrites = true,
                                       .infer = InferAlongAxis,
                                       .plan = PlanSoftmax};
constinit const Operator ops::kLogSoftmax{.name = "logSoftmax",
                                          .version = 5,
                                          .attributes = kLogSoftmaxAttributes,
                                          .overwrites = true,
                                          .infer = InferAlongAxis,
                                          .plan = PlanLogSoftmax};

}  // namespace lowtropy
