// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/sbc/extremes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

constexpr size_t kSampleEvery = 100;    // 1 %
constexpr size_t kLeastSampled = 4096;  // elements; below, the radix select is as fast
constexpr double kDeviations = 3;       // how much looser than the sample says candidates are taken
constexpr size_t kBlock = 16;           // elements that are tested together

// The bounds of what may be sent where k was asked for and the threshold was sampled.
constexpr double kFewest = 0.8;
constexpr double kMost = 1.25;

uint32_t ExponentOf(float value) { return Bits(value) & 0x7F800000; }

[[noreturn]] void RefuseValue(std::span<const float> values) {
  size_t i = 0;
  while (std::isfinite(values[i])) ++i;
  throw Error(ErrorKind::kValue, std::string(std::isnan(values[i]) ? "NaN" : "an infinity") +
                                     " at position " + std::to_string(i));
}

// Both ends: 1 for what is at or above `high` or at or below `low`. Magnitudes: |value| at or above
// `high`.
template <bool kBothEnds>
uint32_t IsCandidate(float value, float high, float low) {
  if (kBothEnds) {
    return static_cast<uint32_t>(value >= high) | static_cast<uint32_t>(value <= low);
  }
  return static_cast<uint32_t>(std::abs(value) >= high);
}

}  // namespace

void Extremes::Find(std::span<const float> residual, std::span<float> accumulated, size_t k,
                    bool both_ends, bool sampled, Random* random) {
  high_.Clear();
  low_.Clear();
  const bool guided = Sample(residual, accumulated, k, both_ends, random);
  const size_t limit = guided ? 8 * k + accumulated.size() / 64 : 0;
  const bool collected = Collect(residual, accumulated, limit, both_ends);
  const bool found = guided && collected && Narrow(&high_, k, both_ends ? 1.0F : 0.0F, sampled) &&
                     (!both_ends || Narrow(&low_, k, -1.0F, sampled));
  if (!found) FindAll(accumulated, k, both_ends);
}

// Sets the thresholds from one element, at random, of each hundred; false for tensors too small.
bool Extremes::Sample(std::span<const float> residual, std::span<const float> update, size_t k,
                      bool both_ends, Random* random) {
  const size_t size = update.size();
  if (size < kLeastSampled) return false;
  scratch_.clear();
  for (size_t i = 0; i + kSampleEvery <= size; i += kSampleEvery) {
    const size_t at = i + random->Below(kSampleEvery);
    const float value = residual[at] + update[at];
    scratch_.push_back(both_ends ? value : std::abs(value));
    if (!std::isfinite(value)) return false;  // Collect will find it
  }
  const auto sample_size = static_cast<double>(scratch_.size());
  const double rank = static_cast<double>(k) * sample_size / static_cast<double>(size);
  const double loose = rank + kDeviations * std::sqrt(rank) + kDeviations;
  if (loose > sample_size / 2) return false;
  const auto loose_rank = static_cast<ptrdiff_t>(loose);
  const auto tight_rank = static_cast<ptrdiff_t>(std::max(0.0, std::round(rank) - 1));
  const auto threshold = [&](ptrdiff_t at, auto better) {
    std::nth_element(scratch_.begin(), scratch_.begin() + at, scratch_.end(), better);
    return scratch_[static_cast<size_t>(at)];
  };
  high_.loose = threshold(loose_rank, [](float a, float b) { return a > b; });
  high_.tight = threshold(tight_rank, [](float a, float b) { return a > b; });
  low_.loose = threshold(loose_rank, [](float a, float b) { return a < b; });
  low_.tight = threshold(tight_rank, [](float a, float b) { return a < b; });
  return true;
}

// Adds the residual and collects candidates; false where there were more than `limit`. The test of
// 16 elements at once is made of lane-wise operations, which compilers vectorize; most blocks hold
// no candidate.
bool Extremes::Collect(std::span<const float> residual, std::span<float> accumulated, size_t limit,
                       bool both_ends) {
  const float high = high_.loose;
  const float low = low_.loose;
  const float* const old = residual.data();
  float* const values = accumulated.data();
  const size_t size = accumulated.size();
  bool room = limit > 0;
  uint32_t largest_exponent = 0;
  const auto take = [&](size_t i) {
    const float value = values[i];
    if (!both_ends ? std::abs(value) >= high : value >= high) {
      high_.Push(static_cast<uint32_t>(i), value);
    }
    if (both_ends && value <= low) low_.Push(static_cast<uint32_t>(i), value);
  };
  const auto block = [&]<bool kBothEnds>(size_t begin) {
    uint32_t candidates = 0;
    for (size_t i = begin; i < begin + kBlock; ++i) {
      const float value = old[i] + values[i];
      values[i] = value;
      largest_exponent = std::max(largest_exponent, ExponentOf(value));
      candidates += IsCandidate<kBothEnds>(value, high, low);
    }
    return candidates;
  };
  size_t begin = 0;
  for (; begin + kBlock <= size; begin += kBlock) {
    const uint32_t candidates = both_ends ? block.template operator()<true>(begin)
                                          : block.template operator()<false>(begin);
    if (candidates == 0 || !room) continue;
    for (size_t i = begin; i < begin + kBlock; ++i) take(i);
    room = high_.positions.size() <= limit && low_.positions.size() <= limit;
  }
  for (; begin < size; ++begin) {
    values[begin] += old[begin];
    largest_exponent = std::max(largest_exponent, ExponentOf(values[begin]));
    if (room) take(begin);
  }
  if (largest_exponent == 0x7F800000) RefuseValue(accumulated);
  return room;
}

// Leaves the k best of the candidates, or those beyond the sample's threshold; false where there
// are fewer than k. `sign`: 1 for the largest, -1 for the smallest, 0 for magnitudes.
bool Extremes::Narrow(Candidates* list, size_t k, float sign, bool sampled) {
  if (list->values.size() < k) return false;
  scratch_.clear();
  for (const float value : list->values) {
    scratch_.push_back(sign == 0.0F ? std::abs(value) : sign * value);
  }
  chosen_.clear();
  if (sampled) {
    const float tight = sign < 0 ? -list->tight : list->tight;
    for (size_t i = 0; i < scratch_.size(); ++i) {
      if (scratch_[i] >= tight) chosen_.push_back(static_cast<uint32_t>(i));
    }
  }
  const auto wanted = static_cast<double>(k);
  const auto count = static_cast<double>(chosen_.size());
  if (count < kFewest * wanted || count > kMost * wanted) {
    selector_.FindCuts(scratch_, k);
    selector_.TakeLargest(scratch_, &chosen_);
  }
  for (size_t i = 0; i < chosen_.size(); ++i) {
    list->positions[i] = list->positions[chosen_[i]];
    list->values[i] = list->values[chosen_[i]];
  }
  list->positions.resize(chosen_.size());
  list->values.resize(chosen_.size());
  return true;
}

void Extremes::FindAll(std::span<const float> accumulated, size_t k, bool both_ends) {
  std::span<const float> ranked = accumulated;
  if (!both_ends) {
    scratch_.assign(accumulated.begin(), accumulated.end());
    for (float& value : scratch_) value = std::abs(value);
    ranked = scratch_;
  }
  const auto fill = [&](Candidates* list) {
    list->values.clear();
    for (const uint32_t position : list->positions) list->values.push_back(accumulated[position]);
  };
  selector_.FindCuts(ranked, k);
  selector_.TakeLargest(ranked, &high_.positions);
  fill(&high_);
  if (!both_ends) return;
  selector_.TakeSmallest(ranked, &low_.positions);
  fill(&low_);
}

}  // namespace lowtropy
