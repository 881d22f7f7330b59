// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/topology.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <set>
#include <utility>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {
namespace {

constexpr size_t kGraphInput = static_cast<size_t>(-1);

// Which node makes each value.
std::map<std::string_view, size_t> Producers(const Graph& graph) {
  std::map<std::string_view, size_t> producers;
  if (graph.inputs.size() > kMaxInputs) {
    throw Error(ErrorKind::kFile, Text("The graph has ", graph.inputs.size(),
                                       " inputs; the limit is ", kMaxInputs, "."));
  }
  for (const GraphInput& input : graph.inputs) {
    if (!producers.emplace(input.name, kGraphInput).second) {
      throw Error(ErrorKind::kFile, Text("The graph has two inputs ", Quote(input.name), "."));
    }
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!producers.emplace(node.output, i).second) {
      throw NodeError(ErrorKind::kFile, node,
                      "the value " + Quote(node.output) + " is made a second time");
    }
  }
  return producers;
}

void CheckOutputs(const Graph& graph, const std::map<std::string_view, size_t>& producers) {
  if (graph.outputs.empty()) throw Error(ErrorKind::kFile, "The graph has no outputs.");
  std::set<std::string_view> seen;
  for (const std::string& output : graph.outputs) {
    if (!producers.contains(output)) {
      throw Error(ErrorKind::kFile,
                  "No node makes the value " + Quote(output) + ", an output of the graph.");
    }
    if (!seen.insert(output).second) {
      throw Error(ErrorKind::kFile, "The graph names the output " + Quote(output) + " twice.");
    }
  }
}

void CheckInputCount(const Node& node) {
  const size_t count = node.inputs.size();
  const auto refuse = [&](const std::string& clause) {
    throw NodeError(ErrorKind::kFile, node, clause);
  };
  const size_t least = node.op->least_inputs;
  const size_t most = node.op->most_inputs;
  if (count > kMaxNodes) refuse(Text("it has ", count, " inputs; the limit is ", kMaxNodes));
  if (count >= least && count <= most) return;
  if (most == 0) refuse(Text("it takes no inputs, but has ", count));
  if (most == 1) refuse(Text("it takes one input, but has ", count));
  if (count == 0) refuse("it has no input");
  refuse(Text("it takes at least ", least, " inputs, but has ", count));
}

// As many of each as the operator has.
void CheckAttributes(const Node& node) {
  const std::span<const AttributeSpec> specs = node.op->attributes;
  bool fits = node.attributes.size() == specs.size();
  for (size_t i = 0; fits && i < specs.size(); ++i) {
    const bool any = HoldsIntegers(specs[i].kind) && specs[i].count == kAnyCount;
    const size_t count = HoldsIntegers(specs[i].kind) ? specs[i].count : 0;
    fits = any || node.attributes[i].integers.rank() == count;
    if (fits && specs[i].kind == AttributeKind::kChoice) {
      fits = node.attributes[i].integers[0] < specs[i].choices.size();
    }
  }
  if (fits) return;
  throw NodeError(ErrorKind::kFile, node, "it has not the attributes of its operator");
}

bool IsUsable(const Shape& shape) {
  const uint64_t size = shape.size();
  return size != 0 && size <= kMaxValueSize;
}

}  // namespace

std::vector<size_t> TopologicalOrder(const Graph& graph) {
  const size_t count = graph.nodes.size();
  if (count == 0) throw Error(ErrorKind::kFile, "The graph has no nodes.");
  if (count > kMaxNodes) {
    throw Error(ErrorKind::kFile,
                Text("The graph has ", count, " nodes; the limit is ", kMaxNodes, "."));
  }
  const auto producers = Producers(graph);
  CheckOutputs(graph, producers);

  std::vector<std::vector<size_t>> consumers(count);
  std::vector<size_t> waiting(count, 0);  // for how many inputs
  for (size_t i = 0; i < count; ++i) {
    CheckInputCount(graph.nodes[i]);
    for (const std::string& input : graph.nodes[i].inputs) {
      const auto producer = producers.find(input);
      if (producer == producers.end()) {
        throw NodeError(ErrorKind::kFile, graph.nodes[i],
                        "no node makes its input " + Quote(input));
      }
      if (producer->second == kGraphInput) continue;
      if (graph.nodes[producer->second].op->is_last) {
        throw NodeError(ErrorKind::kFile, graph.nodes[i],
                        Text("its input ", Quote(input), " has its size in a run alone"));
      }
      consumers[producer->second].push_back(i);
      ++waiting[i];
    }
  }

  std::vector<size_t> order;
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < count; ++i) {
    if (waiting[i] == 0) ready.push(i);
  }
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (const size_t consumer : consumers[order.back()]) {
      if (--waiting[consumer] == 0) ready.push(consumer);
    }
  }
  if (order.size() == count) return order;
  const auto stuck =
      std::find_if(waiting.begin(), waiting.end(), [](size_t inputs) { return inputs != 0; });
  throw NodeError(ErrorKind::kFile, graph.nodes[static_cast<size_t>(stuck - waiting.begin())],
                  "it is in a cycle, or depends on one");
}

ValueType InferType(const Node& node, std::span<const ValueType> inputs) {
  CheckInputCount(node);
  CheckAttributes(node);
  for (size_t i = 0; i < inputs.size() && node.op->any_type == 0; ++i) {
    if (inputs[i].type == ElementType::kFloat32) continue;
    throw ShapeError(node, Text("it takes float32 values, and its input ", Quote(node.inputs[i]),
                                " has ", Name(inputs[i].type)));
  }
  const ValueType output = node.op->infer({node, inputs});
  if (!IsUsable(output.shape)) {
    throw ShapeError(node, Text("its output of ", Describe(output.shape),
                                " is empty or larger than ", kMaxValueSize, " values"));
  }
  return output;
}

std::vector<Shape> InputShapes(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const GraphInput& input : graph.inputs) shapes.push_back(input.type.shape);
  return shapes;
}

void CheckInputShapes(const Graph& graph, std::span<const Shape> shapes) {
  if (shapes.size() != graph.inputs.size()) {
    throw Error(ErrorKind::kShape,
                Text("The graph has ", graph.inputs.size(), " inputs, not ", shapes.size(), "."));
  }
  std::map<std::string_view, uint32_t> sizes;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const GraphInput& input = graph.inputs[i];
    const Shape& shape = shapes[i];
    const auto refuse = [&](const std::string& clause) {
      throw Error(ErrorKind::kShape, Text("The graph's input ", Quote(input.name), " cannot be ",
                                          Describe(shape), clause, "."));
    };
    if (shape.rank() != input.type.shape.rank()) {
      refuse(Text(": it has ", input.type.shape.rank(), " dimensions"));
    }
    if (!IsUsable(shape)) refuse("");
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      const std::string_view symbol =
          input.symbols.empty() ? std::string_view() : input.symbols[axis];
      const uint32_t size = symbol.empty() ? input.type.shape[axis]
                                           : sizes.try_emplace(symbol, shape[axis]).first->second;
      if (shape[axis] == size) continue;
      if (symbol.empty()) refuse(Text(": its dimension ", axis, " is ", size));
      refuse(Text(": ", Quote(symbol), " is ", size, " already"));
    }
  }
}

std::map<std::string, ValueType> InferTypes(const Graph& graph) {
  return InferTypes(graph, InputShapes(graph));
}

std::map<std::string, ValueType> InferTypes(const Graph& graph, std::span<const Shape> inputs) {
  const std::vector<size_t> order = TopologicalOrder(graph);
  CheckInputShapes(graph, inputs);
  std::map<std::string, ValueType> types;
  for (size_t i = 0; i < inputs.size(); ++i) {
    types.emplace(graph.inputs[i].name, ValueType{graph.inputs[i].type.type, inputs[i]});
  }
  for (const size_t i : order) {
    const Node& node = graph.nodes[i];
    std::vector<ValueType> read;
    for (const std::string& input : node.inputs) read.push_back(types.at(input));
    types.emplace(node.output, InferType(node, read));
  }
  return types;
}

}  // namespace lowtropy
