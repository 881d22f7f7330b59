// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/io/graph_json.h"

#include <limits>
#include <optional>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/shape_inference.h"
#include "lowtropy/json/json.h"

namespace lowtropy {
namespace {

constexpr size_t kMaxValues = kMaxNodes + 1;  // those that the nodes make, and the input

// What a node of this op has besides op, name, inputs and output, in canonical order: calls
// visit(key, member), or visit.Optional(key, member) for the name of a tensor that may be missing.
template <class AnyNode, class Visitor>
void VisitFields(AnyNode& node, Visitor& visit) {
  const Op op = node.op;
  const bool pools = op == Op::kMaxPool || op == Op::kAvgPool;
  if (HasWeight(op)) visit("weight", node.weight);
  if (op == Op::kConv || op == Op::kFc) visit.Optional("bias", node.bias);
  if (op == Op::kEmbedding) visit("classes", node.classes);
  if (HasWeight(op)) visit("outChannels", node.out_channels);
  if (op == Op::kConv || pools) {
    visit("kernel", node.window.kernel);
    visit("stride", node.window.stride);
    visit("pad", node.window.pad);
  }
  if (op == Op::kConv) {
    visit("dilation", node.window.dilation);
    visit("groups", node.groups);
  }
  if (pools) visit("ceil", node.ceil);
  if (op == Op::kAvgPool) visit("countPad", node.count_pad);
  if (op == Op::kLrn) {
    visit("size", node.lrn_size);
    visit("alpha", node.lrn_alpha);
    visit("beta", node.lrn_beta);
    visit("k", node.lrn_k);
  }
  if (op == Op::kBatchNorm) {
    visit("mean", node.mean);
    visit("variance", node.variance);
    visit.Optional("gamma", node.gamma);
    visit.Optional("beta", node.beta);
    visit("epsilon", node.epsilon);
  }
}

// ---- Reading ----

std::string ReadName(const JsonValue& value) {
  std::string name = value.String();
  if (!IsName(name)) {
    value.Refuse(Text("this name is not 1 to ", kMaxNameBytes,
                      " bytes of UTF-8 without control characters"));
  }
  return name;
}

std::vector<std::string> ReadNames(const JsonValue& value) {
  std::vector<std::string> names;
  JsonItems items = JsonItems::Array(value);
  while (items.Next()) {
    if (names.size() == kMaxValues) {
      value.Refuse(Text("there are more than ", kMaxValues, " names"));
    }
    names.push_back(ReadName(items.value()));
  }
  return names;
}

void Read(const JsonValue& value, uint32_t& out) {
  out = static_cast<uint32_t>(value.Integer(std::numeric_limits<uint32_t>::max()));
}

void Read(const JsonValue& value, float& out) { out = value.Float(); }

void Read(const JsonValue& value, bool& out) { out = value.Bool(); }

void Read(const JsonValue& value, std::string& tensor) {
  tensor = value.String();
  if (!IsTensorName(tensor)) {
    value.Refuse(Text("this name of a tensor is not 1 to ", kMaxTensorNameBytes,
                      " characters of A-Z a-z 0-9 _ . / -"));
  }
}

template <size_t N>
void Read(const JsonValue& value, std::array<uint32_t, N>& out) {
  JsonItems items = JsonItems::Array(value);
  size_t count = 0;
  for (; items.Next(); ++count) {
    if (count < N) Read(items.value(), out[count]);
  }
  if (count != N) value.Refuse(Text(N, " integers are expected"));
}

struct FieldReader {
  template <class T>
  void operator()(std::string_view key, T& member) {
    Read(object.Get(key), member);
  }
  void Optional(std::string_view key, std::string& member) {
    if (const std::optional<JsonValue> value = object.Find(key)) Read(*value, member);
  }
  JsonObject& object;
};

Node ReadNode(const JsonValue& value) {
  JsonObject object(value);
  Node node;
  const JsonValue op = object.Get("op");
  const std::optional<Op> known = ParseOp(op.String());
  if (!known) op.Refuse("there is no such op");
  node.op = *known;
  node.name = ReadName(object.Get("name"));
  node.inputs = ReadNames(object.Get("inputs"));
  node.output = ReadName(object.Get("output"));
  FieldReader reader{object};
  VisitFields(node, reader);
  object.CheckAllRead();
  return node;
}

void ReadInput(const JsonValue& value, Graph* graph) {
  JsonObject object(value);
  graph->input = ReadName(object.Get("name"));
  std::array<uint32_t, 3> shape;
  Read(object.Get("shape"), shape);
  graph->input_shape = {shape[0], shape[1], shape[2]};
  object.CheckAllRead();
}

// ---- Writing ----

void Write(JsonWriter& json, uint32_t value) { json.Integer(value); }
void Write(JsonWriter& json, float value) { json.Float(value); }
void Write(JsonWriter& json, bool value) { json.Bool(value); }
void Write(JsonWriter& json, const std::string& value) { json.String(value); }

template <class List>
void Write(JsonWriter& json, const List& list) {
  json.Open('[');
  for (const auto& item : list) Write(json, item);
  json.Close(']');
}

struct FieldWriter {
  template <class T>
  void operator()(std::string_view key, const T& member) {
    json.Key(key);
    Write(json, member);
  }
  void Optional(std::string_view key, const std::string& member) {
    if (!member.empty()) (*this)(key, member);
  }
  JsonWriter& json;
};

void WriteNode(JsonWriter& json, const Node& node) {
  FieldWriter writer{json};
  json.Open('{');
  writer("op", std::string(Name(node.op)));
  writer("name", node.name);
  writer("inputs", node.inputs);
  writer("output", node.output);
  VisitFields(node, writer);
  json.Close('}');
}

}  // namespace

Graph ParseGraph(std::string_view json) {
  if (json.size() > kMaxGraphBytes) {
    throw Error(ErrorKind::kFile, Text("The graph has ", json.size(),
                                       " bytes of JSON; the limit is ", kMaxGraphBytes, "."));
  }
  const JsonText text{json, "the graph"};
  JsonObject object{JsonValue(text)};
  Graph graph;
  const JsonValue name = object.Get("name");
  if (!name.String().empty()) graph.name = ReadName(name);
  ReadInput(object.Get("input"), &graph);
  graph.outputs = ReadNames(object.Get("outputs"));
  const JsonValue nodes = object.Get("nodes");
  JsonItems items = JsonItems::Array(nodes);
  while (items.Next()) {
    if (graph.nodes.size() == kMaxNodes) {
      nodes.Refuse(Text("there are more than ", kMaxNodes, " nodes"));
    }
    graph.nodes.push_back(ReadNode(items.value()));
  }
  object.CheckAllRead();
  return graph;
}

std::string FormatGraph(const Graph& graph) {
  JsonWriter json;
  FieldWriter writer{json};
  const Shape& shape = graph.input_shape;
  json.Open('{');
  writer("name", graph.name);
  json.Key("input");
  json.Open('{');
  writer("name", graph.input);
  writer("shape", std::array{shape.channels, shape.height, shape.width});
  json.Close('}');
  writer("outputs", graph.outputs);
  json.Key("nodes");
  json.Open('[');
  for (const Node& node : graph.nodes) WriteNode(json, node);
  json.Close(']');
  json.Close('}');
  return std::move(json).Take();
}

}  // namespace lowtropy
