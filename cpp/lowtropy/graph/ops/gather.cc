// SPDX-License-Identifier: Apache-2.0
// gather, gatherElements, gatherND, scatterElements and scatterND: elements at places that another
// value, of int32, names. Negative ones count from the end; what is outside makes a run fail.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/broadcast.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kAxis{"axis", AttributeKind::kSigned};

// ---- What all share ----

const ValueType& IndicesOf(const TypedNode& typed) {
  if (typed.inputs[1].type == ElementType::kInt32) return typed.inputs[1];
  throw ShapeError(typed.node,
                   Text("its indices are of ", Name(typed.inputs[1].type), ", not of int32"));
}

[[noreturn]] void RefuseIndex(const Node& node, int32_t index, int64_t dim) {
  throw NodeError(ErrorKind::kValue, node,
                  Text("its index ", index, " is outside ", -dim, " to ", dim - 1));
}

inline size_t Resolve(const Node& node, int32_t index, int64_t dim) {
  if (index < -dim || index >= dim) RefuseIndex(node, index, dim);
  return static_cast<size_t>(index < 0 ? index + dim : index);
}

size_t SizeOf(const Shape& shape, size_t begin, size_t end) {
  return static_cast<size_t>(shape.Product(begin, end));
}

double WorkOf(uint64_t elements) { return 16 * static_cast<double>(elements); }

// The dimensions of one shape behind those of another, from `begin` on.
Shape Append(const TypedNode& typed, Shape first, const Shape& second, size_t begin) {
  if (first.rank() + second.rank() - begin > kMaxRank) {
    throw ShapeError(typed.node, Text("its output would have more than ", kMaxRank, " dimensions"));
  }
  for (size_t axis = begin; axis < second.rank(); ++axis) first.Append(second[axis]);
  return first;
}

struct Bytes {
  explicit Bytes(const StepData& step)
      : data(reinterpret_cast<const std::byte*>(step.inputs[0])),
        indices(reinterpret_cast<const int32_t*>(step.inputs[1])),
        updates(step.inputs.size() > 2 ? reinterpret_cast<const std::byte*>(step.inputs[2])
                                       : nullptr),
        output(reinterpret_cast<std::byte*>(step.output)) {}

  const std::byte* data;
  const int32_t* indices;
  const std::byte* updates;
  std::byte* output;
};

// How what is scattered comes together with what is there.
constexpr std::string_view kReductions[] = {"none", "sum", "mul", "min", "max"};
constexpr AttributeSpec kReduction{"reduction", AttributeKind::kChoice, 1, 0, false, 1,
                                   kReductions};

class Scatter {
 public:
  Scatter() = default;
  explicit Scatter(const TypedNode& typed) {
    const uint32_t reduction = typed.node.Integer("reduction");
    const ElementType type = typed.inputs[0].type;
    bytes_ = ByteSize(type);
    if (reduction == 0) return;
    combine_ = FindCombine(kReductions[reduction], type);
    if (combine_ != nullptr) return;
    throw ShapeError(typed.node, Text("it cannot take the ", kReductions[reduction], " of ",
                                      Name(type), " values"));
  }

  void Put(const std::byte* from, size_t size, std::byte* to) const {
    if (combine_ == nullptr) {
      std::memcpy(to, from, size * bytes_);
    } else {
      const std::byte* const sides[] = {to, from};
      combine_(sides, size, to);
    }
  }

 private:
  Combine combine_ = nullptr;
  size_t bytes_ = 4;
};

ValueType InferScatter(const TypedNode& typed, const Shape& updates) {
  const Scatter checked(typed);
  if (typed.inputs[2].type != typed.inputs[0].type || typed.inputs[2].shape != updates) {
    throw ShapeError(
        typed.node,
        Text("its updates have to be ", Describe(updates), " of ", Name(typed.inputs[0].type),
             ", not ", Describe(typed.inputs[2].shape), " of ", Name(typed.inputs[2].type)));
  }
  return typed.inputs[0];
}

// ---- gather ----

size_t AxisFor(const TypedNode& typed) {
  return AxisOf(typed.node, typed.node.Signed("axis"), typed.shape().rank());
}

// Of an output in pieces of its last dimensions.
double PieceWork(const Shape& output, size_t dimensions) {
  return 2 * static_cast<double>(output.size()) +
         WorkOf(output.Product(0, output.rank() - dimensions));
}

constexpr AttributeSpec kGatherAttributes[] = {kAxis};

ValueType InferGather(const TypedNode& typed) {
  const Shape& data = typed.shape();
  const size_t axis = AxisFor(typed);
  const Shape before(data.dims().first(axis));
  const Shape with_indices = Append(typed, before, IndicesOf(typed).shape, 0);
  return {typed.inputs[0].type, Append(typed, with_indices, data, axis + 1)};
}

class GatherTask final : public Task {
 public:
  GatherTask(const TypedNode& typed, const Shape& output)
      : Task({.work = PieceWork(output, typed.shape().rank() - 1 - AxisFor(typed))}) {
    const Shape& data = typed.shape();
    const size_t axis = AxisFor(typed);
    outer_ = SizeOf(data, 0, axis);
    dim_ = data[axis];
    piece_ = SizeOf(data, axis + 1, data.rank()) * ByteSize(typed.inputs[0].type);
    count_ = static_cast<size_t>(typed.inputs[1].shape.size());
  }

  void Run(const StepData& step, size_t, size_t) const override {
    auto [data, indices, updates, output] = Bytes(step);
    for (size_t i = 0; i < outer_; ++i, data += dim_ * piece_) {
      for (size_t k = 0; k < count_; ++k, output += piece_) {
        std::memcpy(output, data + Resolve(*step.node, indices[k], dim_) * piece_, piece_);
      }
    }
  }

 private:
  size_t outer_;
  uint32_t dim_;
  size_t piece_;  // bytes
  size_t count_;
};

std::unique_ptr<Task> PlanGather(const TypedNode& typed, const Shape& output) {
  return std::make_unique<GatherTask>(typed, output);
}

// ---- gatherElements and scatterElements ----

// The places of elements whose index along one axis is another one.
class ElementPlaces {
 public:
  ElementPlaces(const Shape& data, const Shape& indices, size_t axis)
      : indices_(indices), axis_(axis), dim_(data[axis]) {
    for (size_t i = 0; i < data.rank(); ++i) strides_[i] = SizeOf(data, i + 1, data.rank());
  }

  // Calls f(place in the data, number of the index) for all.
  template <class F>
  void ForEach(const Node& node, const int32_t* indices, const F& f) const {
    const auto count = static_cast<size_t>(indices_.size());
    std::array<uint32_t, kMaxRank> index{};
    for (size_t i = 0; i < count; ++i) {
      size_t place = Resolve(node, indices[i], dim_) * strides_[axis_];
      for (size_t k = 0; k < indices_.rank(); ++k) {
        if (k != axis_) place += index[k] * strides_[k];
      }
      f(place, i);
      for (size_t k = indices_.rank(); k-- > 0;) {
        if (++index[k] < indices_[k]) break;
        index[k] = 0;
      }
    }
  }

 private:
  Shape indices_;
  size_t axis_;
  uint32_t dim_;
  std::array<size_t, kMaxRank> strides_{};
};

// The indices have the data's rank, and reach no further along other axes.
ElementPlaces PlacesOf(const TypedNode& typed) {
  const Shape& data = typed.shape();
  const Shape& indices = IndicesOf(typed).shape;
  const size_t axis = AxisFor(typed);
  bool fits = indices.rank() == data.rank();
  for (size_t i = 0; fits && i < data.rank(); ++i) fits = i == axis || indices[i] <= data[i];
  if (fits) return ElementPlaces(data, indices, axis);
  throw ShapeError(typed.node,
                   Text("its indices of ", Describe(indices), " do not fit to ", Describe(data)));
}

ValueType InferGatherElements(const TypedNode& typed) {
  PlacesOf(typed);
  return {typed.inputs[0].type, typed.inputs[1].shape};
}

class GatherElementsTask final : public Task {
 public:
  GatherElementsTask(const TypedNode& typed, const Shape& output)
      : Task({.work = 2 * WorkOf(output.size())}),
        places_(PlacesOf(typed)),
        bytes_(ByteSize(typed.inputs[0].type)) {}

  void Run(const StepData& step, size_t, size_t) const override {
    const Bytes at(step);
    places_.ForEach(*step.node, at.indices, [&](size_t place, size_t i) {
      std::memcpy(at.output + i * bytes_, at.data + place * bytes_, bytes_);
    });
  }

 private:
  ElementPlaces places_;
  size_t bytes_;
};

std::unique_ptr<Task> PlanGatherElements(const TypedNode& typed, const Shape& output) {
  return std::make_unique<GatherElementsTask>(typed, output);
}

constexpr AttributeSpec kScatterElementsAttributes[] = {kAxis, kReduction};

ValueType InferScatterElements(const TypedNode& typed) {
  PlacesOf(typed);
  return InferScatter(typed, typed.inputs[1].shape);
}

class ScatterElementsTask final : public Task {
 public:
  explicit ScatterElementsTask(const TypedNode& typed)
      : Task({.work = WorkOf(typed.shape().size() + 2 * typed.inputs[1].shape.size())}),
        places_(PlacesOf(typed)),
        scatter_(typed),
        bytes_(ByteSize(typed.inputs[0].type)),
        all_(static_cast<size_t>(typed.inputs[0].bytes())) {}

  void Run(const StepData& step, size_t, size_t) const override {
    const Bytes at(step);
    std::memcpy(at.output, at.data, all_);
    places_.ForEach(*step.node, at.indices, [&](size_t place, size_t i) {
      scatter_.Put(at.updates + i * bytes_, 1, at.output + place * bytes_);
    });
  }

 private:
  ElementPlaces places_;
  Scatter scatter_;
  size_t bytes_;
  size_t all_;
};

std::unique_ptr<Task> PlanScatterElements(const TypedNode& typed, const Shape&) {
  return std::make_unique<ScatterElementsTask>(typed);
}

// ---- gatherND and scatterND ----

// The places of slices that are named by as many indices as they lack dimensions, in batches.
class SlicePlaces {
 public:
  // Throws unless the indices fit to the data.
  SlicePlaces(const TypedNode& typed, size_t batch) {
    const Shape& data = typed.shape();
    const Shape& indices = IndicesOf(typed).shape;
    bool fits = indices.rank() > batch && data.rank() > batch;
    for (size_t i = 0; fits && i < batch; ++i) fits = data[i] == indices[i];
    depth_ = fits ? indices[indices.rank() - 1] : 0;
    if (!fits || depth_ == 0 || depth_ > data.rank() - batch) {
      throw ShapeError(typed.node, Text("its indices of ", Describe(indices), " do not fit to ",
                                        Describe(data)));
    }
    batches_ = SizeOf(data, 0, batch);
    count_ = SizeOf(indices, batch, indices.rank() - 1);
    for (size_t i = 0; i < depth_; ++i) {
      dims_[i] = data[batch + i];
      strides_[i] = SizeOf(data, batch + i + 1, data.rank());
    }
    slice_ = SizeOf(data, batch + depth_, data.rank());
    sample_ = SizeOf(data, batch, data.rank());
    const Shape outer(indices.dims().first(indices.rank() - 1));
    shape_ = Append(typed, outer, data, batch + depth_);
  }

  const Shape& shape() const { return shape_; }  // of all slices
  size_t slice() const { return slice_; }        // elements

  // Calls f(place in the data, number of the slice) for all.
  template <class F>
  void ForEach(const Node& node, const int32_t* indices, const F& f) const {
    for (size_t i = 0; i < batches_ * count_; ++i, indices += depth_) {
      size_t place = i / count_ * sample_;
      for (size_t k = 0; k < depth_; ++k) {
        place += Resolve(node, indices[k], dims_[k]) * strides_[k];
      }
      f(place, i);
    }
  }

 private:
  size_t depth_;  // indices of a slice
  size_t batches_ = 1;
  size_t count_ = 1;  // slices of a batch
  size_t slice_ = 1;
  size_t sample_ = 1;  // elements of a batch
  std::array<uint32_t, kMaxRank> dims_{};
  std::array<size_t, kMaxRank> strides_{};
  Shape shape_;
};

constexpr AttributeSpec kGatherNDAttributes[] = {{"batchDims", AttributeKind::kInteger}};

ValueType InferGatherND(const TypedNode& typed) {
  return {typed.inputs[0].type, SlicePlaces(typed, typed.node.Integer("batchDims")).shape()};
}

class GatherNDTask final : public Task {
 public:
  GatherNDTask(const TypedNode& typed, const Shape& output)
      : Task({.work = 2 * static_cast<double>(output.size()) +
                      2 * WorkOf(typed.inputs[1].shape.size())}),
        places_(typed, typed.node.Integer("batchDims")),
        bytes_(ByteSize(typed.inputs[0].type)) {}

  void Run(const StepData& step, size_t, size_t) const override {
    const Bytes at(step);
    const size_t piece = places_.slice() * bytes_;
    places_.ForEach(*step.node, at.indices, [&](size_t place, size_t i) {
      std::memcpy(at.output + i * piece, at.data + place * bytes_, piece);
    });
  }

 private:
  SlicePlaces places_;
  size_t bytes_;
};

std::unique_ptr<Task> PlanGatherND(const TypedNode& typed, const Shape& output) {
  return std::make_unique<GatherNDTask>(typed, output);
}

constexpr AttributeSpec kScatterNDAttributes[] = {kReduction};

ValueType InferScatterND(const TypedNode& typed) {
  return InferScatter(typed, SlicePlaces(typed, 0).shape());
}

class ScatterNDTask final : public Task {
 public:
  explicit ScatterNDTask(const TypedNode& typed)
      : Task({.work = WorkOf(typed.shape().size() + typed.inputs[1].shape.size() +
                             typed.inputs[2].shape.size())}),
        places_(typed, 0),
        scatter_(typed),
        bytes_(ByteSize(typed.inputs[0].type)),
        all_(static_cast<size_t>(typed.inputs[0].bytes())) {}

  void Run(const StepData& step, size_t, size_t) const override {
    const Bytes at(step);
    std::memcpy(at.output, at.data, all_);
    const size_t slice = places_.slice();
    places_.ForEach(*step.node, at.indices, [&](size_t place, size_t i) {
      scatter_.Put(at.updates + i * slice * bytes_, slice, at.output + place * bytes_);
    });
  }

 private:
  SlicePlaces places_;
  Scatter scatter_;
  size_t bytes_;
  size_t all_;
};

std::unique_ptr<Task> PlanScatterND(const TypedNode& typed, const Shape&) {
  return std::make_unique<ScatterNDTask>(typed);
}

constexpr Operator Row(std::string_view name, std::span<const AttributeSpec> attributes,
                       size_t inputs, ValueType (*infer)(const TypedNode&),
                       std::unique_ptr<Task> (*plan)(const TypedNode&, const Shape&)) {
  return {.name = name,
          .version = 5,
          .attributes = attributes,
          .least_inputs = inputs,
          .most_inputs = inputs,
          .any_type = 5,
          .infer = infer,
          .plan = plan};
}

}  // namespace

constinit const std::array<Operator, ops::kGatherCount> ops::kGather{
    Row("gather", kGatherAttributes, 2, InferGather, PlanGather),
    Row("gatherElements", kGatherAttributes, 2, InferGatherElements, PlanGatherElements),
    Row("gatherND", kGatherNDAttributes, 2, InferGatherND, PlanGatherND),
    Row("scatterElements", kScatterElementsAttributes, 3, InferScatterElements,
        PlanScatterElements),
    Row("scatterND", kScatterNDAttributes, 3, InferScatterND, PlanScatterND),
};

}  // namespace lowtropy
