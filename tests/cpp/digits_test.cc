// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/digits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

constexpr size_t kSide = 28;
constexpr size_t kArea = kSide * kSide;

struct Digit {
  std::vector<float> pixels = std::vector<float>(kArea);
  uint32_t label = 0;

  float at(size_t row, size_t column) const { return pixels[row * kSide + column]; }
};

Digit Example(const Dataset& data, uint32_t example) {
  Digit digit;
  data.Read({&example, 1}, digit.pixels, {&digit.label, 1});
  return digit;
}

// Of all pixels, as bytes.
uint32_t Checksum(const Dataset& data) {
  uint32_t crc = 0;
  for (uint32_t i = 0; i < data.size(); ++i) {
    for (const float pixel : Example(data, i).pixels) {
      const auto byte = static_cast<uint8_t>(std::lround(pixel * 255));
      crc = Crc32(&byte, 1, crc);
    }
  }
  return crc;
}

std::string ErrorOf(size_t count) {
  try {
    MakeDigits(count, 1);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    return error.what();
  }
  return "none";
}

TEST(DigitsTest, Shape) {
  const auto data = MakeDigits(12, 1);
  EXPECT_EQ(data->size(), 12U);
  EXPECT_EQ(data->shape().inputs(), kArea);
  EXPECT_EQ(data->shape().labels(), 1U);
  EXPECT_EQ(data->shape().classes, 10U);
}

// These run natively and as WebAssembly.
TEST(DigitsTest, TheSameBytesOnEveryMachine) {
  EXPECT_EQ(Checksum(*MakeDigits(100, 1)), 1672563824U);
  EXPECT_EQ(Checksum(*MakeDigits(1000, 0xFEDCBA9876543210)), 1485553451U);
}

TEST(DigitsTest, AnExampleDependsOnSeedAndNumberOnly) {
  const auto few = MakeDigits(30, 5);
  const auto many = MakeDigits(300, 5);
  const auto others = MakeDigits(30, 6);
  for (uint32_t i = 0; i < few->size(); ++i) {
    EXPECT_EQ(Example(*few, i).pixels, Example(*many, i).pixels) << i;
    EXPECT_NE(Example(*few, i).pixels, Example(*others, i).pixels) << i;
    EXPECT_NE(Example(*many, i).pixels, Example(*many, i + 10).pixels) << i;
  }
}

TEST(DigitsTest, EveryTenExamplesHaveAllDigits) {
  const auto data = MakeDigits(50, 2);
  for (uint32_t i = 0; i < data->size(); ++i) EXPECT_EQ(Example(*data, i).label, i % 10);
}

TEST(DigitsTest, ExamplesComeInTheOrderAskedFor) {
  const auto data = MakeDigits(20, 3);
  const std::vector<uint32_t> asked = {7, 19, 7, 0};
  std::vector<float> pixels(asked.size() * kArea);
  std::vector<uint32_t> labels(asked.size());
  data->Read(asked, pixels, labels);
  for (size_t i = 0; i < asked.size(); ++i) {
    const Digit digit = Example(*data, asked[i]);
    EXPECT_EQ(labels[i], digit.label);
    EXPECT_TRUE(std::equal(digit.pixels.begin(), digit.pixels.end(), &pixels[i * kArea]));
  }
}

// White ink from 0 to 1 on a black ground, with the edges grey.
TEST(DigitsTest, Values) {
  const auto data = MakeDigits(500, 4);
  double sum = 0;
  for (uint32_t i = 0; i < data->size(); ++i) {
    const Digit digit = Example(*data, i);
    for (const float pixel : digit.pixels) {
      EXPECT_GE(pixel, 0.0F);
      EXPECT_LE(pixel, 1.0F);
      sum += pixel;
    }
    EXPECT_GT(*std::max_element(digit.pixels.begin(), digit.pixels.end()), 0.5F) << i;
    EXPECT_GT(std::count(digit.pixels.begin(), digit.pixels.end(), 0.0F), 300) << i;
  }
  // MNIST's mean is 0.1307.
  EXPECT_NEAR(sum / static_cast<double>(data->size() * kArea), 0.13, 0.01);
}

// The rows, or the columns, that have ink, and where its weight is on average.
struct Extent {
  size_t first = kSide;
  size_t last = 0;
  double centre = 0;

  size_t size() const { return last - first + 1; }
};

Extent ExtentOf(const Digit& digit, bool of_rows) {
  Extent extent;
  double mass = 0;
  double moment = 0;
  for (size_t i = 0; i < kSide; ++i) {
    double ink = 0;
    for (size_t j = 0; j < kSide; ++j) ink += of_rows ? digit.at(i, j) : digit.at(j, i);
    if (ink == 0) continue;
    extent.first = std::min(extent.first, i);
    extent.last = i;
    mass += ink;
    moment += ink * static_cast<double>(i);
  }
  extent.centre = moment / mass;
  return extent;
}

// The longer side is 20 pixels, and the centre of mass is within half a pixel of pixel (14, 14),
// but for rounding, wherever the digit can be moved so far.
TEST(DigitsTest, FramedAsMnist) {
  const auto data = MakeDigits(1000, 7);
  size_t off_centre = 0;
  for (uint32_t i = 0; i < data->size(); ++i) {
    const Digit digit = Example(*data, i);
    const Extent rows = ExtentOf(digit, true);
    const Extent columns = ExtentOf(digit, false);
    const size_t longer = std::max(rows.size(), columns.size());
    EXPECT_TRUE(longer == 19 || longer == 20) << i << " is " << longer;
    for (const Extent& extent : {rows, columns}) {
      if (std::abs(extent.centre - 14) > 0.51) ++off_centre;
    }
  }
  EXPECT_LT(off_centre, 20U);
}

TEST(DigitsTest, Refusals) {
  EXPECT_EQ(ErrorOf(0), "A set of digits has 1 to 1000000 examples, not 0.");
  EXPECT_EQ(ErrorOf(1000001), "A set of digits has 1 to 1000000 examples, not 1000001.");
}

}  // namespace
}  // namespace lowtropy
