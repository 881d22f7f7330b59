// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/matrix/sources/tensor_source.h"

namespace lowtropy {

// Unsigned numbers of 4 or 8 bits; of 4 bits there are two in a byte, the first in its low half.
struct NarrowCodes {
  unsigned bits;
  std::span<const uint8_t> bytes;

  uint32_t operator[](size_t i) const {
    return bits == 8 ? bytes[i] : bytes[i / 2] >> (i % 2 * 4) & 15;
  }
};

// Positions and codes, as Deep Compression stores them (arXiv:1510.00149, section 2). Of the
// matrix, row by row, only some elements have an entry: a code into a codebook, and the gap, how
// many elements without an entry come between the one before and this one. All others are +0.0. An
// entry of the value 0 bridges a gap that is too long for its bits.
//
// What is asked for is found by the positions of every 32nd entry, 4 bytes each: a row takes a
// binary search and up to 31 entries more than it has.
class GapSource final : public TensorSource {
 public:
  // There are `entries` codes and gaps.
  GapSource(size_t rows, size_t cols, std::span<const float> codebook, NarrowCodes codes,
            NarrowCodes gaps, size_t entries);

  void ReadRow(size_t row, std::span<float> out) const override;
  bool ReadEntries(size_t row, std::vector<RowEntry>* out, float* unlisted) const override;

 private:
  std::span<const float> codebook_;
  NarrowCodes codes_;
  NarrowCodes gaps_;
  size_t entries_;
  std::vector<uint32_t> anchors_;  // positions of every kAnchorStride-th entry
};

}  // namespace lowtropy
