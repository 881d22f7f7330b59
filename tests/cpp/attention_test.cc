// SPDX-License-Identifier: Apache-2.0
// attention, layerNorm and softmax along rows, against plain arithmetic in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "nodes.h"

namespace lowtropy {
namespace {

std::vector<float> DrawValues(std::mt19937& random, uint64_t size) {
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = static_cast<float>(random() % 2001) / 500 - 2;
  return values;
}

// Around one, two and four vectors of 4 lanes, a block of exponentials, and a tile's rows.
uint32_t DrawLength(std::mt19937& random) {
  constexpr uint32_t kLengths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65};
  return kLengths[random() % std::size(kLengths)];
}

Shape WithMatrix(Shape heads, uint32_t rows, uint32_t cols) {
  heads.Append(rows);
  heads.Append(cols);
  return heads;
}

// The softmax of a row, in place.
void SoftmaxOf(std::vector<double>& row) {
  const double most = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (double& value : row) sum += value = std::exp(value - most);
  for (double& value : row) value /= sum;
}

// ---- attention ----

void CheckAttention(unsigned seed) {
  std::mt19937 random(seed);
  Shape heads = RandomShape(random, 2);
  const uint32_t rows = DrawLength(random);
  const uint32_t depth = DrawLength(random);
  const uint32_t places = DrawLength(random);
  const uint32_t width = DrawLength(random);
  std::vector<Shape> shapes{WithMatrix(heads, rows, depth),
                            WithMatrix(Narrower(random, heads), depth, places),
                            WithMatrix(Narrower(random, heads), places, width)};
  if (random() % 2 == 0) {
    shapes.push_back(WithMatrix(Narrower(random, heads), random() % 3 == 0 ? 1 : rows,
                                random() % 3 == 0 ? 1 : places));
  }
  std::vector<Given> given;
  std::vector<std::vector<float>> values;
  for (const Shape& shape : shapes) {
    values.push_back(DrawValues(random, shape.size()));
    given.emplace_back(shape, values.back());
  }
  Node node = MakeNode("attention", "a", {});
  node["scale"].number = random() % 2 == 0 ? 1 : 0.25F;
  Shape shape;
  const std::vector<float> output = RunNode<float>(node, given, &shape);
  ASSERT_EQ(shape, WithMatrix(heads, rows, width));
  const auto q = Broadcast(values[0], shapes[0], WithMatrix(heads, rows, depth));
  const auto k = Broadcast(values[1], shapes[1], WithMatrix(heads, depth, places));
  const auto v = Broadcast(values[2], shapes[2], WithMatrix(heads, places, width));
  const auto mask = shapes.size() == 4
                        ? Broadcast(values[3], shapes[3], WithMatrix(heads, rows, places))
                        : std::vector<float>(static_cast<size_t>(heads.size()) * rows * places, 0);
  for (size_t head = 0; head < heads.size(); ++head) {
    for (size_t row = 0; row < rows; ++row) {
      std::vector<double> scores(places, 0);
      for (size_t place = 0; place < places; ++place) {
        for (size_t i = 0; i < depth; ++i) {
          scores[place] += double{q[(head * rows + row) * depth + i]} *
                           double{k[(head * depth + i) * places + place]};
        }
        scores[place] *= double{node.Number("scale")};
        scores[place] += double{mask[(head * rows + row) * places + place]};
      }
      SoftmaxOf(scores);
      for (size_t col = 0; col < width; ++col) {
        double sum = 0;
        for (size_t place = 0; place < places; ++place) {
          sum += scores[place] * double{v[(head * places + place) * width + col]};
        }
        ASSERT_NEAR(double{output[(head * rows + row) * width + col]}, sum, 3e-4);
      }
    }
  }
}

TEST(AttentionTest, RandomHeadsAndMasks) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ASSERT_NO_FATAL_FAILURE(CheckAttention(seed));
  }
}

// The scores of all rows would take 64 MB.
TEST(AttentionTest, NeverHoldsAllScores) {
  const ValueType tokens{ElementType::kFloat32, {4096, 8}};
  const ValueType keys{ElementType::kFloat32, {8, 4096}};
  const Node node = MakeNode("attention", "a", {"q", "k", "v"});
  const Executor executor(
      MakeNetwork({{"q", tokens, {}}, {"k", keys, {}}, {"v", tokens, {}}}, {node}, {"a"}));
  EXPECT_LT(executor.demand().memory, uint64_t{2} << 20);
}

TEST(AttentionTest, Refusals) {
  const ValueType q{ElementType::kFloat32, {2, 3}};
  const ValueType k{ElementType::kFloat32, {3, 5}};
  const ValueType v{ElementType::kFloat32, {5, 4}};
  const ValueType row{ElementType::kFloat32, {3}};
  const Node node = MakeNode("attention", "a", {"q", "k", "v"});
  const std::string end = ", or its mask, do not fit together.";
  ExpectRefused(
      [&] {
        TypeOf(node, {q, v, v});
      },
      "The attention node \"a\": its queries of 2 x 3, keys of 5 x 4 and values of 5 x 4" + end);
  ExpectRefused(
      [&] {
        TypeOf(node, {q, k, row});
      },
      "The attention node \"a\": its queries of 2 x 3, keys of 3 x 5 and values of 3" + end);
  ExpectRefused(
      [&] {
        TypeOf(node, {q, k, v, row});
      },
      "The attention node \"a\": its queries of 2 x 3, keys of 3 x 5 and values of 5 x 4" + end);
  EXPECT_EQ(TypeOf(node, {q, k, v}).shape, (Shape{2, 4}));
}

// ---- layerNorm ----

void CheckLayerNorm(unsigned seed) {
  std::mt19937 random(seed);
  Shape shape = RandomShape(random, 3);
  shape.Append(seed % 10 == 0 ? 3001 : DrawLength(random));
  const size_t axis = random() % shape.rank();
  const uint64_t width = shape.Product(axis, shape.rank());
  Node node = MakeNode("layerNorm", "n", {});
  const bool negative = random() % 2 == 0;
  node["axis"].integers = {static_cast<uint32_t>(axis - (negative ? shape.rank() : 0))};
  node["epsilon"].number = 1e-3F;
  const bool centred = random() % 2 == 0;
  node["centred"].integers = {centred ? 1U : 0U};
  std::vector<Given> given;
  const std::vector<float> x = DrawValues(random, shape.size());
  given.emplace_back(shape, x);
  std::vector<std::vector<float>> sides;
  for (size_t count = random() % 3; sides.size() < count;) {
    sides.push_back(DrawValues(random, width));
    given.emplace_back(Shape{static_cast<uint32_t>(width)}, sides.back());
  }
  const std::vector<float> y = RunNode<float>(node, given);
  const auto count = static_cast<double>(width);
  for (size_t first = 0; first < x.size(); first += static_cast<size_t>(width)) {
    double mean = 0;
    for (size_t i = 0; centred && i < width; ++i) mean += double{x[first + i]} / count;
    double variance = 0;
    for (size_t i = 0; i < width; ++i) variance += std::pow(x[first + i] - mean, 2) / count;
    for (size_t i = 0; i < width; ++i) {
      double value = (double{x[first + i]} - mean) / std::sqrt(variance + 1e-3);
      if (!sides.empty()) value *= double{sides[0][i]};
      if (sides.size() == 2) value += double{sides[1][i]};
      ASSERT_NEAR(double{y[first + i]}, value, 2e-5) << "element " << first + i;
    }
  }
}

TEST(LayerNormTest, RandomRows) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ASSERT_NO_FATAL_FAILURE(CheckLayerNorm(seed));
  }
}

TEST(LayerNormTest, Refusals) {
  const ValueType x{ElementType::kFloat32, {2, 3}};
  Node node = MakeNode("layerNorm", "n", {"x", "g"});
  ExpectRefused(
      [&] {
        TypeOf(node, {x, {ElementType::kFloat32, {2}}});
      },
      "The layerNorm node \"n\": its factors and summands are 2 instead of 3 values.");
  node["axis"].integers = {2};
  ExpectRefused([&] { TypeOf(node, {x}); },
                "The layerNorm node \"n\": its axis 2 is none of a value of 2 dimensions.");
}

// ---- softmax ----

TEST(SoftmaxTest, RowsOfAnyWidth) {
  for (uint32_t width = 1; width < 70; ++width) {
    std::mt19937 random(width);
    const Shape shape{3, width};
    const std::vector<float> x = DrawValues(random, shape.size());
    Node node = MakeNode("softmax", "s", {});
    node["axis"].integers = {1};
    const std::vector<float> y = RunNode<float>(node, {{shape, x}});
    for (size_t row = 0; row < 3; ++row) {
      const auto first = x.begin() + static_cast<std::ptrdiff_t>(row * width);
      std::vector<double> expected(first, first + static_cast<std::ptrdiff_t>(width));
      SoftmaxOf(expected);
      for (size_t i = 0; i < width; ++i) ASSERT_NEAR(y[row * width + i], expected[i], 1e-6);
    }
  }
}

TEST(SoftmaxTest, WhatIsNotFinite) {
  const float inf = std::numeric_limits<float>::infinity();
  Node node = MakeNode("softmax", "s", {});
  node["axis"].integers = {1};
  const std::vector<float> y = RunNode<float>(
      node, {{Shape{3, 2}, std::vector<float>{-inf, 0, std::nanf(""), 0, 3e38F, -3e38F}}});
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 1);
  EXPECT_TRUE(std::isnan(y[2]) && std::isnan(y[3]));
  EXPECT_EQ(y[4], 1);
  EXPECT_EQ(y[5], 0);
}

}  // namespace
}  // namespace lowtropy
