// SPDX-License-Identifier: Apache-2.0
// sum, mul, reshape, transpose and constant: values of any rank, against arithmetic of indices.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "forged_model.h"
#include "lowtropy/base/error.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/graph/topology.h"
#include "lowtropy/run/executor.h"
#include "nodes.h"
#include "runs.h"

namespace lowtropy {
namespace {

std::vector<float> RandomFloats(std::mt19937& random, const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.size()));
  for (float& value : values) value = static_cast<float>(random() % 2001) / 8 - 125;
  return values;
}

// ---- sum and mul ----

TEST(LayoutTest, SumAndMulOfShapesThatDiffer) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Shape whole = RandomShape(random, kMaxRank);
    const Shape a = Narrower(random, whole);
    const Shape b = Narrower(random, whole);
    Executor executor(MakeNetwork(
        {{"a", {ElementType::kFloat32, a}, {}}, {"b", {ElementType::kFloat32, b}, {}}},
        {MakeNode("sum", "s", {"a", "b"}), MakeNode("mul", "p", {"b", "a"})}, {"s", "p"}));
    const Shape& output = executor.output_types()[0].shape;
    ASSERT_EQ(output.rank(), std::max(a.rank(), b.rank()));
    const std::vector<float> x = RandomFloats(random, a);
    const std::vector<float> y = RandomFloats(random, b);
    Fill(executor, 0, x);
    Fill(executor, 1, y);
    RunAll(executor);
    const std::vector<float> all_x = Broadcast(x, a, output);
    const std::vector<float> all_y = Broadcast(y, b, output);
    const std::vector<float> sum = OutputOf<float>(executor, 0);
    const std::vector<float> product = OutputOf<float>(executor, 1);
    for (size_t i = 0; i < all_x.size(); ++i) {
      ASSERT_EQ(sum[i], all_x[i] + all_y[i]) << i;
      ASSERT_EQ(product[i], all_x[i] * all_y[i]) << i;
    }
  }
}

TEST(LayoutTest, AChainOfSumsIsMadeInPlace) {
  // Each may write over its first input, or over its second one, which is as large.
  Network network =
      MakeNetwork({{"x", {ElementType::kFloat32, {2, 3}}, {}}},
                  {MakeNode("hardswish", "h", {"x"}), MakeNode("sum", "s", {"x", "h"}),
                   MakeNode("mul", "m", {"s", "s"}), MakeNode("sum", "t", {"m", "x"})},
                  {"t"});
  Executor executor(network);
  const std::vector<float> x{3, 4, 5, 6, 7, 8};
  Fill(executor, 0, x);
  RunAll(executor);
  const std::vector<float> t = OutputOf<float>(executor, 0);
  for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(t[i], 4 * x[i] * x[i] + x[i]);
}

// ---- transpose and reshape ----

template <class T>
void CheckTranspose(std::mt19937& random, ElementType type) {
  const Shape shape = RandomShape(random, kMaxRank);
  Shape axes;
  for (uint32_t axis = 0; axis < shape.rank(); ++axis) axes.Append(axis);
  std::shuffle(axes.dims().begin(), axes.dims().end(), random);
  Node node = MakeNode("transpose", "t", {"x"});
  node["axes"].integers = axes;
  Executor executor(MakeNetwork({{"x", {type, shape}, {}}}, {node}, {"t"}));
  const ValueType& output = executor.output_types()[0];
  ASSERT_EQ(output.type, type);
  std::vector<T> values(static_cast<size_t>(shape.size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(i % 251);
  Fill(executor, 0, values);
  RunAll(executor);
  const std::vector<T> moved = OutputOf<T>(executor, 0);
  for (size_t i = 0; i < moved.size(); ++i) {
    const std::vector<uint32_t> indices = IndicesOf(output.shape, i);
    std::vector<uint32_t> before(indices.size());
    for (size_t axis = 0; axis < indices.size(); ++axis) before[axes[axis]] = indices[axis];
    ASSERT_EQ(moved[i], values[PlaceOf(shape, before)]) << i;
  }
}

TEST(LayoutTest, TransposeOfAllTypes) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    CheckTranspose<float>(random, ElementType::kFloat32);
    CheckTranspose<int32_t>(random, ElementType::kInt32);
    CheckTranspose<uint8_t>(random, ElementType::kBool);
  }
}

ValueType ReshapeOf(const Shape& from, const Shape& to, uint32_t rest = kMaxRank) {
  Node node = MakeNode("reshape", "r", {"x"});
  node["shape"].integers = to;
  node["rest"].integers = {rest};
  const std::vector<ValueType> inputs{{ElementType::kInt32, from}};
  return InferType(node, inputs);
}

TEST(LayoutTest, ReshapeLeavesValuesWhereTheyAre) {
  EXPECT_EQ(ReshapeOf({2, 3, 4}, {6, 4}).shape, (Shape{6, 4}));
  EXPECT_EQ(ReshapeOf({2, 3, 4}, {0, 1}, 1).shape, (Shape{2, 12}));
  EXPECT_EQ(ReshapeOf({2, 3, 4}, {1, 0, 2, 2}, 0).shape, (Shape{2, 3, 2, 2}));
  EXPECT_EQ(ReshapeOf({1, 1}, {}).shape, Shape());
  EXPECT_EQ(ReshapeOf({7}, {0}).type, ElementType::kInt32);
  Node node = MakeNode("reshape", "r", {"x"});
  node["shape"].integers = {3, 2};
  Executor executor(MakeNetwork({{"x", {ElementType::kInt32, {2, 3}}, {}}}, {node}, {"r"}));
  const std::vector<int32_t> values{1, -2, 3, -4, 5, -6};
  Fill(executor, 0, values);
  executor.set_timed(true);
  RunAll(executor);
  EXPECT_EQ(OutputOf<int32_t>(executor, 0), values);
  EXPECT_TRUE(executor.step_times().empty());
}

TEST(LayoutTest, Refusals) {
  ExpectRefused(
      [] {
        ReshapeOf({2, 3}, {4});
      },
      "The reshape node \"r\": it cannot make 4 of 2 x 3.");
  ExpectRefused(
      [] {
        ReshapeOf({2, 3}, {1, 1, 0});
      },
      "The reshape node \"r\": its dimension 2 is the input's, which is 2 x 3.");
  ExpectRefused(
      [] {
        ReshapeOf({2, 3}, {4, 1}, 1);
      },
      "The reshape node \"r\": it cannot make 4 x 1 of 2 x 3.");
  const auto transpose = [](const Shape& axes) {
    Node node = MakeNode("transpose", "t", {"x"});
    node["axes"].integers = axes;
    const std::vector<ValueType> inputs{{ElementType::kFloat32, {2, 3}}};
    InferType(node, inputs);
  };
  for (const Shape& axes : {Shape{}, Shape{0}, Shape{0, 0}, Shape{1, 2}, Shape{1, 0, 2}}) {
    ExpectRefused([&] { transpose(axes); },
                  "The transpose node \"t\": its axes must be all of its input's, 2 x 3, in some "
                  "order.");
  }
  const auto sum = [](const Shape& a, const Shape& b) {
    const std::vector<ValueType> inputs{{ElementType::kFloat32, a}, {ElementType::kFloat32, b}};
    InferType(MakeNode("sum", "s", {"a", "b"}), inputs);
  };
  ExpectRefused(
      [&] {
        sum({2, 3}, {2});
      },
      "The sum node \"s\": its inputs of 2 x 3 and 2 do not fit together.");
  ExpectRefused(
      [&] {
        sum({60000, 1}, {1, 60000});
      },
      "The sum node \"s\": its output of 60000 x 60000 is empty or larger than "
      "2147483648 values.");
}

// ---- constant ----

Node Constant(Network* network, const std::string& name, const Shape& shape,
              const std::vector<float>& values) {
  Node node = MakeNode("constant", name, {});
  node["value"].tensor = name;
  node["shape"].integers = shape;
  network->vectors.emplace(name, Array::Copy<float>(values));
  return node;
}

// (c + d) · x, and behind it along the channels c + d once more.
Network WithConstants() {
  Network network = MakeNetwork({{"x", {ElementType::kFloat32, {1, 2, 3}}, {"n", "", ""}}}, {},
                                {"y", "both", "e"});
  Node reshape = MakeNode("reshape", "f", {"e"});
  reshape["shape"].integers = {1, 2, 3};
  network.graph.nodes = {MakeNode("mul", "y", {"x", "f"}),
                         MakeNode("concat", "both", {"f", "f"}),
                         MakeNode("sum", "e", {"c", "d"}),
                         Constant(&network, "c", {2, 3}, {1, 2, 3, 4, 5, 6}),
                         Constant(&network, "d", {3}, {10, 20, 30}),
                         reshape};
  return network;
}

void CheckConstants(Executor& executor, uint32_t n) {
  const std::vector<float> e{11, 22, 33, 14, 25, 36};
  for (int time = 0; time < 3; ++time) {
    std::vector<float> x(size_t{6} * n);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) + static_cast<float>(time);
    Fill(executor, 0, x);
    RunAll(executor);
    const std::vector<float> y = OutputOf<float>(executor, 0);
    ASSERT_EQ(y.size(), x.size());
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(y[i], x[i] * e[i % 6]);
    const std::vector<float> both = OutputOf<float>(executor, 1);
    ASSERT_EQ(both.size(), 12U);
    for (size_t i = 0; i < 12; ++i) EXPECT_EQ(both[i], e[i % 6]);
    EXPECT_EQ(OutputOf<float>(executor, 2), e);
  }
}

TEST(LayoutTest, ConstantsAreWorkedOutOnce) {
  Executor executor(WithConstants());
  executor.set_timed(true);
  CheckConstants(executor, 1);
  ASSERT_EQ(executor.step_times().size(), 1U);
  EXPECT_EQ(executor.step_times()[0].node, "y");
  executor.SetInputShapes(std::vector<Shape>{{4, 2, 3}});
  CheckConstants(executor, 4);
  executor.SetInputShapes(std::vector<Shape>{{1, 2, 3}});
  CheckConstants(executor, 1);
}

TEST(LayoutTest, ConstantsInAModelFile) {
  const std::string file = forged::Write(WithConstants());
  Executor executor(forged::Read(file));
  CheckConstants(executor, 1);
  EXPECT_EQ(forged::Write(executor.network()), file);
}

TEST(LayoutTest, ConstantsThatDoNotFit) {
  Network network = WithConstants();
  network.graph.nodes[3]["shape"].integers = {2, 4};
  ExpectRefused([&] { Executor executor(network); },
                "The sum node \"e\": its inputs of 2 x 4 and 3 do not fit together.");
  network = WithConstants();
  network.vectors.at("d") = Array::Copy<float>(std::vector<float>{1, 2});
  ExpectRefused([&] { Executor executor(network); },
                "The constant node \"d\": its value \"d\" has 2 values, not 3.");
  network = WithConstants();
  network.graph.nodes[3].inputs = {"x"};
  ExpectRefused([&] { Executor executor(network); },
                "The constant node \"c\": it takes no inputs, but has 1.");
}

}  // namespace
}  // namespace lowtropy
