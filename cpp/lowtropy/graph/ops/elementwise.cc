// SPDX-License-Identifier: Apache-2.0
// relu and add: element by element.
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/image_kernels.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

ValueType InferSame(const TypedNode& typed) { return typed.inputs[0]; }

class ReluTask final : public Task {
 public:
  explicit ReluTask(const TypedNode& typed)
      : Task({.work = LightWork(typed)}), size_(static_cast<size_t>(typed.shape().size())) {}

  void Run(const StepData& data, size_t, size_t) const override {
    Relu(data.inputs[0], size_, data.output);
  }

 private:
  size_t size_;
};

std::unique_ptr<Task> PlanRelu(const TypedNode& typed, const Shape&) {
  return std::make_unique<ReluTask>(typed);
}

ValueType InferAdd(const TypedNode& typed) {
  for (const ValueType& input : typed.inputs) {
    if (input != typed.inputs[0]) {
      throw ShapeError(typed.node, Text("it cannot add ", Describe(typed.shape()), " and ",
                                        Describe(input.shape)));
    }
  }
  return typed.inputs[0];
}

class AddTask final : public Task {
 public:
  explicit AddTask(const TypedNode& typed)
      : Task({.work = LightWork(typed)}), size_(static_cast<size_t>(typed.shape().size())) {}

  void Run(const StepData& data, size_t, size_t) const override {
    Add(data.inputs, size_, data.epilogue.relu, data.output);
  }

 private:
  size_t size_;
};

std::unique_ptr<Task> PlanAdd(const TypedNode& typed, const Shape&) {
  return std::make_unique<AddTask>(typed);
}

}  // namespace

constinit const Operator ops::kRelu{.name = "relu",
                                    .is_ending = Ending::kRelu,
                                    .overwrites = true,
                                    .infer = InferSame,
                                    .plan = PlanRelu};
constinit const Operator ops::kAdd{.name = "add",
                                   .least_inputs = 2,
                                   .most_inputs = kMaxNodes,
                                   .takes_relu = true,
                                   .overwrites = true,
                                   .infer = InferAdd,
                                   .plan = PlanAdd};

}  // namespace lowtropy
