// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lowtropy/graph/graph.h"
#include "lowtropy/matrix/kernels/kernels.h"

namespace lowtropy {

inline constexpr size_t kNoNode = static_cast<size_t>(-1);

// What the executor runs in one go: a node and those fused into it. A ReLU or clip goes into what
// feeds only it and can end so, a batchnorm into the conv or fc that feeds only it (as scale and
// bias of each row's epilogue, so that weights keep their few distinct values); nodes that leave
// values as they lie in memory vanish. A concat that starts with all the inputs of an earlier one
// takes that one's output instead, so that DenseNets become chains of concats, which need no copies
// (see plan.h), however they are written down.
struct Step {
  size_t node = kNoNode;               // in graph.nodes
  size_t batch_norm = kNoNode;         // the ending of kind kScale that is fused into this step
  Bounds bounds;                       // at the end
  bool constant = false;               // whether it depends on constants alone
  std::vector<size_t> inputs;          // values: the graph's inputs, and then what the steps make
  std::vector<ValueType> input_types;  // as this node sees them
  ValueType output_type;
};

struct FusedGraph {
  std::vector<Step> steps;      // in an order in which they can run
  std::vector<size_t> outputs;  // values, as in graph.outputs
};

// Leaves out nodes that no output needs. `inputs`: the shapes of the graph's inputs. Throws the
// errors of InferTypes.
FusedGraph Fuse(const Graph& graph, std::span<const Shape> inputs);

}  // namespace lowtropy
