// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/extremes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "float_samples.h"
#include "floats.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using samples::Floats;
using samples::Kind;
using Positions = std::vector<uint32_t>;
using Side = Extremes::Side;

// ---- The reference: a stable sort ----

bool Better(Side side, float a, float b) {
  if (side == Side::kMagnitude) return std::abs(a) > std::abs(b);
  return side == Side::kLargest ? a > b : a < b;
}

Positions Sorted(const Floats& values, size_t k, Side side) {
  return samples::FirstSorted(values, k, [&](float a, float b) { return Better(side, a, b); });
}

Floats At(const Floats& values, const Positions& positions) {
  Floats taken;
  for (const uint32_t position : positions) taken.push_back(values[position]);
  return taken;
}

template <class T>
std::vector<std::remove_const_t<T>> Copy(std::span<T> items) {
  return {items.begin(), items.end()};
}

// As bits, for -0 and 0 are not the same residual.
void ExpectSameBits(const Floats& a, const Floats& b) {
  EXPECT_EQ(a.size(), b.size());
  if (a.size() == b.size()) EXPECT_EQ(std::memcmp(a.data(), b.data(), 4 * a.size()), 0);
}

void ExpectSide(const Extremes& extremes, const Floats& sum, size_t k, Side side) {
  const Positions wanted = Sorted(sum, k, side);
  EXPECT_EQ(Copy(extremes.Positions(side)), wanted);
  ExpectSameBits(Copy(extremes.Values(side)), At(sum, wanted));
}

// Splits values into a residual and an update whose sum they are, and finds the extremes of it.
void ExpectAsSorted(Extremes* extremes, const Floats& values, size_t k, std::mt19937* rng) {
  Floats residual(values.size());
  Floats update = values;
  if ((*rng)() % 2 == 0) std::swap(residual, update);
  if ((*rng)() % 2 == 0) {
    for (size_t i = 0; i < values.size(); ++i) residual[i] = update[i] = values[i] / 2;
  }
  Floats sum(values.size());
  for (size_t i = 0; i < values.size(); ++i) sum[i] = residual[i] + update[i];
  for (const bool both_ends : {true, false}) {
    Random random((*rng)());
    Floats accumulated = update;
    extremes->Find(residual, accumulated, k, both_ends, false, &random);
    ExpectSameBits(accumulated, sum);
    if (both_ends) {
      ExpectSide(*extremes, sum, k, Side::kLargest);
      ExpectSide(*extremes, sum, k, Side::kSmallest);
    } else {
      ExpectSide(*extremes, sum, k, Side::kMagnitude);
    }
  }
}

constexpr size_t kSizes[] = {1, 2, 15, 16, 17, 63, 64, 65, 800, 4095, 4096, 4097, 8192, 30000};

TEST(ExtremesTest, AgreesWithSorting) {
  Extremes extremes;  // one for all
  unsigned seed = 0;
  for (const size_t size : kSizes) {
    for (const Kind& kind : samples::Kinds()) {
      std::mt19937 rng(++seed);
      const Floats values = kind.make(size, rng);
      const size_t share = 1 + static_cast<size_t>(rng() % (1 + size / 50));
      for (const size_t k : {size_t{1}, (size + 99) / 100, share, 1 + rng() % size, size}) {
        SCOPED_TRACE(kind.name + ", size " + std::to_string(size) + ", k " + std::to_string(k) +
                     ", seed " + std::to_string(seed));
        ExpectAsSorted(&extremes, values, k, &rng);
        if (HasFailure()) return;
      }
    }
  }
}

// The sample draws 8 neighbours of each 800: here it sees nothing but the largest, or none of them.
TEST(ExtremesTest, ASampleThatMisleads) {
  Extremes extremes;
  std::mt19937 rng(1);
  for (const size_t every : {size_t{8}, size_t{700}, size_t{20000}}) {
    Floats values(80000);
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = samples::Normal(rng) + (i / every % 2 == 0 ? 50.0F : 0.0F);
    }
    for (const size_t k : {size_t{1}, size_t{80}, size_t{800}, size_t{8000}}) {
      SCOPED_TRACE("every " + std::to_string(every) + ", k " + std::to_string(k));
      ExpectAsSorted(&extremes, values, k, &rng);
    }
  }
}

// ---- A sampled threshold ----

// All that is found is better than all that is not, and there are 0.8 to 1.25 k of it.
void ExpectBest(const Extremes& extremes, const Floats& sum, size_t k, Side side) {
  const Positions positions = Copy(extremes.Positions(side));
  const auto count = static_cast<double>(positions.size());
  EXPECT_GE(count, 0.8 * static_cast<double>(k));
  EXPECT_LE(count, 1.25 * static_cast<double>(k));
  EXPECT_TRUE(std::is_sorted(positions.begin(), positions.end()));
  ExpectSameBits(Copy(extremes.Values(side)), At(sum, positions));
  // Beyond a threshold, all ties are found; exactly k, those at lower positions.
  EXPECT_EQ(positions, Sorted(sum, positions.size(), side));
}

TEST(ExtremesTest, SampledStaysWithinItsBounds) {
  Extremes extremes;
  unsigned seed = 0;
  size_t exact = 0;
  size_t searches = 0;
  for (const size_t size : kSizes) {
    for (const Kind& kind : samples::Kinds()) {
      std::mt19937 rng(++seed);
      Floats values = kind.make(size, rng);
      const Floats residual(size, 0.0F);
      for (const size_t k : {size_t{1}, (size + 99) / 100, 1 + rng() % size, size}) {
        SCOPED_TRACE(kind.name + ", size " + std::to_string(size) + ", k " + std::to_string(k) +
                     ", seed " + std::to_string(seed));
        Random random(seed);
        extremes.Find(residual, values, k, true, true, &random);
        ExpectBest(extremes, values, k, Side::kLargest);
        ExpectBest(extremes, values, k, Side::kSmallest);
        exact += extremes.Positions(Side::kLargest).size() == k ? 1 : 0;
        ++searches;
        extremes.Find(residual, values, k, false, true, &random);
        ExpectBest(extremes, values, k, Side::kMagnitude);
        if (HasFailure()) return;
      }
    }
  }
  EXPECT_LT(exact, searches);  // some were not, or this tests nothing
}

TEST(ExtremesTest, SampledDependsOnTheRandomStateOnly) {
  std::mt19937 rng(5);
  const Floats values = samples::Kinds()[0].make(50000, rng);
  const Floats residual(values.size(), 0.0F);
  const auto find = [&](uint64_t seed) {
    Extremes extremes;
    Random random(seed);
    Floats accumulated = values;
    extremes.Find(residual, accumulated, 5000, true, true, &random);
    return Copy(extremes.Positions(Side::kLargest));
  };
  EXPECT_EQ(find(1), find(1));
  EXPECT_NE(find(1), find(2));
}

// ---- What is not finite ----

std::string Refusal(const Floats& residual, Floats update, bool both_ends) {
  Extremes extremes;
  Random random(1);
  try {
    extremes.Find(residual, update, 1 + update.size() / 100, both_ends, false, &random);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    return error.what();
  }
  return "";
}

TEST(ExtremesTest, NotFiniteIsRefusedWhereverItIs) {
  std::mt19937 rng(2);
  for (const size_t size : {size_t{1}, size_t{17}, size_t{4095}, size_t{4096}, size_t{20003}}) {
    const Floats values = samples::Kinds()[0].make(size, rng);
    for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
      for (const size_t at : {size_t{0}, rng() % size, size - 1}) {
        const std::string clause = std::string(std::isnan(bad) ? "NaN" : "an infinity") +
                                   " at position " + std::to_string(at);
        Floats spoiled = values;
        spoiled[at] = bad;
        for (const bool both_ends : {true, false}) {
          EXPECT_EQ(Refusal(Floats(size, 0.0F), spoiled, both_ends), clause);
        }
      }
    }
  }
}

TEST(ExtremesTest, SumsThatOverflowAreRefused) {
  for (const size_t size : {size_t{10}, size_t{20000}}) {
    Floats residual(size, 0.0F);
    Floats update(size, 1.0F);
    residual[size - 3] = update[size - 3] = -std::numeric_limits<float>::max();
    for (const bool both_ends : {true, false}) {
      EXPECT_EQ(Refusal(residual, update, both_ends),
                "an infinity at position " + std::to_string(size - 3));
    }
  }
}

TEST(ExtremesTest, AllocatesInTheFirstCallsOnly) {
  Extremes extremes;
  std::mt19937 rng(1);
  const Floats residual(50000, 0.0F);
  Floats values = samples::Kinds()[0].make(50000, rng);
  const auto find = [&] {
    for (const size_t k : {size_t{50}, size_t{500}, size_t{30000}}) {
      for (const bool both_ends : {true, false}) {
        Random random(1);
        extremes.Find(residual, values, k, both_ends, false, &random);
      }
    }
  };
  find();
  const size_t before = Allocations();
  find();
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace lowtropy
