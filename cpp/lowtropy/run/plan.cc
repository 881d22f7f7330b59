// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/plan.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lowtropy/graph/topology.h"
#include "lowtropy/run/placement.h"

namespace lowtropy {
namespace {

// Values as parts of buffers: a forest in which a child is a range of its parent.
class ValueForest {
 public:
  explicit ValueForest(size_t count) : values_(count) {}

  struct Value {
    uint64_t size = 0;
    size_t first = 0;       // the step that makes it
    size_t last = 0;        // the last step that reads it
    size_t parent = kNone;  // the value that it is a range of
    uint64_t offset = 0;    // in the parent
  };
  static constexpr size_t kNone = static_cast<size_t>(-1);

  Value& operator[](size_t v) { return values_[v]; }
  const Value& operator[](size_t v) const { return values_[v]; }
  size_t size() const { return values_.size(); }

  struct Place {
    size_t root;
    uint64_t offset;
  };
  Place Find(size_t v) const {
    Place place{v, 0};
    while (values_[place.root].parent != kNone) {
      place.offset += values_[place.root].offset;
      place.root = values_[place.root].parent;
    }
    return place;
  }

  // Makes `child` the range of `parent` from `offset` on. The root lives as long as all its parts.
  void Attach(size_t child, size_t parent, uint64_t offset) {
    values_[child].parent = parent;
    values_[child].offset = offset;
    Value& root = values_[Find(parent).root];
    root.first = std::min(root.first, values_[child].first);
    root.last = std::max(root.last, values_[child].last);
  }

 private:
  std::vector<Value> values_;
};

class Planner {
 public:
  Planner(const Graph& graph, std::span<const Shape> inputs, const Limits& limits,
          uint64_t weight_bytes)
      : graph_(graph),
        inputs_(inputs),
        max_memory_(MaxMemory(limits, weight_bytes)),
        max_work_(limits.max_work),
        fused_(Fuse(graph, inputs)),
        values_(inputs.size() + fused_.steps.size()) {
    plan_.demand.memory = weight_bytes;
  }

  Plan Run() {
    for (Step& step : fused_.steps) plan_.steps.emplace_back().step = std::move(step);
    FindLifetimes();
    for (size_t i = 0; i < plan_.steps.size(); ++i) MakeTask(i);
    // The outermost concat comes last; taking it first makes a chain of concats, each one the
    // previous and a few channels more, one buffer.
    for (size_t i = plan_.steps.size(); i-- > 0;) {
      PlaceJoinedInputs(i);
    }
    for (size_t i = 0; i < plan_.steps.size(); ++i) WriteOverInput(i);
    PlaceAll();
    SumUp();
    CheckDemand(plan_.demand, max_memory_, max_work_);
    return std::move(plan_);
  }

 private:
  const Node& NodeOf(const Step& step) const { return graph_.nodes[step.node]; }
  const Node& NodeOf(size_t i) const { return NodeOf(plan_.steps[i].step); }
  TypedNode TypedOf(size_t i) const { return {NodeOf(i), plan_.steps[i].step.input_types}; }

  // The value that step i makes.
  size_t OutputOf(size_t i) const { return inputs_.size() + i; }

  void FindLifetimes() {
    for (size_t i = 0; i < inputs_.size(); ++i) {
      values_[i].size = ValueType{graph_.inputs[i].type.type, inputs_[i]}.floats();
    }
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i].step;
      ValueForest::Value& output = values_[OutputOf(i)];
      output.size = step.output_type.floats();
      output.first = output.last = i;
      for (const size_t input : step.inputs) values_[input].last = i;
    }
    for (const size_t output : fused_.outputs) values_[output].last = plan_.steps.size();
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      if (!plan_.steps[i].step.constant) continue;
      values_[OutputOf(i)].first = 0;
      values_[OutputOf(i)].last = plan_.steps.size();
    }
  }

  void MakeTask(size_t i) {
    PlannedStep& planned = plan_.steps[i];
    planned.task = NodeOf(i).op->plan(TypedOf(i), planned.step.output_type.shape);
    // Checked as it grows, for planning a convolution takes time of its kernel's rows and columns.
    plan_.demand.memory += planned.task->costs().table_bytes;
    CheckDemand(plan_.demand, max_memory_, max_work_);
  }

  void PlaceJoinedInputs(size_t i) {
    const auto joins = NodeOf(i).op->joins;
    if (joins == nullptr || !joins(TypedOf(i))) return;
    uint64_t offset = 0;
    for (const size_t input : plan_.steps[i].step.inputs) {
      const uint64_t size = values_[input].size;
      if (values_[input].parent == ValueForest::kNone) values_.Attach(input, OutputOf(i), offset);
      offset += size;
    }
  }

  // Lets step i write over one of its inputs, if the step works element by element and nothing
  // reads any part of that input's buffer afterwards.
  void WriteOverInput(size_t i) {
    if (!NodeOf(i).op->overwrites || values_[OutputOf(i)].parent != ValueForest::kNone) return;
    const Step& step = plan_.steps[i].step;
    for (size_t k = 0; k < step.inputs.size(); ++k) {
      const auto [root, offset] = values_.Find(step.inputs[k]);
      if (step.input_types[k].bytes() != step.output_type.bytes()) continue;
      if (values_[root].last > i || values_[root].size != values_[OutputOf(i)].size) continue;
      values_.Attach(OutputOf(i), root, 0);
      return;
    }
  }

  void PlaceAll() {
    std::vector<Buffer> buffers;
    std::vector<size_t> buffer_of(values_.size());
    for (size_t v = 0; v < values_.size(); ++v) {
      if (values_[v].parent != ValueForest::kNone) continue;
      buffer_of[v] = buffers.size();
      buffers.push_back({values_[v].size, values_[v].first, values_[v].last});
    }
    const size_t scratch = buffers.size();
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      buffers.push_back({plan_.steps[i].task->costs().scratch, i, i});
    }
    plan_.arena_size = Place(buffers) + kColumnSlack;

    const auto offset_of = [&](size_t v) {
      const auto [root, offset] = values_.Find(v);
      return buffers[buffer_of[root]].offset + offset;
    };
    for (size_t i = 0; i < inputs_.size(); ++i) plan_.inputs.push_back(offset_of(i));
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      PlannedStep& planned = plan_.steps[i];
      for (const size_t input : planned.step.inputs) planned.inputs.push_back(offset_of(input));
      planned.output = offset_of(OutputOf(i));
      planned.scratch = buffers[scratch + i].offset;
    }
    for (const size_t output : fused_.outputs) plan_.outputs.push_back(offset_of(output));
  }

  // The arena, normalizations as scale and bias, and all work.
  void SumUp() {
    uint64_t floats = plan_.arena_size;
    double most = -1;
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      PlannedStep& planned = plan_.steps[i];
      floats += 2 * ScaledChannels(planned.step);
      // Whole operations, so that the sum that an error names is itself enough as a limit.
      planned.work = std::ceil(planned.task->costs().work);
      plan_.demand.work += planned.work;
      if (planned.work <= most) continue;
      most = planned.work;
      plan_.demand.heaviest = NodeOf(i).name;
    }
    plan_.demand.memory += floats * sizeof(float);
  }

  // How many scales and shifts a normalization of the step has, be it the step or its end.
  uint64_t ScaledChannels(const Step& step) const {
    if (step.batch_norm != kNoNode) {
      return NodeOf(step).op->use({NodeOf(step), step.input_types}, step.output_type.shape).rows;
    }
    const bool scales = NodeOf(step).op->is_ending == Ending::kScale;
    return scales ? ChannelsOf(step.output_type.shape).channels : 0;
  }

  const Graph& graph_;
  const std::span<const Shape> inputs_;
  const uint64_t max_memory_;
  const double max_work_;
  FusedGraph fused_;
  ValueForest values_;
  Plan plan_;
};

}  // namespace

Plan MakePlan(const Graph& graph, std::span<const Shape> inputs, const Limits& limits,
              uint64_t weight_bytes) {
  return Planner(graph, inputs, limits, weight_bytes).Run();
}

Plan MakePlan(const Graph& graph, const Limits& limits, uint64_t weight_bytes) {
  const std::vector<Shape> inputs = InputShapes(graph);
  return MakePlan(graph, inputs, limits, weight_bytes);
}

}  // namespace lowtropy
