// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/formats/array_member.h"
#include "lowtropy/matrix/formats/packed_codes.h"
#include "lowtropy/matrix/formats/prediction.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/row_source.h"

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
  static constexpr std::string_view kName = "palette";
  static constexpr std::string_view kNote = "packed codes";
  static constexpr unsigned kFileVersion = 1;
  static constexpr Feed kFeed = Feed::kRowsOrLists;

  static std::string Refusal(const Profile&) { return {}; }
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Palette Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return omega.As<float>()[0]; }

  // Calls f(column, code) for each code of a row other than 0. Packed codes are looked at eight at
  // a time, so that stretches of zeros take next to none.
  template <class F>
  void ForEachCode(size_t row, F&& f) const {
    if (codes.type() != DType::kU8) {
      for (size_t c = 0; c < cols; ++c) {
        const uint32_t code = codes.Index(row * cols + c);
        if (code != 0) f(static_cast<uint32_t>(c), code);
      }
      return;
    }
    const unsigned width = bits();
    const size_t bytes = row_bytes();
    const uint8_t* from = codes.As<uint8_t>().data() + row * bytes;
    for (size_t at = 0; at < bytes;) {
      const uint64_t word = LoadBytes(from + at, bytes - at);
      const size_t groups = word == 0 ? 8 / width : 1;
      size_t col = 8 * (at / width);
      at += groups * width;
      if (word == 0) continue;
      const size_t end = std::min(col + 8, cols);
      for (uint64_t rest = word; col < end; ++col, rest >>= width) {
        const auto code = static_cast<uint32_t>(rest & ((1U << width) - 1));
        if (code != 0) f(static_cast<uint32_t>(col), code);
      }
    }
  }

  // Calls f(column, value) for these.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto values = omega.As<float>();
    ForEachCode(row, [&](uint32_t col, uint32_t code) { f(col, values[code]); });
  }

  bool Validate(std::string* reason) const;
  Walks GetWalks() const { return {}; }

  static unsigned Bits(uint64_t distinct);                   // bits a code: 1 to 8, 16 or 32
  static uint64_t RowBytes(uint64_t distinct, size_t cols);  // bytes of one row of codes

  unsigned bits() const { return Bits(omega.size()); }
  size_t row_bytes() const { return static_cast<size_t>(RowBytes(omega.size(), cols)); }
  uint32_t Code(size_t row, size_t col) const;

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array codes;

  static constexpr std::array<ArrayMember<Palette>, 2> kArrays{
      {{"omega", &Palette::omega}, {"codes", &Palette::codes}}};
};

}  // namespace lowtropy
