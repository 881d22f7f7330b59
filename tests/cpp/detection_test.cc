// SPDX-License-Identifier: Apache-2.0
// nonMaxSuppression and roiAlign against plain loops in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "nodes.h"

namespace lowtropy {
namespace {

using Integers = std::vector<int32_t>;
using Floats = std::vector<float>;

Floats Draw(std::mt19937& random, size_t count, float least, float most) {
  std::uniform_real_distribution<float> uniform(least, most);
  Floats values(count);
  for (float& value : values) value = uniform(random);
  return values;
}

// ---- nonMaxSuppression ----

struct Boxes {
  uint32_t batch = 1;
  uint32_t classes = 1;
  uint32_t count = 1;
  Floats boxes;
  Floats scores;
  uint32_t most = 100;
  float overlap = 0.5F;
  float score = std::numeric_limits<float>::lowest();
  bool centred = false;
};

double ShareOf(const Boxes& all, const float* a, const float* b) {
  std::array<std::array<double, 4>, 2> corners{};
  for (size_t k = 0; k < 2; ++k) {
    const float* const x = k == 0 ? a : b;
    for (size_t i = 0; i < 2; ++i) {
      const double first = double{x[i]};
      const double second = double{x[i + 2]};
      corners[k][i] = all.centred ? first - second / 2 : std::min(first, second);
      corners[k][i + 2] = all.centred ? first + second / 2 : std::max(first, second);
    }
  }
  double common = 1;
  std::array<double, 2> areas{1, 1};
  for (size_t i = 0; i < 2; ++i) {
    common *= std::max(0.0, std::min(corners[0][i + 2], corners[1][i + 2]) -
                                std::max(corners[0][i], corners[1][i]));
    for (size_t k = 0; k < 2; ++k) areas[k] *= corners[k][i + 2] - corners[k][i];
  }
  return common == 0 ? 0 : common / (areas[0] + areas[1] - common);
}

// What is found, row by row, without how many there are.
Integers ExpectedBoxes(const Boxes& all) {
  Integers found;
  for (uint32_t image = 0; image < all.batch; ++image) {
    const float* const boxes = all.boxes.data() + size_t{image} * all.count * 4;
    for (uint32_t k = 0; k < all.classes; ++k) {
      const float* const scores = all.scores.data() + (size_t{image} * all.classes + k) * all.count;
      std::vector<bool> is_out(all.count);
      for (uint32_t taken = 0; taken < all.most; ++taken) {
        uint32_t best = all.count;
        for (uint32_t i = 0; i < all.count; ++i) {
          if (is_out[i] || !(scores[i] > all.score)) continue;
          if (best == all.count || scores[i] > scores[best]) best = i;
        }
        if (best == all.count) break;
        found.insert(found.end(), {static_cast<int32_t>(image), static_cast<int32_t>(k),
                                   static_cast<int32_t>(best)});
        for (uint32_t i = 0; i < all.count; ++i) {
          if (i == best || ShareOf(all, boxes + best * 4, boxes + i * 4) > double{all.overlap}) {
            is_out[i] = true;
          }
        }
      }
    }
  }
  return found;
}

Node SuppressionOf(const Boxes& all) {
  Node node = MakeNode("nonMaxSuppression", "y", {});
  node["most"].integers = {all.most};
  node["overlap"].number = all.overlap;
  node["score"].number = all.score;
  node["centred"].integers = {all.centred};
  return node;
}

void ExpectFound(const Boxes& all) {
  Shape shape;
  const Integers rows = RunNode<int32_t>(
      SuppressionOf(all),
      {{{all.batch, all.count, 4}, all.boxes}, {{all.batch, all.classes, all.count}, all.scores}},
      &shape);
  const Integers expected = ExpectedBoxes(all);
  ASSERT_EQ(shape, (Shape{all.batch * all.classes * std::min(all.most, all.count) + 1, 3}));
  ASSERT_EQ(rows[0], static_cast<int32_t>(expected.size() / 3));
  const auto first = rows.begin() + 3;
  const auto end = first + static_cast<std::ptrdiff_t>(expected.size());
  EXPECT_EQ(Integers(first, end), expected);
  EXPECT_TRUE(std::all_of(end, rows.end(), [](int32_t value) { return value == 0; }));
}

Boxes DrawBoxes(uint32_t seed) {
  std::mt19937 random(seed);
  Boxes all;
  all.batch = 1 + random() % 3;
  all.classes = 1 + random() % 4;
  all.count = 1 + random() % 40;
  all.boxes = Draw(random, size_t{all.batch} * all.count * 4, 0, 1);
  all.scores = Draw(random, size_t{all.batch} * all.classes * all.count, 0, 1);
  // Of equal scores, the first one counts.
  for (float& score : all.scores) score = std::round(score * 16) / 16;
  all.most = 1 + random() % 12;
  all.overlap = static_cast<float>(random() % 10) / 10;
  if (random() % 2 == 0) all.score = 0.5F;
  all.centred = random() % 2 == 0;
  return all;
}

TEST(DetectionTest, DrawnBoxes) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExpectFound(DrawBoxes(seed));
  }
}

TEST(DetectionTest, BoxesAtTheBounds) {
  const Floats square{0, 0, 1, 1};
  ExpectFound({.boxes = square, .scores = {0.5F}});
  ExpectFound({.boxes = square, .scores = {0.5F}, .score = 0.5F});  // none is found
  ExpectFound({.count = 2, .boxes = {0, 0, 1, 1, 1, 1, 0, 0}, .scores = {0.5F, 0.5F}});
  ExpectFound({.count = 2, .boxes = {0, 0, 1, 1, 0, 1, 1, 2}, .scores = {1, 2}, .overlap = 0});
  // Without an area nothing overlaps.
  ExpectFound({.count = 2, .boxes = Floats(8, 0.0F), .scores = {1, 2}, .overlap = 0});
}

TEST(DetectionTest, WhatIsNoNumberIsNeverFoundAndHidesNothing) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Boxes all{
      .count = 3, .boxes = {nan, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1}, .scores = {3, nan, 1}};
  const Integers rows =
      RunNode<int32_t>(SuppressionOf(all), {{{1, 3, 4}, all.boxes}, {{1, 1, 3}, all.scores}});
  EXPECT_EQ(rows, (Integers{2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0}));
}

TEST(DetectionTest, PiecesFindTheSame) {
  const Boxes all = DrawBoxes(7);
  std::vector<GraphInput> inputs{
      {"a", {ElementType::kFloat32, {all.batch, all.count, 4}}, {}},
      {"b", {ElementType::kFloat32, {all.batch, all.classes, all.count}}, {}}};
  Node node = SuppressionOf(all);
  node.inputs = {"a", "b"};
  Executor executor(MakeNetwork(inputs, {node}, {"y"}));
  Fill(executor, 0, all.boxes);
  Fill(executor, 1, all.scores);
  RunAll(executor);
  const Integers whole = OutputOf<int32_t>(executor, 0);
  executor.Start();
  while (!executor.Advance(1)) {
  }
  EXPECT_EQ(OutputOf<int32_t>(executor, 0), whole);
}

// ---- roiAlign ----

struct Regions {
  Shape images{1, 1, 4, 4};
  Floats pixels;
  Floats regions;
  Integers numbers;
  std::array<uint32_t, 2> size{1, 1};
  uint32_t samples = 2;
  float scale = 1;
  bool half_pixel = false;
  bool max = false;
};

Node AlignOf(const Regions& all) {
  Node node = MakeNode("roiAlign", "y", {});
  node["size"].integers = {all.size[0], all.size[1]};
  node["samples"].integers = {all.samples};
  node["scale"].number = all.scale;
  node["halfPixel"].integers = {all.half_pixel};
  node["max"].integers = {all.max};
  return node;
}

// The weight of each pixel along one axis, in one sample.
std::vector<double> WeightsAt(double place, uint32_t pixels) {
  std::vector<double> weights(pixels);
  if (place < -1 || place > pixels) return weights;
  const double inside = std::clamp(place, 0.0, pixels - 1.0);
  for (uint32_t i = 0; i < pixels; ++i) {
    weights[i] = std::max(0.0, 1 - std::abs(inside - i));
  }
  return weights;
}

double ElementAt(const Regions& all, size_t region, size_t channel, std::array<size_t, 2> at) {
  std::array<double, 2> start{};
  std::array<double, 2> step{};
  std::array<uint32_t, 2> samples{};
  for (size_t axis = 0; axis < 2; ++axis) {
    const double offset = all.half_pixel ? 0.5 : 0;
    const double scale = double{all.scale};
    start[axis] = double{all.regions[region * 4 + 1 - axis]} * scale - offset;
    const double end = double{all.regions[region * 4 + 3 - axis]} * scale - offset;
    const double length = end - start[axis];
    step[axis] = (all.half_pixel ? length : std::max(length, 1.0)) / all.size[axis];
    samples[axis] = all.samples != 0 ? all.samples
                                     : static_cast<uint32_t>(std::max(1.0, std::ceil(step[axis])));
  }
  const uint32_t height = all.images[2];
  const uint32_t width = all.images[3];
  const float* const plane =
      all.pixels.data() +
      (static_cast<size_t>(all.numbers[region]) * all.images[1] + channel) * height * width;
  double sum = 0;
  double most = -std::numeric_limits<double>::infinity();
  for (uint32_t i = 0; i < samples[0]; ++i) {
    for (uint32_t j = 0; j < samples[1]; ++j) {
      const double y = start[0] + (double(at[0]) + (i + 0.5) / samples[0]) * step[0];
      const double x = start[1] + (double(at[1]) + (j + 0.5) / samples[1]) * step[1];
      const std::vector<double> rows = WeightsAt(y, height);
      const std::vector<double> cols = WeightsAt(x, width);
      double largest = rows == std::vector<double>(height) || cols == std::vector<double>(width)
                           ? 0
                           : -std::numeric_limits<double>::infinity();
      for (uint32_t r = 0; r < height; ++r) {
        for (uint32_t c = 0; c < width; ++c) {
          const double value = rows[r] * cols[c] * double{plane[r * width + c]};
          sum += value;
          if (rows[r] * cols[c] > 0) largest = std::max(largest, value);
        }
      }
      most = std::max(most, largest);
    }
  }
  return all.max ? most : sum / (samples[0] * samples[1]);
}

void ExpectAligned(const Regions& all) {
  Shape shape;
  const auto count = static_cast<uint32_t>(all.numbers.size());
  const Floats actual = RunNode<float>(
      AlignOf(all), {{all.images, all.pixels}, {{count, 4}, all.regions}, {{count}, all.numbers}},
      &shape);
  ASSERT_EQ(shape, (Shape{count, all.images[1], all.size[0], all.size[1]}));
  for (size_t i = 0; i < actual.size(); ++i) {
    const std::vector<uint32_t> at = IndicesOf(shape, i);
    ASSERT_NEAR(double{actual[i]}, ElementAt(all, at[0], at[1], {at[2], at[3]}), 1e-4) << i;
  }
}

// Pixels are positive, so that what has no weight is never the largest.
Regions DrawRegions(uint32_t seed) {
  std::mt19937 random(seed);
  const auto draw = [&](uint32_t most) { return static_cast<uint32_t>(1 + random() % most); };
  Regions all;
  all.images = {draw(3), draw(3), draw(9), draw(9)};
  all.pixels = Draw(random, static_cast<size_t>(all.images.size()), 0.5F, 1);
  const uint32_t count = draw(4);
  all.regions = Draw(random, size_t{count} * 4, -3, 12);
  for (uint32_t i = 0; i < count; ++i) {
    all.numbers.push_back(static_cast<int32_t>(random() % all.images[0]));
    for (size_t k = 0; k < 2; ++k) {
      if (all.regions[i * 4 + k] > all.regions[i * 4 + k + 2]) {
        std::swap(all.regions[i * 4 + k], all.regions[i * 4 + k + 2]);
      }
    }
  }
  all.size = {draw(4), draw(4)};
  all.samples = draw(4) - 1;
  all.scale = 0.75F;
  all.half_pixel = random() % 2 == 0;
  all.max = random() % 2 == 0;
  return all;
}

TEST(DetectionTest, DrawnRegions) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Regions all = DrawRegions(seed);
    // As many samples as are taken of regions that reach twice beyond the image are enough here.
    if (all.samples == 0) all.scale = 0.25F;
    ExpectAligned(all);
  }
}

TEST(DetectionTest, RegionsOfNoNumbersOrEndlessOnesEnd) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const float bad : {nan, 1e30F, -1e30F, std::numeric_limits<float>::infinity()}) {
    for (const uint32_t samples : {0U, 2U}) {
      Regions all{.pixels = Floats(16, 1), .regions = {0, bad, 2, bad}, .numbers = {0}};
      all.samples = samples;
      const Floats actual = RunNode<float>(
          AlignOf(all), {{all.images, all.pixels}, {{1, 4}, all.regions}, {{1}, all.numbers}});
      EXPECT_EQ(actual, Floats{0}) << bad;
    }
  }
}

// ---- firstRows ----

// Of the input `x`, as many as `n` says.
Network RowsNetwork(const ValueType& type, int32_t axis) {
  Node node = MakeNode("firstRows", "y", {"x", "n"});
  node["axis"].integers = {static_cast<uint32_t>(axis)};
  return MakeNetwork({{"x", type, {}}, {"n", {ElementType::kInt32, {}}, {}}}, {node}, {"y", "x"});
}

TEST(DetectionTest, FirstRowsAlongEachAxis) {
  const Shape shape{3, 4, 5};
  Integers values(60);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i);
  for (const int32_t axis : {0, 1, 2, -1}) {
    Executor executor(RowsNetwork({ElementType::kInt32, shape}, axis));
    const size_t along = static_cast<size_t>((axis + 3) % 3);
    for (const int32_t count : {2, 0, 1, 99, -1, 3}) {
      SCOPED_TRACE(std::to_string(axis) + ", " + std::to_string(count));
      Fill(executor, 0, values);
      Fill(executor, 1, Integers{count});
      RunAll(executor);
      const auto kept = std::clamp(static_cast<uint32_t>(std::max(count, 0)), 0U, shape[along]);
      Shape expected_shape = shape;
      expected_shape[along] = kept;
      EXPECT_EQ(executor.OutputType(0).shape, expected_shape);
      EXPECT_EQ(executor.output_types()[0].shape, shape);
      EXPECT_EQ(executor.OutputType(1).shape, shape);
      Integers expected;
      for (size_t i = 0; i < values.size(); ++i) {
        if (IndicesOf(shape, i)[along] < kept) expected.push_back(values[i]);
      }
      EXPECT_EQ(OutputOf<int32_t>(executor, 0), expected);
      EXPECT_EQ(OutputOf<int32_t>(executor, 1), values);
    }
  }
}

TEST(DetectionTest, FirstRowsOfConstantsAreCountedOnce) {
  Network network = RowsNetwork({ElementType::kFloat32, {2}}, 0);
  Node one = MakeNode("constant", "one", {});
  one["value"].tensor = "v";
  one["type"].integers = {1};
  Node values = MakeNode("constant", "values", {});
  values["value"].tensor = "w";
  values["shape"].integers = {2};
  network.graph.nodes[0].inputs = {"values", "one"};
  network.graph.nodes.push_back(one);
  network.graph.nodes.push_back(values);
  network.vectors.emplace("v", Array::Copy<int32_t>(Integers{1}));
  network.vectors.emplace("w", Array::Copy<float>(Floats{5, 6}));
  Executor executor(std::move(network));
  RunAll(executor);
  EXPECT_EQ(OutputOf<float>(executor, 0), Floats{5});
}

TEST(DetectionTest, NobodyTakesWhatHasItsSizeInARun) {
  Network network = RowsNetwork({ElementType::kFloat32, {2}}, 0);
  network.graph.nodes.push_back(MakeNode("relu", "r", {"y"}));
  network.graph.outputs.push_back("r");
  ExpectRefused([&] { Executor executor(network); },
                "The relu node \"r\": its input \"y\" has its size in a run alone.");
  ExpectRefused(
      [] {
        TypeOf(MakeNode("firstRows", "f", {"x", "n"}),
               {{ElementType::kFloat32, {2}}, {ElementType::kInt32, {2}}});
      },
      "The firstRows node \"f\": its count is 2 of int32, not one int32.");
}

TEST(DetectionTest, Refusals) {
  const auto typed = [](ElementType type, const Shape& shape) { return ValueType{type, shape}; };
  Node suppression = MakeNode("nonMaxSuppression", "n", {"a", "b"});
  suppression["most"].integers = {2};
  ExpectRefused(
      [&] {
        TypeOf(suppression,
               {typed(ElementType::kFloat32, {1, 3, 4}), typed(ElementType::kFloat32, {1, 2, 5})});
      },
      "The nonMaxSuppression node \"n\": its boxes of 1 x 3 x 4 and scores of 1 x 2 x 5 are not "
      "batch x boxes x 4 and batch x classes x boxes.");
  suppression["most"].integers = {0};
  ExpectRefused(
      [&] {
        TypeOf(suppression,
               {typed(ElementType::kFloat32, {1, 3, 4}), typed(ElementType::kFloat32, {1, 2, 3})});
      },
      "The nonMaxSuppression node \"n\": it would find up to 0 boxes.");
  Node align = MakeNode("roiAlign", "r", {"a", "b", "c"});
  const std::vector<ValueType> good{typed(ElementType::kFloat32, {1, 3, 4, 4}),
                                    typed(ElementType::kFloat32, {2, 4}),
                                    typed(ElementType::kInt32, {2})};
  align["samples"].integers = {4097};
  ExpectRefused([&] { TypeOf(align, good); },
                "The roiAlign node \"r\": it takes more than 4096 samples.");
  align["samples"].integers = {2};
  ExpectRefused(
      [&] {
        TypeOf(align, {good[0], good[1], typed(ElementType::kInt32, {3})});
      },
      "The roiAlign node \"r\": its images of 1 x 3 x 4 x 4, regions of 2 x 4 and numbers of 3 do "
      "not fit.");
  ExpectRefused(
      [&] {
        TypeOf(align, {good[0], good[1], typed(ElementType::kFloat32, {2})});
      },
      "The roiAlign node \"r\": it takes images and regions of float32, and numbers of int32.");
  Regions all{.pixels = Floats(16), .regions = {0, 0, 1, 1}, .numbers = {1}};
  ExpectRefused(
      [&] {
        RunNode<float>(AlignOf(all),
                       {{all.images, all.pixels}, {{1, 4}, all.regions}, {{1}, all.numbers}});
      },
      "The roiAlign node \"y\": its image 1 is outside 0 to 0.");
}

}  // namespace
}  // namespace lowtropy
