// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/formats/array_member.h"
#include "lowtropy/matrix/formats/prediction.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

// Of matrices on an even grid, as uniform quantization makes them: every value is scale · (code -
// zero), rounded once to float32, with integer codes of 1 to 8 bits. Stored: `omega`, which holds
// not the values but what makes them: the scale, the zero and the bits of a code (three float32);
// `codes`, of every element, row-major, packed low bits first, each row starting on a byte, unused
// bits 0 (U8).
//
// The grid is the coarsest one that holds all values and 0, its scale the smallest float32 that
// gives them all, its zero the code of the value 0, and the bits as few as the largest code takes.
// -0 is on no grid. A scale for each row is what row_scales.h is for: then the grid is of integers.
//
// b/8 bytes an element, as palette, but codes become values by arithmetic that SIMD does for eight
// at a time, not by looking them up: with one column faster than dense, whose weights come from
// memory, of an eighth to a quarter of the bytes. Wins where p0 is small.
struct Grid {
  static constexpr std::string_view kName = "grid";
  static constexpr std::string_view kNote = "codes on an even grid";
  static constexpr unsigned kFileVersion = 4;
  static constexpr Feed kFeed = Feed::kRows;

  struct Steps {
    float scale;
    uint32_t zero;
    unsigned bits;  // of a code

    float Value(uint32_t code) const {
      return scale * static_cast<float>(static_cast<int32_t>(code) - static_cast<int32_t>(zero));
    }
  };
  // Of the grid for these values; none where there is no such.
  static std::optional<Steps> Find(std::span<const float> values);
  static size_t RowBytes(unsigned bits, size_t cols);

  static std::string Refusal(const Profile& profile);
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Grid Encode(const RowSource& source, const Profile& profile);
  void DecodeRow(size_t row, std::span<float> out) const;
  bool Validate(std::string* reason) const;
  Walks GetWalks() const { return {}; }

  Steps steps() const;
  const uint8_t* RowOf(size_t row) const {
    return codes.As<uint8_t>().data() + row * RowBytes(steps().bits, cols);
  }
  std::vector<float> Values() const;  // that occur, ascending

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array codes;

  static constexpr std::array<ArrayMember<Grid>, 2> kArrays{
      {{"omega", &Grid::omega}, {"codes", &Grid::codes}}};
};

}  // namespace lowtropy
