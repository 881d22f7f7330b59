// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/io/describe_graph.h"

#include <iterator>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/graph/topology.h"
#include "lowtropy/io/graph_json.h"
#include "lowtropy/json/json.h"

namespace lowtropy {
namespace {

void WriteText(JsonWriter& json, std::string_view key, std::string_view text) {
  json.Key(key);
  json.String(text);
}

void WriteInteger(JsonWriter& json, std::string_view key, uint64_t value) {
  json.Key(key);
  json.Integer(value);
}

void WriteAttribute(JsonWriter& json, const AttributeSpec& spec) {
  constexpr std::string_view kKinds[] = {"integer", "integers", "signed", "signeds", "number",
                                         "flag",    "choice",   "matrix", "vector"};
  json.Open('{');
  WriteText(json, "name", spec.name);
  WriteText(json, "kind", kKinds[static_cast<size_t>(spec.kind)]);
  WriteInteger(json, "count", spec.count);
  json.Key("otherwise");
  json.Float(spec.otherwise);
  json.Key("optional");
  json.Bool(spec.optional);
  if (!spec.choices.empty()) {
    json.Key("choices");
    json.Open('[');
    for (const std::string_view choice : spec.choices) json.String(choice);
    json.Close(']');
  }
  json.Close('}');
}

// The tensor that attribute `i` of a node names, if it names one.
void WriteParameter(JsonWriter& json, const TypedNode& typed, const Shape& output, size_t i) {
  const Node& node = typed.node;
  const AttributeSpec& spec = node.op->attributes[i];
  const std::string& name = node.attributes[i].tensor;
  if (name.empty()) return;
  const bool is_matrix = spec.kind == AttributeKind::kMatrix;
  uint64_t rows = 1;
  uint64_t cols = 0;
  if (is_matrix) {
    const WeightUse use = node.op->use(typed, output);
    rows = use.rows;
    cols = use.cols;
  } else {
    cols = node.op->vector_size(typed);
  }
  json.Open('{');
  WriteText(json, "role", spec.name);
  WriteText(json, "name", name);
  WriteInteger(json, "rows", rows);
  WriteInteger(json, "cols", cols);
  WriteText(json, "kind", is_matrix ? "matrix" : "vector");
  json.Close('}');
}

void WriteNode(JsonWriter& json, const TypedNode& typed, const ValueType& output) {
  WriteText(json, "type", Name(output.type));
  json.Key("shape");
  json.Open('[');
  for (const uint32_t dim : output.shape.dims()) json.Integer(dim);
  json.Close(']');
  json.Key("parameters");
  json.Open('[');
  for (size_t i = 0; i < typed.node.attributes.size(); ++i)
    WriteParameter(json, typed, output.shape, i);
  json.Close(']');
}

ValueType ReadType(const JsonValue& value) {
  JsonObject object(value);
  ValueType type{ParseElementType(object.Get("type")), {}};
  const JsonValue shape = object.Get("shape");
  JsonItems dims = JsonItems::Array(shape);
  while (dims.Next()) {
    if (type.shape.rank() == kMaxRank) shape.Refuse("there are too many dimensions");
    type.shape.Append(
        static_cast<uint32_t>(dims.value().Integer(std::numeric_limits<uint32_t>::max())));
  }
  object.CheckAllRead();
  return type;
}

}  // namespace

std::string DescribeOperators() {
  JsonWriter json;
  json.Open('[');
  for (const Operator* op : Operators()) {
    json.Open('{');
    WriteText(json, "name", op->name);
    WriteInteger(json, "leastInputs", op->least_inputs);
    WriteInteger(json, "mostInputs", op->most_inputs);
    json.Key("attributes");
    json.Open('[');
    for (const AttributeSpec& spec : op->attributes) WriteAttribute(json, spec);
    json.Close(']');
    json.Close('}');
  }
  json.Close(']');
  return std::move(json).Take();
}

std::string DescribeGraph(std::string_view text) {
  const Graph graph = ParseGraph(text);
  const std::map<std::string, ValueType> types = InferTypes(graph);
  JsonWriter json;
  json.Open('[');
  for (const size_t i : TopologicalOrder(graph)) {
    const Node& node = graph.nodes[i];
    std::vector<ValueType> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(types.at(input));
    json.Open('{');
    WriteInteger(json, "index", i);
    WriteNode(json, {node, inputs}, types.at(node.output));
    json.Close('}');
  }
  json.Close(']');
  return std::move(json).Take();
}

std::string DescribeNode(std::string_view text) {
  const JsonText source{text, "the node"};
  JsonObject object{JsonValue(source)};
  const Node node = ParseNode(object.Get("node"));
  std::vector<ValueType> inputs;
  JsonItems types = JsonItems::Array(object.Get("inputs"));
  while (types.Next()) inputs.push_back(ReadType(types.value()));
  object.CheckAllRead();
  const ValueType output = InferType(node, inputs);
  JsonWriter json;
  json.Open('{');
  WriteNode(json, {node, inputs}, output);
  json.Close('}');
  return std::move(json).Take();
}

}  // namespace lowtropy
