// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include "lowtropy/base/bits.h"

namespace lowtropy {

// IEEE 754 half precision: a sign, 5 bits of exponent, 10 of fraction. Conversion in integers,
// equal on every machine.

inline constexpr float kLargestHalf = 65504;

// The nearest half, ties to even; what is beyond ±65504 becomes that. `value` must be finite.
inline uint16_t HalfOf(float value) {
  const uint32_t bits = Bits(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude >= 0x477FE000) return static_cast<uint16_t>(sign | 0x7BFF);  // 65504
  if (magnitude < 0x33000000) return static_cast<uint16_t>(sign);            // below 2^-25
  const auto round = [](uint32_t number, unsigned shift) {
    const uint32_t half = uint32_t{1} << (shift - 1);
    return (number + half - 1 + (number >> shift & 1)) >> shift;
  };
  if (magnitude < 0x38800000) {  // below 2^-14: denormal, in units of 2^-24
    const uint32_t fraction = (magnitude & 0x7FFFFF) | 0x800000;
    return static_cast<uint16_t>(sign | round(fraction, 126 - (magnitude >> 23)));
  }
  const uint32_t half = round(magnitude - 0x38000000, 13);
  return static_cast<uint16_t>(sign | (half > 0x7BFF ? 0x7BFF : half));
}

// Of the bits of a finite half.
inline float FloatOfHalf(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000U} << 16;
  const uint32_t magnitude = half & 0x7FFFU;
  if (magnitude < 0x400) {  // zero and denormals are whole multiples of 2^-24
    const float value = static_cast<float>(magnitude) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  const uint32_t bits = sign | ((magnitude << 13) + 0x38000000);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace lowtropy
