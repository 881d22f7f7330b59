// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/trainer.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "lowtropy/base/checked.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/learn/layers/loss.h"
#include "lowtropy/learn/nets.h"

namespace lowtropy {
namespace {

// With which a batch's statistics enter the running ones.
constexpr float kStatisticsWeight = 0.1F;

std::string Describe(const ExampleShape& shape) {
  if (shape.steps > 0) return Text("texts of ", shape.steps, " characters");
  return Text("images of ", shape.height, " x ", shape.width, " pixels");
}

// Bytes that a trainer allocates.
uint64_t MemoryFor(const TrainerOptions& options, const Net& net, const ExampleShape& shape) {
  const size_t copies = options.optimizer.kind == OptimizerOptions::Kind::kAdam ? 2 : 1;
  // Of each example its number and its labels; of texts also what the data set gives.
  const size_t given = shape.steps > 0 ? shape.inputs() + shape.labels() : 0;
  const size_t batch = CheckedProduct({options.batch, 1 + shape.labels() + given});
  const size_t optimizer = CheckedProduct({copies, net.WeightCount()});
  const size_t floats = CheckedSum(net.MemoryFor(options.batch), CheckedSum(optimizer, batch));
  return uint64_t{floats} * sizeof(float);
}

// The model, if it fits into memory; not finished yet.
std::unique_ptr<Net> MakeFitting(const TrainerOptions& options, const ExampleShape& shape) {
  try {
    std::unique_ptr<Net> net = MakeModel(options.model, shape);
    const uint64_t bytes = MemoryFor(options, *net, shape);
    if (bytes <= options.max_memory) return net;
    throw Error(ErrorKind::kMemory,
                Text(bytes, " bytes are needed, and ", options.max_memory, " are allowed."));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kMemory) throw;
    throw Error(ErrorKind::kMemory,
                Text("The model ", options.model, " is too large for ", Describe(shape),
                     " in batches of ", options.batch, ": ", error.what()));
  }
}

std::unique_ptr<Net> MakeNet(const TrainerOptions& options, const Dataset* data) {
  if (data == nullptr) throw Error(ErrorKind::kValue, "A trainer needs a data set.");
  if (options.batch == 0) throw Error(ErrorKind::kValue, "A batch must have at least 1 example.");
  std::unique_ptr<Net> net = MakeFitting(options, data->shape());
  Random random(options.seed);
  net->Finish(options.batch, &random);
  return net;
}

std::vector<uint32_t> CheckShard(std::vector<uint32_t> shard, const Dataset& data) {
  if (shard.empty()) throw Error(ErrorKind::kValue, "A shard must have at least 1 example.");
  for (const uint32_t example : shard) {
    if (example >= data.size()) {
      throw Error(ErrorKind::kValue, Text("The shard names example ", example,
                                          ", and the data set has ", data.size(), "."));
    }
  }
  return shard;
}

// From [example][step] to [step][example].
template <class T>
void ByStep(size_t examples, size_t steps, const T* from, T* to) {
  for (size_t e = 0; e < examples; ++e) {
    for (size_t t = 0; t < steps; ++t) to[t * examples + e] = from[e * steps + t];
  }
}

}  // namespace

Trainer::Trainer(const TrainerOptions& options, std::shared_ptr<const Dataset> data,
                 std::vector<uint32_t> shard)
    : options_(options),
      data_(std::move(data)),
      net_(MakeNet(options_, data_.get())),
      optimizer_(options_.optimizer, net_->weights().size()),
      sampler_(CheckShard(std::move(shard), *data_), options_.seed, options_.stream),
      batch_(options_.batch),
      labels_(LabelsOf(options_.batch)) {
  if (data_->shape().steps > 0) {
    inputs_.resize(CheckedProduct({options_.batch, data_->shape().inputs()}));
    by_example_.resize(labels_.size());
  }
}

void Trainer::Load(const Dataset& data, std::span<const uint32_t> examples) {
  const size_t count = examples.size();
  const size_t inputs = count * data.shape().inputs();
  const std::span<uint32_t> labels(labels_.data(), LabelsOf(count));
  const size_t steps = data.shape().steps;
  if (steps == 0) return data.Read(examples, {net_->input(), inputs}, labels);
  data.Read(examples, {inputs_.data(), inputs}, {by_example_.data(), labels.size()});
  ByStep(count, steps, inputs_.data(), net_->input());
  ByStep(count, steps, by_example_.data(), labels.data());
}

double Trainer::Step(uint64_t count) {
  double loss = 0;
  const size_t rows = labels_.size();
  for (uint64_t i = 0; i < count; ++i) {
    sampler_.Next(batch_);
    Load(*data_, batch_);
    net_->Forward(batch_.size(), true, kStatisticsWeight);
    loss += SoftmaxCrossEntropy(net_->output(), labels_.data(), rows, data_->shape().classes,
                                net_->output_gradient())
                .loss;
    net_->Backward(batch_.size());
    optimizer_.Step(net_->weights(), net_->gradients());
  }
  return loss / static_cast<double>(std::max<uint64_t>(count, 1) * rows);
}

void Trainer::CheckSameShape(const Dataset& data) const {
  const ExampleShape& own = data_->shape();
  const ExampleShape& other = data.shape();
  if (own.channels != other.channels || own.height != other.height || own.width != other.width ||
      own.steps != other.steps || own.classes != other.classes) {
    throw Error(
        ErrorKind::kShape,
        "The data set has examples of another shape than those that the model learns from.");
  }
}

Evaluation Trainer::Evaluate(const Dataset& data, size_t limit) {
  CheckSameShape(data);
  Evaluation result;
  LossSum total;
  result.examples = std::min(limit, data.size());
  for (size_t first = 0; first < result.examples; first += batch_.size()) {
    const size_t count = std::min(batch_.size(), result.examples - first);
    std::iota(batch_.begin(), batch_.end(), static_cast<uint32_t>(first));
    Load(data, {batch_.data(), count});
    net_->Forward(count, false, 0);
    const LossSum sum = SoftmaxCrossEntropy(net_->output(), labels_.data(), LabelsOf(count),
                                            data.shape().classes, nullptr);
    total.loss += sum.loss;
    total.correct += sum.correct;
  }
  const auto labels = static_cast<double>(std::max<size_t>(LabelsOf(result.examples), 1));
  result.loss = total.loss / labels;
  result.accuracy = static_cast<double>(total.correct) / labels;
  return result;
}

std::span<const float> Trainer::Predict(const Dataset& data, std::span<const uint32_t> examples) {
  CheckSameShape(data);
  if (examples.size() > batch_.size()) {
    throw Error(ErrorKind::kShape, Text("A prediction takes at most ", batch_.size(),
                                        " examples, a batch, not ", examples.size(), "."));
  }
  CheckShard({examples.begin(), examples.end()}, data);
  Load(data, examples);
  net_->Forward(examples.size(), false, 0);
  return {net_->output(), LabelsOf(examples.size()) * data.shape().classes};
}

void Trainer::Calibrate(size_t batches) {
  if (net_->StateSize() == 0) return;
  Sampler sampler = sampler_;
  for (size_t i = 0; i < batches; ++i) {
    sampler.Next(batch_);
    Load(*data_, batch_);
    net_->Forward(batch_.size(), true, 1.0F / static_cast<float>(i + 1));
  }
}

void Trainer::BeginRound() {
  const std::span<const float> weights = net_->weights();
  start_.assign(weights.begin(), weights.end());
  in_round_ = true;
}

void Trainer::Movement(std::span<float> update) const {
  if (!in_round_) throw Error(ErrorKind::kValue, "A round must begin before it is encoded.");
  const std::span<const float> weights = net_->weights();
  for (size_t i = 0; i < weights.size(); ++i) update[i] = weights[i] - start_[i];
}

void Trainer::EndRound() {
  if (!in_round_) return;
  std::copy(start_.begin(), start_.end(), net_->weights().begin());
  in_round_ = false;
}

}  // namespace lowtropy
