// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace lowtropy {

// What the learning rate is multiplied by, over the steps.
struct Schedule {
  enum class Kind : uint8_t {
    kConstant,
    kSteps,   // by `factor` once more from each of `steps` on
    kCosine,  // from 1 down to 0 along half a cosine, within `length` steps
  };
  Kind kind = Kind::kConstant;
  std::vector<uint64_t> steps;  // rising
  float factor = 0.1F;
  uint64_t length = 0;
};

struct OptimizerOptions {
  enum class Kind : uint8_t { kSgd, kAdam };
  Kind kind = Kind::kSgd;
  float learning_rate = 0.01F;
  float momentum = 0;      // sgd
  float weight_decay = 0;  // times each weight, added to its gradient
  float beta1 = 0.9F;      // adam
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float clip_norm = 0;  // gradients with a larger norm are scaled down to it; 0: none are
  Schedule schedule;
};

// As many steps as are counted: all up to it are numbers of JavaScript too.
inline constexpr uint64_t kMostSteps = uint64_t{1} << 53;

// Throws Error(kValue) with a sentence for what is not one of "sgd" and "adam".
OptimizerOptions::Kind OptimizerKindOf(std::string_view name);

// Updates weights by their gradients. With the gradient g of the loss plus weight_decay · weight:
//
//   sgd   v = momentum · v + g;  weight -= rate · v      (PyTorch's form: a change of the rate acts
//                                                         at once; Caffe's has the rate inside v)
//   adam  m = beta1 · m + (1 - beta1) · g;  s = beta2 · s + (1 - beta2) · g²
//         weight -= rate · m̂ / (√ŝ + epsilon), both means without their bias towards 0
class Optimizer {
 public:
  // Throws Error(kValue) with a sentence for options that cannot be.
  Optimizer(OptimizerOptions options, size_t size);

  const OptimizerOptions& options() const { return options_; }
  uint64_t steps() const { return steps_; }  // done
  float LearningRate() const;                // of the next step

  // Where the schedule is at the next step: by default after as many as were done. Others count
  // where several learn together, of whom not all take part in each round.
  void SetScheduleStep(uint64_t step) { schedule_step_ = step; }
  uint64_t schedule_step() const { return schedule_step_; }

  // One step. May scale the gradients, where they are clipped.
  void Step(std::span<float> weights, std::span<float> gradients);

  // v of sgd, m of adam. Other hands may clear parts of it.
  std::span<float> momentum() { return momentum_; }

  // The whole state, as floats and two numbers of steps: momentum, then s of adam.
  size_t StateSize() const { return momentum_.size() + squares_.size(); }
  void CopyState(float* to) const;
  void SetState(const float* from, uint64_t steps, uint64_t schedule_step);

 private:
  void StepSgd(std::span<float> weights, std::span<const float> gradients);
  void StepAdam(std::span<float> weights, std::span<const float> gradients);

  OptimizerOptions options_;
  uint64_t steps_ = 0;
  uint64_t schedule_step_ = 0;
  std::vector<float> momentum_;
  std::vector<float> squares_;
};

}  // namespace lowtropy
