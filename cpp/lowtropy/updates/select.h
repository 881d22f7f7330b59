// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lowtropy {

// Exact selection of the k largest values, without sorting: a radix select over the bits of the
// floats, which ranks them by 12, 12 and 8 bits at a time. Three passes find the cut between what
// is taken and what is not, whatever the distribution; a last pass takes. Nothing is stored on the
// way but histograms, and ties are broken by position. -0 and 0 are equal. Below some thousand
// values clearing the histograms would take longer than all else, and quickselect finds the cut.
class Selector {
 public:
  // Positions of the k largest values, rising, into `positions`, emptied first; 1 ≤ k ≤
  // values.size(). Throws Error(kValue) with a clause that names the position of a NaN or an
  // infinity.
  void TakeLargest(std::span<const float> values, size_t k, std::vector<uint32_t>* positions);

  // The same of the k smallest values.
  void TakeSmallest(std::span<const float> values, size_t k, std::vector<uint32_t>* positions);

 private:
  // What is taken: values that rank above `rank`, and the first `ties` of that rank.
  struct Cut {
    uint32_t rank = 0;
    size_t ties = 0;
  };

  template <bool kSmallest>
  void Take(std::span<const float> values, size_t k, std::vector<uint32_t>* positions);
  template <bool kSmallest>
  Cut FindCut(std::span<const float> values, size_t k);
  template <bool kSmallest>
  Cut QuickCut(std::span<const float> values, size_t k);

  std::vector<uint32_t> counts_;  // a histogram, or ranks; kept, so that only first calls allocate
};

}  // namespace lowtropy
