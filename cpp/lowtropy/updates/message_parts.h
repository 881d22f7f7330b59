// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace lowtropy {

// What the writer and the reader of messages agree upon; FORMAT.md has the whole.

inline constexpr uint8_t kMessageMagic[] = {'S', 'B'};
inline constexpr uint16_t kFillerGap = 0xFFFF;  // topk: so many positions and no element
inline constexpr size_t kTritsPerByte = 5;      // terngrad: 3^5 = 243

// How many elements a message sends of a tensor unless it says otherwise: p · size rounded, at
// least 1. p is a float32 there, so that this can differ from KeptCount.
inline uint64_t ExpectedCount(float sparsity, uint64_t size) {
  const double product = static_cast<double>(sparsity) * static_cast<double>(size);
  return std::clamp<uint64_t>(static_cast<uint64_t>(std::floor(product + 0.5)), 1, size);
}

}  // namespace lowtropy
