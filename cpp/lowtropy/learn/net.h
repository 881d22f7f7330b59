// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/base/random.h"
#include "lowtropy/learn/layers/layers.h"

namespace lowtropy {

// A tensor that is learned, by its full name, such as "conv1.weight".
struct TensorInfo {
  std::string name;
  size_t size = 0;    // floats
  size_t offset = 0;  // in the flat buffers
};

// Layers, one after another or with shortcuts, and all that they work on, in memory that is
// allocated once. The weights are one flat buffer, the gradients another: tensor after tensor in
// the bytewise order of their names.
class Net {
 public:
  using Value = size_t;  // what a layer makes, or the input, which is 0

  struct Node {
    std::string name;
    LayerPtr layer;
    std::vector<Value> inputs;  // one or two
    Value output;
  };

  // Building: values come in the order in which they are made. Throws the layers' errors.
  explicit Net(const ValueShape& input);
  Value Add(std::string name, LayerPtr layer, Value input);
  Value Add(std::string name, LayerPtr layer, Value input, Value input2);

  // Floats that Finish allocates for batches of up to `examples`. Throws Error(kMemory) with a
  // sentence if they cannot be addressed.
  size_t MemoryFor(size_t examples) const;
  size_t WeightCount() const;

  // Ends building: the last value is the output. Allocates for batches of up to `examples`, and
  // draws the initial weights. Throws Error(kMemory) as MemoryFor.
  void Finish(size_t examples, Random* random);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  std::span<float> weights() { return weights_; }
  std::span<float> gradients() { return gradients_; }
  const ValueShape& shape(Value value) const { return values_[value].shape; }
  size_t examples() const { return examples_; }

  float* input() { return values_.front().data; }
  const float* output() const { return values_.back().data; }
  // Where the gradient of the loss by the output is to be written, before Backward.
  float* output_gradient() { return values_.back().gradient; }

  // From input() to output(), for up to examples(). See Pass for the meaning of the settings.
  void Forward(size_t examples, bool training, float statistics_weight);
  // From output_gradient() to gradients(), after a Forward in training.
  void Backward(size_t examples);

  // The layers' running statistics, one after another: reads or writes them.
  size_t StateSize() const;
  void CopyState(float* to) const;
  void SetState(const float* from);

 private:
  struct Held {
    ValueShape shape;
    const Layer* maker = nullptr;
    bool learns = false;  // whether its gradient is needed
    size_t readers = 0;
    float* data = nullptr;
    float* gradient = nullptr;
  };
  // A node and its part of the values, ready to be called. Where a layer further on has written an
  // input's gradient already, this layer writes to addend_ instead, which is then added.
  struct Call {
    Layer* layer = nullptr;
    Pass pass;
    float* sums[2] = {nullptr, nullptr};
    size_t sizes[2] = {0, 0};  // floats of one example
  };

  Value AddNode(Node node, std::span<const ValueShape> shapes);
  std::vector<Value> Owners() const;
  size_t ArenaSize(size_t examples) const;
  size_t AddendSize() const;
  size_t ScratchSize(size_t examples) const;
  void LayOutTensors(Random* random);
  void LayOutValues();
  bool WorksInPlace(const Node& node) const;
  void MakeCalls();

  size_t examples_ = 0;
  std::vector<Node> nodes_;
  std::vector<Held> values_;
  std::vector<TensorInfo> tensors_;
  std::vector<float> weights_;
  std::vector<float> gradients_;
  std::vector<float> arena_;    // all values and their gradients
  std::vector<float> scratch_;  // for one layer at a time
  std::vector<float> addend_;   // two gradients that are added to others
  std::vector<Call> calls_;
};

}  // namespace lowtropy
