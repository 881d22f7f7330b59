// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/palette.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <vector>

#include "lowtropy/formats/validation.h"

namespace lowtropy {
namespace {

DType CodeType(unsigned bits) {
  return bits <= 8 ? DType::kU8 : bits == 16 ? DType::kU16 : DType::kU32;
}

// Sets code `col` of a zeroed row.
void PutCode(uint8_t* row, size_t col, unsigned bits, uint32_t code) {
  if (bits > 8) {
    std::memcpy(row + col * (bits / 8), &code, bits / 8);
    return;
  }
  const uint64_t bit = uint64_t{col} * bits;  // 8 · 2^29 columns are beyond a 32-bit size_t
  uint8_t* byte = row + bit / 8;
  const uint32_t shifted = code << (bit % 8);
  byte[0] = static_cast<uint8_t>(byte[0] | shifted);
  if (shifted > 0xFF) byte[1] = static_cast<uint8_t>(shifted >> 8);
}

}  // namespace

unsigned Palette::Bits(uint64_t distinct) {
  if (distinct > 65536) return 32;
  if (distinct > 256) return 16;
  return std::max(1U, static_cast<unsigned>(std::bit_width(distinct - 1)));
}

uint64_t Palette::RowBytes(uint64_t distinct, size_t cols) {
  return (uint64_t{cols} * Bits(distinct) + 7) / 8;
}

Palette Palette::Encode(const RowSource& source, const Profile& profile) {
  const uint64_t distinct = profile.values.size();
  const unsigned bits = Bits(distinct);
  const uint64_t row_bytes = RowBytes(distinct, profile.cols);
  const uint64_t bytes = row_bytes * profile.rows;
  const std::shared_ptr<std::byte> memory = AllocateBytes(bytes);
  auto* codes = reinterpret_cast<uint8_t*>(memory.get());
  std::memset(codes, 0, static_cast<size_t>(bytes));
  std::vector<float> row(profile.cols);
  for (size_t r = 0; r < profile.rows; ++r) {
    source.ReadRow(r, row);
    for (size_t c = 0; c < row.size(); ++c) {
      PutCode(codes + r * row_bytes, c, bits, profile.values.Code(row[c]));
    }
  }
  const DType type = CodeType(bits);
  return {profile.rows, profile.cols, Array::Copy<float>(profile.values.omega()),
          Array(type, codes, static_cast<size_t>(bytes / ByteSize(type)), memory)};
}

uint32_t Palette::Code(size_t row, size_t col) const {
  if (codes.type() != DType::kU8) return codes.Index(row * cols + col);
  const uint64_t bit = uint64_t{col} * bits();
  const uint8_t* bytes = codes.As<uint8_t>().data() + row * row_bytes() + bit / 8;
  uint32_t window = bytes[0];
  if (bit % 8 + bits() > 8) window |= uint32_t{bytes[1]} << 8;
  return (window >> (bit % 8)) & ((1U << bits()) - 1);
}

void Palette::DecodeRow(size_t row, std::span<float> out) const {
  const auto values = omega.As<float>();
  for (size_t c = 0; c < cols; ++c) out[c] = values[Code(row, c)];
}

bool Palette::Validate(std::string* reason) const {
  if (!CheckOmega(omega, reason)) return false;
  const DType type = CodeType(bits());
  if (codes.type() != type) {
    return Fail(reason, "codes is " + std::string(Name(codes.type())) + " where " +
                            std::string(Name(type)) + " is needed for " +
                            std::to_string(omega.size()) + " values");
  }
  if (!CheckSize("codes", codes, RowBytes(omega.size(), cols) * rows / ByteSize(type), reason)) {
    return false;
  }
  std::vector<uint64_t> counts(omega.size(), 0);
  const auto used_bits = (uint64_t{cols} * bits() - 1) % 8 + 1;  // of a packed row's last byte
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < cols; ++c) {
      const uint32_t code = Code(r, c);
      if (code >= omega.size()) {
        return Fail(reason, "the code at row " + std::to_string(r) + ", column " +
                                std::to_string(c) + " is beyond omega");
      }
      ++counts[code];
    }
    if (type == DType::kU8 && (codes.As<uint8_t>()[(r + 1) * row_bytes() - 1] >> used_bits) != 0) {
      return Fail(reason, "unused bits are set after row " + std::to_string(r));
    }
  }
  return CheckFrequencies(omega, counts, reason);
}

}  // namespace lowtropy
