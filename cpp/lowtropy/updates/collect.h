// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace lowtropy {

// The pass over a tensor that finds what may be sent; see extremes.h.

inline constexpr size_t kCollectChunk = 4096;  // elements
// By how many entries a list may grow beyond its limit: a chunk, a block of the widest vectors, and
// one that is written but not kept.
inline constexpr size_t kListRoom = 2 * kCollectChunk;

struct Candidates {
  float high = 0;    // values at or above this; without `both_ends` magnitudes
  float low = 0;     // values at or below this
  size_t limit = 0;  // where a list has more entries than this nothing more is collected
  uint32_t* high_positions = nullptr;  // limit + kListRoom entries
  uint32_t* low_positions = nullptr;
  bool both_ends = false;
};

struct Search {
  size_t high_count = 0;
  size_t low_count = 0;
  bool finite = true;  // whether all sums are
};

// values += old, and the positions of the candidates among the sums, rising. With a limit of 0
// nothing is collected.
Search CollectCandidates(const float* old, float* values, size_t size, const Candidates& wanted);

}  // namespace lowtropy
