// SPDX-License-Identifier: Apache-2.0
// concat, flatten, dropout, constant, reshape and transpose: what moves values or leaves them where
// they are.
#include <algorithm>
#include <array>
#include <cstring>

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

// ---- transpose ----

constexpr AttributeSpec kTransposeAttributes[] = {
    {"axes", AttributeKind::kIntegers, kAnyCount},
};

ValueType InferTranspose(const TypedNode& typed) {
  const Shape& axes = typed.node["axes"].integers;
  ValueType output = typed.inputs[0];
  uint32_t used = 0;
  for (size_t axis = 0; axis < axes.rank(); ++axis) {
    if (axes[axis] >= output.shape.rank()) break;
    used |= 1U << axes[axis];
    output.shape[axis] = typed.shape()[axes[axis]];
  }
  if (axes.rank() == output.shape.rank() && used == (1U << axes.rank()) - 1) return output;
  throw ShapeError(typed.node, Text("its axes must be all of its input's, ",
                                    Describe(typed.shape()), ", in some order"));
}

class TransposeTask final : public Task {
 public:
  TransposeTask(const TypedNode& typed, const Shape& output)
      : Task({.work = 4 * static_cast<double>(output.size())}),
        bytes_(ByteSize(typed.inputs[0].type)),
        shape_(output) {
    const Shape& axes = typed.node["axes"].integers;
    for (size_t axis = 0; axis < output.rank(); ++axis) {
      strides_[axis] =
          static_cast<size_t>(typed.shape().Product(axes[axis] + 1, typed.shape().rank()));
    }
  }

  void Run(const StepData& data, size_t, size_t) const override {
    if (bytes_ == 1) {
      Move(reinterpret_cast<const uint8_t*>(data.inputs[0]),
           reinterpret_cast<uint8_t*>(data.output));
    } else {
      Move(data.inputs[0], data.output);
    }
  }

 private:
  template <class Element>
  void Move(const Element* from, Element* to) const {
    const size_t rank = shape_.rank();
    const size_t row = rank == 0 ? 1 : shape_[rank - 1];
    const size_t stride = rank == 0 ? 0 : strides_[rank - 1];
    std::array<uint32_t, kMaxRank> index{};
    for (;;) {
      for (size_t i = 0; i < row; ++i) *to++ = from[i * stride];
      size_t axis = rank == 0 ? 0 : rank - 1;
      for (;;) {
        if (axis == 0) return;
        --axis;
        from += strides_[axis];
        if (++index[axis] < shape_[axis]) break;
        from -= shape_[axis] * strides_[axis];
        index[axis] = 0;
      }
    }
  }

  size_t bytes_;                            // of an element
  Shape shape_;                             // of the output
  std::array<size_t, kMaxRank> strides_{};  // in the input, by the output's axes
};

std::unique_ptr<Task> PlanTranspose(const TypedNode& typed, const Shape& output) {
  return std::make_unique<TransposeTask>(typed, output);
}

}  // namespace

constinit const Operator ops::kConcat{.name = "concat",
                                      .most_inputs = kMaxNodes,
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
constinit const Operator ops::kTranspose{.name = "transpose",
                                         .version = 4,
                                         .attributes = kTransposeAttributes,
                                         .any_type = 4,
                                         .infer = InferTranspose,
                                         .plan = PlanTranspose};

}  // namespace lowtropy
