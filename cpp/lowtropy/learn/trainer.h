// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/learn/data/dataset.h"
#include "lowtropy/learn/data/sampler.h"
#include "lowtropy/learn/net.h"
#include "lowtropy/learn/optimizer.h"

namespace lowtropy {

struct TrainerOptions {
  std::string model;  // see models.h
  uint32_t batch = 64;
  OptimizerOptions optimizer;
  uint64_t seed = 1;    // initial weights and, together with `stream`, the order of examples
  uint32_t stream = 0;  // different for workers that start from the same weights
  // Bytes that weights, gradients, the optimizer and all values of a batch may take together: the
  // size of images is up to whoever made the data set.
  uint64_t max_memory = uint64_t{1} << 31;
};

struct Evaluation {
  double loss = 0;      // mean, in nats per label; of text exp(loss) is the perplexity
  double accuracy = 0;  // share of right labels
  size_t examples = 0;
};

// A model that learns from a shard of a data set.
class Trainer {
 public:
  // `shard` names the examples to learn from. Throws Error with a sentence for options that cannot
  // be: an unknown model or one for other data, a batch of 0, an empty shard, examples that are not
  // there; Error(kMemory) where the model takes more than max_memory, before any is taken.
  Trainer(const TrainerOptions& options, std::shared_ptr<const Dataset> data,
          std::vector<uint32_t> shard);

  const TrainerOptions& options() const { return options_; }
  const Net& net() const { return *net_; }
  const std::vector<TensorInfo>& tensors() const { return net_->tensors(); }
  std::span<float> weights() { return net_->weights(); }
  std::span<float> momentum() { return optimizer_.momentum(); }
  uint64_t steps() const { return optimizer_.steps(); }  // done
  void SetScheduleStep(uint64_t step) { optimizer_.SetScheduleStep(step); }

  // Makes `count` steps of the optimizer and returns the mean loss of their batches. Allocates
  // nothing.
  double Step(uint64_t count);

  // How the model does on the first `limit` examples of `data`, which must be of the shape of its
  // own; batch normalization goes by its running statistics.
  Evaluation Evaluate(const Dataset& data, size_t limit);
  Evaluation Evaluate() { return Evaluate(*data_, data_->size()); }

  // The outputs of the model for examples of `data` as in Evaluate, at most a batch: one row of
  // `classes` floats for each label. They stay until the next call of any kind.
  std::span<const float> Predict(const Dataset& data, std::span<const uint32_t> examples);

  // Sets the running statistics of batch normalization to the mean over so many batches of the
  // shard, with the weights as they are. Does nothing where there is none. The order of examples in
  // Step is as if it had not been called.
  void Calibrate(size_t batches);

  // The weights' side of a round in which several learn together. BeginRound remembers the weights;
  // Movement writes what they moved by since then, flat as they are, and throws Error(kValue) where
  // no round has begun; EndRound moves them back.
  void BeginRound();
  void Movement(std::span<float> update) const;
  void EndRound();

  // All that decides how training goes on, in bytes: weights, the optimizer's state, running
  // statistics, the place in the order of examples, that in the schedule, and in a round the
  // weights it began with. Restore throws Error(kFile) with a sentence for bytes that are damaged
  // or of another model, optimizer, shard, batch, seed or stream, and then changes nothing.
  // Restored and continued, training gives the same bits as if never interrupted.
  std::vector<uint8_t> Save() const;
  void Restore(std::span<const uint8_t> bytes);

 private:
  void CheckSameShape(const Dataset& data) const;
  void Load(const Dataset& data, std::span<const uint32_t> examples);
  size_t SavedFloats(bool in_round) const;
  size_t LabelsOf(size_t examples) const { return examples * data_->shape().labels(); }

  TrainerOptions options_;
  std::shared_ptr<const Dataset> data_;
  std::unique_ptr<Net> net_;
  Optimizer optimizer_;
  Sampler sampler_;
  std::vector<uint32_t> batch_;   // the examples of a batch
  std::vector<float> inputs_;     // of text, as the data set gives them: example by example
  std::vector<uint32_t> labels_;  // as the net's rows
  std::vector<uint32_t> by_example_;
  std::vector<float> start_;  // the weights at BeginRound
  bool in_round_ = false;
};

}  // namespace lowtropy
