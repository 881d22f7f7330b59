// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "lowtropy/base/error.h"
#include "lowtropy/graph/check.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

using reference::Builder;
using reference::Square;

constexpr uint32_t kMax = std::numeric_limits<uint32_t>::max();

Network SmallNetwork() {
  Builder builder(1, {4, 9, 10});
  const auto conv = builder.Conv("data", 6, Square(3, 1, 1), 2);
  const auto norm = builder.Add(Op::kLrn, {builder.BatchNorm(conv)});
  const auto pool = builder.Pool(Op::kMaxPool, norm, Square(3, 2), true);
  const auto concat = builder.Add(Op::kConcat, {pool, pool});
  const auto sum = builder.Add(Op::kAdd, {concat, concat});
  return builder.Build({builder.Fc(sum, 5)});
}
// Where SmallNetwork's nodes are.
enum : size_t { kConvNode, kNormNode, kLrnNode, kPoolNode, kConcatNode, kAddNode, kFcNode };

void ExpectRefused(const std::function<void(Network&)>& spoil, ErrorKind kind,
                   const std::string& message) {
  Network network = SmallNetwork();
  spoil(network);
  try {
    CheckNetwork(network);
    ADD_FAILURE() << "Accepted; expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_EQ(error.what(), message);
  }
}

void ExpectNodeRefused(size_t node, const std::function<void(Node&)>& spoil, ErrorKind kind,
                       const std::string& message) {
  ExpectRefused([&](Network& network) { spoil(network.graph.nodes[node]); }, kind, message);
}

// ---- Topology ----

TEST(GraphTest, OrderIsTheGraphsOwnWherePossible) {
  Graph graph = SmallNetwork().graph;
  EXPECT_EQ(TopologicalOrder(graph), (std::vector<size_t>{0, 1, 2, 3, 4, 5, 6}));
  std::swap(graph.nodes[0], graph.nodes[6]);
  EXPECT_EQ(TopologicalOrder(graph), (std::vector<size_t>{6, 1, 2, 3, 4, 5, 0}));
}

TEST(GraphTest, RefusesBrokenTopology) {
  ExpectNodeRefused(
      kConvNode, [](Node& n) { n.inputs = {"fc6"}; }, ErrorKind::kFile,
      "The conv node \"conv0\": it is in a cycle, or depends on one.");
  ExpectNodeRefused(
      kLrnNode, [](Node& n) { n.inputs = {"lrn2"}; }, ErrorKind::kFile,
      "The lrn node \"lrn2\": it is in a cycle, or depends on one.");
  ExpectNodeRefused(
      kPoolNode, [](Node& n) { n.inputs = {"nowhere"}; }, ErrorKind::kFile,
      "The maxpool node \"maxpool3\": no node makes its input \"nowhere\".");
  ExpectNodeRefused(
      kPoolNode, [](Node& n) { n.output = "lrn2"; }, ErrorKind::kFile,
      "The maxpool node \"maxpool3\": the value \"lrn2\" is made a second time.");
  ExpectNodeRefused(
      kPoolNode, [](Node& n) { n.output = "data"; }, ErrorKind::kFile,
      "The maxpool node \"maxpool3\": the value \"data\" is made a second time.");
  ExpectNodeRefused(
      kPoolNode,
      [](Node& n) {
        n.inputs = {"data", "data"};
      },
      ErrorKind::kFile, "The maxpool node \"maxpool3\": it takes one input, but has 2.");
  ExpectNodeRefused(
      kAddNode, [](Node& n) { n.inputs = {"data"}; }, ErrorKind::kFile,
      "The add node \"add5\": it takes at least 2 inputs, but has 1.");
  ExpectNodeRefused(
      kConcatNode, [](Node& n) { n.inputs.clear(); }, ErrorKind::kFile,
      "The concat node \"concat4\": it has no input.");
}

TEST(GraphTest, RefusesBrokenGraphs) {
  const auto kFile = ErrorKind::kFile;
  ExpectRefused([](Network& n) { n.graph.nodes.clear(); }, kFile, "The graph has no nodes.");
  ExpectRefused([](Network& n) { n.graph.outputs.clear(); }, kFile, "The graph has no outputs.");
  ExpectRefused(
      [](Network& n) {
        n.graph.outputs = {"fc6", "fc6"};
      },
      kFile, "The graph names the output \"fc6\" twice.");
  ExpectRefused([](Network& n) { n.graph.outputs = {"prob"}; }, kFile,
                "No node makes the value \"prob\", an output of the graph.");
  ExpectRefused([](Network& n) { n.graph.nodes.resize(kMaxNodes + 1, n.graph.nodes[0]); }, kFile,
                "The graph has 16385 nodes; the limit is 16384.");
}

// ---- Shapes ----

TEST(GraphTest, InfersEveryShape) {
  const std::map<std::string, ValueType> shapes = InferTypes(SmallNetwork().graph);
  EXPECT_EQ(shapes.size(), 8U);
  EXPECT_EQ(shapes.at("conv0").shape, (Shape{6, 9, 10}));
  EXPECT_EQ(shapes.at("batchnorm1").shape, (Shape{6, 9, 10}));
  EXPECT_EQ(shapes.at("maxpool3").shape, (Shape{6, 4, 5}));
  EXPECT_EQ(shapes.at("concat4").shape, (Shape{12, 4, 5}));
  EXPECT_EQ(shapes.at("fc6").shape, (Shape{5, 1, 1}));
}

ImageShape PoolOf(uint32_t size, uint32_t kernel, uint32_t stride, uint32_t pad, bool ceil) {
  Builder builder(1, {1, size, size});
  return builder.ShapeOf(builder.Pool(Op::kMaxPool, "data", Square(kernel, stride, pad), ceil));
}

TEST(GraphTest, PoolsFollowCaffe) {
  EXPECT_EQ(PoolOf(111, 3, 2, 0, true), (ImageShape{1, 55, 55}));
  EXPECT_EQ(PoolOf(112, 3, 2, 0, true), (ImageShape{1, 56, 56}));
  EXPECT_EQ(PoolOf(112, 3, 2, 0, false), (ImageShape{1, 55, 55}));
  EXPECT_EQ(PoolOf(112, 3, 2, 1, false), (ImageShape{1, 56, 56}));
  // Without Caffe's rule a third window would start in the padding after the input.
  EXPECT_EQ(PoolOf(4, 2, 3, 1, true), (ImageShape{1, 2, 2}));
  EXPECT_EQ(PoolOf(5, 2, 3, 1, true), (ImageShape{1, 2, 2}));
  EXPECT_EQ(PoolOf(6, 2, 3, 1, true), (ImageShape{1, 3, 3}));
  // Nor may a stride leap over the end.
  EXPECT_EQ(PoolOf(5, 1, 3, 0, true), (ImageShape{1, 2, 2}));
  EXPECT_EQ(PoolOf(3, 3, 1, 0, true), (ImageShape{1, 1, 1}));
}

TEST(GraphTest, RefusesWhatDoesNotFit) {
  const auto kShape = ErrorKind::kShape;
  ExpectNodeRefused(
      kPoolNode,
      [](Node& n) {
        n["kernel"].integers = {10, 3};
      },
      kShape,
      "The maxpool node \"maxpool3\": its kernel of 10 is larger than the padded input of 9.");
  ExpectNodeRefused(
      kPoolNode,
      [](Node& n) {
        n["pad"].integers = {0, 3, 0, 0};
      },
      kShape,
      "The maxpool node \"maxpool3\": its padding is not smaller than its kernel, so that windows "
      "would lie in padding alone.");
  ExpectNodeRefused(
      kConcatNode,
      [](Node& n) {
        n.inputs = {"data", "maxpool3"};
      },
      kShape, "The concat node \"concat4\": it cannot concatenate 4 x 9 x 10 and 6 x 4 x 5.");
  ExpectNodeRefused(
      kAddNode,
      [](Node& n) {
        n.inputs = {"concat4", "maxpool3"};
      },
      kShape, "The add node \"add5\": it cannot add 12 x 4 x 5 and 6 x 4 x 5.");
  ExpectNodeRefused(
      kLrnNode, [](Node& n) { n["size"].integers = {0}; }, kShape,
      "The lrn node \"lrn2\": size 0 is outside 1 to 65535.");
  ExpectRefused(
      [](Network& n) {
        n.graph.inputs[0].type.shape = {0, 9, 10};
      },
      kShape, "The graph's input \"data\" cannot be 0 x 9 x 10.");
}

// Numbers at the ends of their types, one field at a time.
TEST(GraphTest, RefusesHostileNumbers) {
  struct Field {
    std::function<void(Node&, uint32_t)> set;
    bool is_conv_only = false;
  };
  const Field fields[] = {
      {[](Node& n, uint32_t v) { n["kernel"].integers[0] = v; }},
      {[](Node& n, uint32_t v) { n["kernel"].integers[1] = v; }},
      {[](Node& n, uint32_t v) { n["pad"].integers[0] = v; }},
      {[](Node& n, uint32_t v) { n["pad"].integers[3] = v; }},
      {[](Node& n, uint32_t v) { n["dilation"].integers[0] = v; }, true},
      {[](Node& n, uint32_t v) {
        n["pad"].integers = {v, v, v, v};
      }},
      {[](Node& n, uint32_t v) {
        n["kernel"].integers = {v, v};
      }},
  };
  for (const auto& set : fields) {
    for (const size_t node : {kConvNode, kPoolNode}) {
      if (set.is_conv_only && node != kConvNode) continue;
      for (const uint32_t value : {kMax, kMax - 1, kMax / 2 + 1, uint32_t{1} << 24}) {
        Network network = SmallNetwork();
        set.set(network.graph.nodes[node], value);
        EXPECT_THROW(InferTypes(network.graph), Error) << value;
      }
    }
  }
  for (const size_t node : {kConvNode, kPoolNode}) {
    Network network = SmallNetwork();
    network.graph.nodes[node]["stride"].integers = {0, 1};
    EXPECT_THROW(InferTypes(network.graph), Error);
  }
  for (const ImageShape& shape :
       {ImageShape{kMax, kMax, kMax}, ImageShape{1, kMax, 1}, ImageShape{1 << 16, 1 << 16, 1},
        ImageShape{2, 1U << 31, 1U << 31}}) {
    Network network = SmallNetwork();
    network.graph.inputs[0].type.shape = shape;
    EXPECT_THROW(InferTypes(network.graph), Error);
  }
  for (const uint32_t value : {0U, kMax}) {
    Network network = SmallNetwork();
    network.graph.nodes[kConvNode]["groups"].integers = {value};
    EXPECT_THROW(InferTypes(network.graph), Error);
    network = SmallNetwork();
    network.graph.nodes[kFcNode]["outChannels"].integers = {value};
    EXPECT_THROW(InferTypes(network.graph), Error);
  }
}

TEST(GraphTest, RefusesSequencesThatDoNotFit) {
  const auto kShape = ErrorKind::kShape;
  const auto expect = [&](const std::function<void(Network&)>& spoil, const std::string& message) {
    Builder builder(1, {1, 6, 1});
    const auto gates = builder.Conv(builder.Embedding("data", 9, 5), 12, Square(1));
    Network network = builder.Build({builder.Lstm(gates, 3)});
    EXPECT_NO_THROW(CheckNetwork(network));
    spoil(network);
    try {
      CheckNetwork(network);
      ADD_FAILURE() << "Accepted; expected: " << message;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kShape) << error.what();
      EXPECT_EQ(error.what(), message);
    }
  };
  const std::string kEmbedding = "The embedding node \"embedding0\": ";
  const std::string kLstm = "The lstm node \"lstm2\": ";
  for (const ImageShape& shape : {ImageShape{2, 6, 1}, ImageShape{1, 6, 2}}) {
    expect([&](Network& n) { n.graph.inputs[0].type.shape = shape; },
           kEmbedding + "it takes 1 x steps x 1 numbers of classes, not " +
               std::to_string(shape.channels) + " x 6 x " + std::to_string(shape.width) + ".");
  }
  for (const uint32_t classes : {0U, (1U << 24) + 1, kMax}) {
    expect([&](Network& n) { n.graph.nodes[0]["classes"].integers = {classes}; },
           kEmbedding + "its number of classes, " + std::to_string(classes) +
               ", is outside 1 to 16777216.");
  }
  expect([](Network& n) { n.graph.nodes[0]["outChannels"].integers = {0}; },
         kEmbedding + "it needs at least one output channel.");
  expect(
      [](Network& n) { n.graph.nodes[0]["outChannels"].integers = {kMax}; },
      kEmbedding + "its output of 4294967295 x 6 x 1 is empty or larger than 2147483648 values.");
  expect([](Network& n) { n.graph.nodes[0]["classes"].integers = {8}; },
         kEmbedding + "its weight \"embedding0.weight\" is 9 x 5, not 8 x 5.");
  // 4 · 0x40000003 is 12 in 32 bits.
  expect([](Network& n) { n.graph.nodes[2]["outChannels"].integers = {0x40000003}; },
         kLstm +
             "it takes 4294967308 x steps x 1, four gates of each output channel, not 12 x 6 x "
             "1.");
  expect([](Network& n) { n.graph.nodes[2]["outChannels"].integers = {0}; },
         kLstm + "it needs at least one output channel.");
  expect(
      [](Network& n) {
        n.graph.nodes[1]["pad"].integers = {0, 1, 0, 0};
      },
      kLstm + "it takes 12 x steps x 1, four gates of each output channel, not 12 x 6 x 2.");
  expect([](Network& n) { n.matrices.at("lstm2.weight") = n.matrices.at("conv1.weight"); },
         kLstm + "its weight \"lstm2.weight\" is 12 x 5, not 12 x 3.");
}

// Each concat doubles its input: 2^40 channels after 40 of them.
TEST(GraphTest, RefusesValuesThatGrowWithoutLimit) {
  Builder builder(1, {1, 1, 1});
  std::string value = "data";
  for (int i = 0; i < 40; ++i) value = builder.Push(builder.Make(Op::kConcat, {value, value}));
  EXPECT_THROW(InferTypes(builder.Build({value}).graph), Error);
}

// ---- Networks ----

TEST(GraphTest, AcceptsASoundNetwork) { EXPECT_NO_THROW(CheckNetwork(SmallNetwork())); }

TEST(GraphTest, RefusesTensorsThatDoNotFit) {
  const Network other = SmallNetwork();
  ExpectRefused([](Network& n) { n.matrices.erase("conv0.weight"); }, ErrorKind::kFile,
                "The conv node \"conv0\": its weight \"conv0.weight\" is not among the network's "
                "matrices.");
  ExpectRefused([](Network& n) { n.vectors.erase("conv0.bias"); }, ErrorKind::kFile,
                "The conv node \"conv0\": its bias \"conv0.bias\" is not among the network's "
                "vectors.");
  ExpectRefused(
      [&](Network& n) { n.matrices.at("conv0.weight") = other.matrices.at("fc6.weight"); },
      ErrorKind::kShape,
      "The conv node \"conv0\": its weight \"conv0.weight\" is 5 x 240, not 6 x 18.");
  ExpectRefused([](Network& n) { n.graph.nodes[kFcNode]["outChannels"].integers = {6}; },
                ErrorKind::kShape,
                "The fc node \"fc6\": its weight \"fc6.weight\" is 5 x 240, not 6 x 240.");
  ExpectRefused(
      [&](Network& n) { n.vectors.at("batchnorm1.mean") = other.vectors.at("fc6.bias"); },
      ErrorKind::kShape,
      "The batchnorm node \"batchnorm1\": its mean \"batchnorm1.mean\" has 5 values, not 6.");
  ExpectRefused(
      [](Network& n) {
        const std::vector<uint32_t> integers(6);
        n.vectors.at("conv0.bias") = Array::Copy<uint32_t>(integers);
      },
      ErrorKind::kFile,
      "The conv node \"conv0\": its bias \"conv0.bias\" does not hold float32 values.");
  ExpectRefused([&](Network& n) { n.vectors.emplace("extra", other.vectors.at("fc6.bias")); },
                ErrorKind::kFile, "No node uses the tensor \"extra\".");
  ExpectRefused([&](Network& n) { n.vectors.emplace("fc6.weight", other.vectors.at("fc6.bias")); },
                ErrorKind::kFile,
                "The tensor \"fc6.weight\" is there twice, as a matrix and as a vector.");
  ExpectNodeRefused(
      kNormNode, [](Node& n) { n["variance"].tensor = ""; }, ErrorKind::kFile,
      "The batchnorm node \"batchnorm1\": its variance is not among the network's vectors.");
}

TEST(GraphTest, RefusesNumbersThatNoComputationSurvives) {
  const auto set = [](const std::string& name, float value) {
    return [=](Network& n) {
      const std::vector<float> values(6, value);
      n.vectors.at(name) = Array::Copy<float>(values);
    };
  };
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  ExpectRefused(set("conv0.bias", kNaN), ErrorKind::kValue,
                "The conv node \"conv0\": its bias \"conv0.bias\" holds NaN or infinity.");
  const std::string variance =
      "The batchnorm node \"batchnorm1\": the variances in \"batchnorm1.variance\" with epsilon "
      "added are not all positive.";
  ExpectRefused(set("batchnorm1.variance", -1e-6F), ErrorKind::kValue, variance);
  for (const float epsilon : {kNaN, -3.0F, std::numeric_limits<float>::infinity()}) {
    ExpectNodeRefused(
        kNormNode, [&](Node& n) { n["epsilon"].number = epsilon; }, ErrorKind::kValue, variance);
  }
  for (const float k : {kNaN, 0.0F, -1.0F}) {
    ExpectNodeRefused(
        kLrnNode, [&](Node& n) { n["k"].number = k; }, ErrorKind::kValue,
        "The lrn node \"lrn2\": alpha, beta and k have to be finite, alpha at least 0 and k more "
        "than 0.");
  }
}

TEST(GraphTest, RefusesBadNames) {
  const std::string limit = " is not 1 to 256 bytes of UTF-8 without control characters.";
  for (const std::string& name :
       {std::string(), std::string(257, 'a'), std::string("a\nb"), std::string("a\0b", 3),
        std::string("\x7F"), std::string("\xC2\x85"),  // DEL, NEL
        std::string("\xC0\x80"), std::string("\xE0\x9F\xBF"), std::string("\xF0\x8F\xBF\xBF"),
        std::string("\xED\xA0\x80"), std::string("\xF4\x90\x80\x80"), std::string("\xC3"),
        std::string("\xE2\x82"), std::string("\x80"), std::string("\xFF")}) {
    ExpectNodeRefused(
        kLrnNode, [&](Node& n) { n.name = name; }, ErrorKind::kFile, "The name of node 2" + limit);
    ExpectNodeRefused(
        kLrnNode, [&](Node& n) { n.output = name; }, ErrorKind::kFile,
        "The name of the output of node 2" + limit);
    ExpectRefused([&](Network& n) { n.graph.inputs[0].name = name; }, ErrorKind::kFile,
                  "The name of the graph's input" + limit);
  }
  Network network = SmallNetwork();
  network.graph.nodes[kLrnNode].name = "Größe 尺寸 😀 \xED\x9F\xBF";
  EXPECT_NO_THROW(CheckNetwork(network));
  for (const std::string& name : {std::string("a b"), std::string(129, 'a'), std::string("ä")}) {
    ExpectRefused([&](Network& n) { n.vectors.emplace(name, n.vectors.at("fc6.bias")); },
                  ErrorKind::kFile,
                  "A tensor's name is not 1 to 128 characters of A-Z a-z 0-9 _ . / -.");
  }
}

TEST(GraphTest, OperatorsAreFoundByName) {
  for (const Operator* op : Operators()) EXPECT_EQ(FindOperator(op->name), op);
  EXPECT_EQ(FindOperator("Conv"), nullptr);
  EXPECT_EQ(FindOperator(""), nullptr);
}

}  // namespace
}  // namespace lowtropy
