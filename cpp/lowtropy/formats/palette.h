// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "lowtropy/base/array.h"
#include "lowtropy/formats/format.h"
#include "lowtropy/formats/profile.h"
#include "lowtropy/formats/row_source.h"

namespace lowtropy {

// Stored: `omega`, the distinct values, most frequent first (float32); `codes`, the position in
// omega of every element, row-major. Codes of up to 256 values take b = ⌈log2 K⌉ bits, at least 1,
// packed low bits first into bytes (U8), each row starting on a byte: code j of a row is bits [j·b,
// (j+1)·b) of the row's bytes read as one little-endian number, unused bits are 0. More values take
// whole 16- or 32-bit codes (U16, U32).
//
// b/8 bytes an element whatever their distribution, and dense arithmetic on decoded tiles. Wins
// where p0 is small, so that listing the elements other than omega[0] would list nearly all.
struct Palette {
  static constexpr Format kFormat = Format::kPalette;

  static Palette Encode(const RowSource& source, const Profile& profile);
  void DecodeRow(size_t row, std::span<float> out) const;
  bool Validate(std::string* reason) const;

  template <class Self, class Visitor>
  static void Visit(Self& self, Visitor&& visit) {
    visit("omega", self.omega);
    visit("codes", self.codes);
  }

  static unsigned Bits(uint64_t distinct);                   // bits a code: 1 to 8, 16 or 32
  static uint64_t RowBytes(uint64_t distinct, size_t cols);  // bytes of one row of codes

  unsigned bits() const { return Bits(omega.size()); }
  size_t row_bytes() const { return static_cast<size_t>(RowBytes(omega.size(), cols)); }
  uint32_t Code(size_t row, size_t col) const;

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array codes;
};

}  // namespace lowtropy
