// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/operator.h"

#include <algorithm>

#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

template <size_t N>
void ReadIntegers(const Node& node, std::string_view attribute, std::array<uint32_t, N>* out) {
  const std::span<const uint32_t> integers = node[attribute].integers.dims();
  std::copy_n(integers.begin(), N, out->begin());
}

bool Has(const Node& node, std::string_view attribute) {
  const auto& specs = node.op->attributes;
  return std::any_of(specs.begin(), specs.end(),
                     [&](const AttributeSpec& spec) { return spec.name == attribute; });
}

}  // namespace

bool IsLeftOut(const AttributeSpec& spec, const Attribute& attribute) {
  if (!spec.optional) return false;
  if (spec.kind == AttributeKind::kVector) return attribute.tensor.empty();
  if (spec.kind == AttributeKind::kNumber) return attribute.number == spec.otherwise;
  return attribute.integers[0] == static_cast<uint32_t>(static_cast<int64_t>(spec.otherwise));
}

size_t AxisOf(const Node& node, int32_t axis, size_t rank) {
  const auto count = static_cast<int32_t>(rank);
  if (axis >= -count && axis < count) return static_cast<size_t>(axis < 0 ? axis + count : axis);
  throw ShapeError(node, Text("its axis ", axis, " is none of a value of ", rank, " dimensions"));
}

size_t AxisOrChannels(const Node& node, const Shape& shape) {
  const int32_t axis = node.Signed("axis");
  return axis == int32_t{kMaxRank} ? ChannelAxis(shape) : AxisOf(node, axis, shape.rank());
}

Channels ChannelsAlong(const Shape& shape, size_t axis) {
  return {shape.Product(0, axis), shape[axis], shape.Product(axis + 1, shape.rank())};
}

Channels ChannelsOf(const Shape& shape) {
  if (shape.rank() == 0) return {1, 1, 1};
  return ChannelsAlong(shape, ChannelAxis(shape));
}

ImageBatch ImagesOf(const TypedNode& typed) {
  const Shape& shape = typed.shape();
  if (shape.rank() == 3) return {1, {shape[0], shape[1], shape[2]}};
  if (shape.rank() == 4) return {shape[0], {shape[1], shape[2], shape[3]}};
  throw ShapeError(typed.node, "it takes channels x height x width, or a batch of these, not " +
                                   Describe(shape));
}

ValueType ImagesLike(const TypedNode& typed, const ImageShape& each) {
  const Shape& shape = typed.shape();
  if (shape.rank() == 3) return {ElementType::kFloat32, each};
  return {ElementType::kFloat32, {shape[0], each.channels, each.height, each.width}};
}

Window WindowOf(const Node& node) {
  Window window;
  ReadIntegers(node, "kernel", &window.kernel);
  ReadIntegers(node, "stride", &window.stride);
  ReadIntegers(node, "pad", &window.pad);
  if (Has(node, "dilation")) ReadIntegers(node, "dilation", &window.dilation);
  return window;
}

void CheckOutChannels(const Node& node) {
  if (node.Integer("outChannels") == 0) {
    throw ShapeError(node, "it needs at least one output channel");
  }
}

void CheckWindowRange(const Node& node, std::string_view what, std::span<const uint32_t> values,
                      uint32_t least) {
  for (const uint32_t value : values) {
    if (value < least || value > kMaxWindow) {
      throw ShapeError(node, Text(what, " ", value, " is outside ", least, " to ", kMaxWindow));
    }
  }
}

double LightWork(const TypedNode& typed) {
  return 2 * static_cast<double>(typed.shape().size()) * static_cast<double>(typed.inputs.size());
}

}  // namespace lowtropy
