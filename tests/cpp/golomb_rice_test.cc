// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/coding/golomb_rice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using Bytes = std::vector<uint8_t>;
using Positions = std::vector<uint32_t>;

Bytes Encode(const Positions& positions, unsigned parameter) {
  Bytes bytes;
  BitWriter writer(&bytes);
  WritePositions(positions, parameter, &writer);
  writer.Finish();
  return bytes;
}

Positions Decode(const Bytes& bytes, unsigned parameter, uint64_t size, size_t count) {
  Positions positions(count);
  BitReader reader(bytes);
  ReadPositions(&reader, parameter, size, positions);
  reader.ExpectEnd();
  return positions;
}

std::string ErrorOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(BitStream, FirstBitIsLowest) {
  Bytes bytes;
  BitWriter writer(&bytes);
  writer.Put(0b101, 3);
  writer.PutUnary(2);  // 1 1 0
  writer.Put(0xABCD, 16);
  writer.Finish();
  // 101 011 (lowest first), then 0xABCD shifted by 6.
  EXPECT_EQ(bytes, (Bytes{0x5D, 0xF3, 0x2A}));
}

TEST(BitStream, RandomWidthsComeBack) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 rng(seed);
    std::vector<std::pair<uint64_t, unsigned>> items;
    Bytes bytes;
    BitWriter writer(&bytes);
    for (int i = 0; i < 500; ++i) {
      const auto width = static_cast<unsigned>(rng() % 34);
      // Width 33 stands for a unary number.
      const uint64_t value = width == 33 ? rng() % 200 : rng() & ((uint64_t{1} << width) - 1);
      items.emplace_back(value, width);
      if (width == 33) {
        writer.PutUnary(value);
      } else {
        writer.Put(value, width);
      }
    }
    writer.Finish();
    BitReader reader(bytes);
    for (const auto& [value, width] : items) {
      ASSERT_EQ(width == 33 ? reader.GetUnary(200) : reader.Get(width), value);
    }
    reader.ExpectEnd();
  }
}

TEST(RiceParameterTest, FiguresOfThePaper) {
  EXPECT_EQ(RiceParameter(1, 100), 6U);
  EXPECT_EQ(RiceParameter(1, 1000), 9U);
  EXPECT_NEAR(ExpectedRiceBits(0.01, 6), 8.108, 5e-4);
  EXPECT_NEAR(ExpectedRiceBits(0.001, 9), 11.495, 5e-4);
}

TEST(RiceParameterTest, EqualsTheFormula) {
  for (uint64_t size : {uint64_t{2}, uint64_t{3}, uint64_t{10}, uint64_t{997}, uint64_t{1000003},
                        uint64_t{4294967295}}) {
    for (uint64_t count = 1; count < size; count = count * 3 + 1) {
      const double p = static_cast<double>(count) / static_cast<double>(size);
      const double golden = (1 + std::sqrt(5.0)) / 2;
      const double formula = 1 + std::floor(std::log2(std::log(golden - 1) / std::log1p(-p)));
      EXPECT_EQ(RiceParameter(count, size), std::max(formula, 0.0)) << count << " of " << size;
    }
  }
}

TEST(RiceParameterTest, AllPositions) {
  EXPECT_EQ(RiceParameter(1, 1), 0U);
  EXPECT_EQ(RiceParameter(5, 5), 0U);
}

// Gaps 2, 0, 5 with b = 1: 10|0, 0|0, 110|1 as unary|low bit, the first bit lowest.
TEST(PositionsTest, ByHand) {
  EXPECT_EQ(Encode({2, 3, 9}, 1), (Bytes{0x61, 0x01}));
  EXPECT_EQ(Decode({0x61, 0x01}, 1, 10, 3), (Positions{2, 3, 9}));
}

TEST(PositionsTest, Boundaries) {
  const uint32_t last = 0xFFFFFFFE;
  for (const Positions& positions : {Positions{}, {0}, {last}, {0, last}, {last - 1, last}}) {
    for (unsigned b : {26U, 30U, kMaxRiceParameter}) {
      EXPECT_EQ(Decode(Encode(positions, b), b, 0xFFFFFFFF, positions.size()), positions);
    }
  }
  EXPECT_EQ(Encode({0, 1, 2, 3, 4, 5, 6, 7}, 0), (Bytes{0}));  // a bit each where all are taken
}

TEST(PositionsTest, RandomOnesComeBackNearTheExpectedSize) {
  for (const double p : {0.7, 0.3, 0.01, 0.001}) {
    constexpr uint32_t kSize = 400000;
    std::mt19937 rng(7);
    std::bernoulli_distribution taken(p);
    Positions positions;
    for (uint32_t i = 0; i < kSize; ++i) {
      if (taken(rng)) positions.push_back(i);
    }
    const unsigned b = RiceParameter(positions.size(), kSize);
    const Bytes bytes = Encode(positions, b);
    EXPECT_EQ(Decode(bytes, b, kSize, positions.size()), positions);
    const double bits = 8.0 * static_cast<double>(bytes.size());
    const double mean = bits / static_cast<double>(positions.size());
    EXPECT_NEAR(mean, ExpectedRiceBits(p, b), 0.15) << p;
    // No other parameter is better by more than chance.
    for (unsigned other = 0; other <= b + 2; ++other) {
      EXPECT_LE(static_cast<double>(bytes.size()),
                1.01 * static_cast<double>(Encode(positions, other).size()) + 8)
          << p << " with " << other;
    }
  }
}

// 8.108 and 11.495 bits a position, of 200000 whose gaps have a geometric distribution.
TEST(PositionsTest, FiguresOfThePaperAreMeasured) {
  constexpr size_t kCount = 200000;
  const std::pair<double, double> kFigures[] = {{0.01, 8.108}, {0.001, 11.495}};
  for (const auto& [p, bits] : kFigures) {
    std::mt19937 rng(13);
    std::geometric_distribution<uint32_t> gap(p);
    Positions positions;
    uint32_t next = 0;
    for (size_t i = 0; i < kCount; ++i) {
      positions.push_back(next + gap(rng));
      next = positions.back() + 1;
    }
    const Bytes bytes = Encode(positions, RiceParameter(kCount, next));
    EXPECT_NEAR(8.0 * static_cast<double>(bytes.size()) / kCount, bits, 0.015) << p;
  }
}

TEST(PositionsTest, Refusals) {
  const Bytes bytes = Encode({2, 3, 9}, 1);
  EXPECT_EQ(ErrorOf([&] { Decode(bytes, 1, 9, 3); }), "position 9 is past the last one, 8");
  EXPECT_EQ(ErrorOf([&] { Decode({0x61}, 1, 10, 3); }), "the bits end within a code");
  EXPECT_EQ(ErrorOf([&] { Decode({}, 0, 10, 1); }), "the bits end within a code");
  EXPECT_EQ(ErrorOf([&] { Decode(bytes, 1, 10, 2); }),
            "there are bits left over after the last code");
  EXPECT_EQ(ErrorOf([&] {
              Decode({0x61, 0x81}, 1, 10, 3);
            }),
            "there are bits left over after the last code");
  EXPECT_EQ(ErrorOf([&] { Decode(Bytes(100, 0xFF), 2, 10, 1); }),
            "a code is larger than what it can stand for");
}

TEST(PositionsTest, RandomBytesAreReadOrRefused) {
  std::mt19937 rng(11);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes(rng() % 12);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng());
    const unsigned b = rng() % (kMaxRiceParameter + 1);
    Positions positions;
    const size_t count = rng() % 6;
    const uint64_t size = 1 + rng() % 1000;
    const std::string error = ErrorOf([&] { positions = Decode(bytes, b, size, count); });
    if (error == "none") ASSERT_EQ(Encode(positions, b), bytes) << "round " << i;
  }
}

}  // namespace
}  // namespace lowtropy
