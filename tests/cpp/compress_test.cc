// SPDX-License-Identifier: Apache-2.0
// Fewer different weights: against golden numbers, against references that are too slow for use,
// and what is defined at the edges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/compress/fold.h"
#include "lowtropy/compress/prune.h"
#include "lowtropy/compress/quantize.h"

namespace lowtropy {
namespace {

using Floats = std::vector<float>;

uint32_t Checksum(const Floats& values) {
  return Crc32(values.data(), values.size() * sizeof(float));
}

// Many small ones and few large ones; on a grid, where it is not 0, so that there are equal ones.
Floats Weights(size_t size, uint32_t state, int grid) {
  Floats weights(size);
  for (float& weight : weights) {
    state = state * 1664525 + 1013904223;
    const double uniform = (state >> 8) * 0x1p-24 - 0.5;
    const double cubed = double{static_cast<float>(uniform * uniform)} * uniform;
    // As JavaScript rounds: halves up, and to -0 what is below 0.
    const double rounded = std::copysign(std::floor(cubed * grid + 0.5), cubed);
    weight = static_cast<float>(grid > 0 ? rounded / grid : cubed);
  }
  return weights;
}

struct Golden {
  size_t size;
  uint32_t seed;
  int grid;
  double share;
  size_t values;
  uint32_t pruned;     // CRC-32
  uint32_t quantized;  // after that
};

// Of models that were exported before there was this in C++.
constexpr Golden kGolden[] = {
    {1, 1, 0, 0, 16, 0x5F9A35D0, 0x5F9A35D0},
    {1, 1, 0, 0.7, 16, 0x5F9A35D0, 0x5F9A35D0},
    {2, 2, 0, 0, 16, 0x4950BA00, 0x4950BA00},
    {2, 2, 0, 0.9, 256, 0x70602437, 0x70602437},
    {1000, 3, 0, 0, 2, 0xBE209BFE, 0xF9785CC9},
    {1000, 3, 0, 0, 16, 0xBE209BFE, 0xC36D66A4},
    {1000, 3, 0, 0.3, 5, 0x8049C6DB, 0xF482017B},
    {1000, 3, 0, 0.7, 16, 0xBB7CD4A6, 0x9F09CB1C},
    {1000, 3, 0, 0.9, 256, 0x1460EB90, 0x1460EB90},
    {1000, 3, 0, 0.95, 32, 0xF23C38B4, 0x2F283869},
    {1000, 3, 0, 0.999, 3, 0x17AE0145, 0x17AE0145},
    {1000, 4, 64, 0, 2, 0x556B8AAD, 0x056620E8},
    {1000, 4, 64, 0, 16, 0x556B8AAD, 0xEBD72065},
    {1000, 4, 64, 0.3, 5, 0x8D39F913, 0xE9103743},
    {1000, 4, 64, 0.7, 16, 0xF3B18604, 0xF3B18604},
    {1000, 4, 64, 0.9, 256, 0x05909427, 0x05909427},
    {1000, 4, 64, 0.95, 32, 0x61104681, 0x61104681},
    {1000, 4, 64, 0.999, 3, 0xFBDB11DF, 0xFBDB11DF},
    {20000, 5, 0, 0, 2, 0xC3D0141E, 0xB5F96E1A},
    {20000, 5, 0, 0, 16, 0xC3D0141E, 0x3A288C6B},
    {20000, 5, 0, 0.3, 5, 0x9C603ED3, 0x0B95BED5},
    {20000, 5, 0, 0.7, 16, 0x4CD9DFA8, 0x86E177DE},
    {20000, 5, 0, 0.9, 256, 0x0FF0CD0A, 0x54D00920},
    {20000, 5, 0, 0.95, 32, 0x24A08E4D, 0x4329C8AB},
    {20000, 5, 0, 0.999, 3, 0xE4AAD009, 0xA7FC3F0D},
    {20000, 6, 1024, 0, 2, 0xE587889B, 0xF99FCA20},
    {20000, 6, 1024, 0, 16, 0xE587889B, 0x88AAAB16},
    {20000, 6, 1024, 0.3, 5, 0xB7FBBD88, 0x76D0BE83},
    {20000, 6, 1024, 0.7, 16, 0xB1A05601, 0x86F43C03},
    {20000, 6, 1024, 0.9, 256, 0xA1FC99D8, 0xA1FC99D8},
    {20000, 6, 1024, 0.95, 32, 0xF0A64D79, 0x8260842D},
    {20000, 6, 1024, 0.999, 3, 0x02684900, 0x02684900},
    {100003, 7, 0, 0, 2, 0x8087B730, 0x0C029D03},
    {100003, 7, 0, 0, 16, 0x8087B730, 0x0B3F881B},
    {100003, 7, 0, 0.3, 5, 0xE4884AB4, 0x978E0A15},
    {100003, 7, 0, 0.7, 16, 0x0EC7DAFC, 0xF0832CC4},
    {100003, 7, 0, 0.9, 256, 0x5F2C72B2, 0x54BD87B9},
    {100003, 7, 0, 0.95, 32, 0xA3676BA4, 0x65641DD4},
    {100003, 7, 0, 0.999, 3, 0x81276050, 0xCC7EFA2C},
};

TEST(CompressTest, golden_numbers) {
  for (const Golden& golden : kGolden) {
    SCOPED_TRACE(std::to_string(golden.size) + " weights, share " + std::to_string(golden.share) +
                 ", grid " + std::to_string(golden.grid));
    Floats weights = Weights(golden.size, golden.seed, golden.grid);
    Prune(golden.share, weights);
    EXPECT_EQ(Checksum(weights), golden.pruned);
    Quantize(golden.values, weights);
    EXPECT_EQ(Checksum(weights), golden.quantized);
  }
}

class RandomTest : public testing::Test {
 protected:
  const uint32_t seed_ = std::random_device{}();
  const testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
  std::mt19937 random_{seed_};

  Floats Draw() {
    const auto state = static_cast<uint32_t>(random_());
    return Weights(1 + random_() % 3000, state, random_() % 2 == 0 ? 0 : 1 << random_() % 12);
  }
};

// ---- pruning

using PruneTest = RandomTest;

TEST_F(PruneTest, is_what_sorting_gives) {
  for (int run = 0; run < 200; ++run) {
    const Floats before = Draw();
    const double share = static_cast<double>(random_() % 1000) / 1000;
    std::vector<size_t> order(before.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return std::abs(before[a]) < std::abs(before[b]); });
    Floats expected = before;
    const double count = std::floor(share * static_cast<double>(before.size()));
    for (size_t i = 0; static_cast<double>(i) < count; ++i) expected[order[i]] = 0;
    Floats weights = before;
    Prune(share, weights);
    ASSERT_EQ(weights, expected);
  }
}

TEST_F(PruneTest, the_first_of_equal_magnitudes) {
  Floats weights = {3, -1, 1, 0, -2, 1};
  Prune(0.5, weights);
  EXPECT_EQ(weights, (Floats{3, 0, 0, 0, -2, 1}));
  Prune(0, weights);
  EXPECT_EQ(weights, (Floats{3, 0, 0, 0, -2, 1}));
}

TEST_F(PruneTest, no_weights) {
  Floats none;
  Prune(0.5, none);
  EXPECT_TRUE(none.empty());
}

TEST_F(PruneTest, shares_that_cannot_be) {
  Floats weights = {1, 2};
  for (const double share : {-0.1, 1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(Prune(share, weights), Error);
  }
  EXPECT_EQ(weights, (Floats{1, 2}));
}

// ---- quantization

using QuantizeTest = RandomTest;

TEST_F(QuantizeTest, clear_clusters_are_found_exactly) {
  Floats weights = {1, 9, 1.5, 0, -4, 8.5, -4.5, 0};
  Quantize(4, weights);
  EXPECT_EQ(weights, (Floats{1.25, 8.75, 1.25, 0, -4.25, 8.75, -4.25, 0}));
}

TEST_F(QuantizeTest, few_values_stay_as_they_are) {
  Floats weights = {1, 2, 0, -3, 2, -0.0F};
  Quantize(4, weights);
  EXPECT_EQ(weights, (Floats{1, 2, 0, -3, 2, 0}));
  EXPECT_TRUE(std::signbit(weights.back()));
  Floats zeros(3);
  Quantize(2, zeros);
  EXPECT_EQ(zeros, Floats(3));
  Floats none;
  Quantize(2, none);
  EXPECT_TRUE(none.empty());
}

// A value for each, in the order of the weights, and each the nearest.
TEST_F(QuantizeTest, every_weight_goes_to_the_nearest_value) {
  for (int run = 0; run < 100; ++run) {
    const Floats before = Draw();
    const size_t count = 2 + random_() % 255;
    Floats weights = before;
    Quantize(count, weights);
    std::map<float, std::vector<float>> clusters;
    for (size_t i = 0; i < weights.size(); ++i) clusters[weights[i]].push_back(before[i]);
    ASSERT_LE(clusters.size(), count);
    for (size_t i = 0; i < weights.size(); ++i) {
      if (before[i] == 0) {
        ASSERT_EQ(weights[i], 0);
        continue;
      }
      for (const auto& [value, members] : clusters) {
        if (value == 0) continue;
        ASSERT_LE(std::abs(double{before[i]} - double{weights[i]}),
                  std::abs(double{before[i]} - double{value}));
      }
    }
  }
}

// Beside values at equal distances, the squared errors.
TEST_F(QuantizeTest, errors_are_smaller_than_those_of_an_even_grid) {
  const Floats before = Weights(5000, static_cast<uint32_t>(random_()), 0);
  Floats weights = before;
  Quantize(16, weights);
  double own = 0;
  double even = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    own += std::pow(before[i] - weights[i], 2);
    even += std::pow(before[i] - std::round(before[i] * 60) / 60, 2);  // ±0.125: 16 values
  }
  EXPECT_LT(own, even);
}

TEST_F(QuantizeTest, counts_that_cannot_be) {
  Floats weights = {1, 2};
  EXPECT_THROW(Quantize(1, weights), Error);
  EXPECT_THROW(Quantize(0, weights), Error);
  EXPECT_EQ(weights, (Floats{1, 2}));
}

// ---- Folding ----

TEST(FoldTest, IsTheNormalizationBehindTheProduct) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const size_t channels = 1 + random() % 9;
    const size_t cols = random() % 20;
    const auto draw = [&](size_t size) {
      Floats values(size);
      for (float& value : values) value = normal(random);
      return values;
    };
    const Floats gamma = draw(channels);
    const Floats beta = draw(channels);
    const Floats mean = draw(channels);
    Floats variance = draw(channels);
    for (float& value : variance) value *= value;
    const Floats weights = draw(channels * cols);
    const Floats x = draw(cols);
    Floats folded = weights;
    Floats bias(channels);
    FoldBatchNorm({gamma, beta, mean, variance, 1e-5}, folded, bias);
    for (size_t c = 0; c < channels; ++c) {
      double product = 0;
      double one = bias[c];
      for (size_t i = 0; i < cols; ++i) {
        product += double{weights[c * cols + i]} * double{x[i]};
        one += double{folded[c * cols + i]} * double{x[i]};
      }
      const double scale = gamma[c] / std::sqrt(variance[c] + 1e-5);
      EXPECT_NEAR(one, (product - mean[c]) * scale + beta[c], 1e-5 * (1 + std::abs(scale) * 20));
    }
  }
}

TEST(FoldTest, RefusesSizesThatDoNotFit) {
  const Floats two{1, 2};
  const Floats one{1};
  Floats weights(6);
  Floats bias(2);
  const auto refused = [&](const Normalization& norm, std::span<float> w, std::span<float> b) {
    EXPECT_THROW(FoldBatchNorm(norm, w, b), Error);
  };
  refused({two, one, two, two, 1e-5}, weights, bias);
  refused({two, two, one, two, 1e-5}, weights, bias);
  refused({two, two, two, one, 1e-5}, weights, bias);
  refused({two, two, two, two, 1e-5}, std::span(weights).first(5), bias);
  refused({two, two, two, two, 1e-5}, weights, std::span(bias).first(1));
  refused({{}, {}, {}, {}, 1e-5}, weights, {});
}

}  // namespace
}  // namespace lowtropy
