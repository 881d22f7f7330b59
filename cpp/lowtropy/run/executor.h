// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/graph/graph.h"
#include "lowtropy/run/demand.h"
#include "lowtropy/run/plan.h"

namespace lowtropy {

namespace internal {
struct ExecutorAccess;
}

// A node with a matrix, as what a run does with it: `repeats` products with `count` columns each.
// A conv has one product with OH·OW columns for each image, an fc one with 1, an lstm one with 1 at
// each of its steps. An embedding only looks rows up, at each of its steps: that is 0 columns.
struct LayerInfo {
  std::string name;  // of the node
  const Operator* op;
  std::string weight;  // name of the tensor
  size_t rows;
  size_t cols;
  uint64_t count;
  uint64_t repeats;
  uint64_t
      macs;  // multiply-accumulates of a run on the dense matrix: repeats · count · rows · cols
  Shape output;
};

// The graph's nodes that have a matrix, in an order in which they can run. Throws the errors of
// InferTypes.
std::vector<LayerInfo> ListLayers(const Graph& graph);

// How many columns a product with each weight of the graph has, by its name: `count` of LayerInfo;
// the most, where several nodes share it. What Choose wants to know of a weight. Throws the errors
// of InferTypes.
std::map<std::string, uint64_t> CountColumns(const Graph& graph);

// What all matrices and vectors take as they are held.
uint64_t WeightBytes(const Network& network);

// Runs a network, one sample at a time, on its weights as they are held. Everything is planned and
// allocated by the constructor; Run allocates nothing. Not thread-safe.
class Executor {
 public:
  // Throws the errors of CheckNetwork; Error(kLimit) where the network asks for more than `limits`
  // allow, before anything is allocated; and Error(kMemory) when there is no memory for it.
  explicit Executor(Network network, const Limits& limits = {});

  // Steps point into the network and the arena, which moves leave where they are.
  Executor(Executor&&) = default;
  Executor& operator=(Executor&&) = default;

  const Network& network() const { return network_; }

  const Shape& input_shape() const { return network_.graph.input_shape; }
  // As in graph.outputs.
  const std::vector<Shape>& output_shapes() const { return output_shapes_; }

  // The forward pass. `input`: C x H x W, row-major; `outputs`: one span for each graph output.
  // Throws Error(kShape) unless sizes are those of the shapes, and Error(kValue) that names node
  // and value when an embedding meets a number that is none of its classes; the next run is not
  // affected. Equal inputs give equal bits.
  void Run(std::span<const float> input, std::span<const std::span<float>> outputs);

  // A run in pieces, such as a page wants between which it can breathe: Start, then Advance until
  // it returns true, then Finish. The same bits as of Run. Any other run in between spoils it.
  void Start(std::span<const float> input);
  // Runs on for about `work` elementary operations (see demand.h), at least one piece.
  bool Advance(double work);
  void Finish(std::span<const std::span<float>> outputs);
  // The share of the work that is done since Start: 1 when all is, and only then.
  double progress() const;

  // What the network takes, and a run of it.
  const Demand& demand() const { return plan_.demand; }

  // Whether steps are timed, from the next run on: those of the run so far, in order, with the
  // names of their nodes. Nodes that were fused into others, and those that take no work, do not
  // occur.
  struct StepTime {
    std::string_view node;
    double milliseconds;
  };
  void set_timed(bool timed) { timed_ = timed; }
  const std::vector<StepTime>& step_times() const { return step_times_; }

  // The memory of all values and scratch.
  uint64_t arena_bytes() const { return plan_.arena_size * sizeof(float); }

 private:
  friend struct internal::ExecutorAccess;

  // What a planned step works on, looked up once.
  struct Operands {
    StepData data;
    std::vector<float> scale;  // of a normalization, alone or fused
    std::vector<float> shift;
  };

  void AllocateVectorWorkspace();
  float* Arena(uint64_t offset) const {
    return reinterpret_cast<float*>(arena_.get()) + static_cast<size_t>(offset);
  }
  Operands Prepare(const PlannedStep& planned) const;
  void CheckOutputs(std::span<const std::span<float>> outputs) const;
  double RunPiece(double work);

  Network network_;
  Plan plan_;
  std::vector<Shape> output_shapes_;
  std::shared_ptr<std::byte> arena_;
  std::shared_ptr<std::byte> vector_workspace_;
  std::vector<Operands> operands_;  // of each step
  size_t step_ = 0;                 // the one that Advance is at,
  size_t part_ = 0;                 // how many of its parts are done,
  double done_ = 0;                 // and the work of all that is
  bool timed_ = false;
  std::vector<StepTime> step_times_;
};

}  // namespace lowtropy
