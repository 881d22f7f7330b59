// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/graph.h"

#include <algorithm>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {

Node::Node(const Operator& of) : op(&of) {
  for (const AttributeSpec& spec : of.attributes) {
    Attribute& attribute = attributes.emplace_back();
    attribute.number = spec.otherwise;
    if (HoldsIntegers(spec.kind)) {
      for (size_t i = 0; i < spec.count; ++i) {
        attribute.integers.Append(static_cast<uint32_t>(static_cast<int64_t>(spec.otherwise)));
      }
    }
  }
}

const Attribute& Node::operator[](std::string_view attribute) const {
  const auto found =
      std::find_if(op->attributes.begin(), op->attributes.end(),
                   [&](const AttributeSpec& spec) { return spec.name == attribute; });
  if (found == op->attributes.end()) {
    throw Error(ErrorKind::kValue,
                Text("A node of ", op->name, " has no attribute ", Quote(attribute), "."));
  }
  return attributes[static_cast<size_t>(found - op->attributes.begin())];
}

Attribute& Node::operator[](std::string_view attribute) {
  return const_cast<Attribute&>(std::as_const(*this)[attribute]);
}

uint32_t Node::Integer(std::string_view attribute) const { return (*this)[attribute].integers[0]; }

namespace {
const std::string kNone;
}  // namespace

const std::string& Node::weight() const {
  return op->use == nullptr ? kNone : (*this)["weight"].tensor;
}

const std::string& Node::bias() const { return op->takes_bias ? (*this)["bias"].tensor : kNone; }

std::string Quote(std::string_view name) { return Text("\"", name, "\""); }

Error NodeError(ErrorKind kind, const Node& node, const std::string& clause) {
  return Error(kind, Text("The ", node.op->name, " node ", Quote(node.name), ": ", clause, "."));
}

Error ShapeError(const Node& node, const std::string& clause) {
  return NodeError(ErrorKind::kShape, node, clause);
}

}  // namespace lowtropy
