// SPDX-License-Identifier: Apache-2.0
// layerNorm: the values along the last axes brought to a mean of 0 and a variance of 1, or just to
// the latter; then times the second input, plus the third, which have one value for each of a row.
#include <cmath>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/row_kernels.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kAttributes[] = {
    {"axis", AttributeKind::kSigned, 1, -1},  // the first of them
    {"epsilon", AttributeKind::kNumber, 1, 1e-5F},
    {"centred", AttributeKind::kFlag, 1, 1},
};

// Elements of a row.
uint64_t WidthOf(const TypedNode& typed) {
  const Shape& shape = typed.shape();
  const int32_t axis = typed.node.Signed("axis");
  return shape.Product(AxisOf(typed.node, axis, shape.rank()), shape.rank());
}

ValueType Infer(const TypedNode& typed) {
  const uint64_t width = WidthOf(typed);
  for (const ValueType& input : typed.inputs.subspan(1)) {
    if (input.shape.size() == width) continue;
    throw ShapeError(typed.node, Text("its factors and summands are ", Describe(input.shape),
                                      " instead of ", width, " values"));
  }
  return typed.inputs[0];
}

void Check(const Node& node, std::span<const Range>) {
  const float epsilon = node.Number("epsilon");
  if (epsilon >= 0 && std::isfinite(epsilon)) return;
  throw NodeError(ErrorKind::kValue, node, "its epsilon is not 0 or a positive number");
}

class LayerNormTask final : public Task {
 public:
  explicit LayerNormTask(const TypedNode& typed)
      : Task({.work = 8 * static_cast<double>(typed.shape().size()),
              .parts = {.count = static_cast<size_t>(typed.shape().size() / WidthOf(typed)),
                        .least = 64}}),
        width_(static_cast<size_t>(WidthOf(typed))),
        epsilon_(typed.node.Number("epsilon")),
        centred_(typed.node.Flag("centred")) {}

  void Run(const StepData& data, size_t begin, size_t end) const override {
    const auto side = [&](size_t i) { return i < data.inputs.size() ? data.inputs[i] : nullptr; };
    const RowNorm norm{width_, epsilon_, centred_, side(1), side(2)};
    NormalizeRows(norm, end - begin, data.inputs[0] + begin * width_, data.output + begin * width_);
  }

 private:
  size_t width_;
  float epsilon_;
  bool centred_;
};

std::unique_ptr<Task> Plan(const TypedNode& typed, const Shape&) {
  return std::make_unique<LayerNormTask>(typed);
}

}  // namespace

constinit const Operator ops::kLayerNorm{.name = "layerNorm",
                                         .version = 5,
                                         .attributes = kAttributes,
                                         .most_inputs = 3,
                                         .infer = Infer,
                                         .check = Check,
                                         .plan = Plan};

}  // namespace lowtropy
