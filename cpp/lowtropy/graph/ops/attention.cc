// SPDX-License-Identifier: Apache-2.0
// attention: softmax(queries · keys · scale + mask) · values, of which only the scores of some rows
// of queries exist at a time.
#include <algorithm>
#include <array>
#include <cmath>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/broadcast.h"
#include "lowtropy/graph/ops/product.h"
#include "lowtropy/graph/ops/row_kernels.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kAttributes[] = {{"scale", AttributeKind::kNumber, 1, 1}};

enum Side : size_t { kQueries, kKeys, kValues, kMask, kSides };

// Of one head: queries of rows x depth, keys of depth x places, values of places x width.
struct Sizes {
  size_t rows;
  size_t depth;
  size_t places;
  size_t width;
};

// From the end: 0 is the last axis. Beyond the rank 1.
uint32_t AxisFromEnd(const Shape& shape, size_t axis) {
  return axis < shape.rank() ? shape[shape.rank() - 1 - axis] : 1;
}

Sizes SizesOf(const TypedNode& typed) {
  const Shape& keys = typed.inputs[kKeys].shape;
  return {AxisFromEnd(typed.inputs[kQueries].shape, 1), AxisFromEnd(keys, 1), AxisFromEnd(keys, 0),
          AxisFromEnd(typed.inputs[kValues].shape, 0)};
}

Shape HeadsOf(const Shape& shape) {
  return Shape(shape.dims().first(shape.rank() - std::min<size_t>(shape.rank(), 2)));
}

Shape AllHeads(const TypedNode& typed) {
  Shape heads = HeadsOf(typed.inputs[kQueries].shape);
  for (const ValueType& input : typed.inputs.subspan(1)) {
    heads = BroadcastShape(typed.node, heads, HeadsOf(input.shape));
  }
  return heads;
}

ValueType Infer(const TypedNode& typed) {
  const auto& inputs = typed.inputs;
  const Sizes sizes = SizesOf(typed);
  bool fits = AxisFromEnd(inputs[kQueries].shape, 0) == sizes.depth &&
              AxisFromEnd(inputs[kValues].shape, 1) == sizes.places;
  for (const ValueType& input : inputs.first(kMask)) fits = fits && input.shape.rank() >= 2;
  if (fits && inputs.size() == kSides) {
    const uint32_t rows = AxisFromEnd(inputs[kMask].shape, 1);
    const uint32_t places = AxisFromEnd(inputs[kMask].shape, 0);
    fits = (rows == 1 || rows == sizes.rows) && (places == 1 || places == sizes.places);
  }
  if (!fits) {
    throw ShapeError(typed.node,
                     Text("its queries of ", Describe(inputs[kQueries].shape), ", keys of ",
                          Describe(inputs[kKeys].shape), " and values of ",
                          Describe(inputs[kValues].shape), ", or its mask, do not fit together"));
  }
  ValueType output{ElementType::kFloat32, AllHeads(typed)};
  output.shape.Append(static_cast<uint32_t>(sizes.rows));
  output.shape.Append(static_cast<uint32_t>(sizes.width));
  return output;
}

void Check(const Node& node, std::span<const Range>) {
  if (std::isfinite(node.Number("scale"))) return;
  throw NodeError(ErrorKind::kValue, node, "its scale is not finite");
}

// The parts are blocks of rows of each head. A block's scores stay in the second cache, and each
// takes keys and values once.
class AttentionTask final : public Task {
 public:
  explicit AttentionTask(const TypedNode& typed)
      : Task(CostsOf(typed)),
        sizes_(SizesOf(typed)),
        heads_(AllHeads(typed)),
        block_(BlockRows(sizes_)),
        blocks_((sizes_.rows - 1) / block_ + 1),
        scale_(typed.node.Number("scale")) {
    for (size_t side = 0; side < typed.inputs.size(); ++side) {
      const Shape& shape = typed.inputs[side].shape;
      size_t stride = size_t{AxisFromEnd(shape, 0)} * AxisFromEnd(shape, 1);
      for (size_t axis = 0; axis < heads_.rank(); ++axis) {
        const uint32_t dim = AxisFromEnd(shape, axis + 2);
        strides_[side][heads_.rank() - 1 - axis] = dim == 1 ? 0 : stride;
        stride *= dim;
      }
    }
    if (typed.inputs.size() != kSides) return;
    const Shape& mask = typed.inputs[kMask].shape;
    mask_is_one_ = AxisFromEnd(mask, 0) == 1;
    mask_stride_ = AxisFromEnd(mask, 1) == 1 ? 0 : AxisFromEnd(mask, 0);
  }

  void Run(const StepData& data, size_t begin, size_t end) const override {
    for (size_t part = begin; part < end; ++part) {
      const size_t head = part / blocks_;
      const size_t first = part % blocks_ * block_;
      const size_t rows = std::min(block_, sizes_.rows - first);
      float* scores = data.scratch;
      MultiplyDense({rows, sizes_.depth, sizes_.places},
                    Place(data, kQueries, head) + first * sizes_.depth, Place(data, kKeys, head),
                    scores);
      if (data.inputs.size() == kSides || scale_ != 1) AddMask(data, head, first, rows, scores);
      SoftmaxRows(rows, sizes_.places, scores);
      MultiplyDense({rows, sizes_.places, sizes_.width}, scores, Place(data, kValues, head),
                    data.output + (head * sizes_.rows + first) * sizes_.width);
    }
  }

 private:
  static size_t BlockRows(const Sizes& sizes) {
    constexpr size_t kScores = 32768;  // of a block, where it has more than some rows
    constexpr size_t kLeastRows = 4;   // which is what a product takes at a time
    const size_t rows = std::max(kScores / sizes.places, kLeastRows);
    return std::min(rows, sizes.rows);
  }

  static Costs CostsOf(const TypedNode& typed) {
    const Sizes sizes = SizesOf(typed);
    const size_t block = BlockRows(sizes);
    const auto heads = static_cast<double>(AllHeads(typed).size());
    const double scores =
        heads * static_cast<double>(sizes.rows) * static_cast<double>(sizes.places);
    return {.work = scores * static_cast<double>(sizes.depth + sizes.width + 64),
            .scratch = uint64_t{block} * sizes.places + kColumnSlack,
            .parts = {.count = static_cast<size_t>(AllHeads(typed).size()) *
                               ((sizes.rows - 1) / block + 1)}};
  }

  const float* Place(const StepData& data, size_t side, size_t head) const {
    const float* place = data.inputs[side];
    for (size_t axis = heads_.rank(); axis-- > 0; head /= heads_[axis]) {
      place += head % heads_[axis] * strides_[side][axis];
    }
    return place;
  }

  void AddMask(const StepData& data, size_t head, size_t first, size_t rows, float* scores) const {
    const float nothing = 0;
    const bool masked = data.inputs.size() == kSides;
    const float* mask = masked ? Place(data, kMask, head) + first * mask_stride_ : &nothing;
    for (size_t row = 0; row < rows; ++row, mask += mask_stride_, scores += sizes_.places) {
      ScaleAndMask(sizes_.places, scale_, mask, mask_is_one_, scores);
    }
  }

  Sizes sizes_;
  Shape heads_;
  size_t block_;
  size_t blocks_;
  float scale_;
  bool mask_is_one_ = true;
  size_t mask_stride_ = 0;
  std::array<std::array<size_t, kMaxRank>, kSides> strides_{};
};

std::unique_ptr<Task> Plan(const TypedNode& typed, const Shape&) {
  return std::make_unique<AttentionTask>(typed);
}

}  // namespace

constinit const Operator ops::kAttention{.name = "attention",
                                         .version = 5,
                                         .attributes = kAttributes,
                                         .least_inputs = 3,
                                         .most_inputs = kSides,
                                         .infer = Infer,
                                         .check = Check,
                                         .plan = Plan};

}  // namespace lowtropy
