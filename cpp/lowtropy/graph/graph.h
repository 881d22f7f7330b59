// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/array.h"
#include "lowtropy/base/error.h"
#include "lowtropy/graph/notes.h"
#include "lowtropy/graph/shape.h"
#include "lowtropy/matrix/matrix.h"

namespace lowtropy {

struct Operator;  // ops/operator.h

inline constexpr size_t kMaxNodes = 16384;  // and inputs of one; planning may take quadratic time

// What an attribute of a node holds; which of these, its operator says (AttributeSpec).
struct Attribute {
  Shape integers;  // a list of up to kMaxRank; one, where it is no list; of a flag 0 or 1; signed
                   // ones in two's complement
  float number = 0;
  std::string tensor;  // its name; empty means none
  bool operator==(const Attribute&) const = default;
};

// A node of the graph. What its operator does with it is set by attributes, which are named as in
// FORMAT.md and have their defaults when it is made.
struct Node {
  explicit Node(const Operator& op);

  const Operator* op;
  std::string name;
  std::vector<std::string> inputs;    // names of values: the graph's inputs or nodes' outputs
  std::string output;                 // the name of the one value that it makes
  std::vector<Attribute> attributes;  // in the order of op->attributes

  // By name. Throws Error(kValue) where the operator has none of that name.
  const Attribute& operator[](std::string_view attribute) const;
  Attribute& operator[](std::string_view attribute);

  uint32_t Integer(std::string_view attribute) const;
  int32_t Signed(std::string_view attribute) const {
    return static_cast<int32_t>(Integer(attribute));
  }
  float Number(std::string_view attribute) const { return (*this)[attribute].number; }
  bool Flag(std::string_view attribute) const { return Integer(attribute) != 0; }

  // The name of the matrix that it multiplies or looks up rows in; empty where there is none.
  const std::string& weight() const;
  // The same of the vector that it adds to a product with the matrix.
  const std::string& bias() const;
};

inline constexpr size_t kMaxInputs = 1024;  // of a graph; and symbols

// A value that a run is given. Each of its dimensions is either fixed or has a symbol, a name that
// stands for the same size wherever it occurs; its size in the shape is then the usual one.
struct GraphInput {
  std::string name;
  ValueType type;
  std::vector<std::string> symbols;  // one for each dimension, empty where it is fixed; or none
  bool operator==(const GraphInput&) const = default;
};

// A directed acyclic graph of nodes, in any order.
struct Graph {
  std::string name;
  std::vector<GraphInput> inputs;
  std::vector<std::string> outputs;  // names of values
  std::vector<Node> nodes;
  Notes notes = {};
};

// A graph with its weights.
struct Network {
  Graph graph;
  std::map<std::string, Matrix> matrices;
  std::map<std::string, Array> vectors;  // float32; of constants, of their types
};

// "The conv node "conv1": <clause>.", the form of all errors about a node.
Error NodeError(ErrorKind kind, const Node& node, const std::string& clause);

// The commonest of them: sizes that do not fit.
Error ShapeError(const Node& node, const std::string& clause);

// In quotes, for messages.
std::string Quote(std::string_view name);

}  // namespace lowtropy
