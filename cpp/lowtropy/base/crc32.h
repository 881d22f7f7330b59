// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace lowtropy {

// CRC-32 as in zlib, PNG and Ethernet (polynomial 0x04C11DB7 reflected, initial value and final xor
// 0xFFFFFFFF). Crc32 of "123456789" is 0xCBF43926. `crc` continues an earlier sum.
uint32_t Crc32(const void* data, size_t size, uint32_t crc = 0);

}  // namespace lowtropy
