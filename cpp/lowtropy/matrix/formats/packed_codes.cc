// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/packed_codes.h"

#include <algorithm>
#include <bit>

namespace lowtropy {

unsigned CodeBits(uint64_t max) {
  if (max > 0xFFFF) return 32;
  if (max > 0xFF) return 16;
  return std::max(1U, static_cast<unsigned>(std::bit_width(max)));
}

}  // namespace lowtropy
