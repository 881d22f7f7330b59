// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <span>
#include <string>

#include "lowtropy/base/names.h"
#include "lowtropy/graph/graph.h"
#include "lowtropy/graph/topology.h"

namespace lowtropy {

// InferTypes, when names keep to their limits too: what there is to check of a graph alone.
std::map<std::string, ValueType> CheckGraph(const Graph& graph);

// Everything that an Executor relies on: InferTypes succeeds, names keep to their limits, each
// tensor that a node names is there with the right kind and size, and each tensor there is named by
// a node. Throws Error(kFile) for names and missing tensors, Error(kShape) for sizes, Error(kValue)
// for numbers that no computation survives (NaN, infinities, a variance below zero).
void CheckNetwork(const Network& network);
// The same for inputs of these shapes instead of the usual ones.
void CheckNetwork(const Network& network, std::span<const Shape> inputs);

}  // namespace lowtropy
