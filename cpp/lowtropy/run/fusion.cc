// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/fusion.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "lowtropy/graph/shape_inference.h"

namespace lowtropy {
namespace {

class Fuser {
 public:
  explicit Fuser(const Graph& graph)
      : graph_(graph), shapes_(InferShapes(graph)), order_(TopologicalOrder(graph)) {}

  FusedGraph Run() {
    CountUses();
    names_[graph_.input] = {0, uses_[graph_.input] == 1};
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

  struct Concat {
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
    const Reference input = names_.at(node.inputs[0]);
    const bool vanishes = node.op == Op::kDropout || node.op == Op::kFlatten;
    if (vanishes || FuseRelu(node, input) || FuseBatchNorm(index, input)) {
      names_[node.output] = {input.value, input.sole && uses_[node.output] == 1};
      return;
    }
    Step step;
    step.node = index;
    for (const std::string& name : node.inputs) step.inputs.push_back(names_.at(name).value);
    step.input_shape = shapes_.at(node.inputs[0]);
    step.output_shape = shapes_.at(node.output);
    if (node.op == Op::kConcat) ShortenConcat(step.inputs);
    fused_.steps.push_back(std::move(step));
    names_[node.output] = {fused_.steps.size(), uses_[node.output] == 1};
  }

  // Replaces the inputs of the last concat that started like this one by its output, if that had
  // no more of them.
  void ShortenConcat(std::vector<size_t>& inputs) {
    const auto [found, is_first] = concats_.try_emplace(inputs[0]);
    Concat& earlier = found->second;
    const Concat current{fused_.steps.size() + 1, inputs};
    const size_t shared = earlier.inputs.size();
    if (!is_first && shared <= inputs.size() &&
        std::equal(earlier.inputs.begin(), earlier.inputs.end(), inputs.begin())) {
      inputs.erase(inputs.begin() + 1, inputs.begin() + static_cast<std::ptrdiff_t>(shared));
      inputs[0] = earlier.output;
    }
    earlier = current;
  }

  // The step that makes the value, if nothing else uses it.
  Step* SoleProducer(const Reference& input) {
    return input.sole && input.value != 0 ? &fused_.steps[input.value - 1] : nullptr;
  }

  bool FuseRelu(const Node& node, const Reference& input) {
    Step* producer = SoleProducer(input);
    if (node.op != Op::kRelu || producer == nullptr) return false;
    const Op op = graph_.nodes[producer->node].op;
    const bool fits = op == Op::kConv || op == Op::kFc || op == Op::kAdd || op == Op::kBatchNorm;
    if (fits) producer->relu = true;
    return fits;
  }

  bool FuseBatchNorm(size_t index, const Reference& input) {
    const Node& node = graph_.nodes[index];
    Step* producer = SoleProducer(input);
    if (node.op != Op::kBatchNorm || producer == nullptr) return false;
    const Op op = graph_.nodes[producer->node].op;
    // After a flatten, channels are no longer rows of the weight.
    const bool same_channels =
        shapes_.at(node.inputs[0]).channels == producer->output_shape.channels;
    const bool fits = (op == Op::kConv || op == Op::kFc) && same_channels && !producer->relu &&
                      producer->batch_norm == kNoNode;
    if (fits) producer->batch_norm = index;
    return fits;
  }

  const Graph& graph_;
  const std::map<std::string, Shape> shapes_;
  const std::vector<size_t> order_;
  std::map<std::string_view, size_t> uses_;
  std::map<std::string_view, Reference> names_;
  std::map<size_t, Concat> concats_;  // the last one by its first input
  FusedGraph fused_;
};

}  // namespace

FusedGraph Fuse(const Graph& graph) { return Fuser(graph).Run(); }

}  // namespace lowtropy
