// SPDX-License-Identifier: Apache-2.0
// Statistics and costs against counts made by hand.
#include "lowtropy/matrix/cost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "format_testing.h"
#include "lowtropy/base/bits.h"

namespace lowtropy {
namespace {

using namespace testing_formats;

Stats StatsOf(const Values& values) { return Profile::Of(values.View()).GetStats(); }

// ---- Statistics ----

// 16 elements: 0 seven times, 4 five times, 2 three times, 3 once. The rows hold {0 4 2}, {3 0 4},
// {0 2} and {4 0}: 10 distinct values in 4 rows.
TEST(StatsTest, golden_example) {
  const Stats stats = StatsOf(Golden());
  EXPECT_DOUBLE_EQ(stats.p0, 7.0 / 16);
  EXPECT_NEAR(stats.entropy,
              7 * std::log2(16.0 / 7) / 16 + 5 * std::log2(16.0 / 5) / 16 +
                  3 * std::log2(16.0 / 3) / 16 + 4.0 / 16,
              1e-12);
  EXPECT_NEAR(stats.entropy, 1.7490, 5e-5);
  EXPECT_EQ(stats.distinct, 4U);
  EXPECT_DOUBLE_EQ(stats.distinct_per_row, 2.5);
  EXPECT_EQ(stats.nnz, 9U);
}

TEST(StatsTest, another_most_frequent_value_changes_nnz_only) {
  const Stats stats = StatsOf(ShiftedGolden());
  EXPECT_DOUBLE_EQ(stats.p0, 7.0 / 16);
  EXPECT_EQ(stats.distinct, 4U);
  EXPECT_EQ(stats.nnz, 16U);
}

TEST(StatsTest, one_value) {
  const Stats stats = StatsOf({3, 5, std::vector<float>(15, 2.0F)});
  EXPECT_EQ(stats.p0, 1.0);
  EXPECT_EQ(stats.entropy, 0.0);
  EXPECT_FALSE(std::signbit(stats.entropy));
  EXPECT_EQ(stats.distinct_per_row, 1.0);
  EXPECT_EQ(stats.nnz, 15U);
}

TEST(StatsTest, equally_frequent_values_have_the_logarithm_as_entropy) {
  Values values{8, 32, {}};
  for (size_t i = 0; i < 256; ++i) values.data.push_back(static_cast<float>(i % 64));
  const Stats stats = StatsOf(values);
  EXPECT_DOUBLE_EQ(stats.entropy, 6.0);
  EXPECT_EQ(stats.p0, 1.0 / 64);
  EXPECT_EQ(stats.distinct_per_row, 32.0);
}

TEST(StatsTest, negative_zero_is_a_value_of_its_own_and_no_zero) {
  const Stats stats = StatsOf({1, 4, {0.0F, -0.0F, 0.0F, 1.0F}});
  EXPECT_EQ(stats.distinct, 3U);
  EXPECT_EQ(stats.nnz, 2U);
}

// ---- Costs of the golden example ----

struct Wanted {
  Format format;
  uint64_t bytes, multiply, add, read, write;
  double energy;
};

void ExpectCosts(const Values& values, const std::vector<Wanted>& table) {
  const Profile profile = Profile::Of(values.View());
  for (const Wanted& wanted : table) {
    SCOPED_TRACE(std::string(Name(wanted.format)));
    const Cost cost = CostOf(wanted.format, profile);
    EXPECT_EQ(cost.bytes, wanted.bytes);
    EXPECT_EQ(cost.multiply, wanted.multiply);
    EXPECT_EQ(cost.add, wanted.add);
    EXPECT_EQ(cost.read, wanted.read);
    EXPECT_EQ(cost.write, wanted.write);
    EXPECT_NEAR(cost.energy_pj, wanted.energy, 1e-9);
  }
}

// y = W·x with 4 x 4 elements, of which 9 are not 0, in 6 runs of equal values: row 0 lists 4 twice
// and 2 once (2 runs), row 1 lists 4 and 3 once (2 runs), row 2 lists 2 twice, row 3 4 twice.
// Indices are all below 256, so one byte each; floats take four. All arrays are smaller than 8 KB:
// an access costs 5 pJ (float) or 1.25 pJ (byte), an addition 0.9, a multiplication 3.7. y is
// written once a row: 4 writes, 20 pJ, in every format.
//
// dense    bytes 16·4. A row multiplies 4 pairs and adds them with 3 additions: 16 and 12. Reads 16
//          values and 16 inputs.
//          Energy 12·0.9 + 16·3.7 + 32·5 + 20 = 10.8 + 59.2 + 160 + 20 = 250.
// csr      bytes: values 9·4, colI 9, rowPtr 5. Multiplies 9; rows of 3, 2, 2, 2 products take
//          2 + 1 + 1 + 1 = 5 additions. Reads values 9, colI 9, rowPtr 5, inputs 9.
//          Energy 4.5 + 33.3 + 18·5 + 14·1.25 + 20 = 165.3.
// cer      bytes: omega 4·4, colI 9, omegaPtr 9, rowPtr 5. A multiplication for each of 6 runs. Row
//          0 adds its two inputs of 4 (1), and the two products (1); row 1 its two products (1);
//          rows 2 and 3 two inputs (1 each): 5. Reads omega once a run, 6; colI 9; omegaPtr 9;
//          rowPtr 5; inputs 9: 38.
//          Energy 4.5 + 22.2 + 15·5 + 23·1.25 + 20 = 150.45.
// cser     bytes: omega 16, colI 9, omegaPtr 7, omegaI 6, rowPtr 5. Operations as cer. Reads omega
//          6, colI 9, omegaPtr 7, omegaI 6, rowPtr 5, inputs 9: 42.
//          Energy 4.5 + 22.2 + 15·5 + 27·1.25 + 20 = 155.45.
// palette  bytes: omega 16, a byte of four codes for each row. Operations as dense. Reads omega
// once
//          an element, 16; 4 bytes of codes; 16 inputs.
//          Energy 10.8 + 59.2 + 32·5 + 4·1.25 + 20 = 255.
// pcsr     bytes: omega 16, codes 9, colI 9, rowPtr 5. Operations as csr. Reads omega once a
//          nonzero, 9; codes 9; colI 9; rowPtr 5; inputs 9: 41.
//          Energy 4.5 + 33.3 + 18·5 + 23·1.25 + 20 = 176.55.
// grid     bytes: omega 3·4, codes of 3 bits, so 2 bytes for each row. As palette, but subtracts
// the
//          zero from each element, 16 more additions, and multiplies a row's sum by the scale, 4
//          more multiplications. Reads omega once, 3; 8 bytes of codes; 16 inputs.
//          Energy 28·0.9 + 20·3.7 + 19·5 + 8·1.25 + 20 = 224.2.
TEST(CostTest, golden_example) {
  ExpectCosts(Golden(), {{Format::kDense, 64, 16, 12, 32, 4, 250.0},
                         {Format::kCsr, 50, 9, 5, 32, 4, 165.3},
                         {Format::kCer, 39, 6, 5, 38, 4, 150.45},
                         {Format::kCser, 43, 6, 5, 42, 4, 155.45},
                         {Format::kPalette, 20, 16, 12, 36, 4, 255.0},
                         {Format::kPcsr, 39, 9, 5, 41, 4, 176.55},
                         {Format::kGrid, 20, 20, 28, 27, 4, 224.2}});
}

// The same with 5 for 0. dense and palette do not care. csr lists all 16 elements: bytes 16·4 + 16
// + 5, reads 16 + 16 + 5 + 16. cer, cser and pcsr also read 4 inputs and add them (3 additions),
// multiply the sum by 5 (1), subtract 5 from the three other values (3), and add the product to
// each of four rows (4): 10 additions, 1 multiplication, 4 reads more.
//   csr   12·0.9 + 16·3.7 + 32·5 + 21·1.25 + 20 = 276.25
//   cer   150.45 + 10·0.9 + 3.7 + 4·5 = 183.15, and likewise 32.7 more for cser and pcsr
TEST(CostTest, golden_example_with_another_most_frequent_value) {
  ExpectCosts(ShiftedGolden(), {{Format::kDense, 64, 16, 12, 32, 4, 250.0},
                                {Format::kCsr, 85, 16, 12, 53, 4, 276.25},
                                {Format::kCer, 39, 7, 15, 42, 4, 183.15},
                                {Format::kCser, 43, 7, 15, 46, 4, 188.15},
                                {Format::kPalette, 20, 16, 12, 36, 4, 255.0},
                                {Format::kPcsr, 39, 10, 15, 45, 4, 209.25}});
}

// Empty rows add nothing, and an absent value's repeated pointer is read but not multiplied by. Row
// 1 holds 0 0 2: omega 0 1 2 (6, 2 and 1 occurrences).
//   csr   bytes 3·4 + 3 + 4; row 2 adds its two products
//   cer   rows of 0, 2 (one empty) and 1 runs: omegaPtr 0 0 1 3, two runs exist; reads omega 2,
//   colI
//         3, omegaPtr 4, rowPtr 4, inputs 3. Row 2 adds two inputs.
//   cser  omegaPtr 0 1 3, omegaI 2 1; reads omega 2, colI 3, omegaPtr 3, omegaI 2, rowPtr 4, inputs
//   3
TEST(CostTest, empty_rows_and_runs) {
  ExpectCosts({3, 3, {0, 0, 0, 0, 0, 2, 1, 1, 0}},
              {{Format::kCsr, 19, 3, 1, 13, 3, 0.9 + 11.1 + 6 * 5 + 7 * 1.25 + 15},
               {Format::kCer, 23, 2, 1, 16, 3, 0.9 + 7.4 + 5 * 5 + 11 * 1.25 + 15},
               {Format::kCser, 24, 2, 1, 17, 3, 0.9 + 7.4 + 5 * 5 + 12 * 1.25 + 15}});
}

// Golden: 5 units of indices of 16 bits (20 bytes) in one block of 4 rows; a table of 3 products
// for each of 4 inputs, of 4 · 2048 floats (32 KB: 50 pJ). omega 16 bytes, rowI 4, classes 5.
TEST(CostTest, blocks_by_hand) {
  const Cost cost = CostOf(Format::kBlocks, Profile::Of(Golden().View()));
  EXPECT_EQ(cost.bytes, 16U + 20 + 4 + 5);
  EXPECT_EQ(cost.multiply, 12U);
  EXPECT_EQ(cost.add, 10U);
  // omega 3, codes 10, rowI 4, classes 5, x 4, the table 10, y 4.
  EXPECT_EQ(cost.read, 3U + 10 + 4 + 5 + 4 + 10 + 4);
  EXPECT_EQ(cost.write, 12U + 4 + 4);
  EXPECT_NEAR(
      cost.energy_pj,
      10 * 0.9 + 12 * 3.7 + (3 + 4 + 4) * 5 + 10 * 2.5 + (4 + 5) * 1.25 + 10 * 50 + 12 * 50 + 8 * 5,
      1e-9);
}

TEST(CostTest, accesses_by_array) {
  const Cost cost = CostOf(Format::kCser, Profile::Of(Golden().View()));
  const char* names[] = {"omega", "colI", "omegaPtr", "omegaI", "rowPtr", "x"};
  const uint64_t counts[] = {6, 9, 7, 6, 5, 9};
  const unsigned bits[] = {32, 8, 8, 8, 8, 32};
  const uint64_t bytes[] = {16, 9, 7, 6, 5, 16};
  ASSERT_EQ(cost.reads.size(), 6U);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(cost.reads[i].array, names[i]);
    EXPECT_EQ(cost.reads[i].count, counts[i]) << names[i];
    EXPECT_EQ(cost.reads[i].bits, bits[i]) << names[i];
    EXPECT_EQ(cost.reads[i].bytes, bytes[i]) << names[i];
  }
  ASSERT_EQ(cost.writes.size(), 1U);
  EXPECT_EQ(cost.writes[0].array, "y");
  EXPECT_EQ(cost.writes[0].count, 4U);
}

// ---- Energy ----

TEST(CostTest, energy_of_an_access_by_bits_and_size) {
  constexpr uint64_t kKilobyte = 1024;
  const std::pair<uint64_t, double> tiers[] = {{0, 5},
                                               {8 * kKilobyte - 1, 5},
                                               {8 * kKilobyte, 10},
                                               {32 * kKilobyte - 1, 10},
                                               {32 * kKilobyte, 50},
                                               {1024 * kKilobyte - 1, 50},
                                               {1024 * kKilobyte, 1000},
                                               {uint64_t{1} << 34, 1000}};
  for (const auto& [bytes, energy] : tiers) {
    EXPECT_DOUBLE_EQ(AccessEnergy(32, bytes), energy) << bytes;
    EXPECT_DOUBLE_EQ(AccessEnergy(16, bytes), energy / 2) << bytes;
    EXPECT_DOUBLE_EQ(AccessEnergy(8, bytes), energy / 4) << bytes;
  }
}

// 600 x 600 elements, the first 300 columns 1 and the others 0 in turn: each array in its own tier.
// csr: 180,000 values, 703 KB (50 pJ); colI up to 299, 16 bits, 352 KB (25 pJ); rowPtr 601 of 32
// bits, 2.3 KB (5 pJ); x 2.3 KB (5 pJ), y too.
TEST(CostTest, arrays_of_different_sizes_cost_differently) {
  Values values{600, 600, std::vector<float>(360000, 0.0F)};
  for (size_t i = 0; i < values.data.size(); ++i) values.data[i] = i % 600 < 300 ? 1.0F : 0.0F;
  const double n = 180000;
  const double energy = (n - 600) * 0.9 + n * 3.7 + n * 50 + n * 25 + 601 * 5 + n * 5 + 600 * 5;
  const Cost cost = CostOf(Format::kCsr, Profile::Of(values.View()));
  EXPECT_NEAR(cost.energy_pj, energy, 1e-6 * energy);
  EXPECT_EQ(cost.bytes, 180000U * 4 + 180000 * 2 + 601 * 4);
}

// ---- Any matrix ----

// Walks each row as the definition says: terms are multiplied and added, whatever the format keeps.
struct Count {
  uint64_t multiply = 0;
  uint64_t add = 0;
};

Count WalkRows(const Values& m, float common, bool by_runs) {
  Count count;
  for (size_t r = 0; r < m.rows; ++r) {
    size_t inputs = 0;
    std::set<uint32_t> runs;
    for (size_t c = 0; c < m.cols; ++c) {
      const uint32_t bits = Bits(m.data[r * m.cols + c]);
      if (bits == Bits(common)) continue;
      ++inputs;
      runs.insert(bits);
    }
    count.multiply += by_runs ? runs.size() : inputs;
    // n inputs in k runs: n - k additions within runs, k - 1 of products.
    count.add += inputs == 0 ? 0 : inputs - 1;
  }
  return count;
}

TEST(CostTest, random_matrices_by_walking_their_rows) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const Values m = RandomValues(rng, 30);
    const Profile profile = Profile::Of(m.View());
    const float common = profile.values.omega()[0];
    for (const Format format : kFormats) {
      if (BytesOf(format, profile) == kNotHeld) continue;
      SCOPED_TRACE(std::string(Name(format)));
      const Cost cost = CostOf(format, profile);
      const bool by_runs = format == Format::kCer || format == Format::kCser;
      const bool lists = by_runs || format == Format::kPcsr || format == Format::kMask;
      Count wanted{m.data.size(), m.data.size() - m.rows};
      if (format == Format::kCsr) wanted = WalkRows(m, 0.0F, false);
      if (lists) wanted = WalkRows(m, common, by_runs);
      if (format == Format::kGrid) {
        wanted.multiply += m.rows;
        wanted.add += m.data.size();
      }
      if (lists && common != 0.0F) {
        wanted.multiply += 1;
        wanted.add += m.cols - 1 + profile.values.size() - 1 + profile.rows_listed;
      }
      if (format != Format::kBlocks) {  // see blocks_by_hand
        EXPECT_EQ(cost.multiply, wanted.multiply);
        EXPECT_EQ(cost.add, wanted.add);
        EXPECT_EQ(cost.write, m.rows);
      }
      // Each stored array is the size that was predicted and, but for omega and packed codes, read
      // once from end to end.
      for (const NamedArray& entry : Matrix::From(m.View(), format, profile).Arrays()) {
        for (const ArrayAccess& access : cost.reads) {
          if (access.array != entry.name) continue;
          EXPECT_EQ(access.bytes, entry.array.byte_size()) << entry.name;
          if (entry.name != "omega") {
            EXPECT_EQ(access.count, entry.array.size()) << entry.name;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace lowtropy
