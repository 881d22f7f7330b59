// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/formats/blocks.h"
#include "lowtropy/matrix/formats/cer.h"
#include "lowtropy/matrix/formats/cser.h"
#include "lowtropy/matrix/formats/csr.h"
#include "lowtropy/matrix/formats/dense.h"
#include "lowtropy/matrix/formats/grid.h"
#include "lowtropy/matrix/formats/mask.h"
#include "lowtropy/matrix/formats/palette.h"
#include "lowtropy/matrix/formats/pcsr.h"
#include "lowtropy/matrix/profile.h"

namespace lowtropy {

// How a matrix is held. `dense` and `csr` are the baselines, `cer` and `cser` the formats of
// arXiv:1805.10692, the others those that win where these do not.
//
// This is the one list of formats: whatever else depends on the format goes through AnyFormat or
// the rows made from it, so that a format that lacks something does not compile.
enum class Format : uint8_t { kDense, kCsr, kCer, kCser, kPalette, kPcsr, kMask, kBlocks, kGrid };

// In the same order.
using AnyFormat = std::variant<Dense, Csr, Cer, Cser, Palette, Pcsr, Mask, Blocks, Grid>;

inline constexpr auto kFormats = []<size_t... kAt>(std::index_sequence<kAt...>) {
  return std::array{static_cast<Format>(kAt)...};
}
(std::make_index_sequence<std::variant_size_v<AnyFormat>>());

// What can be told of a format without a matrix in it. A format's header says what each means.
struct FormatRow {
  std::string_view name;
  std::string_view note;  // what it is, in a few words
  unsigned file_version;
  std::string (*refusal)(const Profile& profile);
  void (*count)(const Profile& profile, Counter& counter);
  Prediction (*predict)(const Profile& profile);
  AnyFormat (*encode)(const RowSource& source, const Profile& profile);
  AnyFormat (*empty)(size_t rows, size_t cols);  // without arrays
  bool counts_values;  // whether it has to know how often which value occurs: see Profile
};
const FormatRow& RowOf(Format format);

std::string_view Name(Format format);  // "dense", "csr", …
std::optional<Format> ParseFormat(std::string_view name);

// What a format calls one of its arrays, if any of them calls one so; else nothing. Lives forever.
std::string_view FindArrayName(std::string_view name);

// What a product with a vector costs in a format that holds the matrix.
Cost CostOf(Format format, const Profile& profile);

// The size alone, in bytes: Matrix::From(…, format).ByteLength(), or kNotHeld where that is an
// error, for the format does not hold such a matrix.
uint64_t BytesOf(Format format, const Profile& profile);
inline constexpr uint64_t kNotHeld = std::numeric_limits<uint64_t>::max();

}  // namespace lowtropy
