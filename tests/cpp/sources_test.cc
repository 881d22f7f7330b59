// SPDX-License-Identifier: Apache-2.0
// The ways weights enter, against dense references that are made beside them.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "floats.h"
#include "format_testing.h"
#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/matrix/matrix.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/sources/codebook.h"
#include "lowtropy/matrix/sources/gaps.h"
#include "lowtropy/matrix/sources/integers.h"

namespace lowtropy {
namespace {

using testing_formats::Same;
using testing_formats::Values;

std::vector<uint32_t> BitsOf(std::span<const float> values) {
  std::vector<uint32_t> bits;
  for (const float value : values) bits.push_back(Bits(value));
  return bits;
}

// Rows in any order, entries where there are such, and every format, bit for bit.
void ExpectSame(const RowSource& source, const Values& wanted) {
  ASSERT_EQ(source.rows(), wanted.rows);
  ASSERT_EQ(source.cols(), wanted.cols);
  std::vector<float> row(wanted.cols);
  std::vector<RowEntry> entries;
  for (size_t i = 0; i < wanted.rows; ++i) {
    const size_t r = i % 2 == 0 ? i / 2 : wanted.rows - 1 - i / 2;
    const auto expected = std::span(wanted.data).subspan(r * wanted.cols, wanted.cols);
    source.ReadRow(r, row);
    ASSERT_EQ(BitsOf(row), BitsOf(expected)) << "row " << r;
    entries.clear();
    float unlisted = 7;
    if (!source.ReadEntries(r, &entries, &unlisted)) continue;
    std::vector<float> listed(wanted.cols, unlisted);
    for (size_t k = 0; k < entries.size(); ++k) {
      ASSERT_NE(Bits(entries[k].value), Bits(unlisted));
      if (k > 0) ASSERT_LT(entries[k - 1].col, entries[k].col);
      listed[entries[k].col] = entries[k].value;
    }
    ASSERT_EQ(BitsOf(listed), BitsOf(expected)) << "entries of row " << r;
  }
  for (const Format format : kFormats) {
    if (!Holds(format, source)) continue;
    const Matrix matrix = Matrix::From(source, format);
    ASSERT_EQ(BitsOf(matrix.ToDense()), BitsOf(wanted.data)) << Name(format);
    if (matrix.scaled()) continue;
    ASSERT_TRUE(Same(matrix.Arrays(), Matrix::From(wanted.View(), format).Arrays()))
        << Name(format);
  }
}

template <class F>
void ExpectRefusal(ErrorKind kind, const std::string& message, F&& make) {
  try {
    make();
    ADD_FAILURE() << "not refused: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), message);
    EXPECT_EQ(error.kind(), kind) << message;
  }
}

class Random {
 public:
  explicit Random(uint32_t seed) : rng_(seed) {}
  size_t Below(size_t n) { return static_cast<size_t>(rng_() % n); }
  float Normal() { return normal_(rng_); }
  bool Chance(double p) { return uniform_(rng_) < p; }
  // With zeros of both signs and a denormal among them.
  std::vector<float> Codebook(size_t size) {
    std::vector<float> codebook(size);
    for (float& value : codebook) value = Normal();
    const float special[] = {0.0F, -0.0F, 1e-40F};
    for (const float value : special) codebook[Below(size)] = value;
    return codebook;
  }

 private:
  std::mt19937 rng_;
  std::normal_distribution<float> normal_;
  std::uniform_real_distribution<double> uniform_;
};

// Runs a test for many seeds, each of which a failure names.
template <class F>
void ForSeeds(F&& test) {
  const uint32_t first = std::random_device{}();
  for (uint32_t seed = first; seed != first + 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    test(random);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// ---- A codebook and codes ----

TEST(CodebookSource, IsItsDenseMatrix) {
  ForSeeds([](Random& random) {
    const size_t sizes[] = {1, 2, 17, 256, 257, 70000};
    const std::vector<float> codebook = random.Codebook(sizes[random.Below(6)]);
    Values wanted{1 + random.Below(20), 1 + random.Below(70), {}};
    std::vector<uint32_t> codes(wanted.rows * wanted.cols);
    for (uint32_t& code : codes) {
      code = random.Chance(0.5) ? 0 : static_cast<uint32_t>(random.Below(codebook.size()));
      wanted.data.push_back(codebook[code]);
    }
    const bool wide = random.Chance(0.3);
    ExpectSame(CodebookSource(wanted.rows, wanted.cols, codebook,
                              wide ? testing_formats::Typed<uint32_t>(codes)
                                   : testing_formats::Narrowest(codes)),
               wanted);
  });
}

TEST(CodebookSource, RefusesWhatDoesNotFit) {
  const std::vector<float> codebook = {1, 2, 3};
  const auto bytes = [](const std::vector<uint32_t>& codes) {
    return testing_formats::Bytes(codes);
  };
  ExpectRefusal(ErrorKind::kShape, "The codes take 6 bytes, but there are 5.", [&] {
    CodebookSource(2, 3, codebook, bytes({0, 1, 2, 0, 1}));
  });
  ExpectRefusal(ErrorKind::kValue,
                "The code at row 1, column 2 is 3, and the codebook has 3 values.", [&] {
                  CodebookSource(2, 3, codebook, bytes({0, 1, 2, 0, 1, 3}));
                });
  ExpectRefusal(ErrorKind::kValue,
                "The code at row 0, column 0 is 0, and the codebook has 0 values.",
                [&] { CodebookSource(1, 1, {}, bytes({0})); });
  const std::vector<float> nan = {1, kNan};
  ExpectRefusal(ErrorKind::kValue, "Value 1 is not finite.",
                [&] { CodebookSource(1, 1, nan, bytes({0})); });
  const std::vector<float> infinite = {-kInfinity};
  ExpectRefusal(ErrorKind::kValue, "Value 0 is not finite.",
                [&] { CodebookSource(1, 1, infinite, bytes({0})); });
  ExpectRefusal(ErrorKind::kShape,
                "A matrix needs 1 to 4294967295 elements, but this one is 0 x 3.",
                [&] { CodebookSource(0, 3, codebook, bytes({})); });
  ExpectRefusal(ErrorKind::kShape,
                "A matrix needs 1 to 4294967295 elements, but this one is 65536 x 65536.",
                [&] { CodebookSource(65536, 65536, codebook, bytes({0})); });
}

// ---- Positions and codes ----

// Gaps and codes, two numbers of 4 bits to a byte.
struct Gaps {
  std::vector<uint8_t> codes;
  std::vector<uint8_t> gaps;
  size_t entries = 0;

  static void Put(std::vector<uint8_t>& bytes, unsigned bits, size_t i, size_t number) {
    if (bits == 8) {
      bytes.push_back(static_cast<uint8_t>(number));
    } else if (i % 2 == 0) {
      bytes.push_back(static_cast<uint8_t>(number | 0xA0));  // unused where it is the last
    } else {
      bytes.back() = static_cast<uint8_t>((bytes.back() & 15) | number << 4);
    }
  }
};

// Straight from the description: `codes` says which element has an entry, none being -1.
Gaps EncodeGaps(const std::vector<int>& codes, unsigned code_bits, unsigned gap_bits,
                size_t zero_code) {
  const size_t most = (size_t{1} << gap_bits) - 1;
  Gaps out;
  size_t gap = 0;
  const auto put = [&](size_t code) {
    Gaps::Put(out.codes, code_bits, out.entries, code);
    Gaps::Put(out.gaps, gap_bits, out.entries, gap);
    ++out.entries;
    gap = 0;
  };
  for (const int code : codes) {
    if (code >= 0) {
      put(static_cast<size_t>(code));
    } else if (gap == most) {
      put(zero_code);
    } else {
      ++gap;
    }
  }
  return out;
}

void ExpectGaps(Random& random, size_t rows, size_t cols, double density) {
  const unsigned code_bits = random.Chance(0.5) ? 4 : 8;
  const unsigned gap_bits = random.Chance(0.5) ? 4 : 8;
  std::vector<float> codebook = random.Codebook(code_bits == 4 ? 16 : 256);
  const size_t zero_code = random.Below(codebook.size());
  codebook[zero_code] = 0;
  std::vector<int> codes(rows * cols, -1);
  Values wanted{rows, cols, std::vector<float>(rows * cols, 0.0F)};
  for (size_t i = 0; i < codes.size(); ++i) {
    if (!random.Chance(density)) continue;
    codes[i] = static_cast<int>(random.Below(codebook.size()));
    wanted.data[i] = codebook[static_cast<size_t>(codes[i])];
  }
  const Gaps coded = EncodeGaps(codes, code_bits, gap_bits, zero_code);
  ExpectSame(GapSource(rows, cols, codebook, {code_bits, coded.codes}, {gap_bits, coded.gaps},
                       coded.entries),
             wanted);
}

TEST(GapSource, IsItsDenseMatrix) {
  ForSeeds([](Random& random) {
    const double densities[] = {0, 0.001, 0.03, 0.3, 1};
    ExpectGaps(random, 1 + random.Below(40), 1 + random.Below(90), densities[random.Below(5)]);
  });
}

TEST(GapSource, OneColumnOfManyRows) {
  ForSeeds([](Random& random) { ExpectGaps(random, 700, 1, 0.1); });
}

TEST(GapSource, OneRowOfManyColumns) {
  ForSeeds([](Random& random) { ExpectGaps(random, 1, 3000, 0.02); });
}

// 31, 32, 33 and 64 entries: the last before, at and after one whose position is kept.
TEST(GapSource, NumbersOfEntriesAroundAnAnchor) {
  const std::vector<float> codebook = {0, 1};
  for (const size_t entries : std::vector<size_t>{1, 31, 32, 33, 63, 64, 65}) {
    SCOPED_TRACE(std::to_string(entries) + " entries");
    const std::vector<uint8_t> codes(entries, 1);
    const std::vector<uint8_t> gaps(entries, 2);
    Values wanted{7, 30, std::vector<float>(7 * 30, 0.0F)};
    for (size_t i = 0; i < entries; ++i) wanted.data[3 * i + 2] = 1;
    ExpectSame(GapSource(7, 30, codebook, {8, codes}, {8, gaps}, entries), wanted);
  }
}

TEST(GapSource, OfNoEntriesIsAllZeros) {
  ExpectSame(GapSource(3, 5, {}, {4, {}}, {4, {}}, 0), {3, 5, std::vector<float>(15, 0.0F)});
}

// What nobody could hold dense.
TEST(GapSource, ReadsAFewEntriesOfMillions) {
  const std::vector<float> codebook = {0, 2.5F};
  const std::vector<uint8_t> codes = {0x10, 0x01};
  const std::vector<uint8_t> gaps = {255, 255, 0};
  const GapSource source(300, 10000000, codebook, {4, codes}, {8, gaps}, 3);
  const Matrix matrix = Matrix::From(source, Format::kCsr);
  EXPECT_EQ(matrix.GetProfile().nnz, 2U);
  std::vector<RowEntry> entries;
  float unlisted;
  ASSERT_TRUE(matrix.ReadEntries(0, &entries, &unlisted));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].col, 511U);
  EXPECT_EQ(entries[1].col, 512U);
}

TEST(GapSource, RefusesWhatDoesNotFit) {
  const std::vector<float> codebook = {0, 1, 2};
  const std::vector<uint8_t> two = {0, 0};
  const std::vector<uint8_t> three = {0, 0, 0};
  ExpectRefusal(ErrorKind::kShape, "The codes have 4 or 8 bits, not 5.", [&] {
    GapSource(1, 9, codebook, {5, three}, {4, two}, 3);
  });
  ExpectRefusal(ErrorKind::kShape, "The codes take 4 bytes, but there are 3.", [&] {
    GapSource(1, 9, codebook, {8, three}, {4, two}, 4);
  });
  ExpectRefusal(ErrorKind::kShape, "The gaps take 2 bytes, but there are 3.", [&] {
    GapSource(1, 9, codebook, {8, three}, {4, three}, 3);
  });
  const std::vector<uint8_t> beyond = {0, 2, 3};
  ExpectRefusal(ErrorKind::kValue, "Entry 2 of 3 has the code 3, and the codebook has 3 values.",
                [&] {
                  GapSource(1, 9, codebook, {8, beyond}, {4, two}, 3);
                });
  const std::vector<float> nan = {0, kNan};
  ExpectRefusal(ErrorKind::kValue, "Value 1 is not finite.", [&] {
    GapSource(1, 9, nan, {8, three}, {4, two}, 3);
  });
}

TEST(GapSource, TheLastPositionAndTheOneBehindIt) {
  const std::vector<float> codebook = {0, 1};
  const std::vector<uint8_t> codes = {1, 1, 1};
  const std::vector<uint8_t> gaps = {3, 0, 1};  // at 3, 4 and 6
  Values wanted{1, 7, {0, 0, 0, 1, 1, 0, 1}};
  ExpectSame(GapSource(1, 7, codebook, {8, codes}, {8, gaps}, 3), wanted);
  ExpectRefusal(ErrorKind::kValue, "Entry 2 of 3 is at position 6 of a matrix of 2 x 3.", [&] {
    GapSource(2, 3, codebook, {8, codes}, {8, gaps}, 3);
  });
}

// ---- Integers, scales and zero points ----

template <class T>
std::vector<std::byte> BytesOf(const std::vector<T>& integers) {
  std::vector<std::byte> bytes(integers.size() * sizeof(T));
  std::memcpy(bytes.data(), integers.data(), bytes.size());
  return bytes;
}

template <class T>
void ExpectIntegers(Random& random, IntegerType type) {
  const size_t rows = 1 + random.Below(12);
  const size_t cols = 1 + random.Below(40);
  // All columns, half of them, one, and more than there are.
  const size_t blocks[] = {0, (cols + 1) / 2, 1, cols + 3};
  Quantization quantization{{}, {}, blocks[random.Below(4)]};
  const size_t block = quantization.block == 0 ? cols : quantization.block;
  const size_t of_row = (cols + block - 1) / block;
  const bool one = random.Chance(0.3) || rows * of_row == 1;
  std::vector<float> scales(one ? 1 : rows * of_row);
  for (float& scale : scales) scale = 0.01F * random.Normal();
  std::vector<int32_t> zero_points(random.Chance(0.5) ? scales.size() : 0);
  const auto draw = [&] {
    const T limits[] = {std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
    const size_t range = sizeof(T) == 4 ? 1U << 30 : 200;
    return random.Chance(0.1) ? limits[random.Below(2)] : static_cast<T>(random.Below(range));
  };
  for (int32_t& zero : zero_points) zero = int32_t{draw()};
  std::vector<T> integers(rows * cols);
  for (T& integer : integers) integer = draw();
  Values wanted{rows, cols, {}};
  for (size_t i = 0; i < integers.size(); ++i) {
    const size_t s = one ? 0 : i / cols * of_row + i % cols / block;
    const int64_t difference = int64_t{integers[i]} - (zero_points.empty() ? 0 : zero_points[s]);
    wanted.data.push_back(static_cast<float>(difference) * scales[s]);
  }
  quantization.scales = scales;
  quantization.zero_points = zero_points;
  std::vector<std::byte> bytes(1, std::byte{99});  // so that nothing is aligned
  const std::vector<std::byte> stored = BytesOf(integers);
  bytes.insert(bytes.end(), stored.begin(), stored.end());
  ExpectSame(IntegerSource(rows, cols, {type, std::span(bytes).subspan(1)}, quantization), wanted);
}

TEST(IntegerSource, IsItsDenseMatrix) {
  ForSeeds([](Random& random) {
    ExpectIntegers<int8_t>(random, IntegerType::kI8);
    ExpectIntegers<uint8_t>(random, IntegerType::kU8);
    ExpectIntegers<int16_t>(random, IntegerType::kI16);
    ExpectIntegers<uint16_t>(random, IntegerType::kU16);
    ExpectIntegers<int32_t>(random, IntegerType::kI32);
  });
}

TEST(IntegerSource, DifferencesBeyondTheIntegersAreExact) {
  const std::vector<int32_t> integers = {std::numeric_limits<int32_t>::max(),
                                         std::numeric_limits<int32_t>::min()};
  const std::vector<int32_t> zero_points = {std::numeric_limits<int32_t>::min()};
  const std::vector<float> scales = {0.5F};
  const auto bytes = BytesOf(integers);
  ExpectSame(IntegerSource(1, 2, {IntegerType::kI32, bytes}, {scales, zero_points}),
             {1, 2, {2147483648.0F, 0}});
}

TEST(IntegerSource, RefusesWhatDoesNotFit) {
  const auto bytes = BytesOf(std::vector<int16_t>{1, 2, 3, 4, 5, 6});
  const Integers integers{IntegerType::kI16, bytes};
  const std::vector<float> scales = {1, 2};
  const auto make = [&](const Quantization& quantization) {
    return [=] { IntegerSource(2, 3, integers, quantization); };
  };
  ExpectRefusal(ErrorKind::kShape, "The integers take 16 bytes, but there are 12.",
                [&] { IntegerSource(2, 4, integers, {scales}); });
  ExpectRefusal(ErrorKind::kShape, "A matrix of 2 x 3 needs 1 scale or 4, but there are 2.",
                make({scales, {}, 2}));
  ExpectRefusal(ErrorKind::kShape, "A matrix of 2 x 3 needs 1 scale or 2, but there are 0.",
                make({}));
  const std::vector<int32_t> zero_points = {1};
  ExpectRefusal(ErrorKind::kShape, "There are 2 scales and 1 zero points.",
                make({scales, zero_points}));
  for (const float wrong : {kNan, kInfinity, -kInfinity}) {
    const std::vector<float> not_finite = {1, wrong};
    ExpectRefusal(ErrorKind::kValue, "Scale 1 is not finite.", make({not_finite}));
  }
}

TEST(IntegerSource, ProductsThatAreTooLargeAreFoundByTheProfile) {
  const auto bytes = BytesOf(std::vector<int8_t>{1, 2, 3, 4});
  const std::vector<float> scales = {1, 1e38F};
  const IntegerSource source(2, 2, {IntegerType::kI8, bytes}, {scales});
  ExpectRefusal(ErrorKind::kValue,
                "The matrix holds Infinity at row 1, column 1; only finite values can be stored.",
                [&] { Profile::Of(source); });
}

}  // namespace
}  // namespace lowtropy
