// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
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

// Stored: `omega`, the distinct values, most frequent first (float32); `mask`, one bit an element,
// 1 where it is not omega[0]: bit j % 8 of byte j / 8 of a row's ⌈cols / 8⌉ bytes, unused bits 0;
// `codes`, for each of these elements in row order its position in omega, less one; `rowPtr`, how
// many come before each row (rows + 1). Codes of up to 256 values take b = ⌈log2 (K - 1)⌉ bits, at
// least 1, packed low bits first into one string of bits for the whole matrix (U8), unused last
// bits 0. More values take whole 16- or 32-bit codes (U16, U32).
//
// 1 + (1 - p0)·b bits an element, where pcsr takes at least 16·(1 - p0). Wins for convolutions,
// where unpacking a row serves many columns, unless p0 is so small that palette is smaller.
struct Mask {
  static constexpr std::string_view kName = "mask";
  static constexpr std::string_view kNote = "a bitmap and packed codes";
  static constexpr unsigned kFileVersion = 2;
  static constexpr Feed kFeed = Feed::kLists;

  static std::string Refusal(const Profile&) { return {}; }
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Mask Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return omega.As<float>()[0]; }

  // Calls f(column, value) for each listed element of a row, by ascending columns.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto values = omega.As<float>();
    const CodeReader code(codes, bits());
    const uint8_t* bytes = MaskOf(row);
    size_t i = row_ptr.Index(row);
    const size_t count = row_bytes();
    for (size_t at = 0; at < count; at += 8) {
      auto col = static_cast<uint32_t>(8 * at);
      for (uint64_t word = LoadBytes(bytes + at, count - at); word != 0; word >>= 1, ++col) {
        if ((word & 1) != 0) f(col, values[code[i++] + 1]);
      }
    }
  }

  bool Validate(std::string* reason) const;
  Walks GetWalks() const;

  static unsigned Bits(uint64_t distinct);  // bits a code: 1 to 8, 16 or 32
  static uint64_t CodeBytes(uint64_t distinct, uint64_t listed);

  unsigned bits() const { return Bits(omega.size()); }
  size_t row_bytes() const { return cols / 8 + (cols % 8 != 0 ? 1 : 0); }  // of `mask`
  const uint8_t* MaskOf(size_t row) const { return mask.As<uint8_t>().data() + row * row_bytes(); }

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array mask;
  Array codes;
  Array row_ptr;

  static constexpr std::array<ArrayMember<Mask>, 4> kArrays{{{"omega", &Mask::omega},
                                                             {"mask", &Mask::mask},
                                                             {"codes", &Mask::codes},
                                                             {"rowPtr", &Mask::row_ptr}}};
};

}  // namespace lowtropy
