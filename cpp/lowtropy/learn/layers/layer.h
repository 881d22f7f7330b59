// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/checked.h"

namespace lowtropy {

// How a value between layers lies in memory, with all examples of the batch in it.
enum class Arrangement {
  kRows,    // [step][example][channel]: what fully connected layers and LSTMs multiply
  kPlanes,  // [channel][example][row][column]: so that a convolution of the whole batch is one
            // product, and a channel lies in one piece for batch normalization
};

struct ValueShape {
  Arrangement arrangement = Arrangement::kRows;
  size_t channels = 0;
  size_t height = 1;  // rows have neither height nor width, planes no steps
  size_t width = 1;
  size_t steps = 1;

  size_t area() const { return height * width; }
  size_t size() const { return channels * height * width * steps; }  // floats of one example
  // The same. Throws Error(kMemory) with a sentence if that is more than can be addressed.
  size_t CheckedSize() const { return CheckedProduct({channels, height, width, steps}); }
};

// A tensor that is learned. Its initial values are uniform in ±bound, or, where the bound is 0, all
// `value`.
struct Parameter {
  std::string name;  // such as "weight", without the layer's
  size_t size = 0;
  float bound = 0;
  float value = 0;
  float* values = nullptr;
  float* gradients = nullptr;
};

// What a layer computes, in the words of a network's graph (io/FORMAT.md), for those who make one.
struct LayerSettings {
  std::string_view op;
  size_t outputs = 0;  // conv, fc, embedding, lstm
  size_t kernel = 1;   // conv, maxpool; in both directions
  size_t stride = 1;
  size_t pad = 0;         // on all sides
  float epsilon = 0;      // batchnorm
  float forget_bias = 0;  // lstm: what forget gates have besides their bias
};

// What one call of a layer works on. Gradients are those of the loss by the value.
struct Pass {
  size_t examples = 0;
  bool training = false;  // batch normalization by the batch's own statistics
  // The weight with which those enter the running statistics; 0 leaves them alone.
  float statistics_weight = 0;

  const float* x = nullptr;
  const float* x2 = nullptr;  // the second input of a layer that has two
  float* y = nullptr;
  const float* dy = nullptr;
  float* dx = nullptr;  // null where nobody needs it
  float* dx2 = nullptr;
  float* scratch = nullptr;  // ScratchSize() floats, which do not live on
};

// A differentiable layer. The calls come in this order: Configure, Reserve, then any number of
// Forward, each followed by at most one Backward, which may read what that Forward left in the
// layer, in x and in y. Neither allocates.
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  std::span<Parameter> parameters() { return parameters_; }

  virtual LayerSettings Settings() const = 0;

  // Learns the shapes of the inputs, one or two, and returns that of the output. Throws
  // Error(kShape), with a sentence, for inputs that it cannot take, and Error(kMemory) for so large
  // ones that the parameters cannot be addressed.
  virtual ValueShape Configure(std::span<const ValueShape> inputs) = 0;

  // Allocates what it keeps from Forward to Backward, for batches of up to so many examples: as
  // many floats, or numbers of their size, as KeptSize says.
  virtual void Reserve(size_t /*examples*/) {}
  virtual size_t KeptSize(size_t /*examples*/) const { return 0; }
  virtual size_t ScratchSize(size_t /*examples*/) const { return 0; }  // floats

  // Whether y may be the memory of x, and dx that of dy.
  virtual bool InPlace() const { return false; }

  // Whether Backward reads y.
  virtual bool ReadsOutput() const { return false; }

  // What is neither learned nor recomputed, and must be saved: running statistics.
  virtual std::span<float> State() { return {}; }

  virtual void Forward(const Pass& pass) = 0;

  // Writes dx (all of it, nothing is added) and the gradients of the parameters.
  virtual void Backward(const Pass& pass) = 0;

 protected:
  // `sizes`: its dimensions.
  void AddParameter(const char* name, std::initializer_list<size_t> sizes, float bound,
                    float value = 0);
  // Throws Error(kShape).
  [[noreturn]] static void Refuse(const std::string& sentence);
  [[noreturn]] static void Refuse(const char* sentence);
  const float* Values(size_t parameter) const { return parameters_[parameter].values; }
  float* Gradients(size_t parameter) const { return parameters_[parameter].gradients; }

 private:
  std::vector<Parameter> parameters_;
};

}  // namespace lowtropy
