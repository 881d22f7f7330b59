// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/names.h"
#include "lowtropy/graph/graph.h"

namespace lowtropy {

// Graphs come from files, so nothing about them is believed before it went through these checks.
// All arithmetic is safe against any numbers that the fields can hold.

inline constexpr size_t kMaxNodes = 16384;  // and inputs of one; planning may take quadratic time
inline constexpr uint64_t kMaxValueFloats = uint64_t{1} << 31;  // of one value
inline constexpr uint32_t kMaxPoolWindow = 65535;               // kernel, stride and padding, each
inline constexpr uint32_t kMaxClasses = uint32_t{1} << 24;      // floats tell no more apart

// Positions in `graph.nodes`, every node after those that make its inputs, and otherwise in the
// graph's own order. Throws Error(kFile), naming the node or value, when there is a cycle, an
// unknown input, a value made twice, no node, a missing or repeated output, or a wrong number of
// inputs.
std::vector<size_t> TopologicalOrder(const Graph& graph);

// The shape of every value by name, the graph's input included. Throws the errors of
// TopologicalOrder, and Error(kShape) that names the node whose inputs or numbers do not fit.
std::map<std::string, Shape> InferShapes(const Graph& graph);

// InferShapes, when names keep to their limits too: what there is to check of a graph alone.
std::map<std::string, Shape> CheckGraph(const Graph& graph);

// Everything that an Executor relies on: InferShapes succeeds, names keep to their limits, each
// tensor that a node names is there with the right kind and size, and each tensor there is named by
// a node. Throws Error(kFile) for names and missing tensors, Error(kShape) for sizes, Error(kValue)
// for numbers that no computation survives (NaN, infinities, a variance below zero).
void CheckNetwork(const Network& network);

// "The conv node "conv1": <clause>.", the form of all errors about a node.
Error NodeError(ErrorKind kind, const Node& node, const std::string& clause);

}  // namespace lowtropy
