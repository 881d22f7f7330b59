// SPDX-License-Identifier: Apache-2.0
// What each format stores, and that nothing is lost on any way from one to another.
#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "floats.h"
#include "format_testing.h"
#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/matrix.h"

namespace lowtropy {
namespace {

using namespace testing_formats;

void ExpectSameBits(const std::vector<float>& got, const std::vector<float>& wanted, size_t cols) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(Bits(got[i]), Bits(wanted[i])) << "row " << i / cols << ", column " << i % cols;
  }
}

size_t IndexOf(const Matrix& m) { return static_cast<size_t>(m.format()); }

// Every format: valid, as large as predicted, equal in every bit, taken apart and put together
// again; and from it to every other, which must come out as if encoded from the dense matrix.
void CheckEveryWay(const Values& values) {
  const Profile profile = Profile::Of(values.View());
  std::vector<Matrix> encoded;
  for (const Format format : kFormats) {
    if (BytesOf(format, profile) == kNotHeld) continue;
    encoded.push_back(Matrix::From(values.View(), format, profile));
  }
  for (const Matrix& from : encoded) {
    SCOPED_TRACE(std::string(Name(from.format())));
    std::string reason;
    ASSERT_TRUE(from.Validate(&reason)) << reason;
    ASSERT_EQ(from.rows(), values.rows);
    ASSERT_EQ(from.cols(), values.cols);
    ASSERT_EQ(from.ByteLength(), BytesOf(from.format(), profile));
    ASSERT_NO_FATAL_FAILURE(ExpectSameBits(from.ToDense(), values.data, values.cols));
    const Matrix again = Matrix::FromArrays(from.format(), values.rows, values.cols, from.Arrays());
    ASSERT_TRUE(Same(again.Arrays(), from.Arrays()));
    for (const Matrix& to : encoded) {
      // Large ones go around in a circle, which takes a sixth of the time.
      const size_t step = (IndexOf(to) + kFormats.size() - IndexOf(from)) % kFormats.size();
      if (values.data.size() > 50000 && step != 1) continue;
      const Matrix converted = from.To(to.format());
      ASSERT_EQ(converted.format(), to.format());
      ASSERT_TRUE(Same(converted.Arrays(), to.Arrays())) << "to " << Name(to.format());
    }
  }
}

// ---- The golden example ----

void ExpectArrays(const Values& values, Format format, const Arrays& wanted) {
  const Arrays got = Matrix::From(values.View(), format).Arrays();
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].name, wanted[i].name);
    EXPECT_TRUE(Same(got[i].array, wanted[i].array)) << Name(format) << " " << wanted[i].name;
  }
}

TEST(FormatsTest, golden_dense) {
  ExpectArrays(Golden(), Format::kDense,
               {{"values", Floats({0, 4, 4, 2, 3, 0, 0, 4, 0, 0, 2, 2, 4, 0, 4, 0})}});
}

TEST(FormatsTest, golden_csr) {
  ExpectArrays(Golden(), Format::kCsr,
               {{"values", Floats({4, 4, 2, 3, 4, 2, 2, 4, 4})},
                {"colI", Bytes({1, 2, 3, 0, 3, 2, 3, 0, 2})},
                {"rowPtr", Bytes({0, 3, 5, 7, 9})}});
}

TEST(FormatsTest, golden_cer) {
  ExpectArrays(Golden(), Format::kCer,
               {{"omega", Floats({0, 4, 2, 3})},
                {"colI", Bytes({1, 2, 3, 3, 0, 2, 3, 0, 2})},
                {"omegaPtr", Bytes({0, 2, 3, 4, 4, 5, 5, 7, 9})},
                {"rowPtr", Bytes({0, 2, 5, 7, 8})}});
}

TEST(FormatsTest, golden_cser) {
  ExpectArrays(Golden(), Format::kCser,
               {{"omega", Floats({0, 4, 2, 3})},
                {"colI", Bytes({1, 2, 3, 3, 0, 2, 3, 0, 2})},
                {"omegaPtr", Bytes({0, 2, 3, 4, 5, 7, 9})},
                {"omegaI", Bytes({1, 2, 1, 3, 2, 1})},
                {"rowPtr", Bytes({0, 2, 4, 5, 6})}});
}

// Four values, two bits a code, four codes a byte, the first in the lowest bits:
// 0 1 1 2, 3 0 0 1, 0 0 2 2, 1 0 1 0.
TEST(FormatsTest, golden_palette) {
  ExpectArrays(Golden(), Format::kPalette,
               {{"omega", Floats({0, 4, 2, 3})},
                {"codes", Bytes({0b10010100, 0b01000011, 0b10100000, 0b00010001})}});
}

TEST(FormatsTest, golden_pcsr) {
  ExpectArrays(Golden(), Format::kPcsr,
               {{"omega", Floats({0, 4, 2, 3})},
                {"codes", Bytes({1, 1, 2, 3, 1, 2, 2, 1, 1})},
                {"colI", Bytes({1, 2, 3, 0, 3, 2, 3, 0, 2})},
                {"rowPtr", Bytes({0, 3, 5, 7, 9})}});
}

// Two bits a code, less one: 0 0 1 2, 0 1 1 0, 0.
TEST(FormatsTest, golden_mask) {
  ExpectArrays(Golden(), Format::kMask,
               {{"omega", Floats({0, 4, 2, 3})},
                {"mask", Bytes({0b1110, 0b1001, 0b1100, 0b0101})},
                {"codes", Bytes({0b10010000, 0b00010100, 0})},
                {"rowPtr", Bytes({0, 3, 5, 7, 9})}});
}

// More than a sixth is listed: indices of 13 bits, 2 for the code and 11 for the column of one
// block, times four.
TEST(FormatsTest, golden_blocks) {
  constexpr uint32_t k1 = 4U << 11;
  constexpr uint32_t k2 = 8U << 11;
  constexpr uint32_t k3 = 12U << 11;
  ExpectArrays(
      Golden(), Format::kBlocks,
      {{"omega", Floats({0, 4, 2, 3})},
       {"codes", Array::Copy<uint16_t>(std::vector<uint16_t>{0, k1 + 4, k1 + 8, k2 + 12, k1 + 12,
                                                             k3, k2 + 8, k2 + 12, k1, k1 + 8})},
       {"rowI", Bytes({0, 1, 2, 3})},
       {"classes", Bytes({2, 1, 1, 3, 0})}});
}

// Few are listed: two indices of 12 bits in 3 bytes, 0x000 0x801 and 0x800 0x80F.
TEST(FormatsTest, blocks_packs_sparse_indices) {
  Values values{2, 16, std::vector<float>(32, 0.0F)};
  values.data[1] = values.data[16] = values.data[31] = 5;
  ExpectArrays(values, Format::kBlocks,
               {{"omega", Floats({0, 5})},
                {"codes", Bytes({0x00, 0x10, 0x80, 0x00, 0xF8, 0x80})},
                {"rowI", Bytes({0, 1})},
                {"classes", Bytes({1, 2, 0})}});
}

// 4097 columns are three blocks of 2048: the middle one is empty.
TEST(FormatsTest, blocks_without_elements) {
  Values values{2, 4097, std::vector<float>(8194, 0.0F)};
  values.data[2047] = values.data[8193] = 5;
  ExpectArrays(values, Format::kBlocks,
               {{"omega", Floats({0, 5})},
                {"codes", Bytes({0x00, 0xF0, 0xFF, 0x00, 0x00, 0x80})},
                {"rowI", Bytes({0, 1})},
                {"classes", Bytes({1, 1, 0, 0, 1, 1, 0})}});
}

// Another most frequent value changes omega and nothing else; csr, which knows zeros only, lists
// everything.
TEST(FormatsTest, golden_with_another_most_frequent_value) {
  for (const Format format : {Format::kCer, Format::kCser, Format::kPalette, Format::kPcsr,
                              Format::kMask, Format::kBlocks}) {
    Arrays arrays = Matrix::From(Golden().View(), format).Arrays();
    Find(arrays, "omega") = Floats({5, 4, 2, 3});
    ExpectArrays(ShiftedGolden(), format, arrays);
  }
  EXPECT_EQ(Matrix::From(ShiftedGolden().View(), Format::kCsr).Arrays()[0].array.size(), 16U);
  CheckEveryWay(ShiftedGolden());
}

// Three bits a code: the third code straddles bytes, and each row starts on a byte of its own.
TEST(FormatsTest, palette_packs_across_bytes) {
  const Values values{2, 5, {1, 1, 2, 2, 3, 4, 5, 5, 1, 3}};  // codes 0 0 1 1 2, 4 3 3 0 2
  // Row 0: 000 000 001 001 010 from the lowest bit: 0x40 | 0x02 << 8 (code 3) | 2 << 12.
  // Row 1: 4 | 3 << 3 | 3 << 6 | 0 << 9 | 2 << 12 = 0x20DC.
  ExpectArrays(values, Format::kPalette,
               {{"omega", Floats({1, 2, 3, 5, 4})}, {"codes", Bytes({0x40, 0x22, 0xDC, 0x20})}});
}

TEST(FormatsTest, equally_frequent_values_by_magnitude_positive_first) {
  const Values values{2, 4, {-3, 3, -0.5F, 0.5F, -0.0F, 0.0F, 7, -8}};
  const std::vector<float> wanted = {0.0F, -0.0F, 0.5F, -0.5F, 3, -3, 7, -8};
  Arrays arrays = Matrix::From(values.View(), Format::kCser).Arrays();
  EXPECT_TRUE(Same(Find(arrays, "omega"), Floats(wanted)));
  CheckEveryWay(values);
}

// ---- Boundaries ----

TEST(FormatsTest, one_by_one) {
  for (const float v : {0.0F, -0.0F, 1.0F, -2.5F, FLT_MAX, FLT_TRUE_MIN}) {
    CheckEveryWay({1, 1, {v}});
  }
}

TEST(FormatsTest, one_row) { CheckEveryWay({1, 7, {0, 1, 0, 2, 2, 0, 1}}); }

TEST(FormatsTest, one_column) { CheckEveryWay({7, 1, {0, 1, 0, 2, 2, 0, 1}}); }

TEST(FormatsTest, empty_rows) {
  CheckEveryWay({5, 2, {0, 0, 1, 2, 0, 0, 2, 0, 0, 0}});  // first, middle and last
}

TEST(FormatsTest, all_zero) { CheckEveryWay({6, 9, std::vector<float>(54, 0.0F)}); }

TEST(FormatsTest, all_negative_zero) { CheckEveryWay({6, 9, std::vector<float>(54, -0.0F)}); }

TEST(FormatsTest, one_distinct_value) {
  const Values values{6, 9, std::vector<float>(54, -1.25F)};
  CheckEveryWay(values);
  // Nothing is listed; packed codes still take a bit each, two bytes a row.
  EXPECT_EQ(Matrix::From(values.View(), Format::kPcsr).ByteLength(), 4U + 7);
  EXPECT_EQ(Matrix::From(values.View(), Format::kCer).ByteLength(), 4U + 1 + 7);
  EXPECT_EQ(Matrix::From(values.View(), Format::kPalette).ByteLength(), 4U + 12);
}

TEST(FormatsTest, zeros_of_both_signs) {
  CheckEveryWay({2, 4, {0.0F, -0.0F, 0.0F, 1, -0.0F, 0.0F, 1, 0.0F}});
  CheckEveryWay({2, 4, {0.0F, -0.0F, -0.0F, 1, -0.0F, 0.0F, 1, -0.0F}});  // -0.0 most frequent
}

TEST(FormatsTest, denormals_and_the_largest_floats) {
  CheckEveryWay({2,
                 6,
                 {FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN, 0, -FLT_MIN, FLT_MAX, -FLT_MAX,
                  std::nextafter(FLT_MIN, 0.0F), 0, FLT_TRUE_MIN, FLT_MAX, 0}});
  CheckEveryWay({1, 3, {FLT_TRUE_MIN, FLT_TRUE_MIN, FLT_MAX}});  // a denormal most frequent
}

TEST(FormatsTest, most_frequent_value_not_zero) {
  CheckEveryWay({3, 3, {2, 2, 0, 2, 2, 2, 1, 2, 0}});
  CheckEveryWay({1, 4, {0, -7, -7, -7}});
}

// Each of `distinct` values at least once, 0 as often as `zeros` more times.
Values ManyValues(size_t distinct, size_t rows, size_t zeros) {
  const size_t cols = (distinct + zeros + rows - 1) / rows;
  Values values{rows, cols, std::vector<float>(rows * cols, 0.0F)};
  for (size_t i = 1; i < distinct; ++i) values.data[i] = static_cast<float>(i) / 64;
  std::mt19937 rng(static_cast<unsigned>(distinct));
  std::shuffle(values.data.begin(), values.data.end(), rng);
  return values;
}

TEST(FormatsTest, distinct_values_around_65536) {
  for (const size_t distinct : {size_t{65535}, size_t{65536}, size_t{65537}}) {
    SCOPED_TRACE(distinct);
    const Values values = ManyValues(distinct, 3, 300);
    ASSERT_EQ(Profile::Of(values.View()).values.size(), distinct);
    CheckEveryWay(values);
  }
}

// Codes of 1 to 8, 16 and 32 bits, at both ends of each.
TEST(FormatsTest, palette_code_widths) {
  const size_t distinct[] = {1,  2,  3,  4,   5,   8,   9,   16,    17,   32,
                             33, 64, 65, 128, 129, 256, 257, 65536, 65537};
  const unsigned bits[] = {1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 16, 16, 32};
  for (size_t i = 0; i < std::size(distinct); ++i) {
    SCOPED_TRACE(distinct[i]);
    const Values values = ManyValues(distinct[i], 3, 1);
    const Matrix m = Matrix::From(values.View(), Format::kPalette);
    Arrays arrays = m.Arrays();
    EXPECT_EQ(std::get<Palette>(m.storage()).bits(), bits[i]);
    EXPECT_EQ(Find(arrays, "codes").byte_size(), values.rows * ((values.cols * bits[i] + 7) / 8));
    ASSERT_NO_FATAL_FAILURE(ExpectSameBits(m.ToDense(), values.data, values.cols));
    EXPECT_TRUE(m.Validate(nullptr));
  }
}

// ---- Index widths ----

void ExpectWidths(const Values& values, Format format, size_t largest,
                  std::initializer_list<std::string_view> names) {
  Arrays arrays = Matrix::From(values.View(), format).Arrays();
  const size_t width = largest <= 255 ? 1 : largest <= 65535 ? 2 : 4;
  for (const std::string_view name : names) {
    EXPECT_EQ(ByteSize(Find(arrays, name).type()), width)
        << Name(format) << " " << name << " up to " << largest;
  }
}

constexpr size_t kWidthEnds[] = {255, 256, 65535, 65536};

// One element, in column `last`.
TEST(FormatsTest, width_of_columns) {
  for (const size_t last : kWidthEnds) {
    Values values{1, last + 1, std::vector<float>(last + 1, 0.0F)};
    values.data[last] = 3;
    for (const Format format : {Format::kCsr, Format::kCer, Format::kCser, Format::kPcsr}) {
      ExpectWidths(values, format, last, {"colI"});
    }
    CheckEveryWay(values);
  }
}

// `n` elements of one value, so `n` ends rowPtr of csr and pcsr, omegaPtr of cer and cser.
TEST(FormatsTest, width_of_element_pointers) {
  for (const size_t n : kWidthEnds) {
    Values values{2, n + 1, std::vector<float>(2 * n + 2, 0.0F)};
    for (size_t i = 0; i < n; ++i) values.data[2 * i] = 3;
    ExpectWidths(values, Format::kCsr, n, {"rowPtr"});
    ExpectWidths(values, Format::kPcsr, n, {"rowPtr"});
    ExpectWidths(values, Format::kCer, n, {"omegaPtr"});
    ExpectWidths(values, Format::kCser, n, {"omegaPtr"});
    CheckEveryWay(values);
  }
}

// `n` values besides 0, once each in one row, so `n` is the last code and the number of runs.
TEST(FormatsTest, width_of_codes_and_run_pointers) {
  for (const size_t n : kWidthEnds) {
    Values values{2, n, std::vector<float>(2 * n, 0.0F)};
    for (size_t i = 0; i < n; ++i) values.data[i] = static_cast<float>(n - i);
    ExpectWidths(values, Format::kCer, n, {"rowPtr"});
    ExpectWidths(values, Format::kCser, n, {"rowPtr", "omegaI"});
    ExpectWidths(values, Format::kPcsr, n, {"codes"});
    ExpectWidths(values, Format::kPalette, n, {"codes"});
    CheckEveryWay(values);
  }
}

// ---- Random matrices ----

TEST(FormatsTest, random_matrices_every_way) {
  for (unsigned seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    ASSERT_NO_FATAL_FAILURE(CheckEveryWay(RandomValues(rng, seed < 300 ? 12 : 80)));
  }
}

// What few bytes describe takes little time, however many elements that are: 4.3 billion here, one
// of them listed.
TEST(FormatsTest, time_is_that_of_what_is_stored) {
  constexpr size_t kRows = 65535;
  constexpr size_t kCols = 65537;
  std::vector<uint8_t> row_ptr(kRows + 1, 1);
  row_ptr[0] = 0;
  const auto floats = [](std::vector<float> values) { return Array::Copy<float>(values); };
  const auto bytes = [](std::vector<uint8_t> values) { return Array::Copy<uint8_t>(values); };
  const std::vector<NamedArray> csr{
      {"values", floats({2})}, {"colI", bytes({7})}, {"rowPtr", bytes(row_ptr)}};
  const Matrix start = Matrix::FromArrays(Format::kCsr, kRows, kCols, csr);
  for (const Format format : {Format::kCer, Format::kCser, Format::kPcsr, Format::kBlocks}) {
    const Matrix matrix = start.To(format);
    const Profile profile = matrix.GetProfile();
    EXPECT_EQ(profile.nnz, 1U) << Name(format);
    EXPECT_EQ(profile.listed, 1U) << Name(format);
    EXPECT_EQ(profile.values.counts()[0], uint64_t{kRows} * kCols - 1) << Name(format);
    EXPECT_LT(matrix.ByteLength(), 200'000U) << Name(format);
    EXPECT_EQ(matrix.To(Format::kCsr).ByteLength(), start.ByteLength()) << Name(format);
  }
  // A most frequent value other than 0 is in no list either.
  const std::vector<NamedArray> pcsr{{"omega", floats({3, 2})},
                                     {"codes", bytes({1})},
                                     {"colI", bytes({7})},
                                     {"rowPtr", bytes(row_ptr)}};
  const Profile profile = Matrix::FromArrays(Format::kPcsr, kRows, kCols, pcsr).GetProfile();
  EXPECT_EQ(profile.nnz, uint64_t{kRows} * kCols);
  EXPECT_EQ(profile.listed, 1U);
  EXPECT_EQ(profile.max_nonzero_col, kCols - 1);
}

// By entries as by elements, whatever the format and its most frequent value.
TEST(FormatsTest, profiles_of_all_formats_are_equal) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 rng(seed);
    const Values values = RandomValues(rng, 40);
    const Profile expected = Profile::Of(values.View());
    for (const Format format : kFormats) {
      if (BytesOf(format, expected) == kNotHeld) continue;
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::string(Name(format)));
      const Profile profile = Matrix::From(values.View(), format).GetProfile();
      EXPECT_EQ(profile.values.counts(), expected.values.counts());
      for (const auto member :
           {&Profile::nnz, &Profile::listed, &Profile::present_runs, &Profile::pointer_runs,
            &Profile::distinct_in_rows, &Profile::rows_nonzero, &Profile::rows_listed,
            &Profile::block_lists, &Profile::block_units, &Profile::block_class_sizes}) {
        EXPECT_EQ(profile.*member, expected.*member);
      }
      for (const auto member :
           {&Profile::max_nonzero_col, &Profile::max_listed_col, &Profile::max_listed_code,
            &Profile::max_listed_row, &Profile::block_max_class}) {
        EXPECT_EQ(profile.*member, expected.*member);
      }
    }
  }
}

// A matrix and its dense twin go through random operations in step.
TEST(FormatsTest, lock_step_with_a_dense_twin) {
  for (unsigned seed = 1000; seed < 1060; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    Values twin = RandomValues(rng, 40);
    Matrix m = Matrix::From(twin.View(), Format::kDense);
    for (int step = 0; step < 30; ++step) {
      switch (rng() % 4) {
        case 0:
          if (const Format to = kFormats[rng() % kFormats.size()]; Holds(to, m)) m = m.To(to);
          break;
        case 1:
          m = Matrix::FromArrays(m.format(), m.rows(), m.cols(), m.Arrays());
          break;
        case 2: {
          const size_t row = rng() % twin.rows;
          std::vector<float> got(twin.cols, NAN);
          m.ReadRow(row, got);
          const auto from = twin.data.begin() + static_cast<ptrdiff_t>(row * twin.cols);
          ASSERT_NO_FATAL_FAILURE(
              ExpectSameBits(got, {from, from + static_cast<ptrdiff_t>(twin.cols)}, twin.cols));
          break;
        }
        default: {  // changes an element by way of the dense matrix
          const size_t i = rng() % twin.data.size();
          twin.data[i] = twin.data[rng() % twin.data.size()] * (rng() % 2 == 0 ? 1.0F : -1.0F);
          std::vector<float> dense = m.ToDense();
          dense[i] = twin.data[i];
          const DenseView view(dense.data(), m.rows(), m.cols());
          m = Matrix::From(view, Holds(m.format(), view) ? m.format() : Format::kDense);
        }
      }
      ASSERT_NO_FATAL_FAILURE(ExpectSameBits(m.ToDense(), twin.data, twin.cols));
    }
  }
}

// ---- Refusals ----

template <class F>
void ExpectError(ErrorKind kind, const std::vector<std::string>& words, F&& f) {
  try {
    f();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    for (const std::string& word : words) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
}

TEST(FormatsTest, nan_and_infinities_are_refused_with_their_place) {
  const std::pair<float, const char*> cases[] = {
      {NAN, " NaN "}, {-NAN, " NaN "}, {kInfinity, " Infinity "}, {-kInfinity, " -Infinity "}};
  for (const auto& [value, name] : cases) {
    for (const size_t place : {size_t{0}, size_t{9}, size_t{15}}) {
      Values values = Golden();
      values.data[place] = value;
      for (const Format format : kFormats) {
        ExpectError(ErrorKind::kValue,
                    {name, "row " + std::to_string(place / 4) + ",",
                     "column " + std::to_string(place % 4) + ";"},
                    [&] { Matrix::From(values.View(), format); });
      }
    }
  }
}

// Claims a shape, and must not be read.
class Shape final : public RowSource {
 public:
  Shape(size_t rows, size_t cols) : rows_(rows), cols_(cols) {}
  size_t rows() const override { return rows_; }
  size_t cols() const override { return cols_; }
  void ReadRow(size_t, std::span<float>) const override { ADD_FAILURE() << "was read"; }

 private:
  size_t rows_;
  size_t cols_;
};

TEST(FormatsTest, shapes_without_elements_or_with_too_many_are_refused) {
  const std::pair<size_t, size_t> shapes[] = {
      {0, 0},
      {0, 3},
      {3, 0},
      {65536, 65536},
      {SIZE_MAX, 2},
      {2, SIZE_MAX},
      {SIZE_MAX, SIZE_MAX},
      // The product is 0 in as many bits as a size has, or in 64.
      {size_t{1} << (sizeof(size_t) * 4), size_t{1} << (sizeof(size_t) * 4)}};
  for (const auto& [rows, cols] : shapes) {
    const Shape shape(rows, cols);
    ExpectError(ErrorKind::kShape, {std::to_string(rows) + " x " + std::to_string(cols)},
                [&shape] { Profile::Of(shape); });
  }
}

TEST(FormatsTest, cer_refuses_more_runs_than_pointers_address) {
  Profile profile = Profile::Of(Golden().View());
  profile.pointer_runs = kMaxElements;
  ExpectError(ErrorKind::kUnsupported, {"CER", std::to_string(kMaxElements)},
              [&] { Matrix::From(Golden().View(), Format::kCer, profile); });
}

// ---- Grids ----

// Codes of b bits of an even grid, some of whose steps and zeros are odd ones.
TEST(FormatsTest, grids_of_all_widths_every_way) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const int codes = 2 << rng() % 8;
    const int zero = static_cast<int>(rng() % static_cast<uint32_t>(codes));
    const float scale = std::exp(std::uniform_real_distribution<float>(-20, 20)(rng));
    Values values{1 + rng() % 30, 1 + rng() % 70, {}};
    values.data.resize(values.rows * values.cols);
    for (float& v : values.data) {
      v = scale * static_cast<float>(static_cast<int>(rng() % static_cast<uint32_t>(codes)) - zero);
    }
    ASSERT_NE(BytesOf(Format::kGrid, Profile::Of(values.View())), kNotHeld);
    ASSERT_NO_FATAL_FAILURE(CheckEveryWay(values));
  }
}

TEST(FormatsTest, grid_of_the_golden_example) {
  ExpectArrays(Golden(), Format::kGrid,
               {{"omega", Floats({1, 0, 3})},
                {"codes", Bytes({0x20, 0x05, 0x03, 0x08, 0x80, 0x04, 0x04, 0x01})}});
}

TEST(FormatsTest, grids_are_the_coarsest_and_least) {
  const auto find = [](std::vector<float> values) { return Grid::Find(values); };
  EXPECT_EQ(find({6, -4, 0})->scale, 2);
  EXPECT_EQ(find({6, -4, 0})->zero, 2U);
  EXPECT_EQ(find({6, -4, 0})->bits, 3U);
  EXPECT_EQ(find({0})->bits, 1U);
  EXPECT_EQ(find({7})->scale, 7);
  EXPECT_EQ(find({255, 1})->bits, 8U);
  EXPECT_FALSE(find({256, 1}));       // 257 codes
  EXPECT_FALSE(find({200, -56, 1}));  // from -56 to 200
  EXPECT_TRUE(find({200, -55, 1}));
  EXPECT_FALSE(find({1, -0.0F}));
  EXPECT_FALSE(find({1, 1.0000001F}));
  EXPECT_FALSE(find({1, 0.3333F}));
  EXPECT_TRUE(find({1, 1.0F / 3}));
  EXPECT_FALSE(find({0x1p-101F}));  // kernels divide the scale
}

TEST(FormatsTest, grid_refuses_what_is_on_none) {
  const float values[] = {1, 1.5F, 0.1234567F};
  const DenseView view(values, 1, 3);
  EXPECT_EQ(BytesOf(Format::kGrid, Profile::Of(view)), kNotHeld);
  ExpectError(ErrorKind::kUnsupported, {"on no even grid"},
              [&] { Matrix::From(view, Format::kGrid); });
}

TEST(FormatsTest, names) {
  const char* names[] = {"dense", "csr",  "cer",    "cser", "palette",
                         "pcsr",  "mask", "blocks", "grid"};
  for (size_t i = 0; i < kFormats.size(); ++i) {
    EXPECT_EQ(Name(kFormats[i]), names[i]);
    EXPECT_EQ(ParseFormat(names[i]), kFormats[i]);
  }
  for (const char* name : {"", "CER", "ce", "csers", "auto"}) {
    EXPECT_EQ(ParseFormat(name), std::nullopt) << name;
  }
}

// A row of 2^29 bytes of codes holds more bits than 32 bits count.
TEST(FormatsTest, palette_codes_beyond_2_to_the_32_bits) {
  constexpr size_t kCols = (size_t{1} << 29) + 8;
  std::shared_ptr<std::byte> memory;
  try {
    memory = AllocateBytes(kCols);
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  auto* codes = reinterpret_cast<uint8_t*>(memory.get());
  std::vector<float> omega(256);
  const Palette palette{1, kCols, Floats(omega), Array(DType::kU8, codes, kCols, memory)};
  codes[3] = 1;
  codes[kCols - 5] = 200;
  EXPECT_EQ(palette.Code(0, kCols - 5), 200U);
}

}  // namespace
}  // namespace lowtropy
