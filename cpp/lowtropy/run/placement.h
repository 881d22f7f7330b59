// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lowtropy {

// A piece of memory that is in use from step `first` to step `last`, both included.
struct Buffer {
  uint64_t size = 0;  // floats
  size_t first = 0;
  size_t last = 0;
  uint64_t offset = 0;  // where Place puts it, in floats
};

inline constexpr uint64_t kAlignment = 16;  // floats: a cache line of 64 bytes

// Sets the offset of every buffer, such that no two that are in use at the same step overlap, and
// returns how many floats that takes. Greedy: the largest buffers first, each into the tightest gap
// among those placed before it (Pisarchyk and Lee 2020, arXiv:2001.03288, "greedy by size"), in
// general within a few per cent of the largest sum that is alive at one step.
uint64_t Place(std::vector<Buffer>& buffers);

}  // namespace lowtropy
