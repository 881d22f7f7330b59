// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "lowtropy/graph/graph.h"

namespace lowtropy {

inline constexpr size_t kNoNode = static_cast<size_t>(-1);

// What the executor runs in one go: a node and those fused into it. A ReLU goes into the conv, fc,
// add or batchnorm that feeds only it, a batchnorm into the conv or fc that feeds only it (as scale
// and bias of each row's epilogue, so that weights keep their few distinct values); dropout and
// flatten vanish, as values lie in memory the same way before and after. A concat that starts with
// all the inputs of an earlier one takes that one's output instead, so that DenseNets become chains
// of concats, which need no copies (see plan.h), however they are written down.
struct Step {
  size_t node = kNoNode;        // in graph.nodes
  size_t batch_norm = kNoNode;  // the batchnorm that is fused into this conv or fc
  bool relu = false;            // at the end
  std::vector<size_t> inputs;   // values: 0 is the graph's input, i + 1 what step i makes
  Shape input_shape;            // of the first input, as this node sees it
  Shape output_shape;
};

struct FusedGraph {
  std::vector<Step> steps;      // in an order in which they can run
  std::vector<size_t> outputs;  // values, as in graph.outputs
};

// Leaves out nodes that no output needs. Throws the errors of InferShapes.
FusedGraph Fuse(const Graph& graph);

}  // namespace lowtropy
