// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/shards.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/learn/data/images.h"
#include "lowtropy/learn/data/text.h"

namespace lowtropy {
namespace {

using Bytes = std::vector<uint8_t>;

// Images of one pixel each, the example's number.
std::shared_ptr<const Dataset> Labelled(const Bytes& labels) {
  ExampleShape shape;
  shape.classes = 10;
  Bytes pixels(labels.size());
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i);
  return std::make_shared<Images>(shape, std::move(pixels), labels);
}

// So many examples of each of so many classes, mixed.
std::shared_ptr<const Dataset> Balanced(size_t classes, size_t each) {
  Bytes labels(classes * each);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i % classes);
  return Labelled(labels);
}

uint32_t LabelOf(const Dataset& data, uint32_t example) {
  float input = 0;
  uint32_t label = 0;
  data.Read({&example, 1}, {&input, 1}, {&label, 1});
  return label;
}

std::set<uint32_t> LabelsOf(const Dataset& data, const Shard& shard) {
  std::set<uint32_t> labels;
  for (const uint32_t example : shard) labels.insert(LabelOf(data, example));
  return labels;
}

// All examples of the shards, in rising order.
Shard Joined(const std::vector<Shard>& shards) {
  Shard all;
  for (const Shard& shard : shards) all.insert(all.end(), shard.begin(), shard.end());
  std::sort(all.begin(), all.end());
  return all;
}

bool HasTwice(const Shard& sorted) {
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

std::string ErrorOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    return error.what();
  }
  return "none";
}

TEST(SliceTest, ReadsItsPart) {
  const auto data = Labelled({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto slice = Slice(Slice(data, 2, 6), 1, 4);  // examples 3 to 6
  EXPECT_EQ(slice->size(), 4U);
  EXPECT_EQ(slice->shape().classes, 10U);
  const std::vector<uint32_t> examples = {3, 0, 0};
  std::vector<float> inputs(3);
  std::vector<uint32_t> labels(3);
  slice->Read(examples, inputs, labels);
  EXPECT_EQ(labels, (std::vector<uint32_t>{6, 3, 3}));
  EXPECT_EQ(inputs[0], 6.0F / 255);
}

TEST(SliceTest, OfText) {
  const std::string_view text = "abcdefghi";
  const auto data = ReadText({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, 2);
  const auto slice = Slice(data, 1, 3);
  const std::vector<uint32_t> examples = {2, 0};
  std::vector<float> inputs(4);
  std::vector<uint32_t> labels(4);
  slice->Read(examples, inputs, labels);
  EXPECT_EQ(inputs, (std::vector<float>{6, 7, 2, 3}));
  EXPECT_EQ(labels, (std::vector<uint32_t>{7, 8, 3, 4}));
}

TEST(SliceTest, Refusals) {
  const auto data = Balanced(2, 5);
  EXPECT_EQ(Slice(data, 9, 1)->size(), 1U);
  EXPECT_EQ(ErrorOf([&] { Slice(data, 3, 0); }), "A slice has at least 1 example.");
  EXPECT_EQ(ErrorOf([&] { Slice(data, 3, 8); }),
            "A slice of 8 examples from example 3 goes beyond the 10 there are.");
  EXPECT_EQ(ErrorOf([&] { Slice(data, 11, 1); }),
            "A slice of 1 examples from example 11 goes beyond the 10 there are.");
}

TEST(SplitIidTest, EachExampleGoesToOneWorker) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const size_t workers = 1 + rng() % 20;
    const size_t count = workers + rng() % 500;
    const std::vector<Shard> shards = SplitIid(count, workers, seed);
    ASSERT_EQ(shards.size(), workers);
    for (const Shard& shard : shards) {
      EXPECT_GE(shard.size(), count / workers);
      EXPECT_LE(shard.size(), (count + workers - 1) / workers);
    }
    const Shard all = Joined(shards);
    EXPECT_EQ(all.size(), count);
    EXPECT_EQ(all.back(), count - 1);
    EXPECT_FALSE(HasTwice(all));
    EXPECT_EQ(SplitIid(count, workers, seed), shards);
  }
}

TEST(SplitIidTest, ByChance) {
  EXPECT_NE(SplitIid(100, 4, 1), SplitIid(100, 4, 2));
  // A shard is no stretch: its numbers average to about the middle.
  for (const Shard& shard : SplitIid(10000, 4, 3)) {
    double sum = 0;
    for (const uint32_t example : shard) sum += example;
    EXPECT_NEAR(sum / 2500, 5000, 200);
  }
}

TEST(SplitIidTest, Refusals) {
  EXPECT_EQ(ErrorOf([] { SplitIid(10, 0, 1); }), "There must be at least 1 worker.");
  EXPECT_EQ(ErrorOf([] { SplitIid(3, 4, 1); }), "3 examples are too few for 4 workers.");
}

TEST(SplitByLabelsTest, EqualWhereTheClassesGoRound) {
  const auto data = Balanced(10, 12);
  const struct {
    size_t workers;
    uint32_t labels;
    size_t examples;  // of each worker
  } kCases[] = {{5, 2, 24}, {10, 1, 12},  {10, 2, 12}, {20, 2, 6},
                {4, 2, 24}, {1, 10, 120}, {2, 5, 60}};
  for (const auto& [workers, labels, examples] : kCases) {
    SCOPED_TRACE(std::to_string(workers) + " workers, labels:" + std::to_string(labels));
    for (const Shard& shard : SplitByLabels(*data, workers, labels, 1)) {
      EXPECT_EQ(shard.size(), examples);
      EXPECT_EQ(LabelsOf(*data, shard).size(), labels);
    }
  }
}

TEST(SplitByLabelsTest, RandomSplits) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const size_t classes = 1 + rng() % 10;
    const size_t workers = 1 + rng() % 12;
    const auto labels = static_cast<uint32_t>(1 + rng() % classes);
    const size_t each = 12 + rng() % 10;
    const auto data = Balanced(classes, each);
    const std::vector<Shard> shards = SplitByLabels(*data, workers, labels, seed);
    ASSERT_EQ(shards.size(), workers);
    size_t smallest = shards[0].size();
    size_t largest = 0;
    for (const Shard& shard : shards) {
      EXPECT_LE(LabelsOf(*data, shard).size(), labels);
      smallest = std::min(smallest, shard.size());
      largest = std::max(largest, shard.size());
    }
    EXPECT_GE(smallest, 1U);
    // The worst there can be: labels:1, where one class has one more worker than another.
    EXPECT_LE(largest, 2 * smallest + 1);
    const Shard all = Joined(shards);
    EXPECT_FALSE(HasTwice(all));
    EXPECT_EQ(all.size(), std::min(classes, workers * labels) * each);
    EXPECT_EQ(SplitByLabels(*data, workers, labels, seed), shards);
  }
}

// Classes of different sizes, and one that does not occur.
TEST(SplitByLabelsTest, OnlyClassesThatOccurCount) {
  Bytes labels;
  for (const uint8_t label : Bytes{0, 1, 2, 4, 5})
    labels.insert(labels.end(), 10U + 5U * label, label);
  const auto data = Labelled(labels);
  const std::vector<Shard> shards = SplitByLabels(*data, 5, 1, 1);
  EXPECT_EQ(Joined(shards).size(), labels.size());
  for (const Shard& shard : shards) EXPECT_EQ(LabelsOf(*data, shard).size(), 1U);
  EXPECT_EQ(ErrorOf([&] { SplitByLabels(*data, 5, 6, 1); }),
            "A worker can see 1 to 5 classes of this data, not 6.");
}

TEST(SplitByLabelsTest, Refusals) {
  const auto data = Balanced(10, 3);
  EXPECT_EQ(ErrorOf([&] { SplitByLabels(*data, 0, 2, 1); }), "There must be at least 1 worker.");
  EXPECT_EQ(ErrorOf([&] { SplitByLabels(*data, 31, 2, 1); }),
            "30 examples are too few for 31 workers.");
  EXPECT_EQ(ErrorOf([&] { SplitByLabels(*data, 4, 0, 1); }),
            "A worker can see 1 to 10 classes of this data, not 0.");
  EXPECT_EQ(ErrorOf([&] { SplitByLabels(*data, 4, 11, 1); }),
            "A worker can see 1 to 10 classes of this data, not 11.");
  const Bytes text(100);
  EXPECT_EQ(ErrorOf([&] { SplitByLabels(*ReadText(text, 5), 2, 1, 1); }),
            "Text has no labels to split by.");
  // 5 examples, 4 of them of one class, for 2 workers of the one and 2 of the other.
  const auto uneven = Labelled({0, 0, 0, 0, 1});
  EXPECT_NE(ErrorOf([&] { SplitByLabels(*uneven, 4, 1, 1); }).find("would have no examples."),
            std::string::npos);
}

}  // namespace
}  // namespace lowtropy
