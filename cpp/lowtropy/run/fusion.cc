// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/fusion.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/graph/topology.h"

namespace lowtropy {
namespace {

class Fuser {
 public:
  Fuser(const Graph& graph, std::span<const Shape> inputs)
      : graph_(graph), types_(InferTypes(graph, inputs)), order_(TopologicalOrder(graph)) {}

  FusedGraph Run() {
    CountUses();
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      const std::string& name = graph_.inputs[i].name;
      names_[name] = {i, uses_[name] == 1};
    }
    for (const size_t index : order_) {
      if (uses_[graph_.nodes[index].output] != 0) AddNode(index);
    }
    for (const std::string& output : graph_.outputs) {
      fused_.outputs.push_back(names_.at(output).value);
    }
    return std::move(fused_);
  }

 private:
  // What a name stands for. `sole`: this name and all others of the value that nodes before this
  // one used have one use each, so that whoever uses this name may change the value.
  struct Reference {
    size_t value = 0;
    bool sole = false;
  };

  struct Join {
    size_t output = 0;
    std::vector<size_t> inputs;  // as written in the graph
  };

  // By nodes that outputs need, and by the graph's outputs.
  void CountUses() {
    for (const std::string& output : graph_.outputs) ++uses_[output];
    for (auto index = order_.rbegin(); index != order_.rend(); ++index) {
      const Node& node = graph_.nodes[*index];
      if (uses_[node.output] == 0) continue;
      for (const std::string& input : node.inputs) ++uses_[input];
    }
  }

  void AddNode(size_t index) {
    const Node& node = graph_.nodes[index];
    if (!node.inputs.empty() && Vanishes(index, names_.at(node.inputs[0]))) return;
    Step step;
    step.node = index;
    for (const std::string& name : node.inputs) {
      step.inputs.push_back(names_.at(name).value);
      step.input_types.push_back(types_.at(name));
    }
    step.output_type = types_.at(node.output);
    step.constant = std::all_of(step.inputs.begin(), step.inputs.end(),
                                [&](size_t value) { return IsConstant(value); });
    if (Joins(step)) ShortenJoin(step);
    names_[node.output] = {NextValue(), uses_[node.output] == 1};
    fused_.steps.push_back(std::move(step));
  }

  // Lets the node go into the step before it, or where its input lies, if it can.
  bool Vanishes(size_t index, const Reference& input) {
    const Node& node = graph_.nodes[index];
    if (!node.op->vanishes && !FuseBounds(node, input) && !FuseScale(index, input)) return false;
    names_[node.output] = {input.value, input.sole && uses_[node.output] == 1};
    return true;
  }

  bool IsConstant(size_t value) { return value >= graph_.inputs.size() && StepOf(value).constant; }

  bool Joins(const Step& step) const {
    const Node& node = graph_.nodes[step.node];
    return node.op->joins != nullptr && node.op->joins({node, step.input_types});
  }

  // Replaces the inputs of the last join that started like this one by its output, if that had no
  // more of them.
  void ShortenJoin(Step& step) {
    const auto [found, is_first] = joins_.try_emplace(step.inputs[0]);
    Join& earlier = found->second;
    const Join current{NextValue(), step.inputs};
    const size_t shared = earlier.inputs.size();
    if (!is_first && shared <= step.inputs.size() && JoinsAlike(earlier, step) &&
        std::equal(earlier.inputs.begin(), earlier.inputs.end(), step.inputs.begin())) {
      const auto others = static_cast<std::ptrdiff_t>(shared);
      step.inputs.erase(step.inputs.begin() + 1, step.inputs.begin() + others);
      step.input_types.erase(step.input_types.begin() + 1, step.input_types.begin() + others);
      step.inputs[0] = earlier.output;
      step.input_types[0] = StepOf(earlier.output).output_type;
    }
    earlier = current;
  }

  bool JoinsAlike(const Join& earlier, const Step& step) {
    const Node& node = graph_.nodes[StepOf(earlier.output).node];
    return node.attributes == graph_.nodes[step.node].attributes;
  }

  // The value that the next step makes; and the step that makes a value.
  size_t NextValue() const { return graph_.inputs.size() + fused_.steps.size(); }
  Step& StepOf(size_t value) { return fused_.steps[value - graph_.inputs.size()]; }

  // The step that makes the value, if nothing else uses it.
  Step* SoleProducer(const Reference& input) {
    return input.sole && input.value >= graph_.inputs.size() ? &StepOf(input.value) : nullptr;
  }

  bool FuseBounds(const Node& node, const Reference& input) {
    Step* producer = SoleProducer(input);
    if (node.op->is_ending != Ending::kBounds || producer == nullptr) return false;
    if (!graph_.nodes[producer->node].op->takes_bounds) return false;
    const Bounds bounds = node.op->bounds(node);
    producer->bounds = {bounds.Of(producer->bounds.least), bounds.Of(producer->bounds.most)};
    return true;
  }

  bool FuseScale(size_t index, const Reference& input) {
    const Node& node = graph_.nodes[index];
    Step* producer = SoleProducer(input);
    if (node.op->is_ending != Ending::kScale || producer == nullptr) return false;
    const Node& before = graph_.nodes[producer->node];
    if (!before.op->takes_scale || producer->bounds.any() || producer->batch_norm != kNoNode)
      return false;
    // After a flatten, say, channels are no longer rows of the weight.
    const WeightUse use =
        before.op->use({before, producer->input_types}, producer->output_type.shape);
    const Channels rows{use.repeats, use.rows, use.count};
    const bool fits = ChannelsOf(types_.at(node.inputs[0]).shape) == rows;
    if (fits) producer->batch_norm = index;
    return fits;
  }

  const Graph& graph_;
  const std::map<std::string, ValueType> types_;
  const std::vector<size_t> order_;
  std::map<std::string_view, size_t> uses_;
  std::map<std::string_view, Reference> names_;
  std::map<size_t, Join> joins_;  // the last one by its first input
  FusedGraph fused_;
};

}  // namespace

FusedGraph Fuse(const Graph& graph, std::span<const Shape> inputs) {
  return Fuser(graph, inputs).Run();
}

}  // namespace lowtropy
