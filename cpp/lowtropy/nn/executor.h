// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/nn/graph.h"
#include "lowtropy/nn/plan.h"

namespace lowtropy {

// A node with a matrix, as what a run does with it: `repeats` products with `count` columns each.
// A conv has one product with OH·OW columns, an fc one with 1, an lstm one with 1 at each of its
// steps. An embedding only looks rows up, at each of its steps: that is 0 columns.
struct LayerInfo {
  std::string name;  // of the node
  Op op;
  std::string weight;  // name of the tensor
  size_t rows;
  size_t cols;
  uint64_t count;
  uint64_t repeats;
  uint64_t
      macs;  // multiply-accumulates of a run on the dense matrix: repeats · count · rows · cols
  Shape output;
};

// The network's nodes that have a matrix, in an order in which they can run. The network must
// satisfy CheckNetwork.
std::vector<LayerInfo> ListLayers(const Network& network);

// How many columns a product with each weight of the graph has, by its name: `count` of LayerInfo;
// the most, where several nodes share it. What Choose wants to know of a weight. Throws the errors
// of InferShapes.
std::map<std::string, uint64_t> CountColumns(const Graph& graph);

// Runs a network, one sample at a time, on its weights as they are held. Everything is planned and
// allocated by the constructor; Run allocates nothing. Not thread-safe.
class Executor {
 public:
  // Throws the errors of CheckNetwork, and Error(kMemory) when there is no memory for the arena.
  explicit Executor(Network network);

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

  // Holds a weight in another format from now on. Throws Error(kValue) when there is no such
  // matrix.
  void SetFormat(const std::string& weight, Format format);

  // Called after each step of Run with the name of its node and how long it took; nodes that were
  // fused into others, and those that take no work, do not occur. An empty function turns it off.
  using StepObserver = std::function<void(std::string_view node, double milliseconds)>;
  void set_step_observer(StepObserver observer) { observer_ = std::move(observer); }

  // The memory of all values and scratch. Its contents mean nothing between runs.
  std::span<float> arena() { return {Arena(0), static_cast<size_t>(plan_.arena_size)}; }
  uint64_t arena_bytes() const { return plan_.arena_size * sizeof(float); }

 private:
  // What a planned step needs besides, looked up once.
  struct Operands {
    std::vector<const float*> inputs;
    const Matrix* weight = nullptr;
    Epilogue epilogue;
    std::vector<float> scale;  // of a batchnorm, alone or fused
    std::vector<float> bias;
  };

  float* Arena(uint64_t offset) const {
    return reinterpret_cast<float*>(arena_.get()) + static_cast<size_t>(offset);
  }
  Operands Prepare(const PlannedStep& planned) const;
  void FoldBatchNorm(const Node& norm, const float* bias, Operands& operands) const;
  const float* Vector(const std::string& name) const;
  void RunObserved(const PlannedStep& planned, const Operands& operands) const;
  void RunStep(const PlannedStep& planned, const Operands& operands) const;

  Network network_;
  std::vector<Shape> output_shapes_;
  Plan plan_;
  std::shared_ptr<std::byte> arena_;
  std::vector<Operands> operands_;  // of each step
  StepObserver observer_;
};

}  // namespace lowtropy
