// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "lowtropy/base/array.h"

namespace lowtropy {

// Codes as `palette` and `mask` hold them: of 1 to 8 bits, packed low bits first into bytes (U8),
// or whole ones of 16 or 32 bits (U16, U32).

// Bits of a code up to `max`: 1 to 8, 16 or 32.
unsigned CodeBits(uint64_t max);

constexpr DType CodeType(unsigned bits) {
  return bits <= 8 ? DType::kU8 : bits == 16 ? DType::kU16 : DType::kU32;
}

// Sets code i of zeroed bytes.
inline void PutCode(uint8_t* bytes, uint64_t i, unsigned bits, uint32_t code) {
  const uint64_t bit = i * bits;
  uint8_t* byte = bytes + bit / 8;
  if (bits > 8) {
    std::memcpy(byte, &code, bits / 8);
    return;
  }
  const uint32_t shifted = code << (bit % 8);
  byte[0] = static_cast<uint8_t>(byte[0] | shifted);
  if (shifted > 0xFF) byte[1] = static_cast<uint8_t>(shifted >> 8);
}

// The first 8 of `count` bytes as a little-endian number, with zeros for those that there are not.
inline uint64_t LoadBytes(const uint8_t* bytes, size_t count) {
  uint64_t word = 0;
  if (count >= sizeof word) {
    std::memcpy(&word, bytes, sizeof word);
  } else {
    for (size_t i = 0; i < count; ++i) word |= uint64_t{bytes[i]} << (8 * i);
  }
  return word;
}

// Code i of packed bytes, of up to 8 bits.
inline uint32_t PackedCode(const uint8_t* bytes, uint64_t i, unsigned bits) {
  const uint64_t bit = i * bits;
  const uint8_t* byte = bytes + bit / 8;
  uint32_t window = byte[0];
  if (bit % 8 + bits > 8) window |= uint32_t{byte[1]} << 8;
  return (window >> (bit % 8)) & ((1U << bits) - 1);
}

// Reads packed and whole codes of as many bits as it is told, once for all of them.
class CodeReader {
 public:
  // `codes` must outlive it.
  CodeReader(const Array& codes, unsigned bits)
      : codes_(codes), packed_(bits <= 8 ? codes.As<uint8_t>().data() : nullptr), bits_(bits) {}

  uint32_t operator[](size_t i) const {
    return packed_ != nullptr ? PackedCode(packed_, i, bits_) : codes_.Index(i);
  }

 private:
  const Array& codes_;
  const uint8_t* packed_;
  unsigned bits_;
};

}  // namespace lowtropy
