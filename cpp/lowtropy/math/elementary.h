// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "lowtropy/base/bits.h"

namespace lowtropy {

// e^x to within 2 units in the last place, from additions and multiplications only: the same bits
// on every machine, and loops over it become SIMD, which calls of the C library do not. Beyond ±87
// it stays at the value there, so that it is never 0 or infinite.
inline float Exp(float x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High =
      0.693359375F;  // few bits, so that products with small integers are exact
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRounder = 12582912.0F;  // 1.5 · 2^23: adding it leaves no bits behind the point
  x = std::min(std::max(x, -87.0F), 87.0F);
  const float shifted = x * kLog2E + kRounder;
  const float n = shifted - kRounder;
  const float r = (x - n * kLn2High) - n * kLn2Low;  // within ±ln(2)/2
  // The Taylor series; what is left out is below r^8 / 8! < 6e-9.
  float sum = 1.0F / 5040;
  sum = sum * r + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  // The bits of 2^n: those of `shifted` count up by one with n. NaN has meaningless ones, and stays
  // NaN.
  const uint32_t power = (Bits(shifted) - Bits(kRounder) + 127) << 23;
  float scale;
  std::memcpy(&scale, &power, sizeof scale);
  return sum * scale;
}

// 1 / (1 + e^-x) and the hyperbolic tangent, to within 2e-7.
inline float Sigmoid(float x) { return 1.0F / (1.0F + Exp(-x)); }
inline float Tanh(float x) { return 1.0F - 2.0F / (1.0F + Exp(2.0F * x)); }

}  // namespace lowtropy
