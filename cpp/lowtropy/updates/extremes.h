// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/base/random.h"
#include "lowtropy/updates/select.h"

namespace lowtropy {

// The elements of a tensor that are worth sending, in one pass over it.
//
// A sample of 1 % tells near which value the k-th largest lies. The pass that adds the update to
// the residual also collects what is beyond a somewhat looser threshold, about 1.3 to 2 k
// candidates; among those the k largest are then selected exactly. Where the sample misled (fewer
// than k candidates, or too many), and for tensors too small to be sampled, the radix select of
// select.h goes over the whole tensor. All ways give the same elements: ties go to the lower
// position.
//
// Measured in WebAssembly on 25.6 million elements beside copying them; see `npm run bench`. The
// radix select over all elements took five times as long as this, for its three passes of scattered
// counting.
class Extremes {
 public:
  enum class Side { kLargest, kSmallest, kMagnitude };

  // accumulated += residual, of equal size, and then finds the k largest elements and the k
  // smallest (both_ends), or the k of largest magnitude. Throws Error(kValue) with a clause that
  // names the position of a NaN or infinity. `sampled`: instead of k, whatever number lies beyond
  // the sample's threshold, if that is 0.8 to 1.25 k.
  void Find(std::span<const float> residual, std::span<float> accumulated, size_t k, bool both_ends,
            bool sampled, Random* random);

  // What was found on a side, in rising order of positions. kMagnitude where not both ends were
  // asked for, the others where they were.
  std::span<const uint32_t> Positions(Side side) const { return Of(side).positions; }
  std::span<const float> Values(Side side) const { return Of(side).values; }

 private:
  struct List {
    std::vector<uint32_t> positions;
    std::vector<float> values;
    float loose = 0;  // the threshold of candidates
    float tight = 0;  // about k elements lie beyond this
  };

  const List& Of(Side side) const { return side == Side::kSmallest ? low_ : high_; }
  bool Sample(std::span<const float> residual, std::span<const float> update, size_t k,
              bool both_ends, bool sampled, Random* random);
  bool Collect(std::span<const float> residual, std::span<float> accumulated, size_t limit,
               bool both_ends);
  bool Narrow(std::span<const float> accumulated, List* list, size_t k, float sign, bool sampled);
  void FindAll(std::span<const float> accumulated, size_t k, bool both_ends);

  Selector selector_;
  List high_;  // the largest, or those of largest magnitude
  List low_;   // the smallest
  std::vector<float> scratch_;
  std::vector<uint32_t> chosen_;
};

}  // namespace lowtropy
