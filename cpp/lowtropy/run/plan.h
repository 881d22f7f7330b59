// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/run/demand.h"
#include "lowtropy/run/fusion.h"

namespace lowtropy {

// Where everything that one forward pass needs lies in one piece of memory, the arena. It depends
// on the graph alone, not on weights or their formats.
//
// - A value takes memory from the step that makes it to the last one that reads it; the graph's
//   inputs from the beginning, its outputs to the end.
// - What depends on constants alone is made once, before the first run, and has its place for good.
// - The inputs of a concat along the first axis are made in place, as ranges of its output, however
//   deep concats nest. Only an input that lies in another concat's output already, or twice in this
//   one's, is copied.
// - An elementwise step writes over an input that nothing reads afterwards.

struct PlannedStep {
  Step step;
  std::vector<uint64_t> inputs;  // places of the step's inputs: floats from the arena's start
  uint64_t output = 0;
  uint64_t scratch = 0;  // meaningless when the step needs none
  std::unique_ptr<Task> task;
  double work = 0;  // elementary operations, see demand.h
};

struct Plan {
  std::vector<PlannedStep> steps;
  std::vector<uint64_t> inputs;   // places, as in graph.inputs
  std::vector<uint64_t> outputs;  // as in graph.outputs
  uint64_t arena_size = 0;        // floats, with kColumnSlack at the end
  Demand demand;                  // of the graph and its weights
};

// Takes little time and memory, whatever the graph asks for: tables of convolutions are not built.
// `inputs`: the shapes of the graph's inputs, by default the usual ones; `weight_bytes`: what the
// graph's weights take. Throws the errors of InferTypes and CheckDemand.
Plan MakePlan(const Graph& graph, std::span<const Shape> inputs, const Limits& limits,
              uint64_t weight_bytes);
Plan MakePlan(const Graph& graph, const Limits& limits = kNoLimits, uint64_t weight_bytes = 0);

}  // namespace lowtropy
