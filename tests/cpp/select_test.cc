// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
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

void ExpectAsSorted(Selector* selector, const Floats& values, size_t k) {
  Positions positions = {1, 2, 3};
  selector->TakeLargest(values, k, &positions);
  EXPECT_EQ(positions, samples::FirstSorted(values, k, std::greater<>()));
  selector->TakeSmallest(values, k, &positions);
  EXPECT_EQ(positions, samples::FirstSorted(values, k, std::less<>()));
}

constexpr size_t kSizes[] = {1, 2, 3, 15, 16, 17, 400, 4095, 4097, 8191, 8192, 8193, 30000};

// One selector for all, so that what one call leaves behind would trouble the next.
TEST(SelectTest, AgreesWithSorting) {
  Selector selector;
  unsigned seed = 0;
  for (const size_t size : kSizes) {
    for (const Kind& kind : samples::Kinds()) {
      std::mt19937 rng(++seed);
      const Floats values = kind.make(size, rng);
      for (const size_t k : {size_t{1}, (size + 99) / 100, 1 + rng() % size, size}) {
        SCOPED_TRACE(kind.name + ", size " + std::to_string(size) + ", k " + std::to_string(k) +
                     ", seed " + std::to_string(seed));
        ExpectAsSorted(&selector, values, k);
        if (HasFailure()) return;
      }
    }
  }
}

TEST(SelectTest, TiesGoToLowerPositions) {
  Selector selector;
  Positions positions;
  for (const size_t size : {size_t{100}, size_t{10000}}) {
    Floats values(size, 1.0F);
    values[70] = 2.0F;
    values[80] = -1.0F;
    selector.TakeLargest(values, 4, &positions);
    EXPECT_EQ(positions, (Positions{0, 1, 2, 70}));
    selector.TakeSmallest(values, 3, &positions);
    EXPECT_EQ(positions, (Positions{0, 1, 80}));
  }
}

TEST(SelectTest, ZerosOfBothSignsAreEqual) {
  Selector selector;
  Positions positions;
  selector.TakeLargest(Floats{-0.0F, 0.0F, -0.0F, 0.0F}, 2, &positions);
  EXPECT_EQ(positions, (Positions{0, 1}));
  selector.TakeSmallest(Floats{0.0F, -0.0F, 0.0F}, 1, &positions);
  EXPECT_EQ(positions, (Positions{0}));
}

TEST(SelectTest, NotFiniteIsRefused) {
  Selector selector;
  for (const size_t size : {size_t{1}, size_t{8191}, size_t{8192}, size_t{20000}}) {
    for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
      for (const size_t at : {size_t{0}, size / 2, size - 1}) {
        Floats values(size, 1.0F);
        values[at] = bad;
        Positions positions;
        for (const bool largest : {true, false}) {
          try {
            largest ? selector.TakeLargest(values, 1, &positions)
                    : selector.TakeSmallest(values, 1, &positions);
            FAIL() << bad;
          } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::kValue);
            EXPECT_EQ(error.what(), std::string(std::isnan(bad) ? "NaN" : "an infinity") +
                                        " at position " + std::to_string(at));
          }
        }
      }
    }
  }
  ExpectAsSorted(&selector, {FLT_MAX, -FLT_MAX, 1.0F}, 2);
}

TEST(SelectTest, AllocatesInTheFirstCallOnly) {
  Selector selector;
  std::mt19937 rng(1);
  const Floats small = samples::Kinds()[0].make(8000, rng);
  const Floats large = samples::Kinds()[0].make(50000, rng);
  Positions positions;
  const auto select = [&] {
    selector.TakeLargest(small, 8000, &positions);
    selector.TakeSmallest(large, 50000, &positions);
  };
  select();
  const size_t before = Allocations();
  select();
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace lowtropy
