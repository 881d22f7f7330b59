// SPDX-License-Identifier: Apache-2.0
// sum and mul: of two values, element by element, whose shapes may differ. Aligned at their last
// dimensions, those of one shape are those of the other, or 1, or are missing; then the value is
// taken as often as the other has elements there.
#include <array>
#include <functional>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

// From the last axis on, beyond the rank 1.
uint32_t DimFromEnd(const Shape& shape, size_t axis) {
  return axis < shape.rank() ? shape[shape.rank() - 1 - axis] : 1;
}

ValueType InferBroadcast(const TypedNode& typed) {
  const Shape& a = typed.inputs[0].shape;
  const Shape& b = typed.inputs[1].shape;
  ValueType output = typed.inputs[a.rank() >= b.rank() ? 0 : 1];
  const size_t rank = output.shape.rank();
  for (size_t axis = 0; axis < rank; ++axis) {
    const uint32_t in_a = DimFromEnd(a, axis);
    const uint32_t in_b = DimFromEnd(b, axis);
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      throw ShapeError(typed.node, Text("its inputs of ", Describe(a), " and ", Describe(b),
                                        " do not fit together"));
    }
    output.shape[rank - 1 - axis] = in_a == 1 ? in_b : in_a;
  }
  return output;
}

// One of the two values, as the output's rows see it: its elements from one row to the next, and
// whether a row is one element again and again.
struct Side {
  std::array<size_t, kMaxRank> strides{};  // of the outer axes; 0 where it is taken again
  bool is_one = false;
};

using Combine = void (*)(const float* a, bool a_is_one, const float* b, bool b_is_one, size_t size,
                         float* output);

class BroadcastTask final : public Task {
 public:
  BroadcastTask(const TypedNode& typed, const Shape& output, Combine combine)
      : Task({.work = 2 * static_cast<double>(output.size())}), combine_(combine) {
    // As many of the last axes as both values have in full, or as one of them lacks, are one row.
    const size_t inner = InnerAxes(typed, output);
    rank_ = output.rank() - inner;
    for (size_t axis = 0; axis < rank_; ++axis) dims_[axis] = output[axis];
    row_ = static_cast<size_t>(output.Product(rank_, output.rank()));
    for (size_t k = 0; k < 2; ++k) sides_[k] = SideOf(typed.inputs[k].shape, output.rank(), inner);
  }

  void Run(const StepData& data, size_t, size_t) const override {
    std::array<const float*, 2> at{data.inputs[0], data.inputs[1]};
    std::array<uint32_t, kMaxRank> index{};
    float* output = data.output;
    for (;;) {
      combine_(at[0], sides_[0].is_one, at[1], sides_[1].is_one, row_, output);
      output += row_;
      size_t axis = rank_;
      for (;;) {
        if (axis == 0) return;
        --axis;
        for (size_t k = 0; k < 2; ++k) at[k] += sides_[k].strides[axis];
        if (++index[axis] < dims_[axis]) break;
        for (size_t k = 0; k < 2; ++k) at[k] -= dims_[axis] * sides_[k].strides[axis];
        index[axis] = 0;
      }
    }
  }

 private:
  static size_t InnerAxes(const TypedNode& typed, const Shape& output) {
    size_t inner = output.rank();
    for (const ValueType& input : typed.inputs) {
      bool all = true;
      bool none = true;
      size_t axis = 0;
      for (; axis < inner; ++axis) {
        const uint32_t dim = DimFromEnd(input.shape, axis);
        all = all && dim == DimFromEnd(output, axis);
        none = none && dim == 1;
        if (!all && !none) break;
      }
      inner = axis;
    }
    return inner;
  }

  static Side SideOf(const Shape& shape, size_t rank, size_t inner) {
    Side side;
    size_t stride = 1;
    bool is_one = true;
    for (size_t axis = 0; axis < rank; ++axis) {
      const uint32_t dim = DimFromEnd(shape, axis);
      if (axis < inner) {
        is_one = is_one && dim == 1;
      } else {
        side.strides[rank - 1 - axis] = dim == 1 ? 0 : stride;
      }
      stride *= dim;
    }
    side.is_one = is_one;
    return side;
  }

  Combine combine_;
  size_t rank_;  // of the outer axes
  std::array<uint32_t, kMaxRank> dims_{};
  size_t row_;
  std::array<Side, 2> sides_;
};

// Each element is read before its place is written, so the output may be either input that is as
// large.
template <class F>
void CombineRow(const float* a, bool a_is_one, const float* b, bool b_is_one, size_t size,
                float* output) {
  const F f;
  if (a_is_one) {
    const float value = *a;
    for (size_t i = 0; i < size; ++i) output[i] = f(value, b_is_one ? *b : b[i]);
  } else if (b_is_one) {
    const float value = *b;
    for (size_t i = 0; i < size; ++i) output[i] = f(a[i], value);
  } else {
    for (size_t i = 0; i < size; ++i) output[i] = f(a[i], b[i]);
  }
}

template <class F>
std::unique_ptr<Task> PlanBroadcast(const TypedNode& typed, const Shape& output) {
  return std::make_unique<BroadcastTask>(typed, output, CombineRow<F>);
}

}  // namespace

constinit const Operator ops::kSum{.name = "sum",
                                   .version = 4,
                                   .least_inputs = 2,
                                   .most_inputs = 2,
                                   .overwrites = true,
                                   .infer = InferBroadcast,
                                   .plan = PlanBroadcast<std::plus<float>>};
constinit const Operator ops::kMul{.name = "mul",
                                   .version = 4,
                                   .least_inputs = 2,
                                   .most_inputs = 2,
                                   .overwrites = true,
                                   .infer = InferBroadcast,
                                   .plan = PlanBroadcast<std::multiplies<float>>};

}  // namespace lowtropy
