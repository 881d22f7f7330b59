// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/sbc/sparse_binary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using Floats = std::vector<float>;
using Positions = std::vector<uint32_t>;

// The reference: a stable sort of all positions.
SparseBinaryUpdate Reference(const Floats& values, size_t k) {
  Positions order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto taken = [&](auto better) {
    Positions sorted = order;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](uint32_t a, uint32_t b) { return better(values[a], values[b]); });
    sorted.resize(k);
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  };
  const auto mean = [&](const Positions& positions) {
    double sum = 0;
    for (const uint32_t i : positions) sum += double{values[i]};
    return sum / static_cast<double>(k);
  };
  const Positions top = taken([](float a, float b) { return a > b; });
  const Positions bottom = taken([](float a, float b) { return a < b; });
  if (mean(top) >= -mean(bottom)) return {values.size(), static_cast<float>(mean(top)), top};
  return {values.size(), static_cast<float>(mean(bottom)), bottom};
}

void ExpectAsReference(const Floats& values, size_t k) {
  const SparseBinaryUpdate wanted = Reference(values, k);
  SparseBinaryCompressor compressor;
  SparseBinaryUpdate update;
  Floats residual = values;
  compressor.Compress(residual, k, &update);
  EXPECT_EQ(update.size, values.size());
  EXPECT_EQ(update.positions, wanted.positions);
  EXPECT_EQ(Bits(update.value), Bits(wanted.value)) << update.value << " and " << wanted.value;
  // What is not sent stays.
  Floats expected = values;
  for (const uint32_t i : wanted.positions) expected[i] = values[i] - wanted.value;
  EXPECT_EQ(residual, expected);
}

Floats RandomValues(int kind, size_t size, std::mt19937& rng) {
  std::normal_distribution<float> normal;
  Floats values(size);
  for (float& value : values) {
    switch (kind) {
      case 0:
        value = normal(rng);
        break;
      case 1:  // ties
        value = static_cast<float>(static_cast<int>(rng() % 7) - 3);
        break;
      case 2:  // mostly zeros of both signs
        value = rng() % 10 == 0 ? normal(rng) : (rng() % 2 == 0 ? 0.0F : -0.0F);
        break;
      case 3:  // all magnitudes, denormals among them
        value = std::ldexp(normal(rng), static_cast<int>(rng() % 290) - 149);
        if (!std::isfinite(value)) value = FLT_MAX;
        break;
      case 4:  // negative only
        value = -std::fabs(normal(rng));
        break;
      default:  // neighbours that differ in the last bit
        value = 1.0F + static_cast<float>(rng() % 4) * FLT_EPSILON;
    }
  }
  return values;
}

TEST(SparseBinaryTest, AgreesWithSorting) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 rng(seed);
    const Floats values = RandomValues(static_cast<int>(seed % 6), 1 + rng() % 400, rng);
    for (const size_t k : {size_t{1}, 1 + rng() % values.size(), values.size()}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", k " + std::to_string(k));
      ASSERT_NO_FATAL_FAILURE(ExpectAsReference(values, k));
      if (HasFailure()) return;
    }
  }
}

TEST(SparseBinaryTest, ByHand) {
  Floats residual = {0.5F, -3.0F, 2.0F, 0.0F, -1.0F, 1.0F};
  SparseBinaryUpdate update;
  SparseBinaryCompressor compressor;
  compressor.Compress(residual, 2, &update);  // top 1.5 at 2 and 5, bottom 2 at 1 and 4
  EXPECT_EQ(update.value, -2.0F);
  EXPECT_EQ(update.positions, (Positions{1, 4}));
  EXPECT_EQ(residual, (Floats{0.5F, -1.0F, 2.0F, 0.0F, 1.0F, 1.0F}));
  compressor.Compress(residual, 2, &update);  // now top is 1.5 at 2 and 4: ties go to the lower
  EXPECT_EQ(update.value, 1.5F);
  EXPECT_EQ(update.positions, (Positions{2, 4}));
}

TEST(SparseBinaryTest, OneElement) {
  ExpectAsReference({-4.0F}, 1);
  ExpectAsReference({0.0F}, 1);
}

TEST(SparseBinaryTest, EqualMeansSendTheTop) {
  Floats residual = {-1.0F, 1.0F, 0.0F};
  SparseBinaryUpdate update;
  SparseBinaryCompressor().Compress(residual, 1, &update);
  EXPECT_EQ(update.value, 1.0F);
  EXPECT_EQ(update.positions, (Positions{1}));
}

// Much larger tensors than the tests above, whose bins hold more than one value.
TEST(SparseBinaryTest, LargeTensor) {
  std::mt19937 rng(5);
  const Floats values = RandomValues(0, 200000, rng);
  for (const size_t k : {size_t{1}, size_t{200}, size_t{2000}, size_t{150000}}) {
    ExpectAsReference(values, k);
  }
}

TEST(SparseBinaryTest, NothingIsLostOverManyRounds) {
  std::mt19937 rng(9);
  std::vector<double> total(500, 0);
  Floats weights(500, 0);
  Floats residual(500, 0);
  SparseBinaryCompressor compressor;
  SparseBinaryUpdate update;
  for (int round = 0; round < 200; ++round) {
    const Floats step = RandomValues(0, 500, rng);
    for (size_t i = 0; i < 500; ++i) {
      total[i] += double{step[i]};
      residual[i] += step[i];
    }
    compressor.Compress(residual, 5, &update);
    ApplyUpdate(update, 1, weights);
  }
  for (size_t i = 0; i < 500; ++i) {
    EXPECT_NEAR(double{weights[i]} + double{residual[i]}, total[i], 1e-3) << i;
  }
}

TEST(SparseBinaryTest, NotFiniteIsRefusedAndChangesNothing) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::nanf(""), infinity, -infinity, -std::nanf("")}) {
    Floats residual = {1.0F, 2.0F, bad, 3.0F};
    SparseBinaryUpdate update{7, 8.0F, {9}};
    try {
      SparseBinaryCompressor().Compress(residual, 1, &update);
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kValue);
      EXPECT_EQ(std::string(error.what()),
                std::isnan(bad) ? "NaN at position 2" : "an infinity at position 2");
    }
    EXPECT_EQ(residual[0], 1.0F);
    EXPECT_EQ(residual[3], 3.0F);
    EXPECT_EQ(update.positions, (Positions{9}));
  }
  ExpectAsReference({FLT_MAX, -FLT_MAX, 1.0F}, 2);
}

TEST(KeptCountTest, RoundsAndKeepsOne) {
  EXPECT_EQ(KeptCount(0.01, 100), 1U);
  EXPECT_EQ(KeptCount(0.01, 149), 1U);
  EXPECT_EQ(KeptCount(0.01, 150), 2U);
  EXPECT_EQ(KeptCount(0.001, 10), 1U);
  EXPECT_EQ(KeptCount(1, 17), 17U);
  EXPECT_EQ(KeptCount(0.5, 1), 1U);
}

}  // namespace
}  // namespace lowtropy
