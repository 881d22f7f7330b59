// SPDX-License-Identifier: Apache-2.0
// Arrays from outside: what breaks an invariant is refused with the reason, what is accepted is
// what we would have written ourselves.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "floats.h"
#include "format_testing.h"
#include "lowtropy/base/error.h"
#include "lowtropy/matrix/matrix.h"

namespace lowtropy {
namespace {

using namespace testing_formats;

// The error of Matrix::FromArrays, or "" when it accepts.
std::string Refusal(Format format, uint64_t rows, uint64_t cols, const Arrays& arrays) {
  try {
    Matrix::FromArrays(format, rows, cols, arrays);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile) << error.what();
    return error.what();
  }
}

// One thing wrong in a matrix of `values`, and words of the reason.
struct Corruption {
  const char* name;
  const char* array;
  std::function<void(Array&)> corrupt;
  const char* reason;
};

// Replaces the array by others of the narrowest type, of U16, or of floats.
std::function<void(Array&)> Becomes(const std::vector<uint32_t>& indices) {
  return [=](Array& array) { array = Narrowest(indices); };
}
std::function<void(Array&)> Becomes16(const std::vector<uint32_t>& indices) {
  return [=](Array& array) { array = Typed<uint16_t>(indices); };
}
std::function<void(Array&)> BecomesFloats(const std::vector<float>& values) {
  return [=](Array& array) { array = Floats(values); };
}

void ExpectRefused(const Values& values, Format format,
                   const std::vector<Corruption>& corruptions) {
  for (const Corruption& c : corruptions) {
    Arrays arrays = Matrix::From(values.View(), format).Arrays();
    c.corrupt(Find(arrays, c.array));
    const std::string error = Refusal(format, values.rows, values.cols, arrays);
    EXPECT_NE(error.find(c.reason), std::string::npos)
        << c.name << ": \"" << error << "\" instead of \"" << c.reason << "\"";
  }
}

// The golden example's arrays, for reference:
//   omega 0 4 2 3    colI 1 2 3 | 3 0 | 2 3 | 0 2 in runs    omegaPtr and rowPtr as in the design

TEST(ValidateTest, dense) {
  std::vector<float> values = Golden().data;
  const auto with = [&](size_t i, float v) {
    std::vector<float> changed = values;
    changed[i] = v;
    return BecomesFloats(changed);
  };
  ExpectRefused(
      Golden(), Format::kDense,
      {{"nan", "values", with(5, NAN), "values[5] is not finite"},
       {"infinity", "values", with(0, -kInfinity), "values[0] is not finite"},
       {"too short", "values", BecomesFloats({1, 2}), "values has 2 elements where 16 are needed"},
       {"too long", "values", BecomesFloats(std::vector<float>(17)), "17 elements where 16"},
       {"dtype", "values", Becomes(std::vector<uint32_t>(16)),
        "values is U8 where F32 is needed"}});
}

TEST(ValidateTest, csr) {
  ExpectRefused(
      Golden(), Format::kCsr,
      {{"nan", "values", BecomesFloats({4, 4, 2, 3, 4, NAN, 2, 4, 4}), "values[5] is not finite"},
       {"a zero", "values", BecomesFloats({4, 0, 2, 3, 4, 2, 2, 4, 4}), "values[1] is zero"},
       {"values' dtype", "values", Becomes({4, 4, 2, 3, 4, 2, 2, 4, 4}), "values is U8"},
       {"values too long", "values", BecomesFloats(std::vector<float>(10, 1)),
        "colI has 9 elements where 10 are needed"},
       {"columns too long", "colI", Becomes({1, 2, 3, 0, 3, 2, 3, 0, 2, 3}), "colI has 10"},
       {"column out of range", "colI", Becomes({1, 2, 4, 0, 3, 2, 3, 0, 2}),
        "colI holds 4, beyond the last one allowed, 3"},
       {"columns fall", "colI", Becomes({2, 1, 3, 0, 3, 2, 3, 0, 2}), "colI does not rise at 1"},
       {"column twice", "colI", Becomes({1, 2, 3, 0, 3, 3, 3, 0, 2}), "colI does not rise at 6"},
       {"columns' dtype", "colI", BecomesFloats(std::vector<float>(9)), "colI is F32 where"},
       {"columns too wide", "colI", Becomes16({1, 2, 3, 0, 3, 2, 3, 0, 2}),
        "colI is U16 though its largest element, 3, needs just 8 bits"},
       {"pointers too short", "rowPtr", Becomes({0, 3, 5, 9}), "rowPtr has 4 elements where 5"},
       {"pointers too long", "rowPtr", Becomes({0, 3, 5, 7, 9, 9}), "rowPtr has 6 elements"},
       {"pointers start late", "rowPtr", Becomes({1, 3, 5, 7, 9}), "rowPtr does not start at 0"},
       {"pointers fall", "rowPtr", Becomes({0, 3, 2, 7, 9}), "rowPtr falls at 2"},
       {"pointers end early", "rowPtr", Becomes({0, 3, 5, 7, 8}), "rowPtr ends at 8 instead of 9"},
       {"pointers beyond", "rowPtr", Becomes({0, 3, 5, 7, 10}), "rowPtr holds 10, beyond"},
       {"pointers far beyond", "rowPtr", Becomes({0, 3, 0xFFFFFFFF, 7, 9}), "holds 4294967295"},
       {"pointers too wide", "rowPtr", Becomes16({0, 3, 5, 7, 9}), "rowPtr is U16 though"},
       {"pointers' dtype", "rowPtr", BecomesFloats({0, 3, 5, 7, 9}), "rowPtr is F32 where"}});
}

// What cer, cser, palette and pcsr share.
std::vector<Corruption> OmegaCorruptions() {
  return {
      {"nan", "omega", BecomesFloats({0, 4, NAN, 3}), "omega[2] is not finite"},
      {"infinity", "omega", BecomesFloats({0, 4, 2, kInfinity}), "omega[3] is not finite"},
      {"empty", "omega", BecomesFloats({}), "omega is empty"},
      {"a value twice", "omega", BecomesFloats({0, 4, 2, 4}), "omega holds a value twice"},
      {"dtype", "omega", Becomes({0, 4, 2, 3}), "omega is U8 where F32 is needed"},
      {"unused", "omega", BecomesFloats({0, 4, 2, 3, 9}), "omega[4] does not occur in the matrix"}};
}

std::vector<Corruption> ColumnAndRowCorruptions() {
  return {
      {"column out of range", "colI", Becomes({1, 2, 3, 3, 0, 2, 3, 0, 4}),
       "colI holds 4, beyond the last one allowed, 3"},
      {"columns' dtype", "colI", BecomesFloats(std::vector<float>(9)), "colI is F32 where"},
      {"columns too wide", "colI", Becomes16({1, 2, 3, 3, 0, 2, 3, 0, 2}), "colI is U16 though"},
      {"rows start late", "rowPtr", Becomes({1, 2, 4, 5, 6}), "rowPtr does not start at 0"},
      {"too few rows", "rowPtr", Becomes({0, 2, 4, 5}), "rowPtr has 4 elements where 5"},
      {"too many rows", "rowPtr", Becomes({0, 2, 4, 5, 6, 6}), "rowPtr has 6 elements"},
      {"no rows", "rowPtr", Becomes({}), "rowPtr has 0 elements where 5"},
      {"rows' dtype", "rowPtr", BecomesFloats(std::vector<float>(5)), "rowPtr is F32 where"},
      {"rows beyond", "rowPtr", Becomes({0, 2, 200, 5, 6}), "rowPtr holds 200, beyond"}};
}

TEST(ValidateTest, cer) {
  ExpectRefused(Golden(), Format::kCer, OmegaCorruptions());
  ExpectRefused(Golden(), Format::kCer, ColumnAndRowCorruptions());
  ExpectRefused(
      Golden(), Format::kCer,
      {{"columns fall within a run", "colI", Becomes({2, 1, 3, 3, 0, 2, 3, 0, 2}),
        "colI does not rise at 1"},
       {"column twice in a run", "colI", Becomes({1, 1, 3, 3, 0, 2, 3, 0, 2}),
        "colI does not rise at 1"},
       {"column twice in a row", "colI", Becomes({1, 2, 2, 3, 0, 2, 3, 0, 2}),
        "row 0 lists column 2 twice"},
       {"columns too long", "colI", Becomes({1, 2, 3, 3, 0, 2, 3, 0, 2, 3}),
        "omegaPtr ends at 9 instead of 10"},
       {"no runs at all", "omegaPtr", Becomes({}), "omegaPtr is empty"},
       {"runs start late", "omegaPtr", Becomes({1, 2, 3, 4, 4, 5, 5, 7, 9}),
        "omegaPtr does not start at 0"},
       {"runs fall", "omegaPtr", Becomes({0, 2, 3, 4, 3, 5, 5, 7, 9}), "omegaPtr falls at 4"},
       {"runs beyond", "omegaPtr", Becomes({0, 2, 3, 4, 4, 5, 5, 7, 10}), "omegaPtr holds 10"},
       {"runs end early", "omegaPtr", Becomes({0, 2, 3, 4, 4, 5, 5, 7, 8}), "omegaPtr ends at 8"},
       {"runs' dtype", "omegaPtr", BecomesFloats(std::vector<float>(9)), "omegaPtr is F32 where"},
       {"runs too wide", "omegaPtr", Becomes16({0, 2, 3, 4, 4, 5, 5, 7, 9}), "omegaPtr is U16"},
       {"last run of a row empty", "omegaPtr", Becomes({0, 2, 3, 4, 5, 5, 5, 7, 9}),
        "the last run of row 1 is empty"},
       {"more runs than values", "rowPtr", Becomes({0, 1, 5, 7, 8}),
        "omega has too few values for the runs of row 1"},
       {"rows fall", "rowPtr", Becomes({0, 2, 1, 7, 8}), "rowPtr falls at 2"},
       {"rows end early", "rowPtr", Becomes({0, 2, 5, 6, 7}), "rowPtr ends at 7 instead of 8"},
       {"rows too wide", "rowPtr", Becomes16({0, 2, 5, 7, 8}), "rowPtr is U16 though"},
       // Row 0 becomes 0 4 2 2: then 4 and 2 occur four times each.
       {"omega out of order", "omegaPtr", Becomes({0, 1, 3, 4, 4, 5, 5, 7, 9}),
        "omega[2] occurs as often as the one before, which is not the smaller one"}});
}

TEST(ValidateTest, cser) {
  ExpectRefused(Golden(), Format::kCser, OmegaCorruptions());
  ExpectRefused(Golden(), Format::kCser, ColumnAndRowCorruptions());
  ExpectRefused(
      Golden(), Format::kCser,
      {{"columns fall within a run", "colI", Becomes({2, 1, 3, 3, 0, 2, 3, 0, 2}),
        "colI does not rise at 1"},
       {"column twice in a row", "colI", Becomes({1, 2, 2, 3, 0, 2, 3, 0, 2}),
        "row 0 lists column 2 twice"},
       {"columns too long", "colI", Becomes({1, 2, 3, 3, 0, 2, 3, 0, 2, 3}),
        "omegaPtr ends at 9 instead of 10"},
       {"runs too short", "omegaPtr", Becomes({0, 2, 3, 4, 5, 9}),
        "omegaPtr has 6 elements where 7"},
       {"runs fall", "omegaPtr", Becomes({0, 2, 3, 2, 5, 7, 9}), "omegaPtr falls at 3"},
       {"runs start late", "omegaPtr", Becomes({1, 2, 3, 4, 5, 7, 9}), "does not start at 0"},
       {"runs beyond", "omegaPtr", Becomes({0, 2, 3, 4, 5, 7, 10}), "omegaPtr holds 10, beyond"},
       {"runs end early", "omegaPtr", Becomes({0, 2, 3, 4, 5, 7, 8}), "omegaPtr ends at 8"},
       {"runs too wide", "omegaPtr", Becomes16({0, 2, 3, 4, 5, 7, 9}), "omegaPtr is U16"},
       {"runs' dtype", "omegaPtr", BecomesFloats(std::vector<float>(7)), "omegaPtr is F32"},
       {"a run empty", "omegaPtr", Becomes({0, 2, 3, 4, 4, 7, 9}), "run 3 is empty"},
       {"code out of range", "omegaI", Becomes({1, 2, 1, 4, 2, 1}), "omegaI holds 4, beyond"},
       {"code of the most frequent", "omegaI", Becomes({0, 2, 1, 3, 2, 1}),
        "run 0 lists the most frequent value"},
       {"codes fall in a row", "omegaI", Becomes({2, 1, 1, 3, 2, 1}), "omegaI does not rise at 1"},
       {"code twice in a row", "omegaI", Becomes({1, 1, 1, 3, 2, 1}), "omegaI does not rise at 1"},
       {"codes too short", "omegaI", Becomes({1, 2, 1, 3, 2}), "omegaPtr has 7 elements where 6"},
       {"codes too wide", "omegaI", Becomes16({1, 2, 1, 3, 2, 1}), "omegaI is U16 though"},
       {"codes' dtype", "omegaI", BecomesFloats(std::vector<float>(6)), "omegaI is F32 where"},
       {"rows fall", "rowPtr", Becomes({0, 2, 1, 5, 6}), "rowPtr falls at 2"},
       {"rows end early", "rowPtr", Becomes({0, 2, 4, 5, 5}), "rowPtr ends at 5 instead of 6"},
       {"rows too wide", "rowPtr", Becomes16({0, 2, 4, 5, 6}), "rowPtr is U16 though"},
       // Row 3 becomes 2 0 2 0: 3 times 4 and 5 times 2.
       {"omega out of order", "omegaI", Becomes({1, 2, 1, 3, 2, 2}),
        "omega[2] occurs more often than the one before"}});
}

TEST(ValidateTest, palette) {
  const Values three{2, 3, {0, 0, 0, 0, 4, 2}};  // codes 0 0 0, 0 2 1 of two bits, 0x00, 0x18
  std::vector<Corruption> of_omega = OmegaCorruptions();
  of_omega.pop_back();  // a fifth value would widen the codes
  ExpectRefused(Golden(), Format::kPalette, of_omega);
  ExpectRefused(
      Golden(), Format::kPalette,
      {{"too short", "codes", Becomes({0x94, 0x43, 0xA0}), "codes has 3 elements where 4"},
       {"too long", "codes", Becomes({0x94, 0x43, 0xA0, 0x11, 0}), "codes has 5 elements where 4"},
       {"dtype", "codes", Becomes16({0x94, 0x43, 0xA0, 0x11}),
        "codes is U16 where U8 is needed for 4 values"},
       {"values unused", "codes", Becomes({0x94, 0x40, 0xA0, 0x11}),
        "omega[3] does not occur in the matrix"},
       {"omega out of order", "codes", Becomes({0x94, 0x43, 0xAA, 0x19}), "occurs more often"},
       {"floats", "codes", BecomesFloats({1, 2, 3, 4}), "codes is F32 where U8"}});
  ExpectRefused(
      three, Format::kPalette,
      {{"code beyond omega", "codes", Becomes({0x00, 0x1C}),
        "the code at row 1, column 1 is beyond omega"},
       {"padding bits set", "codes", Becomes({0x00, 0x58}), "unused bits are set after row 1"},
       {"padding of the first row", "codes", Becomes({0x80, 0x18}),
        "unused bits are set after row 0"}});
}

// Codes 0 4 4 2, 3 0 0 4, 0 0 2 2, 4 0 4 0 of three bits, two bytes a row.
TEST(ValidateTest, grid) {
  const char* kNot = "omega is not a scale, a zero of 0 to 255 and 1 to 8 bits";
  const char* kAnother = "omega is not the coarsest grid of the values that occur";
  ExpectRefused(
      Golden(), Format::kGrid,
      {{"too few numbers", "omega", BecomesFloats({1, 0}), "omega has 2 elements where 3"},
       {"dtype", "omega", Becomes({1, 0, 3}), "omega is U8 where F32 is needed"},
       {"nan", "omega", BecomesFloats({NAN, 0, 3}), "omega[0] is not finite"},
       {"infinity", "omega", BecomesFloats({1, kInfinity, 3}), "omega[1] is not finite"},
       {"a zero below 0", "omega", BecomesFloats({1, -1, 3}), kNot},
       {"a zero of nine bits", "omega", BecomesFloats({1, 256, 3}), kNot},
       {"no bits", "omega", BecomesFloats({1, 0, 0.5F}), kNot},
       {"nine bits", "omega", BecomesFloats({1, 0, 9}), kNot},
       {"bits that are no integer", "omega", BecomesFloats({1, 0, 3.5F}), kAnother},
       {"a zero that is no integer", "omega", BecomesFloats({1, 0.5F, 3}), kAnother},
       {"a negative zero", "omega", BecomesFloats({1, -0.0F, 3}), kAnother},
       {"a negative scale", "omega", BecomesFloats({-1, 0, 3}), kAnother},
       {"no scale", "omega", BecomesFloats({0, 0, 3}), kAnother},
       {"a scale that overflows", "omega", BecomesFloats({2e38F, 0, 3}), kAnother},
       {"a scale that is too small", "omega", BecomesFloats({0x1p-101F, 0, 3}), kAnother},
       {"a zero that no code needs", "omega", BecomesFloats({1, 9, 3}), kAnother},
       {"too short", "codes", Becomes({0x20, 5, 3, 8, 0x80, 4, 4}), "codes has 7 elements where 8"},
       {"too long", "codes", Becomes({0x20, 5, 3, 8, 0x80, 4, 4, 1, 0}), "codes has 9 elements"},
       {"codes' dtype", "codes", Becomes16({0x20, 5, 3, 8, 0x80, 4, 4, 1}),
        "codes is U16 where U8 is needed"},
       {"floats", "codes", BecomesFloats(std::vector<float>(8)), "codes is F32 where U8"},
       {"padding bits set", "codes", Becomes({0x20, 5, 3, 0x18, 0x80, 4, 4, 1}),
        "unused bits are set after row 1"},
       {"a coarser grid", "codes", Becomes({0x20, 5, 4, 8, 0x80, 4, 4, 1}), kAnother},
       {"more bits than needed", "codes", Becomes({9, 0, 0, 0, 0, 0, 0, 0}), kAnother},
       {"nothing but 0", "codes", Becomes(std::vector<uint32_t>(8)), kAnother}});
}

TEST(ValidateTest, palette_of_wide_codes) {
  Values values{1, 300, {}};
  std::vector<uint32_t> codes;
  for (uint32_t i = 0; i < 300; ++i) {
    values.data.push_back(static_cast<float>(i));
    codes.push_back(i);
  }
  codes[7] = 300;
  ExpectRefused(values, Format::kPalette,
                {{"code beyond omega", "codes", Becomes(codes), "row 0, column 7 is beyond omega"},
                 {"too narrow", "codes", Becomes(std::vector<uint32_t>(300, 1)),
                  "codes is U8 where U16 is needed for 300 values"},
                 {"too wide", "codes", [&](Array& a) { a = Typed<uint32_t>(codes); },
                  "codes is U32 where U16"}});
}

TEST(ValidateTest, pcsr) {
  ExpectRefused(Golden(), Format::kPcsr, OmegaCorruptions());
  ExpectRefused(
      Golden(), Format::kPcsr,
      {{"column out of range", "colI", Becomes({1, 2, 4, 0, 3, 2, 3, 0, 2}),
        "colI holds 4, beyond"},
       {"columns fall", "colI", Becomes({2, 1, 3, 0, 3, 2, 3, 0, 2}), "colI does not rise at 1"},
       {"column twice", "colI", Becomes({1, 2, 2, 0, 3, 2, 3, 0, 2}), "colI does not rise at 2"},
       {"columns too wide", "colI", Becomes16({1, 2, 3, 0, 3, 2, 3, 0, 2}), "colI is U16 though"},
       {"columns too long", "colI", Becomes({1, 2, 3, 0, 3, 2, 3, 0, 2, 3}), "codes has 9"},
       {"code out of range", "codes", Becomes({1, 1, 2, 3, 1, 2, 2, 1, 4}),
        "codes holds 4, beyond"},
       {"code of the most frequent", "codes", Becomes({1, 1, 2, 3, 1, 2, 2, 1, 0}),
        "codes lists the most frequent value"},
       {"codes too long", "codes", Becomes({1, 1, 2, 3, 1, 2, 2, 1, 1, 1}), "codes has 10"},
       {"codes too wide", "codes", Becomes16({1, 1, 2, 3, 1, 2, 2, 1, 1}), "codes is U16 though"},
       {"codes' dtype", "codes", BecomesFloats(std::vector<float>(9)), "codes is F32 where"},
       {"rows fall", "rowPtr", Becomes({0, 3, 2, 7, 9}), "rowPtr falls at 2"},
       {"rows start late", "rowPtr", Becomes({1, 3, 5, 7, 9}), "rowPtr does not start at 0"},
       {"rows end early", "rowPtr", Becomes({0, 3, 5, 7, 8}), "rowPtr ends at 8 instead of 9"},
       {"rows beyond", "rowPtr", Becomes({0, 3, 5, 7, 10}), "rowPtr holds 10, beyond"},
       {"rows too wide", "rowPtr", Becomes16({0, 3, 5, 7, 9}), "rowPtr is U16 though"},
       {"omega out of order", "codes", Becomes({2, 2, 2, 3, 1, 2, 2, 1, 1}), "occurs more often"}});
}

TEST(ValidateTest, mask) {
  ExpectRefused(Golden(), Format::kMask, OmegaCorruptions());
  ExpectRefused(
      Golden(), Format::kMask,
      {{"mask's dtype", "mask", Becomes16({14, 9, 12, 5}), "mask is U16 where U8 is needed"},
       {"mask too short", "mask", Becomes({14, 9, 12}), "mask has 3 elements where 4"},
       {"a bit more", "mask", Becomes({14, 11, 12, 5}), "rowPtr ends at 9 instead of 10"},
       {"a bit in another row", "mask", Becomes({6, 13, 12, 5}), "bits of mask in row 0"},
       {"unused bits", "mask", Becomes({0x86, 9, 12, 5}),
        "unused bits of mask are set after row 0"},
       {"codes too short", "codes", Becomes({0x90, 0x14}), "codes has 2 elements where 3"},
       {"codes too long", "codes", Becomes({0x90, 0x14, 0, 0}), "codes has 4 elements where 3"},
       {"codes too wide", "codes", Becomes16({0, 0, 1, 2, 0, 1, 1, 0, 0}),
        "codes is U16 where U8 is needed for 4 values"},
       {"code beyond omega", "codes", Becomes({0xD0, 0x14, 0}), "code 3 is beyond omega"},
       {"unused last bits", "codes", Becomes({0x90, 0x14, 4}),
        "unused bits are set after the last code"},
       {"rows fall", "rowPtr", Becomes({0, 5, 3, 7, 9}), "rowPtr falls at 2"},
       {"rows start late", "rowPtr", Becomes({1, 3, 5, 7, 9}), "rowPtr does not start at 0"},
       {"rows elsewhere", "rowPtr", Becomes({0, 2, 5, 7, 9}), "bits of mask in row 0"},
       {"omega out of order", "codes", Becomes({0x94, 0x55, 0}), "occurs more often"}});
}

TEST(ValidateTest, blocks) {
  constexpr uint16_t k1 = 4U << 11;
  constexpr uint16_t k2 = 8U << 11;
  constexpr uint16_t k3 = 12U << 11;
  const auto codes = [](const std::vector<uint16_t>& c) {
    return [c](Array& a) { a = Array::Copy<uint16_t>(c); };
  };
  using C = std::vector<uint16_t>;
  const C good{0, k1 + 4, k1 + 8, k2 + 12, k1 + 12, k3, k2 + 8, k2 + 12, k1, k1 + 8};
  const auto with = [&](size_t at, uint16_t index) {
    C changed = good;
    changed[at] = index;
    return codes(changed);
  };
  std::vector<Corruption> omega = OmegaCorruptions();
  omega.pop_back();  // one value more makes other indices of all
  ExpectRefused(Golden(), Format::kBlocks, omega);
  ExpectRefused(
      Golden(), Format::kBlocks,
      {{"codes' dtype", "codes", BecomesFloats(std::vector<float>(10)), "codes is F32 where U16"},
       {"packed though many are listed", "codes", Becomes(std::vector<uint32_t>(15, 0)),
        "which is no element's index"},
       {"not whole units", "codes", Becomes(std::vector<uint32_t>(14, 0)), "not whole units of 3"},
       {"an index less", "codes", codes(C(good.begin(), good.end() - 1)), "codes has 9 indices"},
       {"code of the most frequent", "codes", with(2, 8), "which is no element's index"},
       {"code beyond omega", "codes", with(5, 16U << 11), "which is no element's index"},
       {"column beyond the block", "codes", with(5, k3 + 16), "which is no element's index"},
       {"no float's offset", "codes", with(2, k1 + 9), "which is not four times an index"},
       {"filled up twice", "codes", with(1, 0), "which is no element's index"},
       {"falls", "codes", with(3, k1 + 4), "does not rise, or names a column twice"},
       {"column twice", "codes", with(5, k2 + 12), "does not rise, or names a column twice"},
       {"row twice in a class", "rowI", Becomes({0, 1, 1, 3}), "rowI does not rise in a class"},
       {"row twice in a block", "rowI", Becomes({1, 1, 2, 3}), "rowI holds a row twice in block 0"},
       {"row beyond", "rowI", Becomes({0, 1, 2, 4}), "rowI holds 4, beyond"},
       {"rows too wide", "rowI", Becomes16({0, 1, 2, 3}), "rowI is U16 though"},
       {"a row more", "rowI", Becomes({0, 1, 2, 3, 3}), "rowI has 5 elements where 4"},
       {"classes rise", "classes", Becomes({1, 3, 2, 1, 0}), "classes is not descending"},
       {"class without rows", "classes", Becomes({2, 0, 1, 3, 0}), "a class without rows"},
       {"class too long for the block", "classes", Becomes({3, 1, 1, 3, 0}), "not descending"},
       {"no end", "classes", Becomes({2, 1, 1, 3}), "classes ends before the last block"},
       {"empty", "classes", Becomes({}), "classes ends before the last block"},
       {"another block", "classes", Becomes({2, 1, 1, 3, 0, 0}), "goes on after the last block"},
       {"fewer units", "classes", Becomes({1, 4, 0}), "codes has 10 indices, not 8"},
       {"omega out of order", "codes",
        codes({0, k2 + 4, k2 + 8, k2 + 12, k1 + 12, k3, k2 + 8, k2 + 12, k1, k1 + 8}),
        "occurs more often"}});
}

// 1 and 2 occur twice each: 1 comes first, and a matrix that has them the other way round would not
// come out of any encoder.
TEST(ValidateTest, equally_frequent_values_have_one_order) {
  const Values values{2, 4, {0, 1, 2, 0, 1, 0, 0, 2}};
  for (const Format format : {Format::kCer, Format::kCser, Format::kPalette, Format::kPcsr,
                              Format::kMask, Format::kBlocks}) {
    Arrays arrays = Matrix::From(values.View(), format).Arrays();
    for (const auto& omega : {std::vector<float>{0, 2, 1}, {0, 2, -2}, {0, 1, -1}}) {
      Find(arrays, "omega") = Floats(omega);
      const std::string error = Refusal(format, 2, 4, arrays);
      const bool right = omega[1] != omega[2] && std::fabs(omega[1]) <= std::fabs(omega[2]);
      EXPECT_EQ(error.empty(), right) << error << omega[1] << " " << omega[2];
    }
  }
}

TEST(ValidateTest, shapes_out_of_range) {
  for (const Format format : kFormats) {
    const Arrays arrays = Matrix::From(Golden().View(), format).Arrays();
    const std::pair<uint64_t, uint64_t> shapes[] = {{0, 4},
                                                    {4, 0},
                                                    {0, 0},
                                                    {65536, 65536},
                                                    {UINT64_MAX, UINT64_MAX},
                                                    {uint64_t{1} << 32, 1},
                                                    {uint64_t{1} << 32, uint64_t{1} << 32}};
    for (const auto& [rows, cols] : shapes) {
      const std::string error = Refusal(format, rows, cols, arrays);
      EXPECT_NE(error.find("is outside 1 to 4294967295 elements"), std::string::npos) << error;
    }
    for (const auto& [rows, cols] : {std::pair<uint64_t, uint64_t>{3, 4}, {5, 4}, {4, 3}}) {
      if (format == Format::kBlocks && rows == 5) continue;  // one more row without elements
      EXPECT_NE(Refusal(format, rows, cols, arrays), "") << Name(format) << rows << "x" << cols;
    }
  }
}

TEST(ValidateTest, matrices_made_by_hand_without_a_shape) {
  std::string reason;
  EXPECT_FALSE(Matrix(Dense{0, 0, Floats({})}).Validate(&reason));
  EXPECT_EQ(reason, "it is 0 x 0");
  EXPECT_FALSE(Matrix(Cser{}).Validate(nullptr));
}

TEST(ValidateTest, arrays_missing_or_too_many) {
  for (const Format format : kFormats) {
    const Arrays arrays = Matrix::From(Golden().View(), format).Arrays();
    for (size_t i = 0; i < arrays.size(); ++i) {
      Arrays fewer = arrays;
      fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
      const std::string wanted = "the array " + std::string(arrays[i].name) + ", which is missing";
      EXPECT_NE(Refusal(format, 4, 4, fewer).find(wanted), std::string::npos);
      Arrays twice = arrays;
      twice.push_back(arrays[i]);
      EXPECT_NE(Refusal(format, 4, 4, twice).find("arrays, but"), std::string::npos);
    }
    Arrays more = arrays;
    more.push_back({"bonus", Bytes({1})});
    EXPECT_NE(Refusal(format, 4, 4, more).find("arrays, but"), std::string::npos);
    EXPECT_EQ(Refusal(format, 4, 4, {arrays.rbegin(), arrays.rend()}), "") << "in any order";
  }
}

// Few bytes that claim four billion columns: they are a valid matrix, or one that lists a column
// twice, and cost no more memory than they hold.
TEST(ValidateTest, a_few_bytes_claim_billions_of_columns) {
  constexpr uint64_t kCols = 0xFFFFFFFF;
  const std::vector<uint32_t> distinct = {5, kCols - 1, 7};
  const std::vector<uint32_t> twice = {5, kCols - 1, 5};
  for (const auto& columns : {distinct, twice}) {
    const std::string wanted = columns == twice ? "row 0 lists column 5 twice" : "";
    const Arrays cer = {{"omega", Floats({0, 1, 2})},
                        {"colI", Narrowest(columns)},
                        {"omegaPtr", Bytes({0, 2, 3})},
                        {"rowPtr", Bytes({0, 2})}};
    EXPECT_NE(Refusal(Format::kCer, 1, kCols, cer).find(wanted), std::string::npos);
    Arrays cser = cer;
    cser.push_back({"omegaI", Bytes({1, 2})});
    EXPECT_NE(Refusal(Format::kCser, 1, kCols, cser).find(wanted), std::string::npos);
    if (columns == distinct) {
      EXPECT_EQ(Refusal(Format::kCer, 1, kCols, cer) + Refusal(Format::kCser, 1, kCols, cser), "");
    }
  }
}

// ---- Random corruptions ----

// Changes, adds or removes one element of one array, or its type.
void CorruptOne(std::mt19937& rng, Arrays& arrays) {
  Array& array = arrays[rng() % arrays.size()].array;
  if (array.type() == DType::kF32) {
    const auto span = array.As<float>();
    std::vector<float> values(span.begin(), span.end());
    const float choices[] = {0, -0.0F, 1.5F, NAN,
                             values.empty() ? 1 : values[rng() % values.size()]};
    if (!values.empty() && rng() % 8 != 0) {
      values[rng() % values.size()] = choices[rng() % 5];
    } else if (!values.empty() && rng() % 2 == 0) {
      values.pop_back();
    } else {
      values.push_back(choices[rng() % 5]);
    }
    array = Floats(values);
    return;
  }
  std::vector<uint32_t> indices = Indices(array);
  const uint32_t choices[] = {0, 1, static_cast<uint32_t>(rng() % 256), 0xFFFFFFFF,
                              static_cast<uint32_t>(rng() % 70000)};
  const uint32_t value = choices[rng() % 5];
  switch (indices.empty() ? 9 : rng() % 10) {
    case 0:
      indices.pop_back();
      break;
    case 1:
      std::swap(indices[rng() % indices.size()], indices[rng() % indices.size()]);
      break;
    case 2:
    case 3:
      ++indices[rng() % indices.size()];
      break;
    case 4:
    case 5:
      --indices[rng() % indices.size()];
      break;
    case 9:
      indices.push_back(value);
      break;
    default:
      indices[rng() % indices.size()] = value;
  }
  const bool same_type = rng() % 2 == 0;
  array = !same_type                    ? Narrowest(indices)
          : array.type() == DType::kU8  ? Typed<uint8_t>(indices)
          : array.type() == DType::kU16 ? Typed<uint16_t>(indices)
                                        : Typed<uint32_t>(indices);
}

// Accepted arrays must be what encoding the matrix that they mean gives, byte for byte; then they
// can hold nothing that kernels do not expect. AddressSanitizer watches the checks themselves.
TEST(ValidateTest, random_corruptions_are_refused_or_canonical) {
  size_t accepted = 0;
  size_t refused = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 rng(seed);
    const Values values = RandomValues(rng, seed % 10 == 0 ? 24 : 5);
    for (const Format format : kFormats) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " " + std::string(Name(format)));
      if (!Holds(format, values.View())) continue;
      Arrays arrays = Matrix::From(values.View(), format).Arrays();
      CorruptOne(rng, arrays);
      if (rng() % 8 == 0) CorruptOne(rng, arrays);
      if (!Refusal(format, values.rows, values.cols, arrays).empty()) {
        ++refused;
        continue;
      }
      ++accepted;
      const Matrix m = Matrix::FromArrays(format, values.rows, values.cols, arrays);
      const Values decoded{values.rows, values.cols, m.ToDense()};
      ASSERT_TRUE(Same(Matrix::From(decoded.View(), format).Arrays(), m.Arrays()));
    }
  }
  // Both outcomes are met, or this tests nothing.
  EXPECT_GT(accepted, 1000U);
  EXPECT_GT(refused, 5000U);
}

}  // namespace
}  // namespace lowtropy
