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

// Runs a network on its weights as they are held. Everything is planned and allocated by the
// constructor, for inputs of the usual shapes, and by SetInputShapes; a run allocates nothing. Not
// thread-safe.
class Executor {
 public:
  // Throws the errors of CheckNetwork; Error(kLimit) where the network asks for more than `limits`
  // allow, before anything is allocated; and Error(kMemory) when there is no memory for it.
  explicit Executor(Network network, const Limits& limits = {});

  // Steps point into the network and the arena, which moves leave where they are.
  Executor(Executor&&) = default;
  Executor& operator=(Executor&&) = default;

  const Network& network() const { return network_; }

  // What runs are planned for, as in graph.inputs and graph.outputs.
  std::span<const Shape> input_shapes() const { return program().input_shapes; }
  std::span<const ValueType> output_types() const { return program().output_types; }

  // Plans for inputs of other shapes; the weights stay as they are. The plans of the last
  // kMaxPrograms shapes are kept while limits allow it, so that going back to one of them takes no
  // time and allocates nothing. Throws the errors of CheckInputShapes and of the constructor, after
  // which all is as it was.
  void SetInputShapes(std::span<const Shape> shapes);
  static constexpr size_t kMaxPrograms = 4;

  // The place of an input, row-major, of elements of its type. To be filled before each run, which
  // writes over it; another place after SetInputShapes.
  std::span<std::byte> Input(size_t index);
  // The place of an output: what the last run made, until the next one or SetInputShapes.
  std::span<const std::byte> Output(size_t index) const;
  // The type of an output as the last run made it: where a run tells how many rows it has, it may
  // have fewer than that of output_types, and be empty. Before a run it is that.
  ValueType OutputType(size_t index) const;

  // The forward pass of a network of one input of float32. `outputs`: one span for each graph
  // output, all of float32. Throws Error(kShape) unless sizes are those of the shapes, and
  // Error(kValue) that names node and value when an embedding meets a number that is none of its
  // classes; the next run is not affected. Equal inputs give equal bits.
  void Run(std::span<const float> input, std::span<const std::span<float>> outputs);

  // A run in pieces, such as a page wants between which it can breathe: Input of each, Start, then
  // Advance until it returns true, then Output of each. The same bits as of Run. Any other run in
  // between spoils it.
  void Start();
  void Start(std::span<const float> input);  // as Run takes it
  // Runs on for about `work` elementary operations (see demand.h), at least one piece.
  bool Advance(double work);
  void Finish(std::span<const std::span<float>> outputs) const;  // as Run gives them
  // The share of the work that is done since Start: 1 when all is, and only then.
  double progress() const;

  // What the network takes, and a run of it.
  const Demand& demand() const { return program().plan.demand; }

  // Whether steps are timed, from the next run on: those of the run so far, in order, with the
  // names of their nodes. Nodes that were fused into others, and those that take no work, do not
  // occur.
  struct StepTime {
    std::string_view node;
    double milliseconds;
  };
  void set_timed(bool timed) { timed_ = timed; }
  const std::vector<StepTime>& step_times() const { return step_times_; }

  // The memory of all values and scratch, for inputs of these shapes.
  uint64_t arena_bytes() const { return program().plan.arena_size * sizeof(float); }

 private:
  friend struct internal::ExecutorAccess;

  // What a planned step works on, looked up once.
  struct Operands {
    StepData data;
    std::vector<float> scale;  // of a normalization, alone or fused
    std::vector<float> shift;
    ValueType* output = nullptr;  // of an operator that is last, in made_types
  };

  // All that a run with inputs of certain shapes takes.
  struct Program {
    std::vector<Shape> input_shapes;
    Plan plan;
    std::vector<ValueType> output_types;
    std::vector<ValueType> made_types;  // by the last run
    std::shared_ptr<std::byte> arena;
    std::vector<Operands> operands;  // of each step

    float* Arena(uint64_t offset) const {
      return reinterpret_cast<float*>(arena.get()) + static_cast<size_t>(offset);
    }
  };

  void AllocateVectorWorkspace();
  std::unique_ptr<Program> MakeProgram(std::vector<Shape> shapes) const;
  Operands Prepare(Program* program, const PlannedStep& planned) const;
  void ForgetPrograms();
  const Program& program() const { return *programs_.front(); }
  void CheckOutputs(std::span<const std::span<float>> outputs) const;
  double RunPiece(double work);
  static void CountRows(const PlannedStep& planned, const Operands& operands);
  void NextStep();  // that is not done once and for all

  Network network_;
  Limits limits_;
  std::shared_ptr<std::byte> vector_workspace_;
  std::vector<std::unique_ptr<Program>> programs_;  // the one in use first, then the latest
  size_t step_ = 0;                                 // the one that Advance is at,
  size_t part_ = 0;                                 // how many of its parts are done,
  double done_ = 0;                                 // and the work of all that is
  bool timed_ = false;
  std::vector<StepTime> step_times_;
};

}  // namespace lowtropy
