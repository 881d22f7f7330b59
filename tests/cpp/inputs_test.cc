// SPDX-License-Identifier: Apache-2.0
// Several inputs and outputs, by name, of any rank, with symbols for dimensions.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "forged_model.h"
#include "lowtropy/base/error.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/io/graph_json.h"
#include "lowtropy/run/executor.h"
#include "reference_network.h"
#include "runs.h"

namespace lowtropy {
namespace {

using reference::Builder;
using reference::Square;

Node MakeNode(const Operator* op, const std::string& name, std::vector<std::string> inputs) {
  Node node(*op);
  node.name = node.output = name;
  node.inputs = std::move(inputs);
  return node;
}

// relu(a + b), a behind it, and numbers that nothing touches.
Network RankFive() {
  Network network;
  Graph& graph = network.graph;
  const ValueType type{ElementType::kFloat32, {1, 2, 3, 2, 4}};
  graph.inputs = {{"a", type, {"batch", "", "", "", "width"}},
                  {"b", type, {"batch", "", "", "", "width"}},
                  {"ids", {ElementType::kInt32, {1, 5}}, {"batch", ""}}};
  graph.nodes = {MakeNode(Op::kAdd, "sum", {"a", "b"}), MakeNode(Op::kRelu, "positive", {"sum"}),
                 MakeNode(Op::kConcat, "both", {"positive", "a"}),
                 MakeNode(Op::kDropout, "same ids", {"ids"})};
  graph.outputs = {"both", "same ids", "positive"};
  return network;
}

std::vector<float> Ramp(size_t size, float first, float step) {
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i) values[i] = first + step * static_cast<float>(i);
  return values;
}

void CheckRankFive(Executor& executor, uint32_t batch, uint32_t width) {
  const size_t sample = size_t{2} * 3 * 2 * width;
  const std::vector<float> a = Ramp(batch * sample, -40, 1);
  const std::vector<float> b = Ramp(batch * sample, 10, -0.25F);
  std::vector<int32_t> ids(size_t{batch} * 5);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i) - 1'000'000'000;
  Fill(executor, 0, a);
  Fill(executor, 1, b);
  Fill(executor, 2, ids);
  RunAll(executor);
  ASSERT_EQ(executor.output_types()[0].shape, (Shape{batch, 4, 3, 2, width}));
  ASSERT_EQ(executor.output_types()[1], (ValueType{ElementType::kInt32, {batch, 5}}));
  std::vector<float> both;
  std::vector<float> positive;
  for (size_t n = 0; n < batch; ++n) {
    for (size_t i = n * sample; i < (n + 1) * sample; ++i) {
      positive.push_back(std::max(0.0F, a[i] + b[i]));
      both.push_back(positive.back());
    }
    both.insert(both.end(), a.begin() + static_cast<std::ptrdiff_t>(n * sample),
                a.begin() + static_cast<std::ptrdiff_t>((n + 1) * sample));
  }
  EXPECT_EQ(OutputOf<float>(executor, 0), both);
  EXPECT_EQ(OutputOf<int32_t>(executor, 1), ids);
  EXPECT_EQ(OutputOf<float>(executor, 2), positive);
}

std::vector<Shape> ShapesOf(uint32_t batch, uint32_t width) {
  return {{batch, 2, 3, 2, width}, {batch, 2, 3, 2, width}, {batch, 5}};
}

TEST(InputsTest, RankFiveWithTwoSymbolsAndABatchOfThree) {
  Executor executor(RankFive());
  CheckRankFive(executor, 1, 4);
  executor.SetInputShapes(ShapesOf(3, 7));
  CheckRankFive(executor, 3, 7);
  executor.SetInputShapes(ShapesOf(1, 4));
  CheckRankFive(executor, 1, 4);
}

TEST(InputsTest, PlansOfTheLastShapesAreKept) {
  Executor executor(RankFive());
  const std::vector<Shape> usual = ShapesOf(1, 4);
  const std::vector<Shape> others = ShapesOf(2, 4);
  executor.SetInputShapes(others);
  const size_t before = Allocations();
  for (int i = 0; i < 3; ++i) {
    executor.SetInputShapes(usual);
    executor.SetInputShapes(others);
    executor.SetInputShapes(others);
    RunAll(executor);
  }
  EXPECT_EQ(Allocations(), before);
  // The oldest of more is forgotten, and planned anew.
  for (uint32_t width = 10; width < 10 + Executor::kMaxPrograms; ++width) {
    executor.SetInputShapes(ShapesOf(1, width));
  }
  const size_t between = Allocations();
  executor.SetInputShapes(usual);
  EXPECT_GT(Allocations(), between);
  CheckRankFive(executor, 1, 4);
}

TEST(InputsTest, PlansAreKeptOnlyWithinTheLimits) {
  const Network network = RankFive();
  const uint64_t usual = Executor(network).demand().memory;
  Executor executor(network, {usual, 1e30});
  const std::vector<Shape> larger = ShapesOf(3, 7);
  EXPECT_THROW(executor.SetInputShapes(larger), Error);
  CheckRankFive(executor, 1, 4);  // as it was
  const std::vector<Shape> smaller = ShapesOf(1, 2);
  executor.SetInputShapes(smaller);
  const size_t before = Allocations();
  executor.SetInputShapes(ShapesOf(1, 4));  // there was no room for both
  EXPECT_GT(Allocations(), before);
  CheckRankFive(executor, 1, 4);
}

TEST(InputsTest, ABatchIsItsSamplesOneAfterTheOther) {
  Builder builder(3, {3, 9, 8});
  const std::string conv = builder.BatchNorm(builder.Conv("data", 5, Square(3, 2, 1)));
  const std::string pool = builder.Pool(Op::kMaxPool, builder.Add(Op::kRelu, {conv}), Square(2, 2));
  const std::string fc = builder.Fc(builder.Add(Op::kLrn, {pool}), 4);
  Network network = builder.Build({builder.Add(Op::kSoftmax, {fc}), pool});
  Executor single(network);
  network.graph.inputs[0].type.shape = {1, 3, 9, 8};
  network.graph.inputs[0].symbols = {"batch", "", "", ""};
  Executor batch(network);
  batch.SetInputShapes(std::vector<Shape>{{3, 3, 9, 8}});
  const std::vector<float> inputs = builder.Uniform(size_t{3} * 3 * 9 * 8, -1, 1);
  Fill(batch, 0, inputs);
  RunAll(batch);
  for (size_t output = 0; output < 2; ++output) {
    const std::vector<float> all = OutputOf<float>(batch, output);
    for (size_t n = 0; n < 3; ++n) {
      const auto first = inputs.begin() + static_cast<std::ptrdiff_t>(n * inputs.size() / 3);
      Fill(single, 0,
           std::vector<float>(first, first + static_cast<std::ptrdiff_t>(inputs.size() / 3)));
      RunAll(single);
      const std::vector<float> one = OutputOf<float>(single, output);
      ASSERT_EQ(3 * one.size(), all.size());
      EXPECT_TRUE(std::equal(one.begin(), one.end(),
                             all.begin() + static_cast<std::ptrdiff_t>(n * one.size())))
          << "output " << output << ", sample " << n;
    }
  }
}

void ExpectError(ErrorKind kind, const std::string& message, const std::function<void()>& work) {
  try {
    work();
    ADD_FAILURE() << "Accepted; expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    EXPECT_EQ(error.what(), message);
  }
}

TEST(InputsTest, RefusesShapesThatDoNotFit) {
  Executor executor(RankFive());
  const auto refused = [&](std::vector<Shape> shapes, const std::string& message) {
    ExpectError(ErrorKind::kShape, message, [&] { executor.SetInputShapes(shapes); });
  };
  std::vector<Shape> shapes = ShapesOf(2, 4);
  shapes.pop_back();
  refused(shapes, "The graph has 3 inputs, not 2.");
  shapes = ShapesOf(2, 4);
  shapes[1] = {2, 2, 3, 2};
  refused(shapes, "The graph's input \"b\" cannot be 2 x 2 x 3 x 2: it has 5 dimensions.");
  shapes[1] = {2, 2, 3, 3, 4};
  refused(shapes, "The graph's input \"b\" cannot be 2 x 2 x 3 x 3 x 4: its dimension 3 is 2.");
  shapes[1] = {2, 2, 3, 2, 5};
  refused(shapes, "The graph's input \"b\" cannot be 2 x 2 x 3 x 2 x 5: \"width\" is 4 already.");
  refused(ShapesOf(0, 4), "The graph's input \"a\" cannot be 0 x 2 x 3 x 2 x 4.");
  refused(ShapesOf(100'000'000, 4), "The graph's input \"a\" cannot be 100000000 x 2 x 3 x 2 x 4.");
  CheckRankFive(executor, 1, 4);
}

TEST(InputsTest, RefusesGraphsThatContradictThemselves) {
  const auto refused = [](ErrorKind kind, const std::function<void(Graph&)>& spoil,
                          const std::string& message) {
    Graph graph = RankFive().graph;
    spoil(graph);
    ExpectError(kind, message, [&] { CheckGraph(graph); });
  };
  refused(
      ErrorKind::kFile, [](Graph& g) { g.inputs.resize(1025, g.inputs[0]); },
      "The graph has 1025 inputs; the limit is 1024.");
  refused(
      ErrorKind::kFile, [](Graph& g) { g.inputs[1].name = "a"; },
      "The graph has two inputs \"a\".");
  refused(
      ErrorKind::kFile, [](Graph& g) { g.inputs[1].name = "sum"; },
      "The add node \"sum\": the value \"sum\" is made a second time.");
  refused(
      ErrorKind::kFile, [](Graph& g) { g.inputs[2].symbols = {"batch"}; },
      "The graph's input \"ids\" has 1 symbols for 2 dimensions.");
  refused(
      ErrorKind::kFile, [](Graph& g) { g.inputs[2].symbols[1] = "\n"; },
      "A symbol of the graph is not 1 to 256 bytes of UTF-8 without control characters.");
  refused(
      ErrorKind::kShape,
      [](Graph& g) {
        g.inputs[2].type.shape = {2, 5};
      },
      "The graph's input \"ids\" cannot be 2 x 5: \"batch\" is 1 already.");
  refused(
      ErrorKind::kShape, [](Graph& g) { g.inputs[1].type.type = ElementType::kBool; },
      "The add node \"sum\": it takes float32 values, and its input \"b\" has bool.");
}

TEST(InputsTest, RunOfOneInputRefusesOthers) {
  Executor several(RankFive());
  std::vector<float> values(48);
  ExpectError(ErrorKind::kShape, "The network has 3 inputs, not one.",
              [&] { several.Start(values); });
  Network network = RankFive();
  network.graph.nodes.erase(network.graph.nodes.begin(), network.graph.nodes.begin() + 3);
  network.graph.inputs.erase(network.graph.inputs.begin(), network.graph.inputs.begin() + 2);
  network.graph.outputs = {"same ids"};
  Executor integers(network);
  ExpectError(ErrorKind::kValue, "The network's input is not of float32 but of int32.",
              [&] { integers.Start(std::span(values).first(5)); });
}

// ---- As JSON and in files ----

constexpr std::string_view kRankFive =
    R"({"name":"","inputs":[{"name":"a","type":"float32","shape":["batch",2,3,2,"width"]},)"
    R"({"name":"b","type":"float32","shape":["batch",2,3,2,"width"]},)"
    R"({"name":"ids","type":"int32","shape":["batch",5]}],"symbols":{"batch":1,"width":4},)"
    R"("outputs":["both","same ids","positive"],"nodes":[)"
    R"({"op":"add","name":"sum","inputs":["a","b"],"output":"sum"},)"
    R"({"op":"relu","name":"positive","inputs":["sum"],"output":"positive"},)"
    R"({"op":"concat","name":"both","inputs":["positive","a"],"output":"both"},)"
    R"({"op":"dropout","name":"same ids","inputs":["ids"],"output":"same ids"}]})";

TEST(InputsTest, Json) {
  EXPECT_EQ(FormatGraph(RankFive().graph), kRankFive);
  const Graph read = ParseGraph(kRankFive);
  EXPECT_EQ(read.inputs, RankFive().graph.inputs);
  EXPECT_EQ(FormatGraph(read), kRankFive);
  Graph one = RankFive().graph;
  one.inputs = {{"x", {ElementType::kFloat32, {3, 4, 5}}, {}}};
  EXPECT_FALSE(HasNamedInputs(one));
  one.inputs[0].symbols = {"", "", "w"};
  EXPECT_TRUE(HasNamedInputs(one));
}

TEST(InputsTest, JsonRefusals) {
  const auto refused = [](std::string_view from, std::string_view to, const std::string& message) {
    std::string text(kRankFive);
    const size_t at = text.find(from);
    ASSERT_NE(at, text.npos) << from;
    text.replace(at, from.size(), to);
    ExpectError(ErrorKind::kFile, message, [&] { ParseGraph(text); });
  };
  refused(R"("int32")", R"("int64")", "Byte 166 of the graph: there is no such type.");
  refused(R"({"batch":1,)", R"({)", "Byte 59 of the graph: this symbol is none of the graph's.");
  refused(R"("width":4)", R"("batch":4)",
          "Byte 206 of the graph: the symbol \"batch\" is there twice.");
}

TEST(InputsTest, AModelFileHasThem) {
  const std::string file = forged::Write(RankFive());
  EXPECT_NE(file.find(R"("version":"4")"), file.npos);
  Executor executor(forged::Read(file));
  CheckRankFive(executor, 1, 4);
  EXPECT_EQ(forged::Write(executor.network()), file);
}

}  // namespace
}  // namespace lowtropy
