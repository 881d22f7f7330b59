// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/coding/bit_stream.h"

namespace lowtropy {

// Positions as gaps in a Golomb–Rice code (arXiv:1805.08768, section III-C; S. Golomb 1966,
// R. Rice 1971). A gap is the number of positions that are left out before the next one. Its code
// with parameter b is gap >> b in unary (as many ones, then a zero), and the low b bits of gap.
// Optimal, to within a few hundredths of a bit a position, where each position is taken with the
// same probability p: 8.108 bits at p = 0.01, where the entropy is 8.079.

inline constexpr unsigned kMaxRiceParameter = 31;

// b* = 1 + ⌊log2(ln(φ - 1) / ln(1 - p))⌋, at least 0, for p = count / size; φ is the golden ratio.
// Needs 1 ≤ count ≤ size. Equal on every machine: computed as the least b with
// (1 - p)^(2^b) < φ - 1, by squaring.
unsigned RiceParameter(uint64_t count, uint64_t size);

// Mean bits a position for positions taken with probability p in (0, 1]:
// b + 1 / (1 - (1 - p)^(2^b)).
double ExpectedRiceBits(double p, unsigned parameter);

// Appends the codes of positions that rise strictly.
void WritePositions(std::span<const uint32_t> positions, unsigned parameter, BitWriter* writer);

// Reads as many positions as `positions` holds. Throws Error(kFile) with a clause for bits that end
// too early and for positions of `size` or more; what `positions` holds then means nothing.
void ReadPositions(BitReader* reader, unsigned parameter, uint64_t size,
                   std::span<uint32_t> positions);

}  // namespace lowtropy
