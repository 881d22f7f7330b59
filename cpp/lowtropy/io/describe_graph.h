// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace lowtropy {

// What graphs may be made of, and what follows from one, as JSON: for programs in other languages,
// which then need no table of operators and no shape inference of their own.

// [{"name", "leastInputs", "mostInputs", "attributes": [{"name", "kind", "count", "otherwise",
// "optional"}, …]}, …], see Operator and AttributeSpec; a kind is "integer", "integers", "number",
// "flag", "matrix" or "vector".
std::string DescribeOperators();

// Of the nodes of a graph, as ParseGraph reads it, in an order in which they can run: [{"index",
// "type", "shape", "parameters": [{"role", "name", "rows", "cols", "kind"}, …]}, …]. The index is
// the place in the graph, type and shape those of what the node makes, a role the name of an
// attribute. Throws the errors of ParseGraph and InferTypes.
std::string DescribeGraph(std::string_view json);

// Of one node and the types of its inputs, {"node", "inputs": [{"type", "shape"}, …]}: {"type",
// "shape", "parameters"} as above. Throws the errors of ParseNode and InferType.
std::string DescribeNode(std::string_view json);

}  // namespace lowtropy
