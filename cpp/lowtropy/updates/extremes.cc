// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/extremes.h"

#include <algorithm>
#include <cmath>

#include "lowtropy/updates/collect.h"
#include "lowtropy/updates/finite.h"

namespace lowtropy {
namespace {

constexpr size_t kSampleEvery = 800;  // elements of which a run is sampled: 1 %
constexpr size_t kSampleRun = 8;
constexpr size_t kLeastSampled = 4096;  // elements; below, the radix select is as fast
constexpr double kDeviations = 3;       // how much looser than the sample says candidates are taken

// The bounds of what may be sent where k was asked for and the threshold was sampled.
constexpr double kFewest = 0.8;
constexpr double kMost = 1.25;
constexpr double kSureRank = 100;  // from this rank in the sample on, it nearly always is

}  // namespace

void Extremes::Find(std::span<const float> residual, std::span<float> accumulated, size_t k,
                    bool both_ends, bool sampled, Random* random) {
  high_.positions.clear();
  low_.positions.clear();
  const bool guided = Sample(residual, accumulated, k, both_ends, sampled, random);
  const size_t limit = guided ? 4 * k + accumulated.size() / 256 : 0;
  // For any number of candidates and whatever way is taken, so that later rounds need not allocate.
  scratch_.reserve(limit + kListRoom);
  chosen_.reserve(k);
  const bool collected = Collect(residual, accumulated, limit, both_ends);
  const bool found = guided && collected &&
                     Narrow(accumulated, &high_, k, both_ends ? 1.0F : 0.0F, sampled) &&
                     (!both_ends || Narrow(accumulated, &low_, k, -1.0F, sampled));
  if (!found) FindAll(accumulated, k, both_ends);
}

// Sets the thresholds from 8 neighbours, somewhere in each 800 elements: single elements would cost
// a cache line each. False for tensors too small.
bool Extremes::Sample(std::span<const float> residual, std::span<const float> update, size_t k,
                      bool both_ends, bool sampled, Random* random) {
  const size_t size = update.size();
  if (size < kLeastSampled) return false;
  scratch_.clear();
  for (size_t i = 0; i + kSampleEvery <= size; i += kSampleEvery) {
    const size_t begin = i + random->Below(kSampleEvery - kSampleRun + 1);
    for (size_t at = begin; at < begin + kSampleRun; ++at) {
      const float value = residual[at] + update[at];
      scratch_.push_back(both_ends ? value : std::abs(value));
      if (!std::isfinite(value)) return false;  // Collect will find it
    }
  }
  const auto sample_size = static_cast<double>(scratch_.size());
  const double rank = static_cast<double>(k) * sample_size / static_cast<double>(size);
  const double loose = rank + kDeviations * std::sqrt(rank) + kDeviations;
  if (loose > sample_size / 2) return false;
  const auto loose_rank = static_cast<ptrdiff_t>(loose);
  const auto tight_rank = static_cast<ptrdiff_t>(std::max(0.0, std::round(rank) - 1));
  // The part before a rank that was found holds the better ranks.
  const auto find = [&](List* list, auto better) {
    const auto first = scratch_.begin();
    std::nth_element(first, first + loose_rank, scratch_.end(), better);
    std::nth_element(first, first + tight_rank, first + loose_rank + 1, better);
    list->tight = first[tight_rank];
    list->loose = sampled && rank >= kSureRank ? list->tight : first[loose_rank];
  };
  find(&high_, [](float a, float b) { return a > b; });
  if (both_ends) find(&low_, [](float a, float b) { return a < b; });
  return true;
}

// Adds the residual and collects candidates; false where there were more than `limit`.
bool Extremes::Collect(std::span<const float> residual, std::span<float> accumulated, size_t limit,
                       bool both_ends) {
  high_.positions.resize(limit + kListRoom);
  low_.positions.resize(both_ends ? limit + kListRoom : 0);
  const Search search = CollectCandidates(
      residual.data(), accumulated.data(), accumulated.size(),
      {high_.loose, low_.loose, limit, high_.positions.data(), low_.positions.data(), both_ends});
  if (!search.finite) CheckFinite(accumulated);
  high_.positions.resize(search.high_count);
  low_.positions.resize(search.low_count);
  return search.high_count <= limit && search.low_count <= limit;
}

// Leaves the k best of the candidates, or those beyond the sample's threshold; false where there
// are fewer than k. `sign`: 1 for the largest, -1 for the smallest, 0 for magnitudes.
bool Extremes::Narrow(std::span<const float> accumulated, List* list, size_t k, float sign,
                      bool sampled) {
  const size_t count = list->positions.size();
  const auto wanted = static_cast<double>(k);
  if (static_cast<double>(count) < (sampled ? kFewest : 1) * wanted) return false;
  scratch_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const float value = accumulated[list->positions[i]];
    scratch_[i] = sign == 0.0F ? std::abs(value) : sign * value;
  }
  chosen_.clear();
  if (sampled) {
    const float tight = sign < 0 ? -list->tight : list->tight;
    for (size_t i = 0; i < scratch_.size(); ++i) {
      if (scratch_[i] >= tight) chosen_.push_back(static_cast<uint32_t>(i));
    }
  }
  const auto beyond = static_cast<double>(chosen_.size());
  if (beyond < kFewest * wanted || beyond > kMost * wanted) {
    if (count < k) return false;
    selector_.TakeLargest(scratch_, k, &chosen_);
  }
  list->values.resize(chosen_.size());
  for (size_t i = 0; i < chosen_.size(); ++i) {
    const uint32_t position = list->positions[chosen_[i]];
    list->positions[i] = position;
    list->values[i] = accumulated[position];
  }
  list->positions.resize(chosen_.size());
  return true;
}

void Extremes::FindAll(std::span<const float> accumulated, size_t k, bool both_ends) {
  std::span<const float> ranked = accumulated;
  if (!both_ends) {
    scratch_.assign(accumulated.begin(), accumulated.end());
    for (float& value : scratch_) value = std::abs(value);
    ranked = scratch_;
  }
  const auto fill = [&](List* list) {
    list->values.clear();
    for (const uint32_t position : list->positions) list->values.push_back(accumulated[position]);
  };
  selector_.TakeLargest(ranked, k, &high_.positions);
  fill(&high_);
  if (!both_ends) return;
  selector_.TakeSmallest(ranked, k, &low_.positions);
  fill(&low_);
}

}  // namespace lowtropy
