// SPDX-License-Identifier: Apache-2.0
// Every kernel of every format against a float64 product that shares no code with them.
#include "lowtropy/matrix/kernels/kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "holds.h"
#include "hwy/highway.h"
#include "lowtropy/matrix/matrix.h"

namespace lowtropy {
namespace {

// What the matrix of a test looks like.
struct Filling {
  const char* name;
  double density;   // share of elements other than `common`
  size_t distinct;  // values besides `common`
  float common;     // the value of the other elements
  float step = 0;   // values are this times integers; any where it is 0
};
constexpr Filling kFillings[] = {
    {"zero_weights", 0.0, 1, 0.0F},
    {"half_sparse", 0.5, 1000, 0.0F},
    {"full", 1.0, 100000, 0.0F},
    {"few_values", 0.4, 5, 0.0F},
    {"common_not_zero", 0.5, 7, -0.625F},
    {"common_far_from_rest", 0.3, 3, 100.0F},
    {"even_values", 0.8, 127, 0.0F, 0.0078125F},
    {"even_of_few_bits", 0.9, 11, 0.0F, 0.1F},
};

std::vector<float> RandomWeights(const Filling& f, size_t size, std::mt19937& rng) {
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<float> values(std::min(f.distinct, size));
  for (float& v : values) v = normal(rng);
  if (f.step != 0) {
    const auto distinct = static_cast<uint32_t>(f.distinct);
    for (float& v : values) {
      const auto place =
          static_cast<int32_t>(rng() % distinct) - static_cast<int32_t>(distinct / 3);
      v = f.step * static_cast<float>(place);
    }
  }
  std::vector<float> w(size);
  for (float& v : w) v = uniform(rng) < f.density ? values[rng() % values.size()] : f.common;
  return w;
}

// The reference: y and Σ|w·x| in float64, one output at a time.
struct Exact {
  double sum = 0;
  double magnitude = 0;
};

struct Problem {
  size_t rows;
  size_t cols;
  size_t n;
  std::vector<float> w;
  std::vector<float> x;  // cols x n, `misalign` floats in, with the slack that kernels may read
  size_t misalign;
  std::vector<uint32_t> offsets;

  std::vector<Exact> exact;  // rows x n

  const float* X() const { return x.data() + misalign; }
  const Exact& At(size_t r, size_t j) const { return exact[r * n + j]; }
  Columns Plain() const { return {X(), offsets.data(), n, n, n}; }
};

void Multiply(const Matrix& m, RowRange rows, const Columns& x, const Output& y,
              const Epilogue& epilogue) {
  std::vector<float> workspace(ColumnsWorkspace(rows.end - rows.begin, m.cols()));
  MultiplyColumns(m, rows, x, y, epilogue, workspace.data());
}

void MultiplyByVector(const Matrix& m, RowRange rows, const float* x, float* y,
                      const Epilogue& epilogue) {
  constexpr float kUntouched = -54321.0F;
  const size_t size = VectorWorkspace(m);
  std::vector<float> workspace(size + 1, kUntouched);
  MultiplyVector(m, rows, x, y, epilogue, workspace.data());
  ASSERT_EQ(workspace[size], kUntouched);
}

std::vector<Exact> MultiplyExactly(const Problem& p) {
  std::vector<Exact> exact(p.rows * p.n);
  for (size_t i = 0; i < exact.size(); ++i) {
    for (size_t k = 0; k < p.cols; ++k) {
      const double term = double{p.w[i / p.n * p.cols + k]} * double{p.X()[p.offsets[k] + i % p.n]};
      exact[i].sum += term;
      exact[i].magnitude += std::fabs(term);
    }
  }
  return exact;
}

Problem MakeProblem(size_t rows, size_t cols, size_t n, const Filling& f, unsigned seed) {
  std::mt19937 rng(seed);
  Problem p{rows, cols, n, RandomWeights(f, rows * cols, rng), {}, seed % 4, {}, {}};
  // Rows of X lie in shuffled order, some of them shared, as shifted views of an image are.
  p.x.resize(p.misalign + cols * n + kColumnSlack);
  std::normal_distribution<float> normal;
  for (float& v : p.x) v = normal(rng);
  for (size_t k = 0; k < cols; ++k) p.offsets.push_back(static_cast<uint32_t>(k * n));
  std::shuffle(p.offsets.begin(), p.offsets.end(), rng);
  if (cols > 2) p.offsets[1] = p.offsets[0] + (n > 1 ? 1 : 0);
  p.exact = MultiplyExactly(p);
  return p;
}

using Sizes = std::vector<size_t>;

constexpr double kEpsilon = FLT_EPSILON;

double Bound(const Problem& p, const Exact& e) {
  return 2.0 * static_cast<double>(p.cols) * kEpsilon * e.magnitude + 1e-37;
}

void ExpectClose(float got, const Exact& e, double bound, size_t r, size_t j) {
  ASSERT_LE(std::fabs(double{got} - e.sum), bound)
      << "row " << r << ", column " << j << ": " << got << " instead of " << e.sum;
}

// As ExpectClose, or NaN or infinite as the exact sum is.
void ExpectLike(float got, const Problem& p, size_t r, size_t j) {
  const Exact e = p.At(r, j);
  if (std::isfinite(e.sum)) return ExpectClose(got, e, Bound(p, e), r, j);
  const bool same = std::isnan(e.sum) ? std::isnan(got) : double{got} == e.sum;
  ASSERT_TRUE(same) << "row " << r << ", column " << j << ": " << got << " instead of " << e.sum;
}

void CheckColumns(const Matrix& m, const Problem& p) {
  constexpr float kUntouched = -12345.0F;
  std::vector<float> y(p.rows * p.n + 8, kUntouched);
  Multiply(m, {0, p.rows}, p.Plain(), {y.data() + 1, p.n}, {});
  ASSERT_EQ(y[0], kUntouched);
  for (size_t i = p.rows * p.n + 1; i < y.size(); ++i) ASSERT_EQ(y[i], kUntouched) << i;
  for (size_t r = 0; r < p.rows; ++r) {
    for (size_t j = 0; j < p.n; ++j) {
      const Exact e = p.At(r, j);
      ExpectClose(y[1 + r * p.n + j], e, Bound(p, e), r, j);
    }
  }
}

void CheckVector(const Matrix& m, const Problem& p) {
  std::vector<float> x(p.cols + 3);
  for (size_t k = 0; k < p.cols; ++k) x[p.misalign % 4 + k] = p.X()[p.offsets[k]];
  std::vector<float> y(p.rows + 2, 7.0F);
  MultiplyByVector(m, {0, p.rows}, x.data() + p.misalign % 4, y.data() + 1, {});
  ASSERT_EQ(y[0], 7.0F);
  ASSERT_EQ(y[p.rows + 1], 7.0F);
  for (size_t r = 0; r < p.rows; ++r) {
    const Exact e = p.At(r, 0);
    ExpectClose(y[1 + r], e, Bound(p, e), r, 0);
  }
}

void CheckAll(size_t rows, size_t cols, size_t n) {
  unsigned seed = static_cast<unsigned>(rows * 1009 + cols * 31 + n);
  for (const Filling& f : kFillings) {
    const Problem p = MakeProblem(rows, cols, n, f, ++seed);
    for (Format format : kFormats) {
      SCOPED_TRACE(std::string(Name(format)) + " " + f.name + " " + std::to_string(rows) + "x" +
                   std::to_string(cols) + "x" + std::to_string(n) + " seed " +
                   std::to_string(seed));
      if (!Holds(format, DenseView(p.w.data(), rows, cols))) continue;
      const Matrix m = Matrix::From(DenseView(p.w.data(), rows, cols), format);
      ASSERT_NO_FATAL_FAILURE(CheckColumns(m, p));
      ASSERT_NO_FATAL_FAILURE(CheckVector(m, p));
    }
  }
}

// Runs each test on every instruction set that the build and the machine have.
class KernelsTest : public testing::TestWithParam<int64_t> {
 protected:
#ifdef __EMSCRIPTEN__
  static void Use(int64_t) {}
#else
  static void Use(int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
#endif
  void SetUp() override { Use(GetParam()); }
  void TearDown() override { Use(0); }
};

std::vector<int64_t> Targets() {
#ifdef __EMSCRIPTEN__
  return {HWY_TARGET};
#else
  return hwy::SupportedAndGeneratedTargets();
#endif
}

INSTANTIATE_TEST_SUITE_P(, KernelsTest, testing::ValuesIn(Targets()), [](const auto& param) {
  return std::string(hwy::TargetName(param.param));
});

// Blocks of 6 and 2 rows.
TEST_P(KernelsTest, rows_around_blocks) {
  for (size_t rows : Sizes{1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 19}) CheckAll(rows, 37, 9);
}

// Packed groups of 8 codes, blocks of 256 (vector) and 512 (columns) decoded values, four sums.
TEST_P(KernelsTest, cols_around_blocks) {
  for (size_t cols :
       Sizes{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 255, 256, 257, 511, 512, 513, 1025}) {
    CheckAll(7, cols, 5);
  }
}

// Vectors of 4 to 16 lanes, tiles of 1, 2, 4 and 7 vectors.
TEST_P(KernelsTest, columns_around_tiles) {
  for (size_t n : Sizes{1,  2,  3,  4,  5,  7,  8,  9,  15, 16, 17, 19, 20,  21,  27,  28,
                        29, 31, 32, 33, 55, 56, 57, 63, 64, 65, 83, 84, 111, 112, 113, 225}) {
    CheckAll(8, 24, n);
  }
}

// Every index array at 32 bits: more than 65,536 columns, values, runs and elements.
TEST_P(KernelsTest, wide_indices) {
  constexpr size_t kCols = 70000;
  const Problem p = MakeProblem(3, kCols, 3, {"wide", 0.99, 100000, 0.0F}, 77);
  for (Format format : kFormats) {
    SCOPED_TRACE(Name(format));
    if (!Holds(format, DenseView(p.w.data(), p.rows, kCols))) continue;
    const Matrix m = Matrix::From(DenseView(p.w.data(), p.rows, kCols), format);
    for (const NamedArray& entry : m.Arrays()) {
      const bool narrow = entry.name == "mask" || entry.name == "rowI" || entry.name == "classes";
      ASSERT_EQ(ByteSize(entry.array.type()), narrow ? 1U : 4U) << entry.name;
    }
    ASSERT_NO_FATAL_FAILURE(CheckColumns(m, p));
    ASSERT_NO_FATAL_FAILURE(CheckVector(m, p));
  }
}

TEST_P(KernelsTest, row_range_computes_just_these_rows) {
  const Problem p = MakeProblem(13, 20, 6, kFillings[1], 5);
  for (Format format : kFormats) {
    if (!Holds(format, DenseView(p.w.data(), p.rows, p.cols))) continue;
    const Matrix m = Matrix::From(DenseView(p.w.data(), p.rows, p.cols), format);
    std::vector<float> y(p.rows * p.n, 5.0F);
    Multiply(m, {3, 11}, p.Plain(), {y.data(), p.n}, {});
    std::vector<float> v(p.rows, 5.0F);
    MultiplyByVector(m, {3, 11}, p.X(), v.data(), {});
    for (size_t r = 0; r < p.rows; ++r) {
      const bool inside = r >= 3 && r < 11;
      EXPECT_EQ(v[r] != 5.0F, inside) << Name(format) << " row " << r;
      for (size_t j = 0; j < p.n; ++j) EXPECT_EQ(y[r * p.n + j] != 5.0F, inside) << Name(format);
    }
  }
}

// NaN and infinities count as in IEEE 754, where the weight is 0, too: in one column and in many,
// in all rows and in some, and whatever the epilogue does. The other columns are as ever.
TEST_P(KernelsTest, not_finite) {
  const float kinds[] = {NAN, INFINITY, -INFINITY};
  unsigned seed = 100;
  for (size_t cols : Sizes{5, 300, 600}) {
    for (size_t n : Sizes{1, 3, 17, 113, 225}) {
      for (const Filling& f : kFillings) {
        Problem p = MakeProblem(11, cols, n, f, ++seed);
        std::mt19937 rng(seed);
        for (size_t i = 0; i < 1 + n / 3; ++i) {
          p.x[p.misalign + rng() % (cols * n)] = kinds[rng() % (i % 2 == 0 ? 3 : 1)];
        }
        p.exact = MultiplyExactly(p);
        std::vector<float> x(cols);
        for (size_t k = 0; k < cols; ++k) x[k] = p.X()[p.offsets[k]];
        for (Format format : kFormats) {
          SCOPED_TRACE(std::string(Name(format)) + " " + f.name + " " + std::to_string(cols) + "x" +
                       std::to_string(n) + " seed " + std::to_string(seed));
          if (!Holds(format, DenseView(p.w.data(), p.rows, cols))) continue;
          const Matrix m = Matrix::From(DenseView(p.w.data(), p.rows, cols), format);
          std::vector<float> y(p.rows * n);
          Multiply(m, {0, 4}, p.Plain(), {y.data(), n}, {});
          Multiply(m, {4, p.rows}, p.Plain(), {y.data(), n}, {});
          std::vector<float> clamped(p.rows * n);
          Multiply(m, {0, p.rows}, p.Plain(), {clamped.data(), n},
                   {nullptr, nullptr, {.least = 0}});
          for (size_t i = 0; i < y.size(); ++i) {
            ASSERT_NO_FATAL_FAILURE(ExpectLike(y[i], p, i / n, i % n));
            ASSERT_EQ(std::isnan(clamped[i]), std::isnan(y[i])) << i;
          }
          std::vector<float> v(p.rows);
          MultiplyByVector(m, {0, p.rows}, x.data(), v.data(), {nullptr, nullptr, {.least = 0}});
          for (size_t r = 0; r < p.rows; ++r)
            ASSERT_EQ(std::isnan(v[r]), std::isnan(p.At(r, 0).sum));
          MultiplyByVector(m, {0, 4}, x.data(), v.data(), {});
          MultiplyByVector(m, {4, p.rows}, x.data(), v.data(), {});
          for (size_t r = 0; r < p.rows; ++r) ASSERT_NO_FATAL_FAILURE(ExpectLike(v[r], p, r, 0));
        }
      }
    }
  }
}

// Scale, bias and ReLU against the plain product of the same kernel.
TEST_P(KernelsTest, epilogue_scales_adds_and_clamps) {
  const Problem p = MakeProblem(9, 600, 30, kFillings[1], 8);
  std::vector<float> scale;
  std::vector<float> bias;
  for (size_t r = 0; r < p.rows; ++r) {
    scale.push_back(0.5F + 0.25F * static_cast<float>(r));
    bias.push_back(static_cast<float>(r) - 4.0F);
  }
  for (Format format : kFormats) {
    if (!Holds(format, DenseView(p.w.data(), p.rows, p.cols))) continue;
    const Matrix m = Matrix::From(DenseView(p.w.data(), p.rows, p.cols), format);
    for (int steps = 0; steps < 16; ++steps) {
      const float inf = std::numeric_limits<float>::infinity();
      const Epilogue e{(steps & 1) != 0 ? scale.data() : nullptr,
                       (steps & 2) != 0 ? bias.data() : nullptr,
                       {(steps & 4) != 0 ? 0 : -inf, (steps & 8) != 0 ? 1 : inf}};
      std::vector<float> plain(p.rows * p.n);
      std::vector<float> y(p.rows * p.n);
      Multiply(m, {0, p.rows}, p.Plain(), {plain.data(), p.n}, {});
      Multiply(m, {0, p.rows}, p.Plain(), {y.data(), p.n}, e);
      std::vector<float> vector_plain(p.rows);
      std::vector<float> vector(p.rows);
      MultiplyByVector(m, {0, p.rows}, p.X(), vector_plain.data(), {});
      MultiplyByVector(m, {0, p.rows}, p.X(), vector.data(), e);
      const auto expected = [&](float value, size_t r) {
        if (e.scale != nullptr) value *= scale[r];
        if (e.bias != nullptr) value += bias[r];
        return std::min(std::max(value, e.bounds.least), e.bounds.most);
      };
      for (size_t i = 0; i < y.size(); ++i) {
        ASSERT_NEAR(y[i], expected(plain[i], i / p.n), 1e-4) << Name(format) << " steps " << steps;
      }
      for (size_t r = 0; r < p.rows; ++r) {
        ASSERT_NEAR(vector[r], expected(vector_plain[r], r), 1e-4) << Name(format);
      }
    }
  }
}

// Columns that fall between runs are dropped, the others close up: as a convolution drops the
// columns that straddle image rows. 600 columns of W are three blocks: sums go through Y twice.
TEST_P(KernelsTest, runs_and_pitches) {
  const size_t pitches[][2] = {{1, 1},   {1, 3},   {2, 3},   {5, 7},
                               {13, 15}, {27, 29}, {28, 28}, {4, 40}};
  for (const auto& [run, pitch] : pitches) {
    const size_t n = 5 * pitch + run;  // six runs
    const Problem p = MakeProblem(7, 600, n, kFillings[3], static_cast<unsigned>(n));
    for (Format format : kFormats) {
      SCOPED_TRACE(std::string(Name(format)) + " run " + std::to_string(run) + " pitch " +
                   std::to_string(pitch));
      if (!Holds(format, DenseView(p.w.data(), p.rows, p.cols))) continue;
      const Matrix m = Matrix::From(DenseView(p.w.data(), p.rows, p.cols), format);
      std::vector<float> y(p.rows * 6 * run + 1, 9.0F);
      Multiply(m, {0, p.rows}, {p.X(), p.offsets.data(), 6 * run, run, pitch}, {y.data(), 6 * run},
               {});
      ASSERT_EQ(y.back(), 9.0F);
      for (size_t r = 0; r < p.rows; ++r) {
        for (size_t i = 0; i < 6 * run; ++i) {
          const size_t j = i / run * pitch + i % run;
          const Exact e = p.At(r, j);
          ASSERT_NO_FATAL_FAILURE(ExpectClose(y[r * 6 * run + i], e, Bound(p, e), r, j));
        }
      }
    }
  }
}

// The decomposition's sums cancel in rows without the common value; float32 sums would miss the
// bound.
TEST_P(KernelsTest, common_value_large_and_absent_from_a_row) {
  constexpr size_t kCols = 64;
  std::vector<float> w(8 * kCols, 1e6F);
  for (size_t k = 0; k < kCols; ++k) w[k] = k % 2 == 0 ? 1e-3F : -2e-3F;
  std::vector<float> x(kCols);
  std::mt19937 rng(3);
  for (float& v : x) v = std::uniform_real_distribution<float>(0.5F, 1.0F)(rng);
  double exact = 0;
  double magnitude = 0;
  for (size_t k = 0; k < kCols; ++k) {
    exact += double{w[k]} * double{x[k]};
    magnitude += std::fabs(double{w[k]} * double{x[k]});
  }
  for (Format format : kFormats) {
    if (!Holds(format, DenseView(w.data(), 8, kCols))) continue;
    const Matrix m = Matrix::From(DenseView(w.data(), 8, kCols), format);
    std::vector<float> y(8);
    MultiplyByVector(m, {0, 8}, x.data(), y.data(), {});
    EXPECT_LE(std::fabs(double{y[0]} - exact), 2 * kCols * kEpsilon * magnitude) << Name(format);
  }
}

// Sums that cancel so far that float64 misses the bound: a row of zeros, a row whose Ω[0] meets
// only inputs that are 0, and weights far below Ω[0]; the exact result is 0 or tiny beside Ω[0] ·
// Σx.
TEST_P(KernelsTest, common_value_cancels_entirely) {
  constexpr size_t kCols = 4100;
  for (float common : {1.0F, -1e30F}) {
    Problem p = MakeProblem(9, kCols, 19, {"", 0.0, 1, common}, 4);
    for (size_t k = 0; k < kCols; ++k) {
      p.offsets[k] = static_cast<uint32_t>(k * p.n);
      const bool odd = k % 2 == 1;
      p.w[k] = 0.0F;
      if (odd) p.w[kCols + k] = 0.75F;
      p.w[2 * kCols + k] = odd ? 1e-3F : -2e-3F;
      if (!odd) std::fill_n(p.x.begin() + static_cast<ptrdiff_t>(p.misalign + k * p.n), p.n, 0.0F);
    }
    p.exact = MultiplyExactly(p);
    for (Format format : kFormats) {
      SCOPED_TRACE(std::string(Name(format)) + " " + std::to_string(common));
      if (!Holds(format, DenseView(p.w.data(), p.rows, kCols))) continue;
      const Matrix m = Matrix::From(DenseView(p.w.data(), p.rows, kCols), format);
      ASSERT_NO_FATAL_FAILURE(CheckColumns(m, p));
      ASSERT_NO_FATAL_FAILURE(CheckVector(m, p));
    }
  }
}

// All widths of codes, groups that are not whole, and rows behind which nothing is to be read.
TEST_P(KernelsTest, grids_of_all_widths) {
  for (unsigned bits = 1; bits <= 8; ++bits) {
    for (const size_t cols :
         Sizes{1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 100, 255, 256, 257, 300}) {
      for (const size_t rows : Sizes{1, 2, 9}) {
        const Filling f{"", 1.0, size_t{1} << bits, 0.0F, 0.3F};
        const Problem p = MakeProblem(rows, cols, 3, f, static_cast<unsigned>(cols * 8 + bits));
        SCOPED_TRACE(std::to_string(bits) + " bits, " + std::to_string(rows) + "x" +
                     std::to_string(cols));
        const DenseView view(p.w.data(), rows, cols);
        ASSERT_TRUE(Holds(Format::kGrid, view));
        const Matrix m = Matrix::From(view, Format::kGrid);
        ASSERT_NO_FATAL_FAILURE(CheckColumns(m, p));
        ASSERT_NO_FATAL_FAILURE(CheckVector(m, p));
      }
    }
  }
}

// Inputs that differ by more than a common factor bears, and some near the ends of float32.
TEST_P(KernelsTest, grids_with_inputs_far_apart) {
  const float scales[] = {1, 0.1F, 3e-20F, 1e20F};
  const std::vector<float> inputs[] = {{1e38F, 2.0F, 3.0F},    {1e18F, 1e-30F, -2e-30F},
                                       {1e38F, 1e-36F, 0},     {3e-38F, 1e-37F, 1e-37F},
                                       {FLT_TRUE_MIN, 0, 1},   {FLT_TRUE_MIN, FLT_TRUE_MIN, 0},
                                       {FLT_MAX, 1.0F, -1.0F}, {0, 0, 0}};
  for (const float scale : scales) {
    const std::vector<float> w = {0, 2 * scale, -scale, scale, 0, 3 * scale};
    const Matrix m = Matrix::From(DenseView(w.data(), 2, 3), Format::kGrid);
    for (const std::vector<float>& x : inputs) {
      float y[2];
      MultiplyByVector(m, {0, 2}, x.data(), y, {});
      for (size_t r = 0; r < 2; ++r) {
        Exact e;
        for (size_t k = 0; k < 3; ++k) {
          const double term = double{w[3 * r + k]} * double{x[k]};
          e.sum += term;
          e.magnitude += std::fabs(term);
        }
        if (e.magnitude > double{FLT_MAX}) continue;
        const double bound = 6 * kEpsilon * e.magnitude + double{FLT_MIN} * kEpsilon;
        ASSERT_LE(std::fabs(double{y[r]} - e.sum), bound) << scale << ", input " << x[0];
      }
    }
  }
}

TEST_P(KernelsTest, denormal_weights_and_large_inputs) {
  const std::vector<float> w = {FLT_TRUE_MIN, 0.0F, -0.0F, FLT_MIN, 0.0F, 1.0F};
  const std::vector<float> x = {1e30F, 2.0F, 3.0F, 1e38F, 5.0F, -6.0F};
  for (Format format : kFormats) {
    if (!Holds(format, DenseView(w.data(), 1, 6))) continue;
    const Matrix m = Matrix::From(DenseView(w.data(), 1, 6), format);
    float y = 0;
    MultiplyByVector(m, {0, 1}, x.data(), &y, {});
    const double exact = double{FLT_TRUE_MIN} * 1e30 + double{FLT_MIN} * 1e38 - 6.0;
    EXPECT_NEAR(y, exact, 12 * kEpsilon * 10) << Name(format);
  }
}

}  // namespace
}  // namespace lowtropy
