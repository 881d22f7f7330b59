// SPDX-License-Identifier: Apache-2.0
// relu, hardswish and add: element by element.
#include <span>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/graph/ops/elementwise.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"
#include "lowtropy/graph/ops/vectors-inl.h"
#include "lowtropy/matrix/kernels/epilogue-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// All may write over an input.

void ReluKernel(const float* input, size_t size, float* output) {
  ForEachVector(size, [&](auto d, size_t i) HWY_ATTR {
    hn::StoreU(AtLeast(d, 0.0F, hn::LoadU(d, input + i)), d, output + i);
  });
}

void HardSwishKernel(const float* input, size_t size, float* output) {
  ForEachVector(size, [&](auto d, size_t i) HWY_ATTR {
    const auto x = hn::LoadU(d, input + i);
    const auto six = hn::Set(d, 6.0F);
    const auto above = AtLeast(d, 0.0F, hn::Add(x, hn::Set(d, 3.0F)));
    const auto gate = hn::IfThenElse(hn::Gt(above, six), six, above);
    hn::StoreU(hn::Mul(hn::Mul(x, gate), hn::Set(d, 1.0F / 6)), d, output + i);
  });
}

void AddKernel(std::span<const float* const> inputs, size_t size, const Bounds& bounds,
               float* output) {
  ForEachVector(size, [&](auto d, size_t i) HWY_ATTR {
    auto sum = hn::LoadU(d, inputs[0] + i);
    for (const float* input : inputs.subspan(1)) sum = hn::Add(sum, hn::LoadU(d, input + i));
    hn::StoreU(Within(d, bounds, sum), d, output + i);
  });
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(ReluKernel);
HWY_EXPORT(HardSwishKernel);
HWY_EXPORT(AddKernel);

// ---- Of one value ----

ValueType InferSame(const TypedNode& typed) { return typed.inputs[0]; }

using Kernel = void (*)(const float* input, size_t size, float* output);

class UnaryTask final : public Task {
 public:
  UnaryTask(const TypedNode& typed, Kernel kernel)
      : Task({.work = LightWork(typed)}),
        size_(static_cast<size_t>(typed.shape().size())),
        kernel_(kernel) {}

  void Run(const StepData& data, size_t, size_t) const override {
    kernel_(data.inputs[0], size_, data.output);
  }

 private:
  size_t size_;
  Kernel kernel_;
};

std::unique_ptr<Task> PlanRelu(const TypedNode& typed, const Shape&) {
  return std::make_unique<UnaryTask>(typed, [](const float* input, size_t size, float* output) {
    HWY_DYNAMIC_DISPATCH(ReluKernel)(input, size, output);
  });
}

std::unique_ptr<Task> PlanHardSwish(const TypedNode& typed, const Shape&) {
  return std::make_unique<UnaryTask>(typed, [](const float* input, size_t size, float* output) {
    HWY_DYNAMIC_DISPATCH(HardSwishKernel)(input, size, output);
  });
}

// ---- add ----

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
    HWY_DYNAMIC_DISPATCH(AddKernel)(data.inputs, size_, data.epilogue.bounds, data.output);
  }

 private:
  size_t size_;
};

std::unique_ptr<Task> PlanAdd(const TypedNode& typed, const Shape&) {
  return std::make_unique<AddTask>(typed);
}

}  // namespace

constinit const Operator ops::kRelu{.name = "relu",
                                    .is_ending = Ending::kBounds,
                                    .overwrites = true,
                                    .infer = InferSame,
                                    .bounds = [](const Node&) { return Bounds{.least = 0}; },
                                    .plan = PlanRelu};
constinit const Operator ops::kHardSwish{.name = "hardswish",
                                         .version = 4,
                                         .overwrites = true,
                                         .infer = InferSame,
                                         .plan = PlanHardSwish};
constinit const Operator ops::kAdd{.name = "add",
                                   .least_inputs = 2,
                                   .most_inputs = kMaxNodes,
                                   .takes_bounds = true,
                                   .overwrites = true,
                                   .infer = InferAdd,
                                   .plan = PlanAdd};

}  // namespace lowtropy
#endif  // HWY_ONCE
