// SPDX-License-Identifier: Apache-2.0
// Matrices that are diag(s) · C.
#include "lowtropy/matrix/row_scales.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "format_testing.h"
#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/matrix/choose/choose.h"
#include "lowtropy/matrix/kernels/kernels.h"
#include "lowtropy/matrix/matrix.h"
#include "lowtropy/matrix/sources/integers.h"

namespace lowtropy {
namespace {

// Quantized per channel: C in -127 to 127, and w = fl(s[row] · c).
struct Quantized {
  size_t rows;
  size_t cols;
  std::vector<int8_t> integers;
  std::vector<float> scales;

  IntegerSource Source() const {
    return {rows,
            cols,
            {IntegerType::kI8, std::as_bytes(std::span(integers))},
            Quantization{.scales = scales}};
  }
  float At(size_t row, size_t col) const {
    return scales[row] * static_cast<float>(integers[row * cols + col]);
  }
};

// `common` in place of 0, so that the most frequent value has to be put back.
Quantized Draw(uint32_t seed, size_t rows, size_t cols, double sigma, int common = 0) {
  std::mt19937 rng(seed);
  std::normal_distribution<double> normal(0, sigma);
  std::uniform_real_distribution<float> uniform(0.001F, 0.1F);
  Quantized q{rows, cols, std::vector<int8_t>(rows * cols), std::vector<float>(rows)};
  for (int8_t& integer : q.integers) {
    integer = static_cast<int8_t>(std::lround(normal(rng)));
    if (integer == 0) integer = static_cast<int8_t>(common);
  }
  for (float& scale : q.scales) scale = uniform(rng);
  return q;
}

void ExpectExact(const RowSource& matrix, const Quantized& q) {
  std::vector<float> row(q.cols);
  std::vector<RowEntry> entries;
  for (size_t r = 0; r < q.rows; ++r) {
    matrix.ReadRow(r, row);
    for (size_t c = 0; c < q.cols; ++c) {
      ASSERT_EQ(Bits(row[c]), Bits(q.At(r, c))) << "row " << r << ", column " << c;
    }
    entries.clear();
    float unlisted = 1;
    if (!matrix.ReadEntries(r, &entries, &unlisted)) continue;
    std::vector<float> listed(q.cols, unlisted);
    for (const RowEntry& entry : entries) {
      ASSERT_NE(Bits(entry.value), Bits(unlisted));
      listed[entry.col] = entry.value;
    }
    ASSERT_EQ(std::memcmp(listed.data(), row.data(), 4 * q.cols), 0) << "entries of row " << r;
  }
}

std::vector<float> Product(const Matrix& matrix, const float* x, const Epilogue& epilogue = {}) {
  std::vector<float> y(matrix.rows(), -7);
  std::vector<float> workspace(VectorWorkspace(matrix));
  MultiplyVector(matrix, {0, matrix.rows()}, x, y.data(), epilogue, workspace.data());
  return y;
}

// Against float64, by the bound of kernels.h and what the epilogue adds to it.
void ExpectProducts(const Matrix& matrix, const Quantized& q, size_t count,
                    const Epilogue& epilogue) {
  std::mt19937 rng(static_cast<uint32_t>(count));
  std::normal_distribution<float> normal;
  std::vector<float> x(q.cols * count + kColumnSlack);
  for (float& v : x) v = normal(rng);
  std::vector<float> y(q.rows * count, -7);
  if (count == 1) {
    y = Product(matrix, x.data(), epilogue);
  } else {
    std::vector<uint32_t> offsets(q.cols);
    for (size_t k = 0; k < q.cols; ++k) offsets[k] = static_cast<uint32_t>(k * count);
    std::vector<float> workspace(ColumnsWorkspace(q.rows, q.cols));
    MultiplyColumns(matrix, {0, q.rows}, {x.data(), offsets.data(), count, count, count},
                    {y.data(), count}, epilogue, workspace.data());
  }
  const double epsilon = std::numeric_limits<float>::epsilon();
  for (size_t r = 0; r < q.rows; ++r) {
    for (size_t j = 0; j < count; ++j) {
      double wanted = 0;
      double magnitude = 0;
      for (size_t k = 0; k < q.cols; ++k) {
        const double term = double{q.At(r, k)} * x[k * count + j];
        wanted += term;
        magnitude += std::fabs(term);
      }
      double bound = 2 * static_cast<double>(q.cols) * epsilon * magnitude;
      if (epilogue.scale != nullptr) {
        wanted *= epilogue.scale[r];
        bound = bound * std::fabs(epilogue.scale[r]) + epsilon * std::fabs(wanted);
      }
      if (epilogue.bias != nullptr) {
        wanted += epilogue.bias[r];
        bound += epsilon * (std::fabs(wanted) + std::fabs(epilogue.bias[r]));
      }
      wanted =
          std::min(std::max(wanted, double{epilogue.bounds.least}), double{epilogue.bounds.most});
      ASSERT_NEAR(y[r * count + j], wanted, bound) << "row " << r << ", column " << j;
    }
  }
}

TEST(RowScales, EveryFormatIsExactAndMultiplies) {
  const uint32_t first = std::random_device{}();
  for (uint32_t seed = first; seed != first + 12; ++seed) {
    for (const Format format : kFormats) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::string(Name(format)));
      std::mt19937 rng(seed);
      const Quantized q =
          Draw(seed, 2 + rng() % 40, 1 + rng() % 70, rng() % 2 ? 0.4 : 6, rng() % 3 ? 0 : 3);
      const Matrix matrix = Matrix::From(q.Source(), format);
      ASSERT_TRUE(matrix.scaled());
      std::string reason;
      ASSERT_TRUE(matrix.Validate(&reason)) << reason;
      ASSERT_NO_FATAL_FAILURE(ExpectExact(matrix, q));
      const Profile profile = matrix.GetProfile();
      EXPECT_TRUE(profile.scaled);
      EXPECT_EQ(BytesOf(format, profile), matrix.ByteLength());
      EXPECT_EQ(BytesOf(format, profile), CostOf(format, profile).bytes);
      const Matrix again = Matrix::FromArrays(format, q.rows, q.cols, matrix.Arrays());
      ASSERT_NO_FATAL_FAILURE(ExpectExact(again, q));
      for (const Format other : kFormats) {
        const Matrix to = matrix.To(other);
        EXPECT_TRUE(testing_formats::Same(to.Arrays(), Matrix::From(q.Source(), other).Arrays()));
      }
      std::vector<float> scale(q.rows);
      std::vector<float> bias(q.rows);
      std::normal_distribution<float> normal;
      for (float& v : scale) v = normal(rng);
      for (float& v : bias) v = normal(rng);
      for (const size_t count : std::vector<size_t>{1, 2, 17}) {
        ASSERT_NO_FATAL_FAILURE(ExpectProducts(matrix, q, count, {}));
        ASSERT_NO_FATAL_FAILURE(
            ExpectProducts(matrix, q, count, {nullptr, bias.data(), {.least = 0}}));
        ASSERT_NO_FATAL_FAILURE(ExpectProducts(matrix, q, count, {scale.data(), nullptr, {}}));
        ASSERT_NO_FATAL_FAILURE(
            ExpectProducts(matrix, q, count, {scale.data(), bias.data(), {0, 1}}));
      }
    }
  }
}

TEST(RowScales, PerChannelQuantizationTakesAFifthOfDense) {
  const Quantized q = Draw(1, 1000, 1024, 4);
  const Matrix matrix = Encode(q.Source(), std::nullopt, 1);
  const Stats stats = matrix.GetProfile().GetStats();
  EXPECT_GT(stats.entropy, 4);
  EXPECT_LE(stats.entropy, 5);
  const double share = static_cast<double>(matrix.ByteLength()) / (4.0 * 1000 * 1024);
  EXPECT_LE(share, 0.2);
  ASSERT_NO_FATAL_FAILURE(ExpectExact(matrix, q));
  ASSERT_NO_FATAL_FAILURE(ExpectProducts(matrix, q, 1, {}));
  ASSERT_NO_FATAL_FAILURE(ExpectProducts(matrix, q, 5, {}));
}

// 127 integers, nearly equally frequent: every row is on a grid of its own.
TEST(RowScales, IntegersAreOnAGridWithAScaleForEachRow) {
  Quantized q = Draw(6, 300, 500, 1);
  std::mt19937 rng(6);
  for (int8_t& integer : q.integers) integer = static_cast<int8_t>(rng() % 127) - 63;
  const Matrix matrix = Matrix::From(q.Source(), Format::kGrid);
  ASSERT_TRUE(matrix.scaled());
  const Grid& grid = std::get<Grid>(matrix.storage());
  EXPECT_EQ(grid.steps().scale, 1);
  EXPECT_EQ(grid.steps().zero, 63U);
  EXPECT_EQ(grid.steps().bits, 7U);
  const uint64_t row_bytes = (500 * 7 + 7) / 8;
  EXPECT_EQ(matrix.ByteLength(), 300 * row_bytes + 12 + 300 * 4);
  ASSERT_NO_FATAL_FAILURE(ExpectExact(matrix, q));
  ASSERT_NO_FATAL_FAILURE(ExpectProducts(matrix, q, 1, {}));
  for (const size_t columns : std::vector<size_t>{0, 1, 64}) {
    EXPECT_EQ(Encode(q.Source(), std::nullopt, columns).format(), Format::kGrid) << columns;
  }
}

// Scales need only bear the values that occur, not the step of their grid.
TEST(RowScales, AGridWhoseStepDoesNotOccur) {
  const float values[] = {2, 3, 0, 3};
  const float scales[] = {0x1p-127F, 1};
  const Matrix palette(Matrix::From(DenseView(values, 2, 2), Format::kPalette).storage(),
                       Array::Copy<float>(scales));
  std::string reason;
  ASSERT_TRUE(palette.Validate(&reason)) << reason;
  EXPECT_TRUE(palette.To(Format::kGrid).Validate(&reason)) << reason;
}

// A power of two changes no bit of a sum: the products are those of C, times it.
TEST(RowScales, PowersOfTwoRoundNothing) {
  Quantized q = Draw(2, 30, 200, 9);
  for (size_t r = 0; r < q.rows; ++r) {
    q.scales[r] = std::ldexp(1.0F, static_cast<int>(r % 7) - 3);
  }
  Quantized plain = q;
  plain.scales.assign(1, 1.0F);
  std::vector<float> x(q.cols);
  for (size_t k = 0; k < x.size(); ++k) x[k] = std::sin(static_cast<float>(k));
  for (const Format format : kFormats) {
    const auto scaled = Product(Matrix::From(q.Source(), format), x.data());
    const auto unscaled = Product(Matrix::From(plain.Source(), format), x.data());
    for (size_t r = 0; r < q.rows; ++r) EXPECT_EQ(scaled[r], unscaled[r] * q.scales[r]);
  }
}

// Not held apart, and exact all the same.
TEST(RowScales, ScalesThatAreNotHeldApart) {
  const auto expect_plain = [](const std::vector<float>& scales) {
    Quantized q = Draw(3, 4, 9, 20);
    q.scales = scales;
    const Matrix matrix = Matrix::From(q.Source(), Format::kCser);
    EXPECT_FALSE(matrix.scaled());
    q.scales.resize(4, scales[0]);
    ExpectExact(matrix, q);
  };
  expect_plain({0.3F});
  expect_plain({0.3F, 0.3F, 0.3F, 0.3F});
  expect_plain({0.3F, 0, 0.1F, 0.2F});
  expect_plain({0.3F, -0.1F, 0.1F, 0.2F});
  expect_plain({0.3F, 1e-40F, 0.1F, 0.2F});
  expect_plain({0.3F, 1e30F, 0.1F, 0.2F});
}

TEST(RowScales, InfinitiesAndNanInARightHandSide) {
  const Quantized q = Draw(4, 20, 64, 1);
  std::vector<float> x(q.cols, 1);
  x[5] = std::numeric_limits<float>::infinity();
  for (const Format format : kFormats) {
    const auto y = Product(Matrix::From(q.Source(), format), x.data());
    for (size_t r = 0; r < q.rows; ++r) {
      float wanted = 0;
      for (size_t k = 0; k < q.cols; ++k) wanted += q.At(r, k) * x[k];
      if (std::isnan(wanted)) {
        EXPECT_TRUE(std::isnan(y[r])) << Name(format) << ", row " << r;
      } else {
        EXPECT_EQ(y[r], wanted) << Name(format) << ", row " << r;
      }
    }
  }
}

TEST(RowScales, WrongOnesAreRefused) {
  const Quantized q = Draw(5, 3, 8, 20);
  testing_formats::Arrays arrays = Matrix::From(q.Source(), Format::kPcsr).Arrays();
  const auto expect_refusal = [&](Array scales, const std::string& reason) {
    testing_formats::Find(arrays, kRowScaleArray) = std::move(scales);
    try {
      Matrix::FromArrays(Format::kPcsr, 3, 8, arrays);
      ADD_FAILURE() << "not refused: " << reason;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFile);
      EXPECT_EQ(error.what(), "The pcsr matrix is not valid: " + reason + ".");
    }
  };
  using testing_formats::Floats;
  const float infinity = std::numeric_limits<float>::infinity();
  expect_refusal(Floats({1, 2}), "rowScale has 2 elements where 3 are needed");
  expect_refusal(testing_formats::Bytes({1, 2, 3}), "rowScale is U8 where F32 is needed");
  expect_refusal(Floats({1, infinity, 2}), "rowScale[1] is not finite");
  expect_refusal(Floats({1, 2, NAN}), "rowScale[2] is not finite");
  expect_refusal(Floats({1, 0, 2}), "rowScale[1] is not positive");
  expect_refusal(Floats({-1, 1, 2}), "rowScale[0] is not positive");
  expect_refusal(Floats({3, 3, 3}), "rowScale is the same in all rows");
  expect_refusal(Floats({3e38F, 1, 1}), "products of rowScale leave the range of normal numbers");
  expect_refusal(Floats({1e-40F, 1, 1}), "products of rowScale leave the range of normal numbers");
}

}  // namespace
}  // namespace lowtropy
