// SPDX-License-Identifier: Apache-2.0
// Whole networks against the float64 forward pass of reference_network.h.
#include "lowtropy/run/executor.h"

#include <gtest/gtest.h>

#include <limits>

#include "allocation_counter.h"
#include "lowtropy/base/error.h"
#include "lowtropy/run/internal.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

using reference::AddRandomGraph;
using reference::Builder;
using reference::Draw;
using reference::Square;
using reference::Values;

// The executor's outputs. Whatever lies in the arena before a run must not matter, so it starts as
// NaN; two runs must agree in every bit.
std::vector<std::vector<float>> Execute(Executor& executor, std::span<const float> input) {
  std::vector<std::vector<float>> outputs[2];
  for (auto& run : outputs) {
    std::vector<std::span<float>> spans;
    for (const auto& [type, shape] : executor.output_types()) {
      run.emplace_back(static_cast<size_t>(shape.size()), -1.0F);
    }
    for (auto& output : run) spans.emplace_back(output);
    const std::span<float> arena = internal::ExecutorAccess::Arena(executor);
    std::fill(arena.begin(), arena.end(), std::numeric_limits<float>::quiet_NaN());
    executor.Run(input, spans);
  }
  EXPECT_EQ(outputs[0], outputs[1]);
  return outputs[0];
}

// Largest difference allowed, relative to the largest reference value: some hundred products a
// layer, a few layers.
constexpr double kTolerance = 2e-5;

void ExpectNear(const std::vector<float>& actual, const Values& expected, const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  double largest = 1;
  for (const double v : expected) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], kTolerance * largest) << what << ", element " << i;
  }
}

// Returns the executor's arena size in floats.
uint64_t ExpectMatchesReference(Builder& builder, const std::vector<std::string>& outputs) {
  const Network network = builder.Build(outputs);
  const auto size = static_cast<size_t>(network.graph.inputs[0].type.shape.size());
  const std::vector<float> input = builder.Uniform(size, -1, 1);
  const std::vector<Values> expected = reference::Run(network, input);
  Executor executor(network);
  const auto actual = Execute(executor, input);
  for (size_t i = 0; i < outputs.size(); ++i) ExpectNear(actual[i], expected[i], outputs[i]);
  return executor.arena_bytes() / sizeof(float);
}

// ---- Single operators ----

TEST(ExecutorTest, RandomConvolutions) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const uint32_t groups = Draw(random, 1, 3);
    Window window;
    window.kernel = {Draw(random, 1, 4), Draw(random, 1, 4)};
    window.stride = {Draw(random, 1, 3), Draw(random, 1, 3)};
    window.dilation = {Draw(random, 1, 2), Draw(random, 1, 2)};
    for (uint32_t& pad : window.pad) pad = Draw(random, 0, 3);
    const ImageShape input{groups * Draw(random, 1, 3), Draw(random, 7, 18), Draw(random, 7, 34)};
    Builder builder(seed, input);
    const uint32_t rows = groups * Draw(random, 1, 5);
    ExpectMatchesReference(builder, {builder.Conv("data", rows, window, groups, seed % 2 == 0)});
  }
}

// Where each channel has few rows of the weight, there is no product.
TEST(ExecutorTest, RandomDepthwiseConvolutions) {
  for (uint32_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Window window;
    window.kernel = {Draw(random, 1, 5), Draw(random, 1, 5)};
    window.stride = {Draw(random, 1, 3), Draw(random, 1, 3)};
    window.dilation = {Draw(random, 1, 2), Draw(random, 1, 2)};
    for (uint32_t& pad : window.pad) pad = Draw(random, 0, 3);
    if (seed % 4 == 0) window = Square(3, 1, 1);
    if (seed % 4 == 1) window = Square(1 + seed % 3);
    const uint32_t channels = Draw(random, 1, 5);
    // Around one to six vectors of 4 lanes, and one of 16.
    const ImageShape input{channels, Draw(random, 9, 14), Draw(random, 9, 30)};
    Builder builder(seed, input);
    const uint32_t rows = channels * Draw(random, 1, 4);
    const auto conv = builder.Conv("data", rows, window, channels, seed % 2 == 0);
    const auto relu = builder.Add(Op::kRelu, {seed % 3 == 0 ? builder.BatchNorm(conv) : conv});
    ExpectMatchesReference(builder, {relu});
  }
}

TEST(ExecutorTest, DepthwiseConvolutionsInAllFormats) {
  Builder builder(1, {6, 9, 11});
  const Network network = builder.Build({builder.Conv("data", 12, Square(3, 2, 1), 6)});
  const std::vector<float> input = builder.Uniform(6 * 9 * 11, -1, 1);
  const std::vector<Values> expected = reference::Run(network, input);
  for (const Format format : kFormats) {
    Executor executor(reference::InFormat(network, format));
    ExpectNear(Execute(executor, input)[0], expected[0], std::string(Name(format)));
  }
}

TEST(ExecutorTest, DepthwiseConvolutionsOfOneRow) {
  for (uint32_t width = 1; width < 70; ++width) {
    SCOPED_TRACE("width " + std::to_string(width));
    Builder builder(width, {3, 1, width});
    Window window;
    window.kernel = {1, 3};
    window.pad = {0, 1, 0, 1};
    window.stride = {1, 1 + width % 2};
    ExpectMatchesReference(builder, {builder.Conv("data", 3, window, 3)});
  }
}

// Pieces pad the rows that they need, each on its own.
TEST(ExecutorTest, DepthwiseConvolutionsInPieces) {
  for (const uint32_t stride : {1U, 2U}) {
    Builder builder(stride, {2, 90, 40});
    const auto conv = builder.Conv("data", 4, Square(5, stride, 2), 2);
    Executor executor(builder.Build({conv}));
    const std::vector<float> input = builder.Uniform(2 * 90 * 40, -1, 1);
    const auto whole = Execute(executor, input);
    executor.Start(input);
    int pieces = 1;
    while (!executor.Advance(1)) ++pieces;
    EXPECT_GT(pieces, 10);
    std::vector<float> output(whole[0].size());
    executor.Finish(std::vector<std::span<float>>{output});
    EXPECT_EQ(output, whole[0]);
  }
}

TEST(ExecutorTest, ConvolutionsThatGiveOnePixel) {
  for (uint32_t channels : {1U, 15U, 16U, 17U, 64U}) {
    Builder builder(channels, {channels, 3, 3});
    const auto pixel = builder.Conv("data", 33, Square(3));
    ExpectMatchesReference(builder, {builder.Conv(pixel, 10, Square(1))});
  }
}

TEST(ExecutorTest, FullyConnectedTakesTheValueAsItLies) {
  for (uint32_t width = 1; width < 20; ++width) {
    Builder builder(width, {3, 2, width});
    const auto conv = builder.Conv("data", 5, Square(1));
    const auto flat = builder.Add(Op::kFlatten, {conv});
    ExpectMatchesReference(builder, {builder.Fc(conv, 7), builder.Fc(flat, 7, false)});
  }
}

// ---- Fusion ----

TEST(ExecutorTest, BatchNormAndReluAfterConv) {
  for (const bool bias : {false, true}) {
    for (const bool affine : {false, true}) {
      Builder builder(7, {4, 9, 10});
      const auto conv = builder.Conv("data", 6, Square(3, 1, 1), 2, bias);
      const auto norm = builder.BatchNorm(builder.Add(Op::kDropout, {conv}), affine);
      ExpectMatchesReference(builder, {builder.Add(Op::kRelu, {norm})});
    }
  }
}

TEST(ExecutorTest, ReluThenBatchNormKeepsTheirOrder) {
  Builder builder(8, {4, 9, 10});
  const auto relu = builder.Add(Op::kRelu, {builder.Conv("data", 6, Square(3))});
  const auto norm = builder.BatchNorm(relu);
  ExpectMatchesReference(builder, {builder.Add(Op::kRelu, {builder.BatchNorm(norm)})});
}

TEST(ExecutorTest, ValuesWithTwoReadersStayAsTheyAre) {
  Builder builder(9, {4, 9, 10});
  const auto conv = builder.Conv("data", 6, Square(3));
  const auto relu = builder.Add(Op::kRelu, {conv});
  const auto norm = builder.BatchNorm(conv);
  const auto sum = builder.Add(Op::kAdd, {relu, norm, conv});
  ExpectMatchesReference(builder, {builder.Add(Op::kRelu, {sum})});
}

TEST(ExecutorTest, ValuesWithTwoReadersStayAsTheyAreUnderOtherNames) {
  Builder builder(9, {4, 9, 10});
  const auto conv = builder.Conv("data", 6, Square(3));
  const auto relu = builder.Add(Op::kRelu, {builder.Add(Op::kDropout, {conv})});
  ExpectMatchesReference(builder, {builder.Add(Op::kAdd, {relu, conv})});
}

TEST(ExecutorTest, BatchNormAfterFlattenIsPerElement) {
  Builder builder(10, {2, 3, 4});
  const auto flat = builder.Add(Op::kFlatten, {builder.Conv("data", 3, Square(2))});
  const auto norm = builder.BatchNorm(flat);
  ExpectMatchesReference(builder, {builder.BatchNorm(builder.Fc(norm, 5))});
}

TEST(ExecutorTest, OutputsAreNotChangedByLaterNodes) {
  Builder builder(11, {3, 8, 8});
  const auto conv = builder.Conv("data", 4, Square(3));
  const auto relu = builder.Add(Op::kRelu, {conv});
  const auto norm = builder.BatchNorm(relu);
  const auto soft = builder.Add(Op::kSoftmax, {norm});
  ExpectMatchesReference(builder, {soft, conv, norm, relu, "data"});
}

TEST(ExecutorTest, NodesThatNoOutputNeedsDoNotMatter) {
  Builder builder(12, {3, 8, 8});
  const auto conv = builder.Conv("data", 4, Square(3));
  const auto unused = builder.Add(Op::kSoftmax, {conv});
  builder.Fc(unused, 100);
  ExpectMatchesReference(builder, {builder.Add(Op::kRelu, {conv})});
}

// ---- Concat and add ----

TEST(ExecutorTest, ConcatOfBranches) {
  Builder builder(20, {3, 9, 9});
  const auto squeeze = builder.Add(Op::kRelu, {builder.Conv("data", 5, Square(1))});
  const auto left = builder.Add(Op::kRelu, {builder.Conv(squeeze, 7, Square(1))});
  const auto right = builder.Add(Op::kRelu, {builder.Conv(squeeze, 6, Square(3, 1, 1))});
  const auto concat = builder.Add(Op::kConcat, {left, right, squeeze});
  const auto pool = builder.Pool(Op::kMaxPool, concat, Square(3, 2), true);
  ExpectMatchesReference(builder, {builder.Conv(pool, 4, Square(3)), left});
}

TEST(ExecutorTest, ConcatOfTheInputAndOfOneValueTwice) {
  Builder builder(21, {3, 5, 7});
  const auto conv = builder.Conv("data", 4, Square(3, 1, 1));
  const auto concat = builder.Add(Op::kConcat, {conv, "data", conv, conv});
  const auto relu = builder.Add(Op::kRelu, {concat});
  ExpectMatchesReference(builder, {relu, builder.Add(Op::kConcat, {concat, concat})});
}

TEST(ExecutorTest, ConcatsThatShareInputs) {
  Builder builder(22, {3, 5, 7});
  const auto a = builder.Conv("data", 4, Square(3, 1, 1));
  const auto b = builder.Conv("data", 5, Square(1));
  const auto ab = builder.Add(Op::kConcat, {a, b});
  const auto ba = builder.Add(Op::kConcat, {b, a});
  const auto relu = builder.Add(Op::kRelu, {a});
  ExpectMatchesReference(builder, {builder.Add(Op::kAdd, {ab, ba}), relu});
}

// Dense blocks in both forms that exist: concats of the previous concat, and of everything so far.
std::string DenseBlock(Builder& builder, bool nested) {
  std::string features = "data";
  std::vector<std::string> all{"data"};
  for (int layer = 0; layer < 4; ++layer) {
    const auto relu = builder.Add(Op::kRelu, {builder.BatchNorm(features)});
    const auto fresh = builder.Conv(relu, 3, Square(3, 1, 1), 1, false);
    all.push_back(fresh);
    features = builder.Add(Op::kConcat, nested ? std::vector{features, fresh} : all);
  }
  return features;
}

TEST(ExecutorTest, DenseBlocks) {
  for (const bool nested : {true, false}) {
    Builder builder(23, {4, 6, 9});
    const auto features = DenseBlock(builder, nested);
    ExpectMatchesReference(builder, {builder.Add(Op::kRelu, {builder.BatchNorm(features)})});
  }
}

TEST(ExecutorTest, ResidualBlocks) {
  Builder builder(24, {4, 8, 8});
  std::string value = builder.Add(Op::kRelu, {builder.Conv("data", 6, Square(3, 1, 1))});
  for (int block = 0; block < 3; ++block) {
    auto branch = builder.BatchNorm(builder.Conv(value, 6, Square(3, 1, 1), 1, false));
    branch = builder.Add(Op::kRelu, {branch});
    branch = builder.BatchNorm(builder.Conv(branch, 6, Square(3, 1, 1), 1, false));
    value = builder.Add(Op::kRelu, {builder.Add(Op::kAdd, {branch, value})});
  }
  ExpectMatchesReference(builder, {builder.Add(Op::kGlobalAvgPool, {value})});
}

TEST(ExecutorTest, AddOfOneValueTwice) {
  Builder builder(25, {4, 3, 3});
  const auto conv = builder.Conv("data", 6, Square(1));
  ExpectMatchesReference(builder, {builder.Add(Op::kAdd, {conv, conv, conv})});
}

// ---- Everything at once ----

TEST(ExecutorTest, RandomGraphs) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Builder builder(seed, {2, 5, 6});
    ExpectMatchesReference(builder, AddRandomGraph(builder, seed, 14));
  }
}

// ---- The rest of the interface ----

TEST(ExecutorTest, RunAllocatesNothing) {
  Builder builder(30, {4, 12, 12});
  const auto features = DenseBlock(builder, true);
  const auto pool = builder.Pool(Op::kAvgPool, features, Square(2, 2));
  const auto norm = builder.Add(Op::kLrn, {builder.Conv(pool, 8, Square(3, 2, 1), 2)});
  const auto sum = builder.Add(Op::kAdd, {norm, norm});
  const Network network = builder.Build({builder.Add(Op::kSoftmax, {builder.Fc(sum, 10)})});
  const std::vector<float> input = builder.Uniform(4 * 12 * 12, -1, 1);
  std::vector<float> output(10);
  const std::vector<std::span<float>> outputs{output};
  for (const Format format : kFormats) {
    Executor executor(reference::InFormat(network, format));
    executor.Run(input, outputs);  // Highway chooses the instruction set in the first call
    const size_t before = Allocations();
    executor.Run(input, outputs);
    EXPECT_EQ(Allocations(), before) << Name(format);
  }
}

TEST(ExecutorTest, FormatsAgree) {
  Builder builder(31, {3, 10, 10});
  const auto conv = builder.Add(Op::kRelu, {builder.Conv("data", 8, Square(3))});
  const Network network = builder.Build({builder.Fc(conv, 6)});
  const std::vector<float> input = builder.Uniform(300, -1, 1);
  const std::vector<Values> expected = reference::Run(network, input);
  for (const Format format : kFormats) {
    Executor executor(reference::InFormat(network, format));
    ExpectNear(Execute(executor, input)[0], expected[0], std::string(Name(format)));
  }
}

TEST(ExecutorTest, MovesKeepItRunning) {
  Builder builder(32, {3, 10, 10});
  const Network network = builder.Build({builder.BatchNorm(builder.Conv("data", 8, Square(3)))});
  const std::vector<float> input = builder.Uniform(300, -1, 1);
  Executor first(network);
  const auto expected = Execute(first, input);
  Executor second(std::move(first));
  EXPECT_EQ(Execute(second, input), expected);
}

TEST(ExecutorTest, EveryStepIsTimed) {
  Builder builder(33, {3, 10, 10});
  const auto conv = builder.Add(Op::kRelu, {builder.Conv("data", 8, Square(3))});
  Executor executor(builder.Build({builder.Add(Op::kSoftmax, {conv})}));
  executor.set_timed(true);
  for (int i = 0; i < 2; ++i) {
    Execute(executor, builder.Uniform(300, -1, 1));
    std::vector<std::string_view> names;
    for (const auto& [node, milliseconds] : executor.step_times()) {
      EXPECT_GE(milliseconds, 0);
      names.push_back(node);
    }
    EXPECT_EQ(names, (std::vector<std::string_view>{"conv0", "softmax2"}));
  }
}

TEST(ExecutorTest, WrongSizesAreRefused) {
  Builder builder(34, {3, 4, 5});
  Executor executor(builder.Build({builder.Fc("data", 8)}));
  std::vector<float> input(60);
  std::vector<float> output(8);
  const auto message = [&](size_t inputs, size_t outputs, size_t count) -> std::string {
    const std::vector<std::span<float>> spans(count, std::span(output).first(outputs));
    try {
      executor.Run(std::span(input).first(inputs), spans);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kShape);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message(60, 8, 1), "");
  EXPECT_EQ(message(59, 8, 1), "The network's input takes 3 x 4 x 5 = 60 values, not 59.");
  EXPECT_EQ(message(60, 7, 1), "The output \"fc0\" takes 8 x 1 x 1 = 8 values, not 7.");
  EXPECT_EQ(message(60, 8, 2), "The network has 1 outputs, not 2.");
}

TEST(ExecutorTest, LayersAreListed) {
  Builder builder(35, {4, 9, 10});
  const auto conv = builder.Conv("data", 6, Square(3), 2);
  const Network network = builder.Build({builder.Fc(conv, 5)});
  const std::vector<LayerInfo> layers = ListLayers(network.graph);
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0].name, "conv0");
  EXPECT_EQ(layers[0].weight, "conv0.weight");
  EXPECT_EQ(layers[0].rows, 6U);
  EXPECT_EQ(layers[0].cols, 18U);
  EXPECT_EQ(layers[0].count, 56U);
  EXPECT_EQ(layers[0].macs, 6U * 18U * 56U);
  EXPECT_EQ(layers[0].output, (ImageShape{6, 7, 8}));
  EXPECT_EQ(layers[1].op, Op::kFc);
  EXPECT_EQ(layers[1].cols, 6U * 56U);
  EXPECT_EQ(layers[1].count, 1U);
  EXPECT_EQ(layers[1].macs, 5U * 336U);
}

TEST(ExecutorTest, ConstructorChecksTheNetwork) {
  Builder builder(36, {4, 9, 10});
  Network network = builder.Build({builder.Conv("data", 6, Square(3))});
  network.vectors.clear();
  EXPECT_THROW(Executor{network}, Error);
}

}  // namespace
}  // namespace lowtropy
