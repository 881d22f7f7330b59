// SPDX-License-Identifier: Apache-2.0
// pad: more elements before and after each axis, or fewer.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

enum class Mode : uint8_t { kConstant, kReflect, kEdge, kWrap };
constexpr std::string_view kModes[] = {"constant", "reflect", "edge", "wrap"};

constexpr AttributeSpec kAttributes[] = {
    {"before", AttributeKind::kSigneds, kAnyCount},
    {"after", AttributeKind::kSigneds, kAnyCount},
    {"mode", AttributeKind::kChoice, 1, 0, false, 1, kModes},
    {"value", AttributeKind::kNumber},
};

int64_t SignedOf(const Shape& list, size_t i) { return static_cast<int32_t>(list[i]); }

ValueType Infer(const TypedNode& typed) {
  const Shape& before = typed.node["before"].integers;
  const Shape& after = typed.node["after"].integers;
  ValueType output = typed.inputs[0];
  if (before.rank() != output.shape.rank() || after.rank() != output.shape.rank()) {
    throw ShapeError(typed.node, Text("it pads ", before.rank(), " and ", after.rank(),
                                      " of the dimensions of ", Describe(output.shape)));
  }
  for (size_t axis = 0; axis < output.shape.rank(); ++axis) {
    const int64_t size =
        int64_t{output.shape[axis]} + SignedOf(before, axis) + SignedOf(after, axis);
    if (size < 1 || size > static_cast<int64_t>(kMaxValueSize)) {
      throw ShapeError(typed.node, Text("it leaves ", size, " elements along dimension ", axis));
    }
    output.shape[axis] = static_cast<uint32_t>(size);
  }
  return output;
}

constexpr int64_t kNowhere = -1;

// Where in an axis of `dim` elements the one at `at` is taken from, which may lie beyond it.
// Reflections and wraps go on as far as they are asked to.
int64_t SourceOf(Mode mode, int64_t at, int64_t dim) {
  if (at >= 0 && at < dim) return at;
  if (mode == Mode::kConstant) return kNowhere;
  if (mode == Mode::kEdge) return at < 0 ? 0 : dim - 1;
  const int64_t period = mode == Mode::kWrap ? dim : std::max<int64_t>(2 * (dim - 1), 1);
  const int64_t rest = (at % period + period) % period;
  return rest < dim ? rest : period - rest;
}

class PadTask final : public Task {
 public:
  PadTask(const TypedNode& typed, const Shape& output)
      : Task({.work = 16 * static_cast<double>(output.size())}),
        input_(typed.shape()),
        output_(output),
        bytes_(ByteSize(typed.inputs[0].type)),
        mode_(static_cast<Mode>(typed.node.Integer("mode"))) {
    // A number is one row of one element.
    if (output_.rank() == 0) {
      input_.Append(1);
      output_.Append(1);
      before_[0] = 0;
    }
    const Shape& before = typed.node["before"].integers;
    for (size_t axis = 0; axis < before.rank(); ++axis) before_[axis] = SignedOf(before, axis);
    SetFill(typed.inputs[0].type, typed.node.Number("value"));
    // The last axes, where nothing is added, are one: their elements move together.
    for (size_t last = output_.rank() - 1;
         last != 0 && before_[last] == 0 && input_[last] == output_[last]; --last) {
      block_ *= output_[last];
      input_ = Shape(input_.dims().first(last));
      output_ = Shape(output_.dims().first(last));
    }
  }

  void Run(const StepData& data, size_t, size_t) const override {
    const auto* from = reinterpret_cast<const std::byte*>(data.inputs[0]);
    auto* to = reinterpret_cast<std::byte*>(data.output);
    const size_t last = output_.rank() - 1;
    const size_t rows = static_cast<size_t>(output_.Product(0, last));
    std::array<uint32_t, kMaxRank> index{};
    for (size_t row = 0; row < rows; ++row) {
      PadRow(RowAt(from, index), to);
      to += output_[last] * block_ * bytes_;
      for (size_t axis = last; axis-- > 0;) {
        if (++index[axis] < output_[axis]) break;
        index[axis] = 0;
      }
    }
  }

 private:
  void SetFill(ElementType type, float value) {
    if (type == ElementType::kFloat32) {
      std::memcpy(fill_.data(), &value, 4);
    } else if (type == ElementType::kInt32) {
      const double bounded = std::clamp(static_cast<double>(value), -2147483648.0, 2147483647.0);
      const auto integer = static_cast<int32_t>(bounded);
      std::memcpy(fill_.data(), &integer, 4);
    } else {
      fill_[0] = static_cast<std::byte>(value != 0 ? 1 : 0);
    }
  }

  // The input's row that the output's is made of, or null where it is filled.
  const std::byte* RowAt(const std::byte* from, const std::array<uint32_t, kMaxRank>& index) const {
    size_t at = 0;
    for (size_t axis = 0; axis + 1 < output_.rank(); ++axis) {
      const int64_t source = SourceOf(mode_, index[axis] - before_[axis], input_[axis]);
      if (source == kNowhere) return nullptr;
      at = at * input_[axis] + static_cast<size_t>(source);
    }
    return from + at * input_[output_.rank() - 1] * block_ * bytes_;
  }

  void PadRow(const std::byte* from, std::byte* to) const {
    const size_t last = output_.rank() - 1;
    const int64_t size = output_[last];
    const int64_t begin = std::clamp<int64_t>(before_[last], 0, size);
    const int64_t end = std::clamp<int64_t>(before_[last] + input_[last], begin, size);
    const bool whole = from != nullptr && end > begin;
    PutEach(from, 0, whole ? begin : size, to);
    if (!whole) return;
    const auto first = static_cast<size_t>(begin - before_[last]);
    const auto count = static_cast<size_t>(end - begin);
    const size_t size_of_each = block_ * bytes_;
    std::memcpy(to + static_cast<size_t>(begin) * size_of_each, from + first * size_of_each,
                count * size_of_each);
    PutEach(from, end, size, to);
  }

  void PutEach(const std::byte* from, int64_t begin, int64_t end, std::byte* to) const {
    const size_t last = output_.rank() - 1;
    const size_t size = block_ * bytes_;
    if (from == nullptr || mode_ == Mode::kConstant) {
      return FillElements(static_cast<size_t>(end - begin) * block_,
                          to + static_cast<size_t>(begin) * size);
    }
    for (int64_t i = begin; i < end; ++i) {
      const int64_t source = SourceOf(mode_, i - before_[last], input_[last]);
      std::memcpy(to + static_cast<size_t>(i) * size, from + static_cast<size_t>(source) * size,
                  size);
    }
  }

  void FillElements(size_t count, std::byte* to) const {
    if (bytes_ == 1) {
      std::memset(to, static_cast<int>(fill_[0]), count);
    } else {
      uint32_t word;
      std::memcpy(&word, fill_.data(), sizeof(word));
      std::fill_n(reinterpret_cast<uint32_t*>(to), count, word);
    }
  }

  Shape input_;
  Shape output_;
  size_t bytes_;      // of an element
  size_t block_ = 1;  // elements that move together
  Mode mode_;
  std::array<int64_t, kMaxRank> before_{};
  std::array<std::byte, 4> fill_{};
};

std::unique_ptr<Task> Plan(const TypedNode& typed, const Shape& output) {
  return std::make_unique<PadTask>(typed, output);
}

void Check(const Node& node, std::span<const Range>) {
  if (std::isfinite(node.Number("value"))) return;
  throw NodeError(ErrorKind::kValue, node, "its value has to be finite");
}

}  // namespace

constinit const Operator ops::kPad{.name = "pad",
                                   .version = 5,
                                   .attributes = kAttributes,
                                   .any_type = 5,
                                   .infer = Infer,
                                   .check = Check,
                                   .plan = Plan};

}  // namespace lowtropy
