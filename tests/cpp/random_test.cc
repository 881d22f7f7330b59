// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

namespace lowtropy {
namespace {

// The first numbers of the authors' xoshiro128** from a state of 1, 2, 3, 4.
TEST(RandomTest, ReferenceNumbers) {
  Random random(Random::State{1, 2, 3, 4});
  const uint32_t kExpected[] = {11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034};
  for (const uint32_t expected : kExpected) EXPECT_EQ(random.Next(), expected);
}

// SplitMix64 of seed 0 gives 0xE220A8397B1DCDAF and 0x6E789E6AA1B965F4.
TEST(RandomTest, SeededBySplitMix) {
  EXPECT_EQ(Random(0).state(), (Random::State{0x7B1DCDAF, 0xE220A839, 0xA1B965F4, 0x6E789E6A}));
}

TEST(RandomTest, StateContinues) {
  Random random(7);
  for (int i = 0; i < 100; ++i) random.Next();
  Random restored(random.state());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(restored.Next(), random.Next());
}

TEST(RandomTest, StreamsDiffer) {
  EXPECT_EQ(Random(3, 5).state(), Random(3, 5).state());
  std::vector<Random::State> states;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    for (uint64_t stream = 0; stream < 30; ++stream) states.push_back(Random(seed, stream).state());
  }
  std::sort(states.begin(), states.end());
  EXPECT_EQ(std::adjacent_find(states.begin(), states.end()), states.end());
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <class Draw>
Moments MomentsOf(const Draw& draw) {
  constexpr int kCount = 200000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kCount; ++i) {
    const double value = draw();
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kCount;
  return {mean, squares / kCount - mean * mean};
}

TEST(RandomTest, Uniform) {
  Random random(11);
  const Moments moments = MomentsOf([&] {
    const float value = random.Uniform(-2, 4);
    EXPECT_GE(value, -2.0F);
    EXPECT_LT(value, 4.0F);
    return value;
  });
  EXPECT_NEAR(moments.mean, 1, 0.02);
  EXPECT_NEAR(moments.variance, 3, 0.03);
}

TEST(RandomTest, Normal) {
  Random random(12);
  const Moments moments = MomentsOf([&] { return random.Normal(); });
  EXPECT_NEAR(moments.mean, 0, 0.01);
  EXPECT_NEAR(moments.variance, 1, 0.02);
}

// Twelve uniform numbers and their sum are exact, so every compiler must come to the same bits.
// Clang 14 did not for WebAssembly: where it makes SIMD of several calls of Next, it reads the
// state only after it has stored the next one.
TEST(RandomTest, NormalToTheBit) {
  Random random(1);
  Random same(1);
  uint64_t sum = 0;
  for (int i = 0; i < 12; ++i) sum += same.Next() >> 8;
  EXPECT_EQ(sum, 103649300U);
  EXPECT_NEAR(random.Normal(), 103649300 * 0x1p-24 - 6, 1e-6);
  EXPECT_EQ(random.state(), same.state());
}

TEST(RandomTest, Below) {
  Random random(13);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts[random.Below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random.Below(1), 0U);
}

// Each of the 24 orders of four elements is as likely as the others.
TEST(RandomTest, Shuffle) {
  Random random(14);
  std::array<int, 256> counts{};
  for (int i = 0; i < 24000; ++i) {
    std::vector<size_t> order(4);
    std::iota(order.begin(), order.end(), size_t{0});
    random.Shuffle(&order);
    ++counts[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]];
  }
  EXPECT_EQ(std::count(counts.begin(), counts.end(), 0), 256 - 24);
  for (const int count : counts) {
    if (count > 0) EXPECT_NEAR(count, 1000, 150);
  }
}

}  // namespace
}  // namespace lowtropy
