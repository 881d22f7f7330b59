// SPDX-License-Identifier: Apache-2.0
// transpose, slice, expand, tile, depthToSpace and spaceToDepth: each output element is the input's
// at a place that grows evenly along every axis, so that one loop does them all.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/broadcast.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

// ---- The loop ----

// Where the elements of the output are in the input: at start + Σ index[axis] · strides[axis], in
// elements. Axes that go on as one are one.
struct View {
  static constexpr size_t kMaxAxes = 2 * kMaxRank;

  void Append(size_t dim, ptrdiff_t stride) {
    if (dim == 1) return;
    if (rank != 0 && strides[rank - 1] == stride * static_cast<ptrdiff_t>(dim)) {
      dims[rank - 1] *= dim;
      strides[rank - 1] = stride;
      return;
    }
    dims[rank] = dim;
    strides[rank++] = stride;
  }

  std::array<size_t, kMaxAxes> dims{};
  std::array<ptrdiff_t, kMaxAxes> strides{};
  size_t rank = 0;
  ptrdiff_t start = 0;
};

ptrdiff_t StrideOf(const Shape& shape, size_t axis) {
  return static_cast<ptrdiff_t>(shape.Product(axis + 1, shape.rank()));
}

class StridedTask final : public Task {
 public:
  StridedTask(const TypedNode& typed, const Shape& output, const View& view)
      : Task({.work = 4 * static_cast<double>(output.size())}),
        bytes_(ByteSize(typed.inputs[0].type)),
        view_(view) {
    if (view_.rank == 0) view_.dims[view_.rank++] = 1;
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
    const size_t last = view_.rank - 1;
    std::array<size_t, View::kMaxAxes> index{};
    from += view_.start;
    for (;;) {
      MoveRow(from, view_.strides[last], view_.dims[last], to);
      to += view_.dims[last];
      size_t axis = last;
      for (;;) {
        if (axis == 0) return;
        --axis;
        from += view_.strides[axis];
        if (++index[axis] < view_.dims[axis]) break;
        from -= static_cast<ptrdiff_t>(view_.dims[axis]) * view_.strides[axis];
        index[axis] = 0;
      }
    }
  }

  template <class Element>
  static void MoveRow(const Element* from, ptrdiff_t stride, size_t size, Element* to) {
    if (stride == 1) {
      std::copy_n(from, size, to);
    } else if (stride == 0) {
      std::fill_n(to, size, *from);
    } else {
      for (size_t i = 0; i < size; ++i) to[i] = from[static_cast<ptrdiff_t>(i) * stride];
    }
  }

  size_t bytes_;  // of an element
  View view_;
};

std::unique_ptr<Task> PlanView(const TypedNode& typed, const Shape& output, const View& view) {
  return std::make_unique<StridedTask>(typed, output, view);
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

std::unique_ptr<Task> PlanTranspose(const TypedNode& typed, const Shape& output) {
  const Shape& axes = typed.node["axes"].integers;
  View view;
  for (size_t axis = 0; axis < output.rank(); ++axis) {
    view.Append(output[axis], StrideOf(typed.shape(), axes[axis]));
  }
  return PlanView(typed, output, view);
}

// ---- slice ----

constexpr AttributeSpec kSliceAttributes[] = {
    {"starts", AttributeKind::kSigneds, kAnyCount},
    {"ends", AttributeKind::kSigneds, kAnyCount},
    {"axes", AttributeKind::kSigneds, kAnyCount},
    {"steps", AttributeKind::kSigneds, kAnyCount},
};

// Of one axis: `size` elements, `step` apart from `start` on.
struct Range1 {
  int64_t start = 0;
  int64_t step = 1;
  int64_t size = 0;
};

// What begins or ends beyond the axis begins or ends with it.
Range1 RangeOf(int64_t start, int64_t end, int64_t step, int64_t dim) {
  const int64_t least = step > 0 ? 0 : -1;
  const int64_t most = step > 0 ? dim : dim - 1;
  const auto place = [&](int64_t at) { return std::clamp(at < 0 ? at + dim : at, least, most); };
  const int64_t first = std::max<int64_t>(place(start), 0);
  const int64_t last = place(end);
  const int64_t reach = step > 0 ? last - first : first - last;
  const int64_t stride = step > 0 ? step : -step;
  return {first, step, reach <= 0 ? 0 : (reach - 1) / stride + 1};
}

using Ranges = std::array<Range1, kMaxRank>;

Ranges RangesOf(const TypedNode& typed) {
  const Node& node = typed.node;
  const Shape& shape = typed.shape();
  const Shape& axes = node["axes"].integers;
  const auto of = [&](std::string_view attribute, size_t i) {
    return int64_t{static_cast<int32_t>(node[attribute].integers[i])};
  };
  for (const std::string_view other : {"starts", "ends", "steps"}) {
    if (node[other].integers.rank() == axes.rank()) continue;
    throw ShapeError(node, Text("it has ", node[other].integers.rank(), " ", other, " for ",
                                axes.rank(), " axes"));
  }
  Ranges ranges;
  for (size_t axis = 0; axis < shape.rank(); ++axis) ranges[axis] = {0, 1, shape[axis]};
  uint32_t used = 0;
  for (size_t i = 0; i < axes.rank(); ++i) {
    const size_t axis = AxisOf(node, static_cast<int32_t>(axes[i]), shape.rank());
    if ((used >> axis & 1) != 0) throw ShapeError(node, Text("its axis ", axis, " is there twice"));
    if (of("steps", i) == 0) throw ShapeError(node, "a step of 0 leads nowhere");
    used |= 1U << axis;
    ranges[axis] = RangeOf(of("starts", i), of("ends", i), of("steps", i), shape[axis]);
  }
  return ranges;
}

ValueType InferSlice(const TypedNode& typed) {
  const Ranges ranges = RangesOf(typed);
  ValueType output = typed.inputs[0];
  for (size_t axis = 0; axis < output.shape.rank(); ++axis) {
    output.shape[axis] = static_cast<uint32_t>(ranges[axis].size);
  }
  return output;
}

std::unique_ptr<Task> PlanSlice(const TypedNode& typed, const Shape& output) {
  const Ranges ranges = RangesOf(typed);
  View view;
  for (size_t axis = 0; axis < output.rank(); ++axis) {
    const ptrdiff_t stride = StrideOf(typed.shape(), axis);
    view.start += static_cast<ptrdiff_t>(ranges[axis].start) * stride;
    view.Append(output[axis],
                output[axis] == 1 ? 0 : static_cast<ptrdiff_t>(ranges[axis].step) * stride);
  }
  return PlanView(typed, output, view);
}

// ---- expand ----

constexpr AttributeSpec kExpandAttributes[] = {
    {"shape", AttributeKind::kIntegers, kAnyCount},
};

// To the attribute's shape, and to that of a second input, where there is one.
ValueType InferExpand(const TypedNode& typed) {
  ValueType output = typed.inputs[0];
  output.shape = BroadcastShape(typed.node, output.shape, typed.node["shape"].integers);
  if (typed.inputs.size() == 2) {
    output.shape = BroadcastShape(typed.node, output.shape, typed.inputs[1].shape);
  }
  return output;
}

std::unique_ptr<Task> PlanExpand(const TypedNode& typed, const Shape& output) {
  const Shape& input = typed.shape();
  const size_t missing = output.rank() - input.rank();
  View view;
  for (size_t axis = 0; axis < output.rank(); ++axis) {
    const bool is_own = axis >= missing && input[axis - missing] != 1;
    view.Append(output[axis], is_own ? StrideOf(input, axis - missing) : 0);
  }
  return PlanView(typed, output, view);
}

// ---- tile ----

constexpr AttributeSpec kTileAttributes[] = {
    {"repeats", AttributeKind::kIntegers, kAnyCount},
};

ValueType InferTile(const TypedNode& typed) {
  const Shape& repeats = typed.node["repeats"].integers;
  ValueType output = typed.inputs[0];
  if (repeats.rank() != output.shape.rank()) {
    throw ShapeError(typed.node, Text("it has ", repeats.rank(), " repeats for ",
                                      output.shape.rank(), " dimensions"));
  }
  for (size_t axis = 0; axis < repeats.rank(); ++axis) {
    const uint64_t size = uint64_t{output.shape[axis]} * repeats[axis];
    if (size > kMaxValueSize) throw ShapeError(typed.node, "its output is too large");
    output.shape[axis] = static_cast<uint32_t>(size);
  }
  return output;
}

std::unique_ptr<Task> PlanTile(const TypedNode& typed, const Shape& output) {
  const Shape& repeats = typed.node["repeats"].integers;
  View view;
  for (size_t axis = 0; axis < repeats.rank(); ++axis) {
    view.Append(repeats[axis], 0);
    view.Append(typed.shape()[axis], StrideOf(typed.shape(), axis));
  }
  return PlanView(typed, output, view);
}

// ---- depthToSpace and spaceToDepth ----

// Blocks of b x b pixels as channels. The first b of the input's channels are one row of a block in
// the order "DCR", depth first, and neighbouring channels are in "CRD".
constexpr std::string_view kOrders[] = {"DCR", "CRD"};
constexpr AttributeSpec kDepthToSpaceAttributes[] = {
    {"block", AttributeKind::kInteger, 1, 2},
    {"order", AttributeKind::kChoice, 1, 0, false, 1, kOrders},
};
constexpr AttributeSpec kSpaceToDepthAttributes[] = {
    {"block", AttributeKind::kInteger, 1, 2},
};

// Throws unless there are images that blocks of that size fit into.
uint32_t BlockOf(const TypedNode& typed, bool into_space) {
  const uint32_t block = typed.node.Integer("block");
  const Shape& shape = typed.shape();
  bool fits = shape.rank() == 4 && block >= 1 && block <= kMaxWindow;
  if (fits && into_space) fits = shape[1] % (uint64_t{block} * block) == 0;
  if (fits && !into_space) fits = shape[2] % block == 0 && shape[3] % block == 0;
  if (!fits) {
    throw ShapeError(typed.node,
                     Text("blocks of ", block, " x ", block, " do not fit into ", Describe(shape)));
  }
  return block;
}

// The input in six dimensions, and these in another order.
View Reordered(const std::array<size_t, 6>& dims, const std::array<size_t, 6>& axes) {
  std::array<ptrdiff_t, 6> strides;
  ptrdiff_t stride = 1;
  for (size_t axis = 6; axis-- > 0; stride *= static_cast<ptrdiff_t>(dims[axis])) {
    strides[axis] = stride;
  }
  View view;
  for (const size_t axis : axes) view.Append(dims[axis], strides[axis]);
  return view;
}

ValueType InferDepthToSpace(const TypedNode& typed) {
  const uint32_t b = BlockOf(typed, true);
  const Shape& in = typed.shape();
  const uint64_t height = uint64_t{in[2]} * b;
  const uint64_t width = uint64_t{in[3]} * b;
  return {typed.inputs[0].type,
          {in[0], in[1] / (b * b), static_cast<uint32_t>(height), static_cast<uint32_t>(width)}};
}

std::unique_ptr<Task> PlanDepthToSpace(const TypedNode& typed, const Shape& output) {
  const size_t b = BlockOf(typed, true);
  const Shape& in = typed.shape();
  const bool depth_first = typed.node.Integer("order") == 0;
  const View view = depth_first
                        ? Reordered({in[0], b, b, output[1], in[2], in[3]}, {0, 3, 4, 1, 5, 2})
                        : Reordered({in[0], output[1], b, b, in[2], in[3]}, {0, 1, 4, 2, 5, 3});
  return PlanView(typed, output, view);
}

ValueType InferSpaceToDepth(const TypedNode& typed) {
  const uint32_t b = BlockOf(typed, false);
  const Shape& in = typed.shape();
  const uint64_t channels = uint64_t{in[1]} * b * b;  // at most the size of the value
  return {typed.inputs[0].type, {in[0], static_cast<uint32_t>(channels), in[2] / b, in[3] / b}};
}

std::unique_ptr<Task> PlanSpaceToDepth(const TypedNode& typed, const Shape& output) {
  const size_t b = BlockOf(typed, false);
  const Shape& in = typed.shape();
  return PlanView(typed, output,
                  Reordered({in[0], in[1], output[2], b, output[3], b}, {0, 3, 5, 1, 2, 4}));
}

}  // namespace

constinit const Operator ops::kTranspose{.name = "transpose",
                                         .version = 4,
                                         .attributes = kTransposeAttributes,
                                         .any_type = 4,
                                         .infer = InferTranspose,
                                         .plan = PlanTranspose};
constinit const Operator ops::kSlice{.name = "slice",
                                     .version = 5,
                                     .attributes = kSliceAttributes,
                                     .any_type = 5,
                                     .infer = InferSlice,
                                     .plan = PlanSlice};
constinit const Operator ops::kExpand{.name = "expand",
                                      .version = 5,
                                      .attributes = kExpandAttributes,
                                      .most_inputs = 2,
                                      .any_type = 5,
                                      .infer = InferExpand,
                                      .plan = PlanExpand};
constinit const Operator ops::kTile{.name = "tile",
                                    .version = 5,
                                    .attributes = kTileAttributes,
                                    .any_type = 5,
                                    .infer = InferTile,
                                    .plan = PlanTile};
constinit const Operator ops::kDepthToSpace{.name = "depthToSpace",
                                            .version = 5,
                                            .attributes = kDepthToSpaceAttributes,
                                            .any_type = 5,
                                            .infer = InferDepthToSpace,
                                            .plan = PlanDepthToSpace};
constinit const Operator ops::kSpaceToDepth{.name = "spaceToDepth",
                                            .version = 5,
                                            .attributes = kSpaceToDepthAttributes,
                                            .any_type = 5,
                                            .infer = InferSpaceToDepth,
                                            .plan = PlanSpaceToDepth};

}  // namespace lowtropy
