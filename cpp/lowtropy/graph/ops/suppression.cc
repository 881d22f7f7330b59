// SPDX-License-Identifier: Apache-2.0
// nonMaxSuppression: of boxes that overlap those with the highest scores, class by class. How many
// that are depends on the values; the output has room for all that there could be, and says in its
// first row how many there are.
#include <algorithm>
#include <cstring>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kSuppressionAttributes[] = {
    {"most", AttributeKind::kInteger},
    {"overlap", AttributeKind::kNumber},
    {"score", AttributeKind::kNumber},
    {"centred", AttributeKind::kFlag},
};

// Boxes are batch x count x 4, scores batch x classes x count.
struct Counts {
  explicit Counts(const TypedNode& typed)
      : batch(typed.shape()[0]),
        classes(typed.inputs[1].shape[1]),
        boxes(typed.shape()[1]),
        most(std::min(typed.node.Integer("most"), typed.shape()[1])) {}

  uint64_t rows() const { return uint64_t{batch} * classes * most; }

  uint32_t batch;
  uint32_t classes;
  uint32_t boxes;
  uint32_t most;  // of each class
};

ValueType InferSuppression(const TypedNode& typed) {
  const Shape& boxes = typed.shape();
  const Shape& scores = typed.inputs[1].shape;
  if (boxes.rank() != 3 || boxes[2] != 4 || scores.rank() != 3 || scores[0] != boxes[0] ||
      scores[2] != boxes[1]) {
    throw ShapeError(typed.node,
                     Text("its boxes of ", Describe(boxes), " and scores of ", Describe(scores),
                          " are not batch x boxes x 4 and "
                          "batch x classes x boxes"));
  }
  const uint64_t rows = Counts(typed).rows();
  if (rows == 0 || rows >= kMaxElements / 3) {
    throw ShapeError(typed.node, Text("it would find up to ", rows, " boxes"));
  }
  return {ElementType::kInt32, {static_cast<uint32_t>(rows) + 1, 3}};
}

struct Box {
  float top;
  float left;
  float bottom;
  float right;
};

Box BoxOf(const float* x, bool centred) {
  if (centred) {
    return {x[1] - x[3] / 2, x[0] - x[2] / 2, x[1] + x[3] / 2, x[0] + x[2] / 2};
  }
  return {std::min(x[0], x[2]), std::min(x[1], x[3]), std::max(x[0], x[2]), std::max(x[1], x[3])};
}

float AreaOf(const Box& box) { return (box.bottom - box.top) * (box.right - box.left); }

// Whether more than so much of both together is of both.
bool ShareMore(const Box& a, const Box& b, float threshold) {
  const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(height > 0 && width > 0)) return false;
  const float common = height * width;
  const float all = AreaOf(a) + AreaOf(b) - common;
  return all > 0 && common / all > threshold;
}

// The parts are classes, image by image.
class SuppressionTask final : public Task {
 public:
  explicit SuppressionTask(const TypedNode& typed)
      : Task(CostsOf(Counts(typed))),
        counts_(typed),
        overlap_(typed.node.Number("overlap")),
        score_(typed.node.Number("score")),
        centred_(typed.node.Flag("centred")) {}

  void Run(const StepData& data, size_t begin, size_t end) const override {
    auto* const rows = reinterpret_cast<int32_t*>(data.output);
    if (begin == 0) std::fill_n(rows, 3 * (counts_.rows() + 1), 0);
    for (size_t part = begin; part < end; ++part) RunClass(data, part, rows);
  }

 private:
  static Costs CostsOf(const Counts& counts) {
    const double boxes = counts.boxes;
    const uint64_t parts = uint64_t{counts.batch} * counts.classes;
    return {.work = static_cast<double>(parts) * boxes * (64 + 8.0 * counts.most),
            .scratch = counts.boxes,
            .parts = {.count = static_cast<size_t>(parts)}};
  }

  void RunClass(const StepData& data, size_t part, int32_t* rows) const {
    const float* const scores = data.inputs[1] + part * counts_.boxes;
    const size_t image = part / counts_.classes;
    const float* const boxes = data.inputs[0] + image * counts_.boxes * 4;
    auto* const order = reinterpret_cast<uint32_t*>(data.scratch);
    uint32_t* const end = Sort(scores, order);
    int32_t* const first = rows + 3 * (1 + size_t(rows[0]));
    int32_t* last = first;
    for (const uint32_t* at = order; at != end && last != first + 3 * counts_.most; ++at) {
      if (IsHidden(boxes, *at, first, last)) continue;
      last[0] = static_cast<int32_t>(image);
      last[1] = static_cast<int32_t>(part % counts_.classes);
      last[2] = static_cast<int32_t>(*at);
      last += 3;
    }
    rows[0] += static_cast<int32_t>((last - first) / 3);
  }

  // Those with high scores, by falling scores, and of equal ones the first one first.
  uint32_t* Sort(const float* scores, uint32_t* order) const {
    uint32_t* end = order;
    for (uint32_t i = 0; i < counts_.boxes; ++i) {
      if (scores[i] > score_) *end++ = i;
    }
    // A heap takes 1.3 KB of WebAssembly less than std::sort.
    const auto before = [scores](uint32_t a, uint32_t b) {
      return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
    };
    std::make_heap(order, end, before);
    std::sort_heap(order, end, before);
    return end;
  }

  bool IsHidden(const float* boxes, uint32_t index, const int32_t* first,
                const int32_t* last) const {
    const Box box = BoxOf(boxes + size_t{index} * 4, centred_);
    for (const int32_t* row = first; row != last; row += 3) {
      if (ShareMore(box, BoxOf(boxes + size_t(row[2]) * 4, centred_), overlap_)) return true;
    }
    return false;
  }

  Counts counts_;
  float overlap_;
  float score_;
  bool centred_;
};

std::unique_ptr<Task> PlanSuppression(const TypedNode& typed, const Shape&) {
  return std::make_unique<SuppressionTask>(typed);
}

}  // namespace

constinit const Operator ops::kSuppression = {.name = "nonMaxSuppression",
                                              .version = 5,
                                              .attributes = kSuppressionAttributes,
                                              .least_inputs = 2,
                                              .most_inputs = 2,
                                              .infer = InferSuppression,
                                              .plan = PlanSuppression};

}  // namespace lowtropy
