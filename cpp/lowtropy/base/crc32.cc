// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/base/crc32.h"

#include <array>
#include <bit>
#include <cstring>

namespace lowtropy {
namespace {

static_assert(std::endian::native == std::endian::little);

using Table = std::array<std::array<uint32_t, 256>, 8>;

// Row 0 advances the sum by one byte, row k by one byte followed by k zero bytes.
Table MakeTable() {
  Table table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
    table[0][i] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t i = 0; i < 256; ++i) {
      const uint32_t previous = table[k - 1][i];
      table[k][i] = (previous >> 8) ^ table[0][previous & 0xFF];
    }
  }
  return table;
}

}  // namespace

// Eight bytes a step ("slicing by 8"): about 2 GB/s natively and 1 GB/s in WebAssembly, so that
// checking a model costs less than reading it. One byte a step ran at a fifth of that.
uint32_t Crc32(const void* data, size_t size, uint32_t crc) {
  // Made when it is first needed, in some 10 us: 8 KB of WebAssembly otherwise, which nothing
  // packs.
  static const Table kTable = MakeTable();
  const auto* p = static_cast<const uint8_t*>(data);
  crc = ~crc;
  for (; size >= 8; size -= 8, p += 8) {
    uint32_t low;
    uint32_t high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + 4, 4);
    low ^= crc;
    crc = kTable[7][low & 0xFF] ^ kTable[6][(low >> 8) & 0xFF] ^ kTable[5][(low >> 16) & 0xFF] ^
          kTable[4][low >> 24] ^ kTable[3][high & 0xFF] ^ kTable[2][(high >> 8) & 0xFF] ^
          kTable[1][(high >> 16) & 0xFF] ^ kTable[0][high >> 24];
  }
  for (; size > 0; --size, ++p) crc = (crc >> 8) ^ kTable[0][(crc ^ *p) & 0xFF];
  return ~crc;
}

}  // namespace lowtropy
