// SPDX-License-Identifier: Apache-2.0
// embedding and lstm: on sequences, which are features x steps x 1.
#include <algorithm>

#include "lowtropy/base/decimal.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/sequence.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr uint32_t kMaxClasses = uint32_t{1} << 24;  // floats tell no more apart

// ---- embedding ----

constexpr AttributeSpec kEmbeddingAttributes[] = {
    {"weight", AttributeKind::kMatrix},
    {"classes", AttributeKind::kInteger},
    {"outChannels", AttributeKind::kInteger},
};

ValueType InferEmbedding(const TypedNode& typed) {
  const Node& node = typed.node;
  CheckOutChannels(node);
  const uint32_t classes = node.Integer("classes");
  if (classes == 0 || classes > kMaxClasses) {
    throw ShapeError(node,
                     Text("its number of classes, ", classes, ", is outside 1 to ", kMaxClasses));
  }
  const ImageShape each = ImagesOf(typed).each;
  if (each.channels != 1 || each.width != 1) {
    throw ShapeError(node,
                     "it takes 1 x steps x 1 numbers of classes, not " + Describe(typed.shape()));
  }
  return ImagesLike(typed, {node.Integer("outChannels"), each.height, 1});
}

WeightUse UseEmbedding(const TypedNode& typed, const Shape&) {
  return {.kind = WeightUse::Kind::kRows,
          .rows = typed.node.Integer("classes"),
          .cols = typed.node.Integer("outChannels"),
          .count = 0,
          .repeats = typed.shape().size()};
}

class EmbeddingTask final : public Task {
 public:
  EmbeddingTask(const ImageBatch& images, uint32_t width)
      : Task({.work = 32.0 * width * static_cast<double>(images.count) * images.each.height,
              .scratch = EmbeddingScratch(width)}),
        count_(static_cast<size_t>(images.count)),
        steps_(images.each.height),
        width_(width) {}

  void Run(const StepData& data, size_t, size_t) const override {
    for (size_t i = 0; i < count_; ++i) {
      const float* input = data.inputs[0] + i * steps_;
      const size_t done =
          Embed(*data.weight, steps_, input, data.output + i * steps_ * width_, data.scratch);
      if (done < steps_) Refuse(*data.node, done, input[done]);
    }
  }

 private:
  [[noreturn]] static void Refuse(const Node& node, size_t step, float number) {
    throw NodeError(ErrorKind::kValue, node,
                    Text("its input at step ", step, " is ", Shortest(static_cast<double>(number)),
                         ", not an integer from 0 to ", node.Integer("classes") - 1));
  }

  size_t count_;
  size_t steps_;
  size_t width_;
};

std::unique_ptr<Task> PlanEmbedding(const TypedNode& typed, const Shape&) {
  return std::make_unique<EmbeddingTask>(ImagesOf(typed), typed.node.Integer("outChannels"));
}

// ---- lstm ----

constexpr AttributeSpec kLstmAttributes[] = {
    {"weight", AttributeKind::kMatrix},
    {"outChannels", AttributeKind::kInteger},
};

ValueType InferLstm(const TypedNode& typed) {
  const Node& node = typed.node;
  CheckOutChannels(node);
  const uint64_t gates = uint64_t{4} * node.Integer("outChannels");
  const ImageShape each = ImagesOf(typed).each;
  if (each.channels != gates || each.width != 1) {
    throw ShapeError(
        node, Text("it takes ", gates, " x steps x 1, four gates of each output channel, not ",
                   Describe(typed.shape())));
  }
  return ImagesLike(typed, {node.Integer("outChannels"), each.height, 1});
}

WeightUse UseLstm(const TypedNode& typed, const Shape&) {
  const auto [count, each] = ImagesOf(typed);
  return {.kind = WeightUse::Kind::kVector,
          .rows = each.channels,
          .cols = typed.node.Integer("outChannels"),
          .repeats = count * each.height};
}

// The parts are steps, sequence by sequence.
class LstmTask final : public Task {
 public:
  // At each step a product of the weight, sigmoids and hyperbolic tangents.
  LstmTask(const ImageBatch& images, uint32_t hidden)
      : Task({.work = 8.0 * hidden * (hidden + 128.0) * static_cast<double>(images.count) *
                      images.each.height,
              .scratch = LstmScratch(hidden),
              .parts = {.count = static_cast<size_t>(images.count) * images.each.height}}),
        steps_(images.each.height),
        hidden_(hidden) {}

  void Run(const StepData& data, size_t begin, size_t end) const override {
    while (begin < end) {
      const size_t sequence = begin / steps_;
      const size_t first = begin % steps_;
      const size_t last = std::min(steps_, first + end - begin);
      Lstm(*data.weight, steps_, {first, last}, data.inputs[0] + 4 * sequence * steps_ * hidden_,
           data.output + sequence * steps_ * hidden_, data.scratch, data.vector_workspace);
      begin += last - first;
    }
  }

 private:
  size_t steps_;
  size_t hidden_;
};

std::unique_ptr<Task> PlanLstm(const TypedNode& typed, const Shape&) {
  return std::make_unique<LstmTask>(ImagesOf(typed), typed.node.Integer("outChannels"));
}

}  // namespace

constinit const Operator ops::kEmbedding{.name = "embedding",
                                         .version = 2,
                                         .attributes = kEmbeddingAttributes,
                                         .infer = InferEmbedding,
                                         .use = UseEmbedding,
                                         .plan = PlanEmbedding};
constinit const Operator ops::kLstm{.name = "lstm",
                                    .version = 2,
                                    .attributes = kLstmAttributes,
                                    .infer = InferLstm,
                                    .use = UseLstm,
                                    .plan = PlanLstm};

}  // namespace lowtropy
