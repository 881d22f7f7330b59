// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/base/decimal.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

constexpr int kMostDigits = 9;      // tell all floats apart
constexpr int kMostExponent = 400;  // beyond which all is 0 or infinite

// value · 10^exponent. With some 110 bits in between (64 on x86) all roundings are far smaller than
// what tells texts of floats apart.
long double Scaled(long double value, int exponent) {
  const long double factor = exponent < 0 ? 0.1L : 10.0L;
  for (int n = std::min(std::abs(exponent), kMostExponent); n != 0; --n) value *= factor;
  return value;
}

// The integer that is nearest to number · 10^exponent, of two the even one.
uint64_t Rounded(double number, int exponent) {
  const long double twice = Scaled(2 * number, exponent);
  const auto halves = static_cast<uint64_t>(twice);
  const uint64_t up = (halves + 1) / 2;
  const bool is_tie = halves % 2 != 0 && static_cast<long double>(halves) == twice;
  return is_tie ? up / 2 * 2 : up;
}

// The first digits of a positive number, as an integer, and the power of ten of the first of them.
struct Digits {
  uint64_t integer;
  int exponent;
};

Digits FirstDigits(double number, int count, int exponent) {
  uint64_t limit = 1;
  for (int n = 0; n < count; ++n) limit *= 10;
  const uint64_t integer = Rounded(number, count - 1 - exponent);
  if (integer < limit) return {integer, exponent};
  return {integer / 10, exponent + 1};  // it was rounded to 10…0
}

// The power of ten of a positive number's first digit.
int Exponent(double number) {
  int exponent = static_cast<int>(std::floor(std::ilogb(number) * 0.30103));
  if (Scaled(number, -exponent - 1) >= 1) ++exponent;
  return exponent;
}

// As C's %.<count>g writes it, which has no zeros at the end.
std::string AsText(Digits digits, int count) {
  const int exponent = digits.exponent;
  const bool fixed = exponent >= -4 && exponent < count;
  while (digits.integer % 10 == 0) digits.integer /= 10;
  std::string text = Text(digits.integer);
  const int length = static_cast<int>(text.size());
  if (!fixed) {
    if (length > 1) text.insert(1, ".");
    const std::string power = Text(std::abs(exponent));
    return Text(text, exponent < 0 ? "e-" : "e+", power.size() < 2 ? "0" : "", power);
  }
  if (exponent < 0) return Text("0.", std::string(static_cast<size_t>(-1 - exponent), '0'), text);
  if (length <= exponent + 1) return text.append(static_cast<size_t>(exponent + 1 - length), '0');
  return text.insert(static_cast<size_t>(exponent) + 1, ".");
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

float ParseFloat(std::string_view text) {
  constexpr uint64_t kMostMantissa = 1'000'000'000'000'000'000;
  uint64_t mantissa = 0;
  int exponent = 0;
  bool fraction = false;
  size_t at = text.starts_with('-') ? 1 : 0;
  for (; at < text.size() && (text[at] == '.' || IsDigit(text[at])); ++at) {
    if (text[at] == '.') {
      fraction = true;
    } else if (mantissa < kMostMantissa) {
      mantissa = 10 * mantissa + static_cast<uint64_t>(text[at] - '0');
      exponent -= fraction ? 1 : 0;
    } else {
      exponent += fraction ? 0 : 1;
    }
  }
  if (at < text.size()) {
    const bool negative = text[++at] == '-';
    if (!IsDigit(text[at])) ++at;
    int written = 0;
    for (; at < text.size(); ++at) written = std::min(10 * written + (text[at] - '0'), 100'000);
    exponent += negative ? -written : written;
  }
  const long double value = Scaled(static_cast<long double>(mantissa), exponent);
  return static_cast<float>(text.starts_with('-') ? -value : value);
}

std::string Shortest(double number) {
  if (std::isnan(number)) return "nan";
  const std::string sign = std::signbit(number) ? "-" : "";
  const double size = std::fabs(number);
  if (size == 0 || std::isinf(size)) return sign + (size == 0 ? "0" : "inf");
  const int exponent = Exponent(size);
  std::string text;
  for (int count = 1; count <= kMostDigits; ++count) {
    text = AsText(FirstDigits(size, count, exponent), count);
    if (Bits(ParseFloat(text)) == Bits(static_cast<float>(size))) break;
  }
  return sign + text;
}

std::string Fixed(double number, int digits) {
  if (number >= 1e15) return Shortest(number);
  std::string text = Text(Rounded(number, digits));
  const auto behind = static_cast<size_t>(digits);
  if (behind == 0) return text;
  if (text.size() <= behind) text.insert(0, behind + 1 - text.size(), '0');
  return text.insert(text.size() - behind, ".");
}

}  // namespace lowtropy
