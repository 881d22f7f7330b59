// SPDX-License-Identifier: Apache-2.0
// maxpool, avgpool and globalavgpool: what windows of each channel come to.
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/image_kernels.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kMaxAttributes[] = {
    {"kernel", AttributeKind::kIntegers, 2, 1},
    {"stride", AttributeKind::kIntegers, 2, 1},
    {"pad", AttributeKind::kIntegers, 4, 0},
    {"ceil", AttributeKind::kFlag},  // round up; the last window still starts inside
};
constexpr AttributeSpec kAvgAttributes[] = {
    kMaxAttributes[0],
    kMaxAttributes[1],
    kMaxAttributes[2],
    kMaxAttributes[3],
    {"countPad", AttributeKind::kFlag},  // divide by the window's size with its padding
};

// How many windows fit along one axis. Rounding up adds a last one that is not whole, provided that
// it starts inside the input or the padding before it (Caffe's rule).
uint32_t PooledSize(const Node& node, const Window& window, size_t axis, uint32_t size) {
  const uint64_t kernel = window.kernel[axis];
  const uint64_t stride = window.stride[axis];
  const uint64_t padded = uint64_t{size} + window.pad[axis] + window.pad[axis + 2];
  if (kernel > padded) {
    throw ShapeError(
        node, Text("its kernel of ", kernel, " is larger than the padded input of ", padded));
  }
  uint64_t last = (padded - kernel + (node.Flag("ceil") ? stride - 1 : 0)) / stride;
  if (last * stride >= uint64_t{size} + window.pad[axis]) --last;
  return static_cast<uint32_t>(last + 1);
}

ValueType Infer(const TypedNode& typed) {
  const Node& node = typed.node;
  const Window window = WindowOf(node);
  CheckWindowRange(node, "kernel", window.kernel, 1);
  CheckWindowRange(node, "stride", window.stride, 1);
  CheckWindowRange(node, "padding", window.pad, 0);
  for (size_t side = 0; side < 4; ++side) {
    if (window.pad[side] >= window.kernel[side % 2]) {
      throw ShapeError(node,
                       "its padding is not smaller than its kernel, so that windows would "
                       "lie in padding alone");
    }
  }
  const ImageShape in = ImagesOf(typed).each;
  return ImagesLike(typed, {in.channels, PooledSize(node, window, 0, in.height),
                            PooledSize(node, window, 1, in.width)});
}

ValueType InferGlobal(const TypedNode& typed) {
  return ImagesLike(typed, {ImagesOf(typed).each.channels, 1, 1});
}

class PoolTask final : public Task {
 public:
  using Kernel = decltype(&MaxPool);
  PoolTask(const Pooling& pooling, uint64_t count, Kernel kernel)
      : Task({.work = static_cast<double>(count) * PoolWork(pooling),
              .scratch = PoolScratch(pooling)}),
        pooling_(pooling),
        count_(static_cast<size_t>(count)),
        kernel_(kernel) {}

  void Run(const StepData& data, size_t, size_t) const override {
    const auto in = static_cast<size_t>(pooling_.input.size());
    const auto out = static_cast<size_t>(pooling_.output.size());
    for (size_t i = 0; i < count_; ++i) {
      kernel_(pooling_, data.inputs[0] + i * in, data.output + i * out, data.scratch);
    }
  }

 private:
  Pooling pooling_;
  size_t count_;
  Kernel kernel_;
};

std::unique_ptr<Task> PlanPool(const TypedNode& typed, const Shape& output, bool count_pad,
                               PoolTask::Kernel kernel) {
  const auto [count, each] = ImagesOf(typed);
  const size_t rank = output.rank();
  const ImageShape out{each.channels, output[rank - 2], output[rank - 1]};
  return std::make_unique<PoolTask>(Pooling{WindowOf(typed.node), each, out, count_pad}, count,
                                    kernel);
}

std::unique_ptr<Task> PlanMax(const TypedNode& typed, const Shape& output) {
  return PlanPool(typed, output, false, MaxPool);
}

std::unique_ptr<Task> PlanAvg(const TypedNode& typed, const Shape& output) {
  return PlanPool(typed, output, typed.node.Flag("countPad"), AvgPool);
}

class GlobalAvgPoolTask final : public Task {
 public:
  explicit GlobalAvgPoolTask(const TypedNode& typed) : Task({.work = LightWork(typed)}) {
    const auto [count, each] = ImagesOf(typed);
    // The channels of all images are averaged one by one.
    channels_ = {static_cast<uint32_t>(count * each.channels), each.height, each.width};
  }

  void Run(const StepData& data, size_t, size_t) const override {
    GlobalAvgPool(channels_, data.inputs[0], data.output);
  }

 private:
  ImageShape channels_;
};

std::unique_ptr<Task> PlanGlobal(const TypedNode& typed, const Shape&) {
  return std::make_unique<GlobalAvgPoolTask>(typed);
}

}  // namespace

constinit const Operator ops::kMaxPool{
    .name = "maxpool", .attributes = kMaxAttributes, .infer = Infer, .plan = PlanMax};
constinit const Operator ops::kAvgPool{
    .name = "avgpool", .attributes = kAvgAttributes, .infer = Infer, .plan = PlanAvg};
constinit const Operator ops::kGlobalAvgPool{
    .name = "globalavgpool", .infer = InferGlobal, .plan = PlanGlobal};

}  // namespace lowtropy
