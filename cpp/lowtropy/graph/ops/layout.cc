// SPDX-License-Identifier: Apache-2.0
// concat, flatten and dropout: what moves values or leaves them where they are.
#include <algorithm>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

ValueType InferSame(const TypedNode& typed) { return typed.inputs[0]; }

// ---- concat ----

ValueType InferConcat(const TypedNode& typed) {
  const ValueType& first = typed.inputs[0];
  const size_t axis = ChannelAxis(first.shape);
  ValueType output = first;
  uint64_t size = 0;
  for (const ValueType& input : typed.inputs) {
    output.shape = input.shape;
    bool fits = input.shape.rank() == first.shape.rank() && axis < first.shape.rank();
    if (fits) {
      output.shape.dims()[axis] = first.shape[axis];
      fits = output == first;
    }
    if (!fits) {
      throw ShapeError(typed.node, Text("it cannot concatenate ", Describe(first.shape), " and ",
                                        Describe(input.shape)));
    }
    size += input.shape[axis];
    if (size > kMaxValueSize) throw ShapeError(typed.node, "its output has too many channels");
  }
  output.shape.dims()[axis] = static_cast<uint32_t>(size);
  return output;
}

bool Joins(const TypedNode& typed) {
  return typed.shape().Product(0, ChannelAxis(typed.shape())) == 1;
}

class ConcatTask final : public Task {
 public:
  explicit ConcatTask(const TypedNode& typed) : Task({.work = LightWork(typed)}) {
    const size_t axis = ChannelAxis(typed.shape());
    count_ = static_cast<size_t>(typed.shape().Product(0, axis));
    for (const ValueType& input : typed.inputs) {
      const Shape& shape = input.shape;
      sizes_.push_back(static_cast<size_t>(shape.Product(axis, shape.rank())));
      total_ += sizes_.back();
    }
  }

  void Run(const StepData& data, size_t, size_t) const override {
    float* to = data.output;
    for (size_t k = 0; k < sizes_.size(); ++k) {
      const float* from = data.inputs[k];
      // What was made in place lies there already.
      for (size_t i = 0; i < count_ && from != to; ++i) {
        std::copy_n(from + i * sizes_[k], sizes_[k], to + i * total_);
      }
      to += sizes_[k];
    }
  }

 private:
  size_t count_ = 0;
  std::vector<size_t> sizes_;  // of each input's pieces
  size_t total_ = 0;
};

std::unique_ptr<Task> PlanConcat(const TypedNode& typed, const Shape&) {
  return std::make_unique<ConcatTask>(typed);
}

// ---- flatten ----

ValueType InferFlatten(const TypedNode& typed) {
  const Images images = ImagesOf(typed);
  return ImagesLike(typed, {static_cast<uint32_t>(images.each.size()), 1, 1});
}

}  // namespace

constinit const Operator ops::kConcat{.name = "concat",
                                      .most_inputs = kMaxNodes,
                                      .infer = InferConcat,
                                      .joins = Joins,
                                      .plan = PlanConcat};
constinit const Operator ops::kFlatten{
    .name = "flatten", .any_type = true, .vanishes = true, .infer = InferFlatten};
constinit const Operator ops::kDropout{
    .name = "dropout", .any_type = true, .vanishes = true, .infer = InferSame};

}  // namespace lowtropy
