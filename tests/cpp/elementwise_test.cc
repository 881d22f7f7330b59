// SPDX-License-Identifier: Apache-2.0
// Functions of one value, of two whose shapes fit together, where and cast: against their
// definitions in double precision and in integers that do not wrap.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "nodes.h"

namespace lowtropy {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int32_t kLeastInteger = std::numeric_limits<int32_t>::min();
constexpr int32_t kMostInteger = std::numeric_limits<int32_t>::max();

Shape RowOf(size_t size) { return {static_cast<uint32_t>(size)}; }

// ---- Of one value: float32 ----

struct Unary {
  std::string_view name;
  double (*expected)(double);
  float least;  // of the samples
  float most;
  double ulps;      // allowed, of the result,
  double of_x = 0;  // and of the argument: where results are small differences
};

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double Softplus(double x) { return x > 30 ? x : std::log1p(std::exp(x)); }

constexpr double kAlpha = 0.75;  // of all that have one
const Unary kUnary[] = {
    {"neg", [](double x) { return -x; }, -1e30F, 1e30F, 0},
    {"abs", [](double x) { return std::abs(x); }, -1e30F, 1e30F, 0},
    {"sign", [](double x) { return x > 0   ? 1.0
                                   : x < 0 ? -1.0
                                           : 0.0; }, -3, 3, 0},
    {"exp", [](double x) { return std::exp(x); }, -87, 88, 2},
    {"log", [](double x) { return std::log(x); }, 1e-38F, 1e38F, 4},
    {"sqrt", [](double x) { return std::sqrt(x); }, 0, 1e30F, 0.5},
    {"reciprocal", [](double x) { return 1 / x; }, 1e-30F, 1e30F, 0.5},
    {"floor", [](double x) { return std::floor(x); }, -1e3F, 1e3F, 0},
    {"ceil", [](double x) { return std::ceil(x); }, -1e3F, 1e3F, 0},
    {"round", [](double x) { return std::nearbyint(x); }, -1e3F, 1e3F, 0},
    {"sin", [](double x) { return std::sin(x); }, -1e5F, 1e5F, 4, 1e-3},
    {"cos", [](double x) { return std::cos(x); }, -1e5F, 1e5F, 4, 1e-3},
    {"tan", [](double x) { return std::tan(x); }, -1e4F, 1e4F, 1},
    {"asin", [](double x) { return std::asin(x); }, -1, 1, 2},
    {"acos", [](double x) { return std::acos(x); }, -1, 1, 2},
    {"atan", [](double x) { return std::atan(x); }, -1e3F, 1e3F, 2},
    {"sinh", [](double x) { return std::sinh(x); }, -80, 80, 2},
    {"cosh", [](double x) { return std::cosh(x); }, -80, 80, 2},
    {"tanh", [](double x) { return std::tanh(x); }, -12, 12, 4},
    {"asinh", [](double x) { return std::asinh(x); }, -1e4F, 1e4F, 2},
    {"acosh", [](double x) { return std::acosh(x); }, 1, 1e4F, 2},
    {"atanh", [](double x) { return std::atanh(x); }, -0.9999F, 0.9999F, 2},
    {"sigmoid", Sigmoid, -80, 80, 4},
    {"erf", [](double x) { return std::erf(x); }, -5, 5, 8},
    {"softplus", Softplus, -80, 80, 4},
    {"softsign", [](double x) { return x / (1 + std::abs(x)); }, -1e5F, 1e5F, 2},
    {"elu", [](double x) { return x >= 0 ? x : kAlpha * std::expm1(x); }, -20, 20, 5},
    {"selu", [](double x) { return double{1.05070102F} * (x >= 0 ? x : kAlpha * std::expm1(x)); },
     -20, 20, 6},
    {"celu", [](double x) { return x >= 0 ? x : kAlpha * std::expm1(x / kAlpha); }, -20, 20, 6},
    {"leakyRelu", [](double x) { return x >= 0 ? x : kAlpha * x; }, -1e5F, 1e5F, 0.5},
    {"hardSigmoid", [](double x) { return std::min(1.0, std::max(0.0, kAlpha * x + 0.5)); }, -2, 2,
     2, 1},
    {"mish", [](double x) { return x * std::tanh(Softplus(x)); }, -20, 40, 8},
    {"silu", [](double x) { return x / (1 + std::exp(-x)); }, -20, 40, 8},
    {"gelu", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }, -6, 6, 4, 4},
    {"thresholdedRelu", [](double x) { return x > kAlpha ? x : 0; }, -3, 3, 0},
    {"clip", [](double x) { return std::min(1.5, std::max(-0.5, x)); }, -3, 3, 0},
};

Node UnaryNode(std::string_view name) {
  Node node = MakeNode(name, "y", {"x"});
  for (size_t i = 0; i < node.attributes.size(); ++i) {
    if (node.op->attributes[i].name == "alpha") node.attributes[i].number = float{kAlpha};
  }
  if (name == "clip") {
    node["least"].number = -0.5F;
    node["most"].number = 1.5F;
  }
  return node;
}

double UlpOf(double value) {
  const auto magnitude = static_cast<float>(std::abs(value));
  if (!(magnitude < std::numeric_limits<float>::max())) return 1e30;
  return double{std::nextafter(magnitude, kInf)} - double{magnitude};
}

void ExpectNear(const Unary& unary, float x, float y) {
  const double expected = unary.expected(double{x});
  const double bound = unary.ulps * UlpOf(expected) + unary.of_x * UlpOf(double{x});
  ASSERT_LE(std::abs(double{y} - expected), bound)
      << unary.name << "(" << x << ") = " << y << ", not " << expected << ": "
      << std::abs(double{y} - expected) / UlpOf(expected) << " units";
}

TEST(ElementwiseTest, FunctionsOfOneFloat) {
  for (const Unary& unary : kUnary) {
    SCOPED_TRACE(unary.name);
    std::mt19937 random(7);
    std::vector<float> x;
    for (size_t i = 0; i < 20001; ++i) {
      // Evenly, and evenly in magnitude.
      const auto share = static_cast<float>(random() % 1000001) / 1e6F;
      const float even = unary.least + share * (unary.most - unary.least);
      const float small = std::ldexp(even, -static_cast<int>(random() % 20));
      x.push_back(i % 2 == 0 || small < unary.least ? even : small);
    }
    const std::vector<float> y = RunNode<float>(UnaryNode(unary.name), {{RowOf(x.size()), x}});
    ASSERT_EQ(y.size(), x.size());
    for (size_t i = 0; i < x.size(); ++i) ExpectNear(unary, x[i], y[i]);
  }
}

TEST(ElementwiseTest, FunctionsOfOneFloatOfAllSizes) {
  for (const Unary& unary : kUnary) {
    for (const size_t size : {1U, 2U, 15U, 16U, 17U, 31U, 33U}) {
      std::vector<float> x(size);
      for (size_t i = 0; i < size; ++i) {
        const float share = static_cast<float>(i + 1) / 40;
        x[i] = unary.least / 4 + (unary.most / 4 - unary.least / 4) * share;
        x[i] = std::max(x[i], unary.least);
      }
      const std::vector<float> y = RunNode<float>(UnaryNode(unary.name), {{RowOf(size), x}});
      for (size_t i = 0; i < size; ++i) ExpectNear(unary, x[i], y[i]);
    }
  }
}

// Whatever is no ordinary number: as in double precision, signs of zeros included.
TEST(ElementwiseTest, SpecialValuesOfFunctionsOfOneFloat) {
  const std::vector<float> x{kNaN,   kInf,    -kInf, 0.0F,        -0.0F,   1e-40F,   -1e-40F,
                             1e-20F, -1e-20F, 1e38F, -1e38F,      100,     -100,     2,
                             -2,     0.5F,    1.5F,  2.5F,        -0.5F,   -1.5F,    3e9F,
                             -3e9F,  1,       -1,    0.49999997F, 8388609, -8388609, 65536};
  for (const Unary& unary : kUnary) {
    const std::vector<float> y = RunNode<float>(UnaryNode(unary.name), {{RowOf(x.size()), x}});
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = unary.expected(double{x[i]});
      SCOPED_TRACE(std::string(unary.name) + " of " + std::to_string(x[i]));
      const auto rounded = static_cast<float>(expected);
      if (std::isnan(x[i])) {
        EXPECT_TRUE(std::isnan(y[i])) << y[i];
      } else if (unary.name == "thresholdedRelu" || unary.name == "clip") {
        EXPECT_EQ(y[i], rounded);
      } else if (std::isnan(rounded) || std::isinf(rounded)) {
        EXPECT_TRUE(std::isnan(rounded) ? std::isnan(y[i]) : y[i] == rounded) << y[i];
      } else {
        const double bound = 8 * std::max(UlpOf(expected), 1.2e-38);
        const double of_x = std::isfinite(x[i]) ? unary.of_x * UlpOf(double{x[i]}) : 0;
        EXPECT_LE(std::abs(double{y[i]} - expected), bound + of_x) << y[i] << " not " << expected;
      }
    }
  }
}

TEST(ElementwiseTest, RoundingIsHalfToEven) {
  const std::vector<float> x{0.5F, 1.5F, 2.5F, -0.5F, -1.5F, -2.5F, 0.50000006F, -0.2F};
  EXPECT_EQ(RunNode<float>(MakeNode("round", "y", {}), {{RowOf(8), x}}),
            (std::vector<float>{0, 2, 2, 0, -2, -2, 1, 0}));
}

TEST(ElementwiseTest, ClipWithoutBoundsLeavesInfinitiesAlone) {
  const std::vector<float> y =
      RunNode<float>(MakeNode("clip", "y", {}), {{{4}, std::vector<float>{kInf, -kInf, kNaN, -3}}});
  EXPECT_EQ(y[0], kInf);
  EXPECT_EQ(y[1], -kInf);
  EXPECT_TRUE(std::isnan(y[2]));
  EXPECT_EQ(y[3], -3);
}

TEST(ElementwiseTest, GeluByTanh) {
  Node node = MakeNode("gelu", "y", {});
  node["tanh"].integers = {1};
  const std::vector<float> x{-kInf, -30, -3, -1, -0.1F, 0, 0.1F, 1, 3, 30, kInf};
  const std::vector<float> y = RunNode<float>(node, {{RowOf(x.size()), x}});
  for (size_t i = 1; i + 1 < x.size(); ++i) {
    const double v = double{x[i]};
    const double inner = std::sqrt(2 / 3.14159265358979) * (v + 0.044715 * v * v * v);
    EXPECT_NEAR(double{y[i]}, 0.5 * v * (1 + std::tanh(inner)), 1e-6 * std::abs(v)) << v;
  }
  EXPECT_EQ(y.back(), kInf);
}

TEST(ElementwiseTest, WhatIsNoNumber) {
  const std::vector<float> x{0, kNaN, kInf, -kInf, std::numeric_limits<float>::max(), -kNaN};
  EXPECT_EQ(RunNode<uint8_t>(MakeNode("isNaN", "y", {}), {{{6}, x}}),
            (std::vector<uint8_t>{0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(RunNode<uint8_t>(MakeNode("isInf", "y", {}), {{{6}, x}}),
            (std::vector<uint8_t>{0, 0, 1, 1, 0, 0}));
}

// ---- Of one value: int32 and bool ----

TEST(ElementwiseTest, FunctionsOfOneInteger) {
  const std::vector<int32_t> x{0, 1, -1, 7, -7, kMostInteger, kLeastInteger};
  const auto run = [&](std::string_view name) {
    return RunNode<int32_t>(UnaryNode(name), {{{7}, x}});
  };
  using Integers = std::vector<int32_t>;
  EXPECT_EQ(run("neg"), (Integers{0, -1, 1, -7, 7, -kMostInteger, kLeastInteger}));
  EXPECT_EQ(run("abs"), (Integers{0, 1, 1, 7, 7, kMostInteger, kLeastInteger}));
  EXPECT_EQ(run("sign"), (Integers{0, 1, -1, 1, -1, 1, -1}));
  EXPECT_EQ(run("bitNot"), (Integers{-1, -2, 0, -8, 6, kLeastInteger, kMostInteger}));
  EXPECT_EQ(run("clip"), (Integers{0, 1, 0, 1, 0, 1, 0}));  // -0.5 to 1.5
  EXPECT_EQ(RunNode<int32_t>(MakeNode("clip", "y", {}), {{{7}, x}}), x);
  EXPECT_EQ(RunNode<uint8_t>(MakeNode("not", "y", {}), {{{3}, std::vector<uint8_t>{0, 1, 0}}}),
            (std::vector<uint8_t>{1, 0, 1}));
}

TEST(ElementwiseTest, Cast) {
  const auto to = [](std::string_view type) {
    Node node = MakeNode("cast", "y", {});
    node["type"].integers = {type == "float32" ? 0U : type == "int32" ? 1U : 2U};
    return node;
  };
  const std::vector<float> x{1.9F,           -1.9F, kNaN,  kInf,   -kInf,      2147483648.0F,
                             -2147483648.0F, 0,     -0.0F, 1e-40F, 2147483520, -3e9F};
  EXPECT_EQ(RunNode<int32_t>(to("int32"), {{{12}, x}}),
            (std::vector<int32_t>{1, -1, 0, kMostInteger, kLeastInteger, kMostInteger,
                                  kLeastInteger, 0, 0, 0, 2147483520, kLeastInteger}));
  EXPECT_EQ(RunNode<uint8_t>(to("bool"), {{{12}, x}}),
            (std::vector<uint8_t>{1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}));
  const std::vector<int32_t> integers{0, 1, -5, kMostInteger, kLeastInteger};
  EXPECT_EQ(RunNode<float>(to("float32"), {{{5}, integers}}),
            (std::vector<float>{0, 1, -5, 2147483648.0F, -2147483648.0F}));
  EXPECT_EQ(RunNode<uint8_t>(to("bool"), {{{5}, integers}}), (std::vector<uint8_t>{0, 1, 1, 1, 1}));
  EXPECT_EQ(RunNode<int32_t>(to("int32"), {{{5}, integers}}), integers);
  for (const size_t size : {1U, 4U, 16U, 21U}) {
    std::vector<uint8_t> bools(size);
    for (size_t i = 0; i < size; ++i) bools[i] = i % 3 == 0 ? 1 : 0;
    const std::vector<float> floats = RunNode<float>(to("float32"), {{RowOf(size), bools}});
    const std::vector<int32_t> all = RunNode<int32_t>(to("int32"), {{RowOf(size), bools}});
    for (size_t i = 0; i < size; ++i) {
      EXPECT_EQ(floats[i], bools[i]);
      EXPECT_EQ(all[i], bools[i]);
    }
    EXPECT_EQ(RunNode<uint8_t>(to("bool"), {{RowOf(size), bools}}), bools);
  }
}

// ---- Of two values ----

// The random shapes of both, and all that is needed to compare.
struct Pair {
  explicit Pair(unsigned seed) : random(seed) {
    const Shape whole = RandomShape(random, kMaxRank);
    a = Narrower(random, whole);
    b = Narrower(random, whole);
  }

  template <class T, class F>
  std::vector<T> Draw(const Shape& shape, const F& draw) {
    std::vector<T> values(static_cast<size_t>(shape.size()));
    for (T& value : values) value = static_cast<T>(draw());
    return values;
  }

  // Runs the node and compares it, element by element, with expected(x, y).
  template <class From, class To, class F>
  void Check(std::string_view name, const std::vector<From>& x, const std::vector<From>& y,
             const F& expected, const Node* node = nullptr) {
    SCOPED_TRACE(name);
    Shape shape;
    const std::vector<To> z =
        RunNode<To>(node != nullptr ? *node : MakeNode(name, "z", {}), {{a, x}, {b, y}}, &shape);
    const std::vector<From> all_x = Broadcast(x, a, shape);
    const std::vector<From> all_y = Broadcast(y, b, shape);
    ASSERT_EQ(z.size(), all_x.size());
    for (size_t i = 0; i < z.size(); ++i) {
      const To want = static_cast<To>(expected(all_x[i], all_y[i]));
      const bool equal = z[i] == want || (want != want && z[i] != z[i]);
      ASSERT_TRUE(equal) << all_x[i] << ", " << all_y[i] << ": " << z[i] << " not " << want;
    }
  }

  std::mt19937 random;
  Shape a;
  Shape b;
};

constexpr float kFloats[] = {0, -0.0F, 1, -1, 2, 0.5F, -2.5F, 3, 7.25F, kInf, -kInf, kNaN, 1e30F};

void CheckFloats(unsigned seed) {
  Pair pair(seed);
  const auto draw = [&] {
    return pair.random() % 3 == 0 ? kFloats[pair.random() % std::size(kFloats)]
                                  : static_cast<float>(pair.random() % 2001) / 8 - 125;
  };
  const std::vector<float> x = pair.Draw<float>(pair.a, draw);
  const std::vector<float> y = pair.Draw<float>(pair.b, draw);
  const auto check = [&](std::string_view name, float (*expected)(float, float)) {
    pair.Check<float, float>(name, x, y, expected);
  };
  check("sub", [](float a, float b) { return a - b; });
  check("div", [](float a, float b) { return a / b; });
  check("min", [](float a, float b) { return a != a || b != b ? kNaN : std::min(a, b); });
  check("max", [](float a, float b) { return a != a || b != b ? kNaN : std::max(a, b); });
  check("pow", [](float a, float b) { return std::pow(a, b); });
  check("prelu", [](float a, float b) { return a < 0 ? a * b : a; });
  Node fmod = MakeNode("mod", "z", {});
  fmod["fmod"].integers = {1};
  pair.Check<float, float>(
      "mod", x, y, [](float a, float b) { return std::fmod(a, b); }, &fmod);
  pair.Check<float, uint8_t>("equal", x, y, [](float a, float b) { return a == b; });
  pair.Check<float, uint8_t>("less", x, y, [](float a, float b) { return a < b; });
  pair.Check<float, uint8_t>("lessOrEqual", x, y, [](float a, float b) { return a <= b; });
  pair.Check<float, uint8_t>("greater", x, y, [](float a, float b) { return a > b; });
  pair.Check<float, uint8_t>("greaterOrEqual", x, y, [](float a, float b) { return a >= b; });
}

TEST(ElementwiseTest, FunctionsOfTwoFloats) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckFloats(seed);
  }
}

constexpr int32_t kIntegers[] = {0, 1, -1, 2, -2, 31, 32, 33, 5, -7, kMostInteger, kLeastInteger};

int32_t Wrap(int64_t value) { return static_cast<int32_t>(static_cast<uint64_t>(value)); }

int32_t ReferenceMod(int32_t a, int32_t b) {
  if (b == 0) return 0;
  const int64_t rest = int64_t{a} % b;
  return static_cast<int32_t>(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

int32_t ReferencePower(int32_t a, int32_t b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  if (b > 100) b = 64 + b % 64;  // a power of 2 of an even number is 0 by then; of an odd one below
  int32_t power = 1;
  for (int32_t i = 0; i < b; ++i) power = Wrap(int64_t{power} * a);
  return power;
}

void CheckIntegers(unsigned seed) {
  Pair pair(seed);
  const auto draw = [&] {
    return pair.random() % 2 == 0 ? kIntegers[pair.random() % std::size(kIntegers)]
                                  : static_cast<int32_t>(pair.random() % 21) - 10;
  };
  const std::vector<int32_t> x = pair.Draw<int32_t>(pair.a, draw);
  const std::vector<int32_t> y = pair.Draw<int32_t>(pair.b, draw);
  const auto check = [&](std::string_view name, int32_t (*expected)(int32_t, int32_t)) {
    pair.Check<int32_t, int32_t>(name, x, y, expected);
  };
  check("sum", [](int32_t a, int32_t b) { return Wrap(int64_t{a} + b); });
  check("sub", [](int32_t a, int32_t b) { return Wrap(int64_t{a} - b); });
  check("mul", [](int32_t a, int32_t b) { return Wrap(int64_t{a} * b); });
  check("div", [](int32_t a, int32_t b) { return b == 0 ? 0 : Wrap(int64_t{a} / b); });
  check("min", [](int32_t a, int32_t b) { return std::min(a, b); });
  check("max", [](int32_t a, int32_t b) { return std::max(a, b); });
  check("mod", ReferenceMod);
  check("bitAnd", [](int32_t a, int32_t b) { return a & b; });
  check("bitOr", [](int32_t a, int32_t b) { return a | b; });
  check("bitXor", [](int32_t a, int32_t b) { return a ^ b; });
  check("shiftLeft", [](int32_t a, int32_t b) {
    return b < 0 || b > 31 ? 0 : Wrap(int64_t{a} * (int64_t{1} << b));
  });
  check("shiftRight", [](int32_t a, int32_t b) {
    return b < 0 || b > 31 ? 0 : Wrap(int64_t{static_cast<uint32_t>(a)} >> b);
  });
  Node fmod = MakeNode("mod", "z", {});
  fmod["fmod"].integers = {1};
  pair.Check<int32_t, int32_t>(
      "mod", x, y, [](int32_t a, int32_t b) { return b == 0 ? 0 : Wrap(int64_t{a} % b); }, &fmod);
  pair.Check<int32_t, uint8_t>("equal", x, y, [](int32_t a, int32_t b) { return a == b; });
  pair.Check<int32_t, uint8_t>("less", x, y, [](int32_t a, int32_t b) { return a < b; });
  pair.Check<int32_t, uint8_t>("greaterOrEqual", x, y, [](int32_t a, int32_t b) { return a >= b; });
  const std::vector<int32_t> exponents =
      pair.Draw<int32_t>(pair.b, [&] { return static_cast<int32_t>(pair.random() % 60) - 8; });
  pair.Check<int32_t, int32_t>("pow", x, exponents, ReferencePower);
}

TEST(ElementwiseTest, FunctionsOfTwoIntegers) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckIntegers(seed);
  }
}

TEST(ElementwiseTest, FunctionsOfTwoBools) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair(seed);
    const auto draw = [&] { return pair.random() % 2; };
    const std::vector<uint8_t> x = pair.Draw<uint8_t>(pair.a, draw);
    const std::vector<uint8_t> y = pair.Draw<uint8_t>(pair.b, draw);
    pair.Check<uint8_t, uint8_t>("and", x, y, [](int a, int b) { return a & b; });
    pair.Check<uint8_t, uint8_t>("or", x, y, [](int a, int b) { return a | b; });
    pair.Check<uint8_t, uint8_t>("xor", x, y, [](int a, int b) { return a ^ b; });
    pair.Check<uint8_t, uint8_t>("equal", x, y, [](int a, int b) { return a == b; });
  }
}

TEST(ElementwiseTest, RowsLongerThanAChunk) {
  for (const size_t size : {255U, 256U, 257U, 1000U}) {
    std::vector<float> x(size);
    for (size_t i = 0; i < size; ++i) x[i] = static_cast<float>(i);
    const std::vector<float> y =
        RunNode<float>(MakeNode("sub", "y", {}), {{{}, std::vector<float>{3}}, {RowOf(size), x}});
    for (size_t i = 0; i < size; ++i) ASSERT_EQ(y[i], 3 - x[i]);
  }
}

TEST(ElementwiseTest, FloatsModulo) {
  const std::vector<float> x{5.5F, -5.5F, 5.5F, -5.5F, 6, -6};
  const std::vector<float> y{3, 3, -3, -3, 3, 3};
  EXPECT_EQ(RunNode<float>(MakeNode("mod", "z", {}), {{{6}, x}, {{6}, y}}),
            (std::vector<float>{2.5F, 0.5F, -0.5F, -2.5F, 0, 0}));
}

template <class T>
void CheckWhere(unsigned seed) {
  std::mt19937 random(seed);
  const Shape whole = RandomShape(random, kMaxRank);
  const Shape shapes[] = {Narrower(random, whole), Narrower(random, whole),
                          Narrower(random, whole)};
  std::vector<uint8_t> condition(static_cast<size_t>(shapes[0].size()));
  for (uint8_t& value : condition) value = random() % 2;
  std::vector<T> x(static_cast<size_t>(shapes[1].size()));
  std::vector<T> y(static_cast<size_t>(shapes[2].size()));
  for (T& value : x) value = static_cast<T>(random() % 2);
  for (T& value : y) value = static_cast<T>(random() % 2);
  Shape shape;
  const std::vector<T> z = RunNode<T>(
      MakeNode("where", "z", {}), {{shapes[0], condition}, {shapes[1], x}, {shapes[2], y}}, &shape);
  const std::vector<uint8_t> all = Broadcast(condition, shapes[0], shape);
  const std::vector<T> all_x = Broadcast(x, shapes[1], shape);
  const std::vector<T> all_y = Broadcast(y, shapes[2], shape);
  for (size_t i = 0; i < z.size(); ++i) ASSERT_EQ(z[i], all[i] != 0 ? all_x[i] : all_y[i]) << i;
}

TEST(ElementwiseTest, Where) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckWhere<float>(seed);
    CheckWhere<int32_t>(seed);
    CheckWhere<uint8_t>(seed);
  }
}

// Bools of one byte share the place of one float: a smaller one must not be written over.
TEST(ElementwiseTest, SmallBoolsAreNotWrittenOver) {
  Node last = MakeNode("or", "z", {"n", "x"});
  Executor executor(MakeNetwork(
      {{"x", {ElementType::kBool, {2, 2}}, {}}, {"y", {ElementType::kBool, {2, 1}}, {}}},
      {MakeNode("not", "n", {"y"}), last}, {"z"}));
  Fill(executor, 0, std::vector<uint8_t>{0, 0, 0, 0});
  Fill(executor, 1, std::vector<uint8_t>{1, 0});
  RunAll(executor);
  EXPECT_EQ(OutputOf<uint8_t>(executor, 0), (std::vector<uint8_t>{0, 0, 1, 1}));
}

TEST(ElementwiseTest, Refusals) {
  const ValueType floats{ElementType::kFloat32, {2, 3}};
  const ValueType integers{ElementType::kInt32, {2, 3}};
  const ValueType bools{ElementType::kBool, {2}};
  ExpectRefused([&] { TypeOf(MakeNode("exp", "e", {"x"}), {integers}); },
                "The exp node \"e\": it does not take int32 values.");
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("and", "e", {"x", "y"}), {floats, floats});
      },
      "The and node \"e\": it does not take float32 values.");
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("sub", "e", {"x", "y"}), {floats, integers});
      },
      "The sub node \"e\": its inputs are of float32 and of int32.");
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("where", "e", {"c", "x", "y"}), {floats, floats, floats});
      },
      "The where node \"e\": it takes bool and two of one type, not float32, float32 and "
      "float32.");
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("where", "e", {"c", "x", "y"}), {bools, floats, floats});
      },
      "The where node \"e\": its inputs of 2 and 2 x 3 do not fit together.");
}

TEST(ElementwiseTest, FakeQuantize) {
  std::mt19937 random(1);
  for (const float zero : {0.0F, 3.0F, -128.0F}) {
    Node node = MakeNode("fakeQuantize", "y", {});
    node["scale"].number = 0.25F;
    node["zeroPoint"].number = zero;
    node["least"].number = -128;
    node["most"].number = 100;
    std::vector<float> x{0.125F, 0.375F, -0.125F, 1e9F, -1e9F};  // to the even one, and beyond
    while (x.size() < 67) x.push_back(static_cast<float>(random() % 20000) / 200 - 50);
    const std::vector<float> y = RunNode<float>(node, {{Shape{67}, x}});
    for (size_t i = 0; i < x.size(); ++i) {
      const double whole = std::nearbyint(double{x[i]} / 0.25) + double{zero};
      const double expected = (std::min(std::max(whole, -128.0), 100.0) - double{zero}) * 0.25;
      ASSERT_EQ(double{y[i]}, expected) << x[i];
    }
  }
}

TEST(ElementwiseTest, FakeQuantizeNeedsAScale) {
  Node node = MakeNode("fakeQuantize", "y", {});
  node["scale"].number = 0;
  ExpectRefused(
      [&] {
        RunNode<float>(node, {{Shape{1}, std::vector<float>{1}}});
      },
      "The fakeQuantize node \"y\": its scale has to be a positive number, and its other "
      "numbers finite.");
}

}  // namespace
}  // namespace lowtropy
