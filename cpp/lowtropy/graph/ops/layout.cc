// SPDX-License-Identifier: Apache-2.0
// concat, flatten, dropout, constant and reshape: what moves values as they lie, or leaves them
// there.
#include <cstddef>
#include <cstring>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

ValueType InferSame(const TypedNode& typed) { return typed.inputs[0]; }

// ---- concat ----

constexpr AttributeSpec kConcatAttributes[] = {kLaterAxis};

ValueType InferConcat(const TypedNode& typed) {
  const ValueType& first = typed.inputs[0];
  const size_t axis = AxisOrChannels(typed.node, first.shape);
  ValueType output = first;
  uint64_t size = 0;
  for (const ValueType& input : typed.inputs) {
    output = input;
    bool fits = input.shape.rank() == first.shape.rank() && axis < first.shape.rank();
    if (fits) {
      output.shape[axis] = first.shape[axis];
      fits = output == first;
    }
    if (!fits) {
      throw ShapeError(typed.node, Text("it cannot concatenate ", Describe(first.shape), " and ",
                                        Describe(input.shape)));
    }
    size += input.shape[axis];
    if (size > kMaxValueSize) throw ShapeError(typed.node, "its output has too many channels");
  }
  output.shape[axis] = static_cast<uint32_t>(size);
  return output;
}

// Bools do not begin where a float does, as values have to.
bool Joins(const TypedNode& typed) {
  const ValueType& first = typed.inputs[0];
  return first.type != ElementType::kBool &&
         first.shape.Product(0, AxisOrChannels(typed.node, first.shape)) == 1;
}

class ConcatTask final : public Task {
 public:
  explicit ConcatTask(const TypedNode& typed) : Task({.work = LightWork(typed)}) {
    const size_t axis = AxisOrChannels(typed.node, typed.shape());
    count_ = static_cast<size_t>(typed.shape().Product(0, axis));
    for (const ValueType& input : typed.inputs) {
      const auto size = static_cast<size_t>(input.shape.Product(axis, input.shape.rank()));
      bytes_.push_back(size * ByteSize(input.type));
      total_ += bytes_.back();
    }
  }

  void Run(const StepData& data, size_t, size_t) const override {
    auto* to = reinterpret_cast<std::byte*>(data.output);
    for (size_t k = 0; k < bytes_.size(); ++k) {
      const auto* from = reinterpret_cast<const std::byte*>(data.inputs[k]);
      // What was made in place lies there already.
      for (size_t i = 0; i < count_ && from != to; ++i) {
        std::memcpy(to + i * total_, from + i * bytes_[k], bytes_[k]);
      }
      to += bytes_[k];
    }
  }

 private:
  size_t count_ = 0;
  std::vector<size_t> bytes_;  // of each input's pieces
  size_t total_ = 0;
};

std::unique_ptr<Task> PlanConcat(const TypedNode& typed, const Shape&) {
  return std::make_unique<ConcatTask>(typed);
}

// ---- flatten ----

ValueType InferFlatten(const TypedNode& typed) {
  const ImageBatch images = ImagesOf(typed);
  return ImagesLike(typed, {static_cast<uint32_t>(images.each.size()), 1, 1});
}

// ---- constant ----

constexpr AttributeSpec kConstantAttributes[] = {
    {"value", AttributeKind::kVector},
    {"shape", AttributeKind::kIntegers, kAnyCount},
    {"type", AttributeKind::kChoice, 1, 0, true, 5, kElementTypeNames},
    {"nonFinite", AttributeKind::kFlag, 1, 0, true, 5},
};

ValueType InferConstant(const TypedNode& typed) {
  return {static_cast<ElementType>(typed.node.Integer("type")), typed.node["shape"].integers};
}

uint64_t ConstantSize(const TypedNode& typed) { return typed.node["shape"].integers.size(); }

class ConstantTask final : public Task {
 public:
  explicit ConstantTask(uint64_t bytes)
      : Task({.work = static_cast<double>(bytes) / 4}), bytes_(static_cast<size_t>(bytes)) {}

  void Run(const StepData& data, size_t, size_t) const override {
    std::memcpy(data.output, data.constant, bytes_);
  }

 private:
  size_t bytes_;
};

std::unique_ptr<Task> PlanConstant(const TypedNode& typed, const Shape&) {
  return std::make_unique<ConstantTask>(InferConstant(typed).bytes());
}

// ---- reshape ----

constexpr AttributeSpec kReshapeAttributes[] = {
    {"shape", AttributeKind::kIntegers, kAnyCount},
    {"rest", AttributeKind::kInteger, 1, kMaxRank},
};

ValueType InferReshape(const TypedNode& typed) {
  const Shape& input = typed.shape();
  ValueType output{typed.inputs[0].type, typed.node["shape"].integers};
  for (size_t axis = 0; axis < output.shape.rank(); ++axis) {
    if (output.shape[axis] != 0) continue;
    if (axis >= input.rank()) {
      throw ShapeError(typed.node,
                       Text("its dimension ", axis, " is the input's, which is ", Describe(input)));
    }
    output.shape[axis] = input[axis];
  }
  const uint32_t rest = typed.node.Integer("rest");
  if (rest < output.shape.rank()) {
    output.shape[rest] = 1;
    const uint64_t others = output.shape.size();
    output.shape[rest] = static_cast<uint32_t>(input.size() / others);
  }
  if (output.shape.size() == input.size()) return output;
  throw ShapeError(typed.node,
                   Text("it cannot make ", Describe(output.shape), " of ", Describe(input)));
}

}  // namespace

constinit const Operator ops::kConcat{.name = "concat",
                                      .attributes = kConcatAttributes,
                                      .most_inputs = kMaxNodes,
                                      .any_type = 5,
                                      .infer = InferConcat,
                                      .joins = Joins,
                                      .plan = PlanConcat};
constinit const Operator ops::kFlatten{
    .name = "flatten", .any_type = 4, .vanishes = true, .infer = InferFlatten};
constinit const Operator ops::kDropout{
    .name = "dropout", .any_type = 4, .vanishes = true, .infer = InferSame};

constinit const Operator ops::kConstant{.name = "constant",
                                        .version = 4,
                                        .attributes = kConstantAttributes,
                                        .least_inputs = 0,
                                        .most_inputs = 0,
                                        .is_constant = true,
                                        .infer = InferConstant,
                                        .vector_size = ConstantSize,
                                        .plan = PlanConstant};
constinit const Operator ops::kReshape{.name = "reshape",
                                       .version = 4,
                                       .attributes = kReshapeAttributes,
                                       .any_type = 4,
                                       .vanishes = true,
                                       .infer = InferReshape};
}  // namespace lowtropy
