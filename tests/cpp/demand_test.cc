// SPDX-License-Identifier: Apache-2.0
// What networks ask for is summed up and limited before anything is done.
#include "lowtropy/run/demand.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "allocation_counter.h"
#include "forged_model.h"
#include "inputs.h"
#include "lowtropy/run/builder.h"
#include "lowtropy/run/executor.h"
#include "lowtropy/run/plan.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

using reference::AddRandomNode;
using reference::Builder;
using reference::Square;

// The message of the limit that `work` runs into.
std::string LimitOf(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kLimit) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no limit";
  return "";
}

// A weight of zeros alone, of which nothing is stored but where rows start.
Matrix Zeros(size_t rows, size_t cols) {
  const std::vector<uint8_t> starts(rows + 1, 0);
  const std::vector<NamedArray> arrays{{"values", Array(DType::kF32, nullptr, 0, nullptr)},
                                       {"colI", Array(DType::kU8, nullptr, 0, nullptr)},
                                       {"rowPtr", Array::Copy<uint8_t>(starts)}};
  return Matrix::FromArrays(Format::kCsr, rows, cols, arrays);
}

// A network of one node.
Network Single(Node node, const ImageShape& input) {
  node.name = "node";
  node.inputs = {"data"};
  node.output = "out";
  return {
      {.name = "", .inputs = OneInput("data", input), .outputs = {"out"}, .nodes = {node}}, {}, {}};
}

Network SingleFc(uint32_t rows, uint32_t cols) {
  Node node(*Op::kFc);
  node["weight"].tensor = "w";
  node["outChannels"].integers = {rows};
  Network network = Single(node, {cols, 1, 1});
  network.matrices.emplace("w", Zeros(rows, cols));
  return network;
}

TEST(DemandTest, CountsWhatIsThere) {
  Builder builder(1, {3, 20, 20});
  const std::string conv = builder.Conv("data", 8, Square(3, 1, 1));
  const Network network = builder.Build({builder.Fc(builder.BatchNorm(conv), 10)});
  const Executor executor(network);
  const Demand& demand = executor.demand();
  // The table of the convolution, the normalization's scale and shift.
  const uint64_t others = 4 * 27 + 16 * 2 + 4 * 2 * 8;
  EXPECT_EQ(demand.memory, WeightBytes(network) + executor.arena_bytes() + others);
  const double products = 8 * 27 * 400 + 10 * 3200;
  EXPECT_GE(demand.work, products);
  EXPECT_LE(demand.work, 3 * products);
  EXPECT_EQ(demand.heaviest, "conv0");
}

TEST(DemandTest, LimitsAreExact) {
  const Network network = SingleFc(4, 8);
  const Demand demand = Executor(network).demand();
  const auto whole = [](double x) { return std::to_string(static_cast<uint64_t>(x)); };
  EXPECT_NO_THROW(Executor(network, {demand.memory, demand.work}));
  EXPECT_EQ(LimitOf([&] {
              Executor(network, {demand.memory - 1, demand.work});
            }),
            "The network asks for " + std::to_string(demand.memory) +
                " bytes of memory, and maxMemory is " + std::to_string(demand.memory - 1) + ".");
  EXPECT_EQ(LimitOf([&] {
              Executor(network, {demand.memory, demand.work - 1});
            }),
            "The network asks for " + whole(demand.work) +
                " operations a run, most of them in the node \"node\", and maxWork is " +
                whole(demand.work - 1) + ".");
}

// Of each op, a graph of a few hundred bytes that asks for too much.
std::vector<Network> Bombs() {
  std::vector<Network> bombs;
  const auto add = [&](const Operator* op, const ImageShape& input,
                       const std::function<void(Node&)>& set) {
    Node node(*op);
    set(node);
    bombs.push_back(Single(node, input));
  };
  const auto window = [](uint32_t kernel, uint32_t pad) {
    return [=](Node& node) { SetWindow(node, Square(kernel, 1, pad)); };
  };
  add(Op::kConv, {1, 20000, 20000}, [](Node& node) {
    node["weight"].tensor = "w";
    node["outChannels"].integers = {1};
    SetWindow(node, Square(20000));
  });
  add(Op::kConv, {1, 1, 1}, [](Node& node) {  // padding alone
    node["weight"].tensor = "w";
    node["outChannels"].integers = {1};
    SetWindow(node, Square(1, 1, 15000));
  });
  add(Op::kConv, {9, 1, 1}, [](Node& node) {  // padding beyond 4 GB
    node["weight"].tensor = "w";
    node["outChannels"].integers = {1};
    SetWindow(node, Square(1, 1, 15000));
  });
  add(Op::kConv, {65535, 300, 1}, [](Node& node) {
    node["weight"].tensor = "w";
    node["outChannels"].integers = {65535};
  });
  add(Op::kFc, {65535, 1, 1}, [](Node& node) {
    node["weight"].tensor = "w";
    node["outChannels"].integers = {2'000'000};
  });
  add(Op::kRelu, {1, 20000, 20000}, [](Node&) {});
  add(Op::kBatchNorm, {100'000'000, 1, 1},
      [](Node& node) { node["mean"].tensor = node["variance"].tensor = "v"; });
  add(Op::kMaxPool, {1, 16000, 20000}, window(2, 1));
  add(Op::kAvgPool, {1, 12000, 12000}, window(60, 0));
  add(Op::kMaxPool, {1, 1, 1}, window(30000, 29999));
  add(Op::kGlobalAvgPool, {1, 20000, 20000}, [](Node&) {});
  add(Op::kLrn, {65535, 50, 50}, [](Node& node) { node["size"].integers = {60}; });
  add(Op::kSoftmax, {65535, 65, 65}, [](Node&) {});
  add(Op::kEmbedding, {1, 16'000'000, 1}, [](Node& node) {
    node["weight"].tensor = "w";
    node["classes"].integers = {2};
    node["outChannels"].integers = {100};
  });
  add(Op::kLstm, {400, 1'000'000, 1}, [](Node& node) {
    node["weight"].tensor = "w";
    node["outChannels"].integers = {100};
  });
  return bombs;
}

TEST(DemandTest, BombsOfEveryOpAreRefusedBeforeAnythingIsAllocated) {
  for (const Network& bomb : Bombs()) {
    SCOPED_TRACE(std::string(bomb.graph.nodes[0].op->name));
    const size_t before = AllocatedBytes();
    LimitOf([&] { Executor executor(bomb); });
    LimitOf([&] { NetworkBuilder builder(bomb.graph, {}); });
    EXPECT_LT(AllocatedBytes() - before, 2'000'000U);
  }
}

// Many nodes, each of which is small.
TEST(DemandTest, SumsGoOverAllNodes) {
  Network network = SingleFc(1, 1'000'000);
  Node node(*Op::kConv);
  node["weight"].tensor = "k";
  node["outChannels"].integers = {1};
  node["kernel"].integers = {1000, 1000};
  network.graph.inputs[0].type.shape = {1, 1000, 1000};
  network.matrices.emplace("k", Zeros(1, 1'000'000));
  for (int i = 0; i < 300; ++i) {
    node.name = node.output = "c" + std::to_string(i);
    node.inputs = {"data"};
    network.graph.nodes.push_back(node);
    network.graph.outputs.push_back(node.output);
  }
  const size_t before = AllocatedBytes();
  EXPECT_NE(LimitOf([&] { Executor executor(network); }).find("bytes"), std::string::npos);
  EXPECT_LT(AllocatedBytes() - before, 20'000'000U);
}

// VGG-16 and wider; only shapes matter.
TEST(DemandTest, LargeRealNetworksAreAllowed) {
  Graph graph{.name = "", .inputs = OneInput("data", {3, 224, 224}), .outputs = {}, .nodes = {}};
  std::string last = "data";
  const auto add = [&](const Operator* op, uint32_t channels, const Window& window) {
    Node node(*op);
    node.name = node.output = "n" + std::to_string(graph.nodes.size());
    node.inputs = {last};
    if (channels != 0) node["outChannels"].integers = {channels};
    if (op != Op::kFc) SetWindow(node, window);
    last = node.name;
    graph.nodes.push_back(node);
  };
  for (const auto& [count, channels] : {std::pair{2, 64}, std::pair{2, 128}, std::pair{3, 256},
                                        std::pair{3, 512}, std::pair{3, 512}}) {
    for (int i = 0; i < count; ++i)
      add(Op::kConv, static_cast<uint32_t>(channels), Square(3, 1, 1));
    add(Op::kMaxPool, 0, Square(2, 2));
  }
  for (const uint32_t channels : {4096U, 4096U, 1000U}) add(Op::kFc, channels, {});
  graph.outputs = {last};
  const Plan plan = MakePlan(graph, {});
  EXPECT_GT(plan.demand.work, 15e9);
  EXPECT_LT(plan.demand.work, 18e9);
  EXPECT_LT(plan.demand.memory, 100'000'000U);
}

TEST(DemandTest, FormatsThatAreNotMeantForAProductCountWhatTheyTake) {
  Builder builder(2, {64, 6, 6});
  Network network = builder.Build({builder.Conv("data", 600, Square(3, 1, 1))});
  const std::vector<ValueType> inputs{{ElementType::kFloat32, {64, 6, 6}}};
  const WeightUse use = Op::kConv->use({network.graph.nodes[0], inputs}, {600, 6, 6});
  Matrix& weight = network.matrices.begin()->second;
  const auto demanded = [&](Format format) {
    weight = weight.To(format);
    const double work = Executor(network).demand().work;
    EXPECT_GE(work, MakePlan(network.graph).demand.work + FormatWork(use, weight));
    return work;
  };
  EXPECT_EQ(demanded(Format::kDense), demanded(Format::kMask));
  EXPECT_GT(demanded(Format::kBlocks), demanded(Format::kMask));
  // Lists of rows are walked for each block of rows and of columns.
  const Matrix tall = Zeros(60000, 5000).To(Format::kBlocks);
  const Matrix small = Zeros(600, 500).To(Format::kBlocks);
  EXPECT_GT(FormatWork(use, tall), 1000 * FormatWork(use, small));
}

TEST(DemandTest, ConversionsAreRefusedBeforeTheyAreMade) {
  const Network network = SingleFc(40000, 65536);
  for (const Format format : {Format::kDense, Format::kPalette, Format::kMask}) {
    NetworkBuilder builder(network, {300'000'000, kDefaultMaxWork});
    const size_t before = AllocatedBytes();
    LimitOf([&] { builder.Recode("w", format); });
    EXPECT_LT(AllocatedBytes() - before, 2'000'000U) << Name(format);
    EXPECT_NO_THROW(builder.Recode("w", Format::kCser)) << "after " << Name(format);
    EXPECT_EQ(builder.Build().network().matrices.at("w").format(), Format::kCser);
  }
  NetworkBuilder by_default(network, {});
  LimitOf([&] { by_default.Recode("w", Format::kDense); });
}

TEST(DemandTest, FilesAreRefusedByTheirHeaders) {
  const Network network = SingleFc(40, 1'000'000);
  const std::string file = forged::Write(network);
  const uint64_t memory = Executor(network).demand().memory;
  const uint64_t header = file.find("}}") + 2;
  for (const Limits& limits : {Limits{memory - 1, kDefaultMaxWork}, Limits{{}, 1000}}) {
    ModelLoader loader(file.size(), limits);
    size_t at = 0;
    LimitOf([&] {
      while (at < file.size()) {
        loader.Space()[0] = static_cast<std::byte>(file[at++]);
        loader.Advance(1);
      }
    });
    EXPECT_LT(at, file.size() - 40);  // before the first array
    EXPECT_GE(at, header - header);
  }
  EXPECT_NO_THROW(forged::ReadPieces(file, 99, ModelLoader(file.size(), {memory, 1e30})));
}

// ---- Runs in pieces ----

std::vector<std::vector<float>> RunInPieces(Executor& executor, std::span<const float> input,
                                            double work) {
  std::vector<std::vector<float>> outputs;
  for (const auto& [type, shape] : executor.output_types()) {
    outputs.emplace_back(static_cast<size_t>(shape.size()));
  }
  const std::vector<std::span<float>> spans(outputs.begin(), outputs.end());
  if (work == 0) {
    executor.Run(input, spans);
    return outputs;
  }
  executor.Start(input);
  for (double before = -1; !executor.Advance(work);) {
    EXPECT_GE(executor.progress(), before);
    EXPECT_LE(executor.progress(), 1);
    before = executor.progress();
  }
  EXPECT_EQ(executor.progress(), 1);
  executor.Finish(spans);
  return outputs;
}

TEST(DemandTest, RunsInPiecesHaveTheSameBits) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Builder builder(seed, {4, 12, 70});
    std::string x = builder.Conv("data", 8, Square(3, 1 + seed % 2, 1), 1 + seed % 2);
    for (int i = 0; i < 5; ++i) {
      const std::string next = AddRandomNode(builder, random, x, x);
      x = next.empty() ? x : next;
    }
    x = builder.Conv(x, 6, Square(1));
    const Network network = builder.Build({x});
    const std::vector<float> input = builder.Uniform(4 * 12 * 70, -1, 1);
    Executor executor(network);
    const auto expected = RunInPieces(executor, input, 0);
    for (const double work : {1.0, 2e4, 1e30}) {
      EXPECT_EQ(RunInPieces(executor, input, work), expected) << work;
    }
  }
}

TEST(DemandTest, SequencesInPiecesHaveTheSameBits) {
  Builder builder(3, {1, 40, 1});
  const std::string gates = builder.Conv(builder.Embedding("data", 9, 7), 24, {});
  const Network network = builder.Build({builder.Lstm(gates, 6)});
  std::vector<float> input(40);
  for (size_t i = 0; i < 40; ++i) input[i] = static_cast<float>(i % 9);
  Executor executor(network);
  const auto expected = RunInPieces(executor, input, 0);
  EXPECT_EQ(RunInPieces(executor, input, 1), expected);
  EXPECT_EQ(RunInPieces(executor, input, 3000), expected);
}

TEST(DemandTest, AStepInPiecesIsTimedOnce) {
  Builder builder(4, {4, 30, 30});
  Executor executor(
      builder.Build({builder.Add(Op::kSoftmax, {builder.Conv("data", 8, Square(3))})}));
  executor.set_timed(true);
  RunInPieces(executor, builder.Uniform(4 * 900, -1, 1), 1000);
  std::vector<std::string_view> names;
  for (const auto& [node, milliseconds] : executor.step_times()) names.push_back(node);
  EXPECT_EQ(names, (std::vector<std::string_view>{"conv0", "softmax1"}));
}

}  // namespace
}  // namespace lowtropy
