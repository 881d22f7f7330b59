// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lowtropy {

// Exact selection of extreme values without sorting: a radix select over the bits of the floats,
// which ranks them by 12, 12 and 8 bits at a time. Three passes find the cut between what is taken
// and what is not, whatever the distribution; a last pass takes. Nothing is stored on the way but
// histograms, and ties are broken by position. -0 and 0 are equal.
//
// Collecting candidates above a guessed cut and sorting those is no less work, and needs memory for
// all values where all are equal.

// The values that are taken: those beyond `key`, and the first `ties` that are equal to it.
struct Cut {
  uint32_t key = 0;
  size_t ties = 0;
};

class Selector {
 public:
  // Finds the cuts for the `k` largest and the `k` smallest values; 1 ≤ k ≤ values.size(). Throws
  // Error(kValue) that names the position of a NaN or an infinity.
  void FindCuts(std::span<const float> values, size_t k);

  // The mean of the k largest (smallest) values, summed in float64 in the order of positions.
  double LargestMean(std::span<const float> values) const;
  double SmallestMean(std::span<const float> values) const;

  // Positions of the k largest (smallest) values, rising, into `positions`, emptied first. `values`
  // are those of FindCuts.
  void TakeLargest(std::span<const float> values, std::vector<uint32_t>* positions) const;
  void TakeSmallest(std::span<const float> values, std::vector<uint32_t>* positions) const;

 private:
  size_t k_ = 0;
  Cut largest_;
  Cut smallest_;                   // in complemented keys
  std::vector<size_t> histogram_;  // kept, so that only the first call allocates
  std::vector<size_t> low_histogram_;
};

}  // namespace lowtropy
