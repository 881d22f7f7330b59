// SPDX-License-Identifier: Apache-2.0
// fc: the weight times the flattened input, plus bias.
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kAttributes[] = {
    {"weight", AttributeKind::kMatrix},
    {"bias", AttributeKind::kVector, 1, 0, true},
    {"outChannels", AttributeKind::kInteger},
};

ValueType Infer(const TypedNode& typed) {
  CheckOutChannels(typed.node);
  return ImagesLike(typed, {typed.node.Integer("outChannels"), 1, 1});
}

WeightUse Use(const TypedNode& typed, const Shape&) {
  const auto [count, each] = ImagesOf(typed);
  return {.kind = WeightUse::Kind::kVector,
          .rows = typed.node.Integer("outChannels"),
          .cols = each.size(),
          .repeats = count};
}

uint64_t VectorSize(const TypedNode& typed) { return typed.node.Integer("outChannels"); }

// One product with a vector for each part.
class FcTask final : public Task {
 public:
  explicit FcTask(const WeightUse& use)
      : Task({.work = static_cast<double>(use.repeats) * static_cast<double>(use.rows) *
                      (static_cast<double>(use.cols) + 32),
              .parts = {.count = static_cast<size_t>(use.repeats)}}),
        rows_(static_cast<size_t>(use.rows)),
        cols_(static_cast<size_t>(use.cols)) {}

  void Run(const StepData& data, size_t begin, size_t end) const override {
    for (size_t i = begin; i < end; ++i) {
      MultiplyVector(*data.weight, {0, rows_}, data.inputs[0] + i * cols_, data.output + i * rows_,
                     data.epilogue, data.vector_workspace);
    }
  }

 private:
  size_t rows_;
  size_t cols_;
};

std::unique_ptr<Task> Plan(const TypedNode& typed, const Shape& output) {
  return std::make_unique<FcTask>(Use(typed, output));
}

}  // namespace

constinit const Operator ops::kFc{.name = "fc",
                                  .attributes = kAttributes,
                                  .takes_scale = true,
                                  .takes_bounds = true,
                                  .takes_bias = true,
                                  .infer = Infer,
                                  .use = Use,
                                  .vector_size = VectorSize,
                                  .plan = Plan};

}  // namespace lowtropy
