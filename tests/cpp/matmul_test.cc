// SPDX-License-Identifier: Apache-2.0
// matMul, linear and lookup, against products in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "forged_model.h"
#include "lowtropy/matrix/matrix.h"
#include "nodes.h"

namespace lowtropy {
namespace {

std::vector<float> Draw(std::mt19937& random, uint64_t size) {
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = static_cast<float>(random() % 201) / 100 - 1;
  return values;
}

// ---- matMul ----

// Sizes around one, two and four vectors, and around the four rows of a tile.
uint32_t DrawSize(std::mt19937& random) {
  constexpr uint32_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65};
  return kSizes[random() % std::size(kSizes)];
}

struct MatMulCase {
  explicit MatMulCase(unsigned seed) : random(seed) {
    Shape batch = RandomShape(random, 4);
    for (uint32_t& dim : batch.dims()) dim = 1 + dim % 3;
    const uint32_t m = DrawSize(random);
    const uint32_t k = DrawSize(random);
    const uint32_t n = DrawSize(random);
    a = Narrower(random, batch);
    b = Narrower(random, batch);
    if (random() % 6 == 0) a = Shape();
    if (random() % 6 == 0) b = Shape();
    const bool row = a.rank() == 0 && random() % 2 == 0;
    const bool column = b.rank() == 0 && random() % 2 == 0;
    if (!row) a.Append(m);
    a.Append(k);
    b.Append(k);
    if (!column) b.Append(n);
    wide_a = row ? Shape{1, k} : a;
    wide_b = column ? Shape{k, 1} : b;
  }

  std::mt19937 random;
  Shape a;
  Shape b;
  Shape wide_a;  // with at least two dimensions
  Shape wide_b;
};

size_t RankOf(const Shape& shape) { return shape.rank(); }

void CheckMatMul(unsigned seed) {
  MatMulCase c(seed);
  const std::vector<float> x = Draw(c.random, c.a.size());
  const std::vector<float> y = Draw(c.random, c.b.size());
  Shape shape;
  const std::vector<float> z =
      RunNode<float>(MakeNode("matMul", "z", {}), {{c.a, x}, {c.b, y}}, &shape);
  // The output with rows and columns, whatever was left out.
  Shape whole = shape;
  if (RankOf(c.a) == 1 && RankOf(c.b) == 1) {
    whole = {1, 1};
  } else if (RankOf(c.b) == 1) {
    whole.Append(1);
  } else if (RankOf(c.a) == 1) {
    const uint32_t n = shape[shape.rank() - 1];
    whole[shape.rank() - 1] = 1;
    whole.Append(n);
  }
  const uint32_t k = c.a[c.a.rank() - 1];
  const auto place = [&](const Shape& own, const std::vector<uint32_t>& at, uint32_t row,
                         uint32_t col) {
    std::vector<uint32_t> indices(at.end() - static_cast<std::ptrdiff_t>(own.rank()), at.end());
    for (size_t i = 0; i + 2 < own.rank(); ++i) indices[i] %= own[i];
    indices[own.rank() - 2] = row;
    indices[own.rank() - 1] = col;
    return PlaceOf(own, indices);
  };
  ASSERT_EQ(z.size(), whole.size());
  for (size_t i = 0; i < z.size(); ++i) {
    const std::vector<uint32_t> at = IndicesOf(whole, i);
    const uint32_t row = at[at.size() - 2];
    const uint32_t col = at[at.size() - 1];
    double sum = 0;
    for (uint32_t j = 0; j < k; ++j) {
      sum += double{x[place(c.wide_a, at, row, j)]} * double{y[place(c.wide_b, at, j, col)]};
    }
    ASSERT_NEAR(double{z[i]}, sum, 1e-5) << i;
  }
}

TEST(MatMulTest, BatchesAndRanks) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    CheckMatMul(seed);
  }
}

TEST(MatMulTest, RowsOfSeveralPartsAndARunInPieces) {
  std::mt19937 random(1);
  const std::vector<float> x = Draw(random, 150 * 20);
  const std::vector<float> y = Draw(random, 20 * 30);
  Executor executor(MakeNetwork(
      {{"x", {ElementType::kFloat32, {150, 20}}, {}}, {"y", {ElementType::kFloat32, {20, 30}}, {}}},
      {MakeNode("matMul", "z", {"x", "y"})}, {"z"}));
  Fill(executor, 0, x);
  Fill(executor, 1, y);
  RunAll(executor);
  const std::vector<float> whole = OutputOf<float>(executor, 0);
  Fill(executor, 0, x);
  Fill(executor, 1, y);
  executor.Start();
  int pieces = 1;
  while (!executor.Advance(1)) ++pieces;
  EXPECT_EQ(pieces, 3);
  EXPECT_EQ(OutputOf<float>(executor, 0), whole);
  for (size_t i = 0; i < whole.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < 20; ++j) {
      sum += double{x[i / 30 * 20 + j]} * double{y[j * 30 + i % 30]};
    }
    ASSERT_NEAR(double{whole[i]}, sum, 1e-5);
  }
}

// ---- linear ----

constexpr uint32_t kRows = 19;
constexpr uint32_t kCols = 23;

Network LinearNetwork(const Shape& shape, const std::vector<float>& weight,
                      const std::vector<float>& bias, Format format, bool relu) {
  Node node = MakeNode("linear", "y", {"x"});
  node["weight"].tensor = "w";
  node["outChannels"].integers = {kRows};
  if (!bias.empty()) node["bias"].tensor = "b";
  Network network = MakeNetwork({{"x", {ElementType::kFloat32, shape}, {}}}, {node}, {"y"});
  network.matrices.emplace("w", Matrix::From(DenseView(weight.data(), kRows, kCols), format));
  if (!bias.empty()) network.vectors.emplace("b", Array::Copy<float>(bias));
  if (relu) {
    network.graph.nodes.push_back(MakeNode("relu", "r", {"y"}));
    network.graph.outputs = {"r"};
  }
  return network;
}

void CheckLinear(const Shape& shape, Format format, bool with_bias, bool relu) {
  std::mt19937 random(3);
  std::vector<float> weight(size_t{kRows} * kCols);
  for (float& value : weight) value = static_cast<float>(random() % 4) / 2 - 0.5F;
  const std::vector<float> bias = with_bias ? Draw(random, kRows) : std::vector<float>();
  Executor executor(LinearNetwork(shape, weight, bias, format, relu));
  Shape expected = shape;
  expected[shape.rank() - 1] = kRows;
  ASSERT_EQ(executor.output_types()[0].shape, expected);
  const std::vector<float> x = Draw(random, shape.size());
  Fill(executor, 0, x);
  RunAll(executor);
  const std::vector<float> y = OutputOf<float>(executor, 0);
  for (size_t i = 0; i < y.size(); ++i) {
    double sum = with_bias ? double{bias[i % kRows]} : 0;
    for (size_t j = 0; j < kCols; ++j) {
      sum += double{weight[i % kRows * kCols + j]} * double{x[i / kRows * kCols + j]};
    }
    ASSERT_NEAR(double{y[i]}, relu ? std::max(sum, 0.0) : sum, 1e-5) << i;
  }
}

TEST(MatMulTest, LinearOfAnyRankInAllFormats) {
  for (const Format format : kFormats) {
    SCOPED_TRACE(Name(format));
    for (const uint32_t count : {1U, 16U, 17U, 33U, 256U, 257U, 600U}) {
      SCOPED_TRACE(count);
      CheckLinear({count, kCols}, format, true, false);
      CheckLinear({count, 1, kCols}, format, false, true);
    }
    CheckLinear({kCols}, format, true, true);
    CheckLinear({2, 3, 2, 2, kCols}, format, true, true);
  }
}

TEST(MatMulTest, LinearTellsItsProducts) {
  const std::vector<float> weight(size_t{kRows} * kCols, 1);
  const auto layer = [&](const Shape& shape) {
    return ListLayers(LinearNetwork(shape, weight, {}, Format::kDense, false).graph).at(0);
  };
  EXPECT_EQ(layer({2, kCols}).count, 1U);
  EXPECT_EQ(layer({2, kCols}).repeats, 2U);
  EXPECT_EQ(layer({2, 50, kCols}).count, 100U);
  EXPECT_EQ(layer({2, 50, kCols}).repeats, 1U);
  EXPECT_EQ(layer({2, 256, kCols}).count, 256U);
  EXPECT_EQ(layer({2, 256, kCols}).repeats, 2U);
  EXPECT_EQ(layer({2, 256, kCols}).macs, uint64_t{512} * kRows * kCols);
}

// ---- lookup ----

TEST(MatMulTest, Lookup) {
  std::vector<float> weight(size_t{kRows} * kCols);
  for (size_t i = 0; i < weight.size(); ++i) weight[i] = static_cast<float>(i % 50);
  Node node = MakeNode("lookup", "y", {"x"});
  node["weight"].tensor = "w";
  node["classes"].integers = {kRows};
  node["outChannels"].integers = {kCols};
  for (const Format format : kFormats) {
    Network network = MakeNetwork({{"x", {ElementType::kInt32, {2, 2}}, {}}}, {node}, {"y"});
    network.matrices.emplace("w", Matrix::From(DenseView(weight.data(), kRows, kCols), format));
    Executor executor(network);
    EXPECT_EQ(executor.output_types()[0].shape, (Shape{2, 2, kCols}));
    const std::vector<int32_t> rows{0, 18, -1, 7};
    Fill(executor, 0, rows);
    RunAll(executor);
    const std::vector<float> y = OutputOf<float>(executor, 0);
    for (size_t i = 0; i < y.size(); ++i) {
      const size_t row = std::vector<size_t>{0, 18, 18, 7}[i / kCols];
      ASSERT_EQ(y[i], weight[row * kCols + i % kCols]);
    }
    Fill(executor, 0, std::vector<int32_t>{0, 19, 0, 0});
    executor.Start();
    ExpectRefused([&] { executor.Advance(1e30); },
                  "The lookup node \"y\": its index 19 is outside -19 to 18.");
  }
}

TEST(MatMulTest, Refusals) {
  const ValueType a{ElementType::kFloat32, {2, 3}};
  const ValueType b{ElementType::kFloat32, {4, 3}};
  const ValueType number{ElementType::kFloat32, {}};
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("matMul", "m", {"a", "b"}), {a, b});
      },
      "The matMul node \"m\": it cannot multiply 2 x 3 by 4 x 3.");
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("matMul", "m", {"a", "b"}), {a, number});
      },
      "The matMul node \"m\": it cannot multiply 2 x 3 by a number.");
  const ValueType c{ElementType::kFloat32, {2, 3, 3}};
  const ValueType d{ElementType::kFloat32, {4, 3, 3}};
  ExpectRefused(
      [&] {
        TypeOf(MakeNode("matMul", "m", {"c", "d"}), {c, d});
      },
      "The matMul node \"m\": its inputs of 2 and 4 do not fit together.");
  Node linear = MakeNode("linear", "l", {"x"});
  ExpectRefused([&] { TypeOf(linear, {a}); },
                "The linear node \"l\": it needs at least one output channel.");
  linear["outChannels"].integers = {2};
  ExpectRefused([&] { TypeOf(linear, {number}); },
                "The linear node \"l\": a number has no last axis.");
}

}  // namespace
}  // namespace lowtropy
