// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/base/decimal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "floats.h"
#include "lowtropy/base/bits.h"

namespace lowtropy {
namespace {

constexpr int kCount = 40'000;

// As the C library has it.
std::string Printed(const char* format, int precision, double number) {
  char text[400];
  std::snprintf(text, sizeof text, format, precision, number);
  return text;
}

std::string ShortestByPrintf(float value) {
  for (int precision = 1; precision < 9; ++precision) {
    std::string text = Printed("%.*g", precision, static_cast<double>(value));
    if (Bits(std::strtof(text.c_str(), nullptr)) == Bits(value)) return text;
  }
  return Printed("%.*g", 9, static_cast<double>(value));
}

TEST(DecimalTest, ShortestByHand) {
  EXPECT_EQ(Shortest(0), "0");
  EXPECT_EQ(Shortest(-0.0), "-0");
  EXPECT_EQ(Shortest(1), "1");
  EXPECT_EQ(Shortest(-1.5), "-1.5");
  EXPECT_EQ(Shortest(100), "1e+02");
  EXPECT_EQ(Shortest(1234), "1234");
  EXPECT_EQ(Shortest(16777216), "16777216");
  EXPECT_EQ(Shortest(1e-5), "1e-05");
  EXPECT_EQ(Shortest(0.001), "0.001");
  EXPECT_EQ(Shortest(9.5e9), "9.5e+09");
  EXPECT_EQ(Shortest(1e300), "1e+300");
  EXPECT_EQ(Shortest(0.1), "0.1");
  EXPECT_EQ(Shortest(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(Shortest(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(Shortest(std::nan("")), "nan");
}

TEST(DecimalTest, ShortestIsWhatPrintfWrites) {
  const auto check = [](float value) {
    ASSERT_EQ(Shortest(static_cast<double>(value)), ShortestByPrintf(value)) << Bits(value);
    ASSERT_EQ(Bits(ParseFloat(Shortest(static_cast<double>(value)))), Bits(value));
  };
  for (int exponent = -45; exponent <= 38; ++exponent) {  // powers of ten and their neighbours
    const float power = std::strtof(("1e" + std::to_string(exponent)).c_str(), nullptr);
    check(power);
    check(std::nextafter(power, 0.0F));
    check(std::nextafter(power, std::numeric_limits<float>::max()));
  }
  check(std::numeric_limits<float>::max());
  check(std::numeric_limits<float>::min());
  check(std::numeric_limits<float>::denorm_min());
  std::mt19937 random(1);
  for (int i = 0; i < kCount; ++i) {
    const float value = FloatOf(static_cast<uint32_t>(random()));
    if (std::isfinite(value)) check(value);
    check(static_cast<float>(random() % 2'000'000) / 1000);
  }
}

TEST(DecimalTest, ParsesAsStrtofDoes) {
  std::mt19937 random(2);
  for (int i = 0; i < kCount; ++i) {
    const int digits = static_cast<int>(1 + random() % 9);
    const float value = FloatOf(static_cast<uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    const std::string text = Printed("%.*g", digits, static_cast<double>(value));
    ASSERT_EQ(Bits(ParseFloat(text)), Bits(std::strtof(text.c_str(), nullptr))) << text;
  }
}

TEST(DecimalTest, FixedIsWhatPrintfWrites) {
  for (const double number : {0.0, 0.25, 0.5, 1.5, 2.25, 0.35, 0.04, 0.05, 9.95, 99.95, 999.95,
                              123456789.0, 64e9, 1e14, 0.999}) {
    EXPECT_EQ(Fixed(number, 1), Printed("%.*f", 1, number)) << number;
    EXPECT_EQ(Fixed(number, 0), Printed("%.*f", 0, number)) << number;
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < kCount; ++i) {
    const double number = static_cast<double>(random() >> 24) / 4096 / (1 + random() % 1000);
    ASSERT_EQ(Fixed(number, 1), Printed("%.*f", 1, number));
    ASSERT_EQ(Fixed(number, 0), Printed("%.*f", 0, number));
    ASSERT_EQ(Fixed(number, 3), Printed("%.*f", 3, number));
  }
  EXPECT_EQ(Fixed(1e15, 0), "1e+15");
}

}  // namespace
}  // namespace lowtropy
