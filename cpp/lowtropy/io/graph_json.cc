// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/io/graph_json.h"

#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/io/notes_json.h"
#include "lowtropy/json/json.h"

namespace lowtropy {
namespace {

constexpr size_t kMaxValues = kMaxNodes + 1;  // in a list of names

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

void Read(const JsonValue& value, std::string& tensor) {
  tensor = value.String();
  if (!IsTensorName(tensor)) {
    value.Refuse(Text("this name of a tensor is not 1 to ", kMaxTensorNameBytes,
                      " characters of A-Z a-z 0-9 _ . / -"));
  }
}

uint32_t ReadInteger(const JsonValue& value) {
  return static_cast<uint32_t>(value.Integer(std::numeric_limits<uint32_t>::max()));
}

uint32_t ReadSigned(const JsonValue& value) { return static_cast<uint32_t>(value.Signed()); }

void ReadIntegers(const JsonValue& value, size_t expected, Shape* out) {
  JsonItems items = JsonItems::Array(value);
  size_t count = 0;
  for (; items.Next(); ++count) {
    if (count < expected) (*out)[count] = ReadInteger(items.value());
  }
  if (count != expected) value.Refuse(Text(expected, " integers are expected"));
}

Shape ReadAnyIntegers(const JsonValue& value, uint32_t (*read)(const JsonValue&)) {
  Shape integers;
  JsonItems items = JsonItems::Array(value);
  while (items.Next()) {
    if (integers.rank() == kMaxRank)
      value.Refuse(Text("there are more than ", kMaxRank, " integers"));
    integers.Append(read(items.value()));
  }
  return integers;
}

void ReadAttribute(const JsonValue& value, const AttributeSpec& spec, Attribute* out) {
  switch (spec.kind) {
    case AttributeKind::kInteger:
      out->integers[0] = ReadInteger(value);
      return;
    case AttributeKind::kIntegers:
      if (spec.count != kAnyCount) return ReadIntegers(value, spec.count, &out->integers);
      out->integers = ReadAnyIntegers(value, ReadInteger);
      return;
    case AttributeKind::kSigned:
      out->integers[0] = ReadSigned(value);
      return;
    case AttributeKind::kSigneds:
      out->integers = ReadAnyIntegers(value, ReadSigned);
      return;
    case AttributeKind::kNumber:
      out->number = value.Float();
      return;
    case AttributeKind::kFlag:
      out->integers[0] = value.Bool() ? 1 : 0;
      return;
    case AttributeKind::kChoice:
      out->integers[0] =
          static_cast<uint32_t>(value.Choice(spec.choices, "there is no such choice"));
      return;
    case AttributeKind::kMatrix:
    case AttributeKind::kVector:
      return Read(value, out->tensor);
  }
}

}  // namespace

Node ParseNode(const JsonValue& value) {
  JsonObject object(value);
  const JsonValue op = object.Get("op");
  const Operator* known = FindOperator(op.String());
  if (known == nullptr) op.Refuse("there is no such op");
  Node node(*known);
  node.name = ReadName(object.Get("name"));
  node.inputs = ReadNames(object.Get("inputs"));
  node.output = ReadName(object.Get("output"));
  for (size_t i = 0; i < node.attributes.size(); ++i) {
    const AttributeSpec& spec = known->attributes[i];
    const std::optional<JsonValue> given =
        spec.optional ? object.Find(spec.name) : object.Get(spec.name);
    if (given) ReadAttribute(*given, spec, &node.attributes[i]);
  }
  object.CheckAllRead();
  return node;
}

ElementType ParseElementType(const JsonValue& value) {
  return static_cast<ElementType>(value.Choice(kElementTypeNames, "there is no such type"));
}

namespace {

// Of one input of float32 and of three fixed dimensions, as all were at first.
GraphInput ReadImageInput(const JsonValue& value) {
  JsonObject object(value);
  GraphInput input{ReadName(object.Get("name")), {ElementType::kFloat32, {0, 0, 0}}, {}};
  ReadIntegers(object.Get("shape"), 3, &input.type.shape);
  object.CheckAllRead();
  return input;
}

using Symbols = std::map<std::string, uint32_t>;  // with their usual sizes

Symbols ReadSymbols(const JsonValue& value) {
  Symbols symbols;
  JsonItems items = JsonItems::Object(value);
  while (items.Next()) {
    if (symbols.size() == kMaxInputs) {
      value.Refuse(Text("there are more than ", kMaxInputs, " symbols"));
    }
    if (!symbols.emplace(items.key(), ReadInteger(items.value())).second) {
      value.Refuse(Text("the symbol ", Quote(items.key()), " is there twice"));
    }
  }
  return symbols;
}

GraphInput ReadInput(const JsonValue& value, const Symbols& symbols) {
  JsonObject object(value);
  GraphInput input;
  input.name = ReadName(object.Get("name"));
  input.type.type = ParseElementType(object.Get("type"));
  const JsonValue shape = object.Get("shape");
  bool has_symbols = false;
  JsonItems dims = JsonItems::Array(shape);
  while (dims.Next()) {
    if (input.symbols.size() == kMaxRank) {
      shape.Refuse(Text("there are more than ", kMaxRank, " dimensions"));
    }
    const JsonValue& dim = dims.value();
    std::string& symbol = input.symbols.emplace_back();
    if (dim.IsString()) {
      has_symbols = true;
      symbol = ReadName(dim);
      const auto found = symbols.find(symbol);
      if (found == symbols.end()) dim.Refuse("this symbol is none of the graph's");
      input.type.shape.Append(found->second);
    } else {
      input.type.shape.Append(ReadInteger(dim));
    }
  }
  if (!has_symbols) input.symbols.clear();
  object.CheckAllRead();
  return input;
}

void ReadInputs(JsonObject& object, Graph* graph) {
  const std::optional<JsonValue> inputs = object.Find("inputs");
  if (!inputs) {
    graph->inputs.push_back(ReadImageInput(object.Get("input")));
    return;
  }
  const std::optional<JsonValue> given = object.Find("symbols");
  const Symbols symbols = given ? ReadSymbols(*given) : Symbols();
  JsonItems items = JsonItems::Array(*inputs);
  while (items.Next()) {
    if (graph->inputs.size() == kMaxInputs) {
      inputs->Refuse(Text("there are more than ", kMaxInputs, " inputs"));
    }
    graph->inputs.push_back(ReadInput(items.value(), symbols));
  }
}

// ---- Writing ----

void WriteText(JsonWriter& json, std::string_view key, std::string_view text) {
  json.Key(key);
  json.String(text);
}

void WriteNames(JsonWriter& json, std::string_view key, const std::vector<std::string>& names) {
  json.Key(key);
  json.Open('[');
  for (const std::string& name : names) json.String(name);
  json.Close(']');
}

void WriteIntegers(JsonWriter& json, std::span<const uint32_t> integers) {
  json.Open('[');
  for (const uint32_t integer : integers) json.Integer(integer);
  json.Close(']');
}

void WriteSigneds(JsonWriter& json, std::span<const uint32_t> integers) {
  json.Open('[');
  for (const uint32_t integer : integers) json.Signed(static_cast<int32_t>(integer));
  json.Close(']');
}

void WriteAttribute(JsonWriter& json, const AttributeSpec& spec, const Attribute& attribute) {
  json.Key(spec.name);
  switch (spec.kind) {
    case AttributeKind::kInteger:
      return json.Integer(attribute.integers[0]);
    case AttributeKind::kIntegers:
      return WriteIntegers(json, attribute.integers.dims());
    case AttributeKind::kSigned:
      return json.Signed(static_cast<int32_t>(attribute.integers[0]));
    case AttributeKind::kSigneds:
      return WriteSigneds(json, attribute.integers.dims());
    case AttributeKind::kNumber:
      return json.Float(attribute.number);
    case AttributeKind::kFlag:
      return json.Bool(attribute.integers[0] != 0);
    case AttributeKind::kChoice:
      return json.String(spec.choices[attribute.integers[0]]);
    case AttributeKind::kMatrix:
    case AttributeKind::kVector:
      return json.String(attribute.tensor);
  }
}

void WriteImageInput(JsonWriter& json, const GraphInput& input) {
  json.Key("input");
  json.Open('{');
  WriteText(json, "name", input.name);
  json.Key("shape");
  WriteIntegers(json, input.type.shape.dims());
  json.Close('}');
}

void WriteInput(JsonWriter& json, const GraphInput& input) {
  json.Open('{');
  WriteText(json, "name", input.name);
  WriteText(json, "type", Name(input.type.type));
  json.Key("shape");
  json.Open('[');
  for (size_t i = 0; i < input.type.shape.rank(); ++i) {
    const bool is_symbol = !input.symbols.empty() && !input.symbols[i].empty();
    if (is_symbol) {
      json.String(input.symbols[i]);
    } else {
      json.Integer(input.type.shape[i]);
    }
  }
  json.Close(']');
  json.Close('}');
}

// By their names.
void WriteSymbols(JsonWriter& json, const Graph& graph) {
  Symbols symbols;
  for (const GraphInput& input : graph.inputs) {
    for (size_t i = 0; i < input.symbols.size(); ++i) {
      if (!input.symbols[i].empty()) symbols.emplace(input.symbols[i], input.type.shape[i]);
    }
  }
  if (symbols.empty()) return;
  json.Key("symbols");
  json.Open('{');
  for (const auto& [symbol, size] : symbols) {
    json.Key(symbol);
    json.Integer(size);
  }
  json.Close('}');
}

void WriteInputs(JsonWriter& json, const Graph& graph) {
  if (!HasNamedInputs(graph)) return WriteImageInput(json, graph.inputs[0]);
  json.Key("inputs");
  json.Open('[');
  for (const GraphInput& input : graph.inputs) WriteInput(json, input);
  json.Close(']');
  WriteSymbols(json, graph);
}

void WriteNode(JsonWriter& json, const Node& node) {
  json.Open('{');
  WriteText(json, "op", node.op->name);
  WriteText(json, "name", node.name);
  WriteNames(json, "inputs", node.inputs);
  WriteText(json, "output", node.output);
  for (size_t i = 0; i < node.attributes.size(); ++i) {
    const AttributeSpec& spec = node.op->attributes[i];
    const Attribute& attribute = node.attributes[i];
    if (!IsLeftOut(spec, attribute)) WriteAttribute(json, spec, attribute);
  }
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
  ReadInputs(object, &graph);
  graph.outputs = ReadNames(object.Get("outputs"));
  graph.notes = ReadNotes(object);
  const JsonValue nodes = object.Get("nodes");
  JsonItems items = JsonItems::Array(nodes);
  while (items.Next()) {
    if (graph.nodes.size() == kMaxNodes) {
      nodes.Refuse(Text("there are more than ", kMaxNodes, " nodes"));
    }
    graph.nodes.push_back(ParseNode(items.value()));
  }
  object.CheckAllRead();
  return graph;
}

bool HasNamedInputs(const Graph& graph) {
  if (graph.inputs.size() != 1) return true;
  const auto& [name, type, symbols] = graph.inputs[0];
  return type.type != ElementType::kFloat32 || type.shape.rank() != 3 || !symbols.empty();
}

std::string FormatGraph(const Graph& graph) {
  JsonWriter json;
  json.Open('{');
  WriteText(json, "name", graph.name);
  WriteInputs(json, graph);
  WriteNames(json, "outputs", graph.outputs);
  WriteNotes(json, graph.notes);
  json.Key("nodes");
  json.Open('[');
  for (const Node& node : graph.nodes) WriteNode(json, node);
  json.Close(']');
  json.Close('}');
  return std::move(json).Take();
}

}  // namespace lowtropy
