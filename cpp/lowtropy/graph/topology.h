// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/graph/graph.h"

namespace lowtropy {

// All arithmetic here is safe against any numbers that a graph can hold.

// Positions in `graph.nodes`, every node after those that make its inputs, and otherwise in the
// graph's own order. Throws Error(kFile), naming the node or value, when there is a cycle, an
// unknown input, a value made twice, no node, no input, a missing or repeated output, or a wrong
// number of inputs.
std::vector<size_t> TopologicalOrder(const Graph& graph);

// The type of what a node makes of inputs of these types. Throws Error(kFile) for a wrong number of
// inputs or of attributes, and Error(kShape) where inputs or numbers do not fit; both name the
// node.
ValueType InferType(const Node& node, std::span<const ValueType> inputs);

// The graph's own inputs, of the usual shapes.
std::vector<Shape> InputShapes(const Graph& graph);

// Throws Error(kShape) that names the input unless these are shapes that a run may have: as many as
// there are inputs, each of the input's rank, fixed dimensions as they are, the sizes of a symbol
// equal, and none empty or larger than kMaxValueSize.
void CheckInputShapes(const Graph& graph, std::span<const Shape> shapes);

// The type of every value by name, the graph's inputs, which have these shapes, included. Throws
// the errors of TopologicalOrder and CheckInputShapes, and Error(kShape) that names the node whose
// inputs or numbers do not fit.
std::map<std::string, ValueType> InferTypes(const Graph& graph, std::span<const Shape> inputs);
std::map<std::string, ValueType> InferTypes(const Graph& graph);

}  // namespace lowtropy
