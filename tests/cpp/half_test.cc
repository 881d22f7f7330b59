// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/math/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace lowtropy {
namespace {

// The definition.
double ValueOf(unsigned half) {
  const double sign = (half & 0x8000U) != 0 ? -1 : 1;
  const auto exponent = static_cast<int>(half >> 10 & 31U);
  const double fraction = (half & 0x3FFU) / 1024.0;
  if (exponent == 0) return sign * std::ldexp(fraction, -14);
  return sign * std::ldexp(1 + fraction, exponent - 15);
}

bool IsFinite(unsigned half) { return (half & 0x7C00U) != 0x7C00U; }

TEST(HalfTest, AllFiniteHalvesComeBack) {
  for (unsigned half = 0; half < 65536; ++half) {
    if (!IsFinite(half)) continue;
    const float value = FloatOfHalf(static_cast<uint16_t>(half));
    ASSERT_EQ(double{value}, ValueOf(half)) << half;
    ASSERT_EQ(std::signbit(value), (half & 0x8000U) != 0) << half;
    ASSERT_EQ(HalfOf(value), half);
  }
}

// Between each half and the next: the nearer one, and of two equally near the even one.
TEST(HalfTest, RoundsToNearest) {
  for (unsigned half = 0; half < 0x7BFF; ++half) {
    const float below = FloatOfHalf(static_cast<uint16_t>(half));
    const float above = FloatOfHalf(static_cast<uint16_t>(half + 1));
    const float middle = below + (above - below) / 2;  // exact
    ASSERT_EQ(HalfOf(middle), half + half % 2) << half;
    ASSERT_EQ(HalfOf(std::nextafter(middle, below)), half) << half;
    ASSERT_EQ(HalfOf(std::nextafter(middle, above)), half + 1) << half;
    ASSERT_EQ(HalfOf(-middle), 0x8000 + half + half % 2) << half;
  }
}

TEST(HalfTest, Extremes) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  EXPECT_EQ(HalfOf(65504), 0x7BFF);
  EXPECT_EQ(HalfOf(65505), 0x7BFF);
  EXPECT_EQ(HalfOf(65520), 0x7BFF);  // nearer to infinity, which cannot be sent
  EXPECT_EQ(HalfOf(kLargest), 0x7BFF);
  EXPECT_EQ(HalfOf(-kLargest), 0xFBFF);
  EXPECT_EQ(HalfOf(0x1p-25F), 0);  // a tie between 0 and the smallest
  EXPECT_EQ(HalfOf(std::nextafter(0x1p-25F, 1.0F)), 1);
  EXPECT_EQ(HalfOf(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(HalfOf(-0.0F), 0x8000);
}

TEST(HalfTest, RandomFloatsGoToTheNearest) {
  std::mt19937 rng(3);
  for (int i = 0; i < 100000; ++i) {
    const float value = std::ldexp(std::uniform_real_distribution<float>(-1, 1)(rng),
                                   static_cast<int>(rng() % 40) - 24);
    const unsigned half = HalfOf(value);
    const double error = std::abs(ValueOf(half) - double{value});
    if (half % 0x8000 > 0) ASSERT_LE(error, std::abs(ValueOf(half - 1) - double{value})) << value;
    if (half % 0x8000 < 0x7BFF) {
      ASSERT_LE(error, std::abs(ValueOf(half + 1) - double{value})) << value;
    }
  }
}

}  // namespace
}  // namespace lowtropy
