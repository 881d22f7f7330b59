// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/optimizer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/math/sums.h"

namespace lowtropy {
namespace {

void Check(bool good, const char* sentence) {
  if (!good) throw Error(ErrorKind::kValue, sentence);
}

bool IsFraction(float value) { return value >= 0 && value < 1; }
bool IsAmount(float value) { return value >= 0 && std::isfinite(value); }

void CheckSchedule(const Schedule& schedule) {
  Check(std::is_sorted(schedule.steps.begin(), schedule.steps.end()),
        "The steps of a schedule must rise.");
  Check(IsAmount(schedule.factor), "The factor of a schedule must be a number of at least 0.");
  Check(schedule.kind != Schedule::Kind::kCosine || schedule.length > 0,
        "A cosine schedule must have a length of at least 1 step.");
}

void CheckOptions(const OptimizerOptions& options) {
  Check(IsAmount(options.learning_rate) && options.learning_rate > 0,
        "The learning rate must be a number above 0.");
  Check(IsFraction(options.momentum), "The momentum must be at least 0 and below 1.");
  Check(IsAmount(options.weight_decay), "The weight decay must be a number of at least 0.");
  Check(IsFraction(options.beta1) && IsFraction(options.beta2),
        "The betas of Adam must be at least 0 and below 1.");
  Check(IsAmount(options.epsilon) && options.epsilon > 0,
        "The epsilon of Adam must be a number above 0.");
  Check(IsAmount(options.clip_norm), "The norm to clip at must be a number of at least 0.");
  CheckSchedule(options.schedule);
}

// base^exponent by squaring: the same on every machine, unlike std::pow.
double Power(double base, uint64_t exponent) {
  double power = 1;
  for (; exponent > 0; exponent >>= 1, base *= base) {
    if (exponent & 1) power *= base;
  }
  return power;
}

// cos(pi · x) for x from 0 to 1, to within 1e-10, by the Taylor series around the middle: the same
// on every machine.
double CosPi(double x) {
  constexpr double kPi = 3.14159265358979323846;
  const double angle = kPi * (0.5 - x);  // cos(pi · x) = sin(angle)
  double term = angle;
  double sum = angle;
  for (int i = 2; i < 20; i += 2) {
    term *= -angle * angle / (i * (i + 1));
    sum += term;
  }
  return sum;
}

double ScheduleFactor(const Schedule& schedule, uint64_t step) {
  switch (schedule.kind) {
    case Schedule::Kind::kConstant:
      return 1;
    case Schedule::Kind::kSteps: {
      const auto passed = std::upper_bound(schedule.steps.begin(), schedule.steps.end(), step);
      return Power(schedule.factor, static_cast<uint64_t>(passed - schedule.steps.begin()));
    }
    case Schedule::Kind::kCosine: {
      const double done = static_cast<double>(step) / static_cast<double>(schedule.length);
      return 0.5 * (1 + CosPi(std::min(done, 1.0)));
    }
  }
  return 1;
}

void ClipNorm(float limit, std::span<float> gradients) {
  const float norm =
      std::sqrt(SumTerms(gradients.size(), [&](size_t i) { return gradients[i] * gradients[i]; }));
  if (!(norm > limit)) return;
  const float scale = limit / norm;
  for (float& gradient : gradients) gradient *= scale;
}

}  // namespace

OptimizerOptions::Kind OptimizerKindOf(std::string_view name) {
  if (name == "sgd") return OptimizerOptions::Kind::kSgd;
  if (name == "adam") return OptimizerOptions::Kind::kAdam;
  throw Error(ErrorKind::kValue,
              Text("There is no optimizer \"", name, "\"; there are sgd and adam."));
}

Optimizer::Optimizer(OptimizerOptions options, size_t size) : options_(std::move(options)) {
  CheckOptions(options_);
  momentum_.resize(size);
  if (options_.kind == OptimizerOptions::Kind::kAdam) squares_.resize(size);
}

float Optimizer::LearningRate() const {
  const double factor = ScheduleFactor(options_.schedule, schedule_step_);
  return static_cast<float>(options_.learning_rate * factor);
}

void Optimizer::Step(std::span<float> weights, std::span<float> gradients) {
  if (options_.clip_norm > 0) ClipNorm(options_.clip_norm, gradients);
  if (options_.kind == OptimizerOptions::Kind::kAdam) {
    StepAdam(weights, gradients);
  } else {
    StepSgd(weights, gradients);
  }
  steps_ = std::min(steps_ + 1, kMostSteps);
  schedule_step_ = std::min(schedule_step_ + 1, kMostSteps);
}

void Optimizer::StepSgd(std::span<float> weights, std::span<const float> gradients) {
  const float rate = LearningRate();
  const float momentum = options_.momentum;
  const float decay = options_.weight_decay;
  float* v = momentum_.data();
  float* w = weights.data();
  const float* g = gradients.data();
  for (size_t i = 0; i < momentum_.size(); ++i) {
    v[i] = momentum * v[i] + (g[i] + decay * w[i]);
    w[i] -= rate * v[i];
  }
}

void Optimizer::StepAdam(std::span<float> weights, std::span<const float> gradients) {
  const float beta1 = options_.beta1;
  const float beta2 = options_.beta2;
  const float decay = options_.weight_decay;
  const float epsilon = options_.epsilon;
  // m̂ = m / (1 - beta1^t), ŝ = s / (1 - beta2^t)
  const auto rate =
      static_cast<float>(double{LearningRate()} / (1 - Power(double{beta1}, steps_ + 1)));
  const auto scale = static_cast<float>(1 / std::sqrt(1 - Power(double{beta2}, steps_ + 1)));
  float* m = momentum_.data();
  float* s = squares_.data();
  float* w = weights.data();
  for (size_t i = 0; i < momentum_.size(); ++i) {
    const float g = gradients[i] + decay * w[i];
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    s[i] = beta2 * s[i] + (1 - beta2) * g * g;
    w[i] -= rate * m[i] / (std::sqrt(s[i]) * scale + epsilon);
  }
}

void Optimizer::CopyState(float* to) const {
  to = std::copy(momentum_.begin(), momentum_.end(), to);
  std::copy(squares_.begin(), squares_.end(), to);
}

void Optimizer::SetState(const float* from, uint64_t steps, uint64_t schedule_step) {
  std::copy_n(from, momentum_.size(), momentum_.begin());
  std::copy_n(from + momentum_.size(), squares_.size(), squares_.begin());
  steps_ = steps;
  schedule_step_ = schedule_step;
}

}  // namespace lowtropy
