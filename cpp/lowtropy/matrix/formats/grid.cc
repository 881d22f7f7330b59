// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/grid.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/packed_codes.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {
namespace {

constexpr int kMaxCode = 255;
// Kernels divide the scale by up to 2^7, which must not round it.
constexpr float kMinScale = 0x1p-100F;

// Positive floats, one after the other.
float Next(float value, int count) {
  const uint32_t bits = Bits(value) + static_cast<uint32_t>(count);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The place of a value on a grid, counted from that of 0.
float PlaceOf(float value, float scale) { return std::nearbyint(value / scale); }

// The grid of this scale, if it holds all values.
std::optional<Grid::Steps> GridOf(std::span<const float> values, float scale) {
  float low = 0;
  float high = 0;
  for (const float value : values) {
    const float place = PlaceOf(value, scale);
    if (place * scale != value) return std::nullopt;
    low = std::min(low, place);
    high = std::max(high, place);
    if (!(high - low <= kMaxCode)) return std::nullopt;
  }
  return Grid::Steps{scale, static_cast<uint32_t>(-low),
                     CodeBits(static_cast<uint64_t>(high - low))};
}

// The elements of `omega`.
std::array<float, 3> Stored(const Grid::Steps& steps) {
  return {steps.scale, static_cast<float>(steps.zero), static_cast<float>(steps.bits)};
}

}  // namespace

// Of a grid with the largest magnitude in place n the scale is that magnitude divided by n, or next
// to it: with others n times the scale is rounded to another float.
std::optional<Grid::Steps> Grid::Find(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) {
    if (Bits(value) == Bits(-0.0F)) return std::nullopt;
    largest = std::max(largest, std::fabs(value));
  }
  if (largest == 0) return Steps{1, 0, 1};
  for (int place = 1; place <= kMaxCode; ++place) {
    const float scale = largest / static_cast<float>(place);
    if (!(scale > kMinScale)) break;
    for (int i = -2; i <= 2; ++i) {
      if (const auto found = GridOf(values, Next(scale, i))) return found;
    }
  }
  return std::nullopt;
}

size_t Grid::RowBytes(unsigned bits, size_t cols) {
  return static_cast<size_t>((uint64_t{cols} * bits + 7) / 8);
}

Grid::Steps Grid::steps() const {
  const auto stored = omega.As<float>();
  return {stored[0], static_cast<uint32_t>(stored[1]), static_cast<unsigned>(stored[2])};
}

std::string Grid::Refusal(const Profile& p) {
  if (Find(p.values.omega())) return {};
  return "The matrix is on no even grid of up to 256 steps, which the format grid is for.";
}

void Grid::Count(const Profile& p, Counter& c) {
  const unsigned bits = Find(p.values.omega()).value_or(Steps{1, 0, 1}).bits;
  c.Floats("omega", 3);
  c.Codes("codes", bits, uint64_t{RowBytes(bits, p.cols)} * p.rows);
  c.Input(p.elements());
  c.Arithmetic(p.elements() + p.rows, 2 * p.elements() - p.rows);
}

Prediction Grid::Predict(const Profile& p) {
  constexpr VectorTimes kVector{15, 0.125};
  constexpr UnpackTimes kBlocks{0.12, 0};
  constexpr double kInput = 4;  // scaling one, once for all rows
  return {kVector.Of(p, p.elements()) + kInput * static_cast<double>(p.cols), 0, Prediction::kNever,
          kBlocks.Of(p, 0)};
}

Grid Grid::Encode(const RowSource& source, const Profile& profile) {
  const Steps steps = *Find(profile.values.omega());
  const size_t row_bytes = RowBytes(steps.bits, profile.cols);
  const uint64_t bytes = uint64_t{row_bytes} * profile.rows;
  const std::shared_ptr<std::byte> memory = AllocateBytes(bytes);
  auto* codes = reinterpret_cast<uint8_t*>(memory.get());
  std::memset(codes, 0, static_cast<size_t>(bytes));
  const RowReader reader(source);
  std::vector<float> row(profile.cols);
  for (size_t r = 0; r < profile.rows; ++r) {
    reader.ReadRow(r, row);
    for (size_t c = 0; c < row.size(); ++c) {
      const auto place = static_cast<int32_t>(PlaceOf(row[c], steps.scale));
      PutCode(codes + r * row_bytes, c, steps.bits, static_cast<uint32_t>(place) + steps.zero);
    }
  }
  return {profile.rows, profile.cols, Array::Copy<float>(Stored(steps)),
          Array(DType::kU8, codes, static_cast<size_t>(bytes), memory)};
}

void Grid::DecodeRow(size_t row, std::span<float> out) const {
  const Steps s = steps();
  const uint8_t* from = RowOf(row);
  for (size_t c = 0; c < cols; ++c) out[c] = s.Value(PackedCode(from, c, s.bits));
}

std::vector<float> Grid::Values() const {
  const Steps s = steps();
  bool used[kMaxCode + 1] = {};
  for (size_t r = 0; r < rows; ++r) {
    const uint8_t* from = RowOf(r);
    for (size_t c = 0; c < cols; ++c) used[PackedCode(from, c, s.bits)] = true;
  }
  std::vector<float> values;
  for (uint32_t code = 0; code <= kMaxCode; ++code) {
    if (used[code]) values.push_back(s.Value(code));
  }
  return values;
}

bool Grid::Validate(std::string* reason) const {
  if (!CheckSize("omega", omega, 3, reason) || !CheckFinite("omega", omega, reason)) return false;
  const auto stored = omega.As<float>();
  if (!(stored[1] >= 0 && stored[1] <= kMaxCode && stored[2] >= 1 && stored[2] <= 8)) {
    return Fail(reason, "omega is not a scale, a zero of 0 to 255 and 1 to 8 bits");
  }
  if (codes.type() != DType::kU8) {
    return Fail(reason, Text("codes is ", Name(codes.type()), " where U8 is needed"));
  }
  const unsigned bits = steps().bits;
  const size_t row_bytes = RowBytes(bits, cols);
  if (!CheckSize("codes", codes, uint64_t{row_bytes} * rows, reason)) return false;
  const auto used_bits = (uint64_t{cols} * bits - 1) % 8 + 1;  // of a row's last byte
  for (size_t r = 0; r < rows; ++r) {
    if ((codes.As<uint8_t>()[(r + 1) * row_bytes - 1] >> used_bits) != 0) {
      return Fail(reason, Text("unused bits are set after row ", r));
    }
  }
  const auto wanted = Find(Values());
  if (!wanted || std::memcmp(Stored(*wanted).data(), stored.data(), omega.byte_size()) != 0) {
    return Fail(reason, "omega is not the coarsest grid of the values that occur");
  }
  return true;
}

}  // namespace lowtropy
