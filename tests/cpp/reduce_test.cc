// SPDX-License-Identifier: Apache-2.0
// Reductions, argMax, cumSum, topK and softmax along any axes, against sums in double precision and
// sorting.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "nodes.h"

namespace lowtropy {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Shape Signed(const std::vector<int32_t>& values) {
  Shape shape;
  for (const int32_t value : values) shape.Append(static_cast<uint32_t>(value));
  return shape;
}

// ---- Reductions ----

using Expected = double (*)(const std::vector<double>&);

double Sum(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); }

double SumSquare(const std::vector<double>& x) {
  return std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
}

const std::map<std::string, Expected> kReductions{
    {"reduceSum", Sum},
    {"reduceMean",
     [](const std::vector<double>& x) { return Sum(x) / static_cast<double>(x.size()); }},
    {"reduceMax",
     [](const std::vector<double>& x) { return *std::max_element(x.begin(), x.end()); }},
    {"reduceMin",
     [](const std::vector<double>& x) { return *std::min_element(x.begin(), x.end()); }},
    {"reduceProd",
     [](const std::vector<double>& x) {
       return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>());
     }},
    {"reduceL1",
     [](const std::vector<double>& x) {
       double sum = 0;
       for (const double v : x) sum += std::abs(v);
       return sum;
     }},
    {"reduceL2", [](const std::vector<double>& x) { return std::sqrt(SumSquare(x)); }},
    {"reduceLogSum", [](const std::vector<double>& x) { return std::log(Sum(x)); }},
    {"reduceLogSumExp",
     [](const std::vector<double>& x) {
       double sum = 0;
       for (const double v : x) sum += std::exp(v);
       return std::log(sum);
     }},
    {"reduceSumSquare", SumSquare},
};

// A value and the elements that each output is made of.
struct Case {
  explicit Case(unsigned seed) : random(seed), shape(RandomShape(random, kMaxRank)) {
    const auto rank = static_cast<int32_t>(shape.rank());
    keep = random() % 2 == 0;
    for (int32_t axis = rank; axis-- > 0;) {
      const bool reduced = random() % 2 == 0;
      if (reduced) axes.push_back(random() % 2 == 0 ? axis : axis - rank);
      kept.insert(kept.begin(), reduced ? 1 : shape[static_cast<size_t>(axis)]);
    }
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      const auto signed_axis = static_cast<int32_t>(axis);
      const bool reduced = std::count(axes.begin(), axes.end(), signed_axis) +
                               std::count(axes.begin(), axes.end(), signed_axis - rank) !=
                           0;
      if (!reduced || keep) output.Append(kept[axis]);
    }
  }

  template <class T>
  std::vector<std::vector<double>> Groups(const std::vector<T>& x) const {
    const Shape groups(kept);
    std::vector<std::vector<double>> all(static_cast<size_t>(groups.size()));
    for (size_t i = 0; i < x.size(); ++i) {
      std::vector<uint32_t> indices = IndicesOf(shape, i);
      for (size_t axis = 0; axis < indices.size(); ++axis) indices[axis] %= kept[axis];
      all[PlaceOf(groups, indices)].push_back(static_cast<double>(x[i]));
    }
    return all;
  }

  Node MakeReduction(const std::string& name) const {
    Node node = MakeNode(name, "y", {});
    node["axes"].integers = Signed(axes);
    node["keepDims"].integers = {keep ? 1U : 0U};
    return node;
  }

  std::mt19937 random;
  Shape shape;
  bool keep;
  std::vector<int32_t> axes;
  std::vector<uint32_t> kept;  // dimensions, with 1 for those that are reduced
  Shape output;
};

TEST(ReduceTest, Floats) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Case c(seed);
    std::vector<float> x(static_cast<size_t>(c.shape.size()));
    for (float& value : x) value = static_cast<float>(c.random() % 2001) / 512 - 1.25F;
    const std::vector<std::vector<double>> groups = c.Groups(x);
    for (const auto& [name, expected] : kReductions) {
      SCOPED_TRACE(name);
      Shape shape;
      const std::vector<float> y = RunNode<float>(c.MakeReduction(name), {{c.shape, x}}, &shape);
      ASSERT_EQ(shape, c.output);
      ASSERT_EQ(y.size(), groups.size());
      for (size_t i = 0; i < y.size(); ++i) {
        const double want = expected(groups[i]);
        if (!std::isfinite(want)) {
          ASSERT_TRUE(std::isnan(want) ? std::isnan(y[i]) : double{y[i]} == want) << i;
        } else {
          ASSERT_NEAR(double{y[i]}, want, 2e-6 * std::max(1.0, std::abs(want))) << i;
        }
      }
    }
  }
}

TEST(ReduceTest, Integers) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Case c(seed);
    std::vector<int32_t> x(static_cast<size_t>(c.shape.size()));
    for (int32_t& value : x) value = static_cast<int32_t>(c.random() % 7) - 3;
    const std::vector<std::vector<double>> groups = c.Groups(x);
    for (const std::string name :
         {"reduceSum", "reduceMean", "reduceMax", "reduceMin", "reduceL1", "reduceSumSquare"}) {
      SCOPED_TRACE(name);
      const std::vector<int32_t> y = RunNode<int32_t>(c.MakeReduction(name), {{c.shape, x}});
      for (size_t i = 0; i < y.size(); ++i) {
        ASSERT_EQ(y[i], static_cast<int32_t>(kReductions.at(name)(groups[i]))) << i;
      }
    }
  }
}

std::vector<float> ReduceRow(const std::string& name, const std::vector<float>& x) {
  Node node = MakeNode(name, "y", {});
  node["axes"].integers = {0};
  return RunNode<float>(node, {{{static_cast<uint32_t>(x.size())}, x}});
}

TEST(ReduceTest, SpecialValues) {
  EXPECT_TRUE(std::isnan(ReduceRow("reduceMax", {1, kNaN, 3, 2, 5})[0]));
  EXPECT_TRUE(std::isnan(ReduceRow("reduceMin", {1, 4, 3, 2, 5, 6, kNaN})[0]));
  EXPECT_EQ(ReduceRow("reduceMax", {-kInf, -kInf})[0], -kInf);
  EXPECT_EQ(ReduceRow("reduceLogSumExp", {-kInf, -kInf})[0], -kInf);
  EXPECT_EQ(ReduceRow("reduceLogSumExp", {1, kInf})[0], kInf);
  EXPECT_TRUE(std::isnan(ReduceRow("reduceLogSumExp", {1, kNaN})[0]));
  EXPECT_NEAR(ReduceRow("reduceLogSumExp", {1000, 1000})[0], 1000 + std::log(2.0F), 1e-4);
  EXPECT_EQ(ReduceRow("reduceSum", {1e8F, 1, -1e8F})[0], 1);  // a float would lose the 1
  EXPECT_EQ(ReduceRow("reduceLogSum", {0, 0})[0], -kInf);
}

TEST(ReduceTest, IntegersWrap) {
  const int32_t most = std::numeric_limits<int32_t>::max();
  const int32_t least = std::numeric_limits<int32_t>::min();
  const auto reduce = [](const std::string& name, const std::vector<int32_t>& x) {
    Node node = MakeNode(name, "y", {});
    node["axes"].integers = Signed({-1});
    return RunNode<int32_t>(node, {{{static_cast<uint32_t>(x.size())}, x}})[0];
  };
  EXPECT_EQ(reduce("reduceSum", {most, 1}), least);
  EXPECT_EQ(reduce("reduceMean", {most, most, most}), most);
  EXPECT_EQ(reduce("reduceMean", {-3, 0}), -1);
  EXPECT_EQ(reduce("reduceProd", {1 << 20, 1 << 11}), least);
  EXPECT_EQ(reduce("reduceProd", {-3, 5, 7}), -105);
  EXPECT_EQ(reduce("reduceL1", {least, 0}), least);
  EXPECT_EQ(reduce("reduceMin", {5, least, most}), least);
}

// ---- Along one axis ----

struct AxisCase {
  explicit AxisCase(unsigned seed) : random(seed), shape(RandomShape(random, kMaxRank)) {
    if (shape.rank() == 0) shape.Append(3);
    axis = random() % shape.rank();
    shape[axis] = static_cast<uint32_t>(1 + random() % 9);
    x.resize(static_cast<size_t>(shape.size()));
    for (float& value : x) value = static_cast<float>(random() % 7);
    for (size_t i = 0; i < x.size(); ++i) {
      std::vector<uint32_t> indices = IndicesOf(shape, i);
      if (indices[axis] != 0) continue;
      std::vector<size_t>& row = rows.emplace_back();
      for (; indices[axis] < shape[axis]; ++indices[axis]) row.push_back(PlaceOf(shape, indices));
    }
  }

  Node Make(const std::string& name) {
    Node node = MakeNode(name, "y", {});
    const auto rank = static_cast<int32_t>(shape.rank());
    const auto at = static_cast<int32_t>(axis);
    node["axis"].integers = Signed({random() % 2 == 0 ? at : at - rank});
    return node;
  }

  std::mt19937 random;
  Shape shape;
  size_t axis;
  std::vector<float> x;
  std::vector<std::vector<size_t>> rows;  // places of the elements along the axis
};

TEST(ReduceTest, ArgMaxAndArgMin) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AxisCase c(seed);
    for (const std::string name : {"argMax", "argMin"}) {
      for (const bool last : {false, true}) {
        Node node = c.Make(name);
        node["last"].integers = {last ? 1U : 0U};
        node["keepDims"].integers = {seed % 2};
        Shape shape;
        const std::vector<int32_t> y = RunNode<int32_t>(node, {{c.shape, c.x}}, &shape);
        ASSERT_EQ(shape.rank(), c.shape.rank() - 1 + seed % 2);
        ASSERT_EQ(y.size(), c.rows.size());
        for (size_t i = 0; i < y.size(); ++i) {
          const std::vector<size_t>& row = c.rows[i];
          size_t best = 0;
          for (size_t k = 1; k < row.size(); ++k) {
            const float a = c.x[row[k]];
            const float b = c.x[row[best]];
            if ((name == "argMax" ? a > b : a < b) || (last && a == b)) best = k;
          }
          ASSERT_EQ(y[i], static_cast<int32_t>(best)) << i;
        }
      }
    }
  }
}

TEST(ReduceTest, ArgMaxFindsNaN) {
  const std::vector<float> x{1, kNaN, kInf, kNaN};
  Node node = MakeNode("argMax", "y", {});
  EXPECT_EQ(RunNode<int32_t>(node, {{{4}, x}})[0], 1);
  node["last"].integers = {1};
  EXPECT_EQ(RunNode<int32_t>(node, {{{4}, x}})[0], 3);
}

TEST(ReduceTest, CumSum) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AxisCase c(seed);
    for (const uint32_t flags : {0U, 1U, 2U, 3U}) {
      Node node = c.Make("cumSum");
      node["exclusive"].integers = {flags & 1};
      node["reverse"].integers = {flags >> 1};
      std::vector<float> expected(c.x.size());
      for (std::vector<size_t> row : c.rows) {
        if (flags >> 1 != 0) std::reverse(row.begin(), row.end());
        float sum = 0;
        for (const size_t place : row) {
          expected[place] = (flags & 1) != 0 ? sum : sum + c.x[place];
          sum += c.x[place];
        }
      }
      ASSERT_EQ(RunNode<float>(node, {{c.shape, c.x}}), expected);
      const std::vector<int32_t> integers(c.x.begin(), c.x.end());
      ASSERT_EQ(RunNode<int32_t>(node, {{c.shape, integers}}),
                std::vector<int32_t>(expected.begin(), expected.end()));
    }
  }
}

TEST(ReduceTest, TopK) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AxisCase c(seed);
    const uint32_t k = 1 + c.random() % c.shape[c.axis];
    const bool smallest = seed % 2 == 0;
    Node node = c.Make("topK");
    node["k"].integers = {k};
    node["smallest"].integers = {smallest ? 1U : 0U};
    Shape shape;
    const std::vector<float> values = RunNode<float>(node, {{c.shape, c.x}}, &shape);
    node["indices"].integers = {1};
    const std::vector<int32_t> indices = RunNode<int32_t>(node, {{c.shape, c.x}});
    ASSERT_EQ(shape[c.axis], k);
    for (const std::vector<size_t>& row : c.rows) {
      std::vector<size_t> order(row.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return smallest ? c.x[row[a]] < c.x[row[b]] : c.x[row[a]] > c.x[row[b]];
      });
      std::vector<uint32_t> at = IndicesOf(c.shape, row[0]);
      for (at[c.axis] = 0; at[c.axis] < k; ++at[c.axis]) {
        const size_t place = PlaceOf(shape, at);
        ASSERT_EQ(indices[place], static_cast<int32_t>(order[at[c.axis]]));
        ASSERT_EQ(values[place], c.x[row[order[at[c.axis]]]]);
      }
    }
  }
}

TEST(ReduceTest, SoftmaxAndLogSoftmaxAlongAnyAxis) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    AxisCase c(seed);
    const std::vector<float> y = RunNode<float>(c.Make("softmax"), {{c.shape, c.x}});
    const std::vector<float> log = RunNode<float>(c.Make("logSoftmax"), {{c.shape, c.x}});
    for (const std::vector<size_t>& row : c.rows) {
      double sum = 0;
      for (const size_t place : row) sum += std::exp(double{c.x[place]});
      for (const size_t place : row) {
        const double share = std::exp(double{c.x[place]}) / sum;
        ASSERT_NEAR(double{y[place]}, share, 1e-6);
        ASSERT_NEAR(double{log[place]}, std::log(share), 2e-6);
      }
    }
  }
}

TEST(ReduceTest, LogSoftmaxOfValuesFarApart) {
  const std::vector<float> y =
      RunNode<float>(MakeNode("logSoftmax", "y", {}), {{{3}, std::vector<float>{0, -1000, 3e38F}}});
  EXPECT_EQ(y, (std::vector<float>{-3e38F, -3e38F, 0}));
}

TEST(ReduceTest, Refusals) {
  const ValueType floats{ElementType::kFloat32, {2, 3}};
  const ValueType integers{ElementType::kInt32, {2, 3}};
  const ValueType bools{ElementType::kBool, {2, 3}};
  Node sum = MakeNode("reduceSum", "r", {"x"});
  sum["axes"].integers = Signed({-3});
  ExpectRefused([&] { TypeOf(sum, {floats}); },
                "The reduceSum node \"r\": its axis -3 is none of a value of 2 dimensions.");
  ExpectRefused([&] { TypeOf(MakeNode("reduceL2", "r", {"x"}), {integers}); },
                "The reduceL2 node \"r\": it does not take int32 values.");
  ExpectRefused([&] { TypeOf(MakeNode("argMax", "r", {"x"}), {bools}); },
                "The argMax node \"r\": it does not take bool values.");
  Node top = MakeNode("topK", "t", {"x"});
  top["k"].integers = {4};
  ExpectRefused([&] { TypeOf(top, {floats}); }, "The topK node \"t\": it cannot take 4 of 3.");
}

}  // namespace
}  // namespace lowtropy
