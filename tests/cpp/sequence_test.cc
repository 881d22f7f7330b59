// SPDX-License-Identifier: Apache-2.0
// Embeddings and LSTMs, alone and in networks, against the float64 of reference_network.h.
#include "lowtropy/graph/ops/sequence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "lowtropy/base/error.h"
#include "lowtropy/run/executor.h"
#include "lowtropy/run/internal.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

using reference::Builder;
using reference::Draw;
using reference::Values;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// A network of the one node that `add` makes, its input and what comes out in float64.
struct Case {
  Case(uint32_t seed, const ImageShape& shape, std::vector<float> values,
       const std::function<std::string(Builder&)>& add)
      : input(std::move(values)) {
    Builder builder(seed, shape);
    network = builder.Build({add(builder)});
    expected = reference::Run(network, input)[0];
  }
  const Matrix& weight() const { return network.matrices.begin()->second; }

  Network network;
  std::vector<float> input;
  Values expected;
};

std::vector<float> Numbers(std::mt19937& random, size_t steps, uint32_t classes) {
  std::vector<float> numbers(steps);
  for (float& number : numbers) number = static_cast<float>(Draw(random, 0, classes - 1));
  return numbers;
}

// Memory with a guard behind what may be written.
struct Guarded {
  static constexpr float kGuard = 12345;
  explicit Guarded(size_t count) : size(count), data(count + 8, kGuard) {
    std::fill_n(data.begin(), count, kNaN);  // what lies there must not matter
  }
  void ExpectUntouched() const {
    for (size_t i = size; i < data.size(); ++i) EXPECT_EQ(data[i], kGuard);
  }
  size_t size;
  std::vector<float> data;
};

Case RandomEmbedding(uint32_t seed) {
  std::mt19937 random(seed);
  const uint32_t classes = Draw(random, 1, 40);
  const uint32_t width = Draw(random, 1, 20);
  const uint32_t steps = Draw(random, 1, 20);
  return {seed, {1, steps, 1}, Numbers(random, steps, classes), [=](Builder& builder) {
            return builder.Embedding("data", classes, width);
          }};
}

TEST(SequenceTest, EmbeddingsLookRowsUp) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Case test = RandomEmbedding(seed);
    const size_t width = test.weight().cols();
    for (const Format format : kFormats) {
      SCOPED_TRACE(Name(format));
      Guarded output(test.expected.size());
      Guarded scratch(static_cast<size_t>(EmbeddingScratch(static_cast<uint32_t>(width))));
      const size_t steps = test.input.size();
      EXPECT_EQ(Embed(test.weight().To(format), steps, test.input.data(), output.data.data(),
                      scratch.data.data()),
                steps);
      for (size_t i = 0; i < output.size; ++i) {
        ASSERT_EQ(output.data[i], static_cast<float>(test.expected[i])) << i;
      }
      output.ExpectUntouched();
      scratch.ExpectUntouched();
    }
  }
}

TEST(SequenceTest, EmbeddingsStopAtWhatIsNoClass) {
  const Matrix weight =
      Matrix::From(DenseView(std::vector<float>(6, 1.0F).data(), 3, 2), Format::kDense);
  for (const float bad :
       {3.0F, -1.0F, 0.5F, 2.5F, 1e30F, -1e-30F, kNaN, std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    const std::vector<float> input{2, 0, bad, 1};
    std::vector<float> output(8);
    std::vector<float> scratch(2);
    EXPECT_EQ(Embed(weight, 4, input.data(), output.data(), scratch.data()), 2U) << bad;
  }
}

Case RandomLstm(uint32_t seed) {
  std::mt19937 random(seed);
  const uint32_t hidden = Draw(random, 1, 33);
  const uint32_t steps = Draw(random, 1, 20);
  std::uniform_real_distribution<float> uniform(-3, 3);
  std::vector<float> input(size_t{4} * hidden * steps);
  for (float& value : input) value = uniform(random);
  return {seed, {4 * hidden, steps, 1}, input, [=](Builder& builder) {
            return builder.Lstm("data", hidden);
          }};
}

TEST(SequenceTest, LstmsAreThoseOfTheDefinition) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Case test = RandomLstm(seed);
    const size_t hidden = test.weight().cols();
    for (const Format format : kFormats) {
      SCOPED_TRACE(Name(format));
      Guarded output(test.expected.size());
      Guarded scratch(static_cast<size_t>(LstmScratch(static_cast<uint32_t>(hidden))));
      const Matrix weight = test.weight().To(format);
      Guarded workspace(VectorWorkspace(weight));
      Lstm(weight, test.expected.size() / hidden, {0, test.expected.size() / hidden},
           test.input.data(), output.data.data(), scratch.data.data(), workspace.data.data());
      for (size_t i = 0; i < output.size; ++i) {
        ASSERT_NEAR(output.data[i], test.expected[i], 1e-5) << i;
      }
      output.ExpectUntouched();
      scratch.ExpectUntouched();
      workspace.ExpectUntouched();
    }
  }
}

// Gates far out are all or nothing, not NaN.
TEST(SequenceTest, LstmsSaturate) {
  for (const float far : {1e4F, -1e4F, 3e38F, -3e38F}) {
    Case test(1, {8, 3, 1}, std::vector<float>(24, far),
              [](Builder& builder) { return builder.Lstm("data", 2); });
    std::vector<float> output(6);
    std::vector<float> scratch(static_cast<size_t>(LstmScratch(2)));
    Lstm(test.weight(), 3, {0, 3}, test.input.data(), output.data(), scratch.data(), nullptr);
    for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(output[i], test.expected[i], 1e-6) << far;
  }
}

// ---- In networks ----

// What a model of characters is: embedding, LSTM with the weights of its input, and classes.
std::vector<std::string> AddCharacterModel(Builder& builder, uint32_t classes) {
  const auto embedding = builder.Embedding("data", classes, 6);
  const auto gates = builder.Conv(embedding, 36, reference::Square(1));
  const auto lstm = builder.Lstm(gates, 9);
  return {builder.Conv(lstm, classes, reference::Square(1)), lstm};
}

std::vector<std::vector<float>> Outputs(Executor& executor, std::span<const float> input) {
  std::vector<std::vector<float>> outputs;
  std::vector<std::span<float>> spans;
  for (const auto& [type, shape] : executor.output_types()) {
    outputs.emplace_back(static_cast<size_t>(shape.size()));
  }
  for (std::vector<float>& output : outputs) spans.emplace_back(output);
  const std::span<float> arena = internal::ExecutorAccess::Arena(executor);
  std::fill(arena.begin(), arena.end(), kNaN);
  executor.Run(input, spans);
  return outputs;
}

void ExpectNear(const std::vector<std::vector<float>>& actual,
                const std::vector<Values>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t k = 0; k < actual.size(); ++k) {
    ASSERT_EQ(actual[k].size(), expected[k].size());
    for (size_t i = 0; i < actual[k].size(); ++i) {
      ASSERT_NEAR(actual[k][i], expected[k][i], 2e-5) << "output " << k << ", element " << i;
    }
  }
}

TEST(SequenceTest, CharacterModelsRunInAllFormats) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const uint32_t steps = Draw(random, 1, 30);
    Builder builder(seed, {1, steps, 1});
    const Network network = builder.Build(AddCharacterModel(builder, 11));
    const std::vector<float> input = Numbers(random, steps, 11);
    const std::vector<Values> expected = reference::Run(network, input);
    Executor executor(network);
    ExpectNear(Outputs(executor, input), expected);
    for (const Format format : kFormats) {
      SCOPED_TRACE(Name(format));
      Executor converted(reference::InFormat(network, format));
      const auto outputs = Outputs(converted, input);
      ExpectNear(outputs, expected);
      EXPECT_EQ(Outputs(converted, input), outputs);
    }
  }
}

// Nothing of these is fused into an LSTM; values are placed in a concat, and read twice.
TEST(SequenceTest, SequencesGoThroughOtherNodes) {
  Builder builder(3, {8, 5, 1});
  const auto first = builder.Lstm("data", 2);
  const auto norm = builder.BatchNorm(builder.Add(Op::kRelu, {first}));
  const auto both = builder.Add(Op::kConcat, {first, norm, first, norm});
  const auto second = builder.Add(Op::kDropout, {builder.Lstm(both, 2)});
  const auto sum = builder.Add(Op::kAdd, {second, first});
  const Network network = builder.Build({builder.Add(Op::kSoftmax, {sum}), both});
  const std::vector<float> input = builder.Uniform(40, -2, 2);
  Executor executor(network);
  ExpectNear(Outputs(executor, input), reference::Run(network, input));
}

TEST(SequenceTest, RunAllocatesNothing) {
  Builder builder(4, {1, 12, 1});
  const Network network = builder.Build(AddCharacterModel(builder, 11));
  std::mt19937 random(4);
  const std::vector<float> input = Numbers(random, 12, 11);
  std::vector<float> classes(11 * 12);
  std::vector<float> hidden(9 * 12);
  const std::vector<std::span<float>> outputs{classes, hidden};
  for (const Format format : kFormats) {
    Executor executor(reference::InFormat(network, format));
    executor.Run(input, outputs);  // Highway chooses the instruction set in the first call
    const size_t before = Allocations();
    executor.Run(input, outputs);
    EXPECT_EQ(Allocations(), before) << Name(format);
  }
}

TEST(SequenceTest, WhatIsNoClassIsRefusedAndHarmsNothing) {
  Builder builder(5, {1, 3, 1});
  Executor executor(builder.Build({builder.Embedding("data", 7, 4)}));
  const std::vector<float> good{6, 0, 3};
  const auto expected = Outputs(executor, good);
  const auto message = [&](float value) -> std::string {
    try {
      Outputs(executor, std::vector<float>{6, value, 3});
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kValue);
      return error.what();
    }
    return "";
  };
  const std::string kStart = "The embedding node \"embedding0\": its input at step 1 is ";
  const std::string kEnd = ", not an integer from 0 to 6.";
  EXPECT_EQ(message(7), kStart + "7" + kEnd);
  EXPECT_EQ(message(-1), kStart + "-1" + kEnd);
  EXPECT_EQ(message(0.5F), kStart + "0.5" + kEnd);
  EXPECT_EQ(message(kNaN), kStart + "nan" + kEnd);
  EXPECT_EQ(message(-0.0F), "");
  EXPECT_EQ(Outputs(executor, good), expected);
}

TEST(SequenceTest, LayersTellWhatARunDoes) {
  Builder builder(6, {1, 12, 1});
  const Network network = builder.Build(AddCharacterModel(builder, 11));
  const std::vector<LayerInfo> layers = ListLayers(network.graph);
  ASSERT_EQ(layers.size(), 4U);
  EXPECT_EQ(layers[0].op, Op::kEmbedding);
  EXPECT_EQ(layers[0].rows, 11U);
  EXPECT_EQ(layers[0].cols, 6U);
  EXPECT_EQ(layers[0].count, 0U);
  EXPECT_EQ(layers[0].repeats, 12U);
  EXPECT_EQ(layers[0].macs, 0U);
  EXPECT_EQ(layers[1].count, 12U);
  EXPECT_EQ(layers[1].repeats, 1U);
  EXPECT_EQ(layers[2].op, Op::kLstm);
  EXPECT_EQ(layers[2].rows, 36U);
  EXPECT_EQ(layers[2].cols, 9U);
  EXPECT_EQ(layers[2].count, 1U);
  EXPECT_EQ(layers[2].repeats, 12U);
  EXPECT_EQ(layers[2].macs, 12U * 36U * 9U);
  EXPECT_EQ(layers[2].output, (ImageShape{9, 12, 1}));
  const std::map<std::string, uint64_t> columns = CountColumns(network.graph);
  EXPECT_EQ(columns.at("embedding0.weight"), 0U);
  EXPECT_EQ(columns.at("conv1.weight"), 12U);
  EXPECT_EQ(columns.at("lstm2.weight"), 1U);
}

}  // namespace
}  // namespace lowtropy
