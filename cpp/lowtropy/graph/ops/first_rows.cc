// SPDX-License-Identifier: Apache-2.0
// firstRows: as many of a value's rows as another one says in each run. Only as an output of the
// graph, whose size is then that of the run; everything before works on all rows there could be.
#include <algorithm>
#include <cstring>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kFirstRowsAttributes[] = {{"axis", AttributeKind::kSigned}};

size_t AxisOfRows(const TypedNode& typed) {
  return AxisOf(typed.node, typed.node.Signed("axis"), typed.shape().rank());
}

ValueType InferFirstRows(const TypedNode& typed) {
  AxisOfRows(typed);
  const auto& [type, shape] = typed.inputs[1];
  if (type == ElementType::kInt32 && shape.size() == 1) return typed.inputs[0];
  throw ShapeError(typed.node,
                   Text("its count is ", Describe(shape), " of ", Name(type), ", not one int32"));
}

// What it keeps lies without gaps.
class FirstRowsTask final : public Task {
 public:
  explicit FirstRowsTask(const TypedNode& typed)
      : Task({.work = LightWork(typed)}), axis_(AxisOfRows(typed)) {
    const Shape& shape = typed.shape();
    const auto size = [&](size_t begin, size_t end) {
      return static_cast<size_t>(shape.Product(begin, end));
    };
    outer_ = size(0, axis_);
    rows_ = shape[axis_];
    row_bytes_ = size(axis_ + 1, shape.rank()) * ByteSize(typed.inputs[0].type);
  }

  void Run(const StepData& data, size_t, size_t) const override {
    const size_t kept = CountedRows(data)->count * row_bytes_;
    const auto* from = reinterpret_cast<const std::byte*>(data.inputs[0]);
    auto* to = reinterpret_cast<std::byte*>(data.output);
    for (size_t i = 0; i < outer_; ++i, from += rows_ * row_bytes_, to += kept) {
      std::memcpy(to, from, kept);
    }
  }

  std::optional<Rows> CountedRows(const StepData& data) const override {
    int32_t count = 0;
    std::memcpy(&count, data.inputs[1], sizeof count);
    return Rows{axis_, std::min(static_cast<uint32_t>(std::max(count, 0)), rows_)};
  }

 private:
  size_t axis_;
  size_t outer_ = 0;
  uint32_t rows_ = 0;
  size_t row_bytes_ = 0;
};

std::unique_ptr<Task> PlanFirstRows(const TypedNode& typed, const Shape&) {
  return std::make_unique<FirstRowsTask>(typed);
}

}  // namespace

constinit const Operator ops::kFirstRows = {.name = "firstRows",
                                            .version = 5,
                                            .attributes = kFirstRowsAttributes,
                                            .least_inputs = 2,
                                            .most_inputs = 2,
                                            .any_type = 5,
                                            .is_last = true,
                                            .infer = InferFirstRows,
                                            .plan = PlanFirstRows};

}  // namespace lowtropy
