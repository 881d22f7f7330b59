// SPDX-License-Identifier: Apache-2.0
// What is fused, what is copied and how much memory it takes. That results are right is the
// business of executor_test.cc.
#include <gtest/gtest.h>

#include "lowtropy/graph/ops/convolution.h"
#include "lowtropy/run/placement.h"
#include "lowtropy/run/plan.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

using reference::Builder;
using reference::Square;

Plan PlanOf(Builder& builder, const std::vector<std::string>& outputs) {
  return MakePlan(builder.Build(outputs).graph);
}

// Inputs of concats that do not lie in their place.
size_t CountCopies(const Graph& graph, const Plan& plan) {
  size_t copies = 0;
  for (const PlannedStep& planned : plan.steps) {
    if (graph.nodes[planned.step.node].op != Op::kConcat) continue;
    uint64_t place = planned.output;
    for (size_t i = 0; i < planned.inputs.size(); ++i) {
      copies += planned.inputs[i] != place;
      place += planned.step.input_types[i].shape.size();
    }
  }
  return copies;
}

// ---- Placement ----

uint64_t Peak(const std::vector<Buffer>& buffers, size_t steps) {
  uint64_t peak = 0;
  for (size_t step = 0; step < steps; ++step) {
    uint64_t sum = 0;
    for (const Buffer& b : buffers) sum += b.first <= step && step <= b.last ? b.size : 0;
    peak = std::max(peak, sum);
  }
  return peak;
}

void ExpectDisjoint(const Buffer& a, const Buffer& b) {
  const bool together = a.first <= b.last && b.first <= a.last;
  const bool overlap = a.offset < b.offset + b.size && b.offset < a.offset + a.size;
  EXPECT_FALSE(together && overlap);
}

TEST(PlannerTest, BuffersInUseAtOnceDoNotOverlap) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<Buffer> buffers(40);
    for (Buffer& buffer : buffers) {
      buffer.size = random() % 1000;
      buffer.first = random() % 60;
      buffer.last = buffer.first + random() % 10;
    }
    const uint64_t total = Place(buffers);
    for (size_t i = 0; i < buffers.size(); ++i) {
      EXPECT_EQ(buffers[i].offset % kAlignment, 0U);
      EXPECT_LE(buffers[i].offset + buffers[i].size, total);
      for (size_t j = 0; j < i; ++j) ExpectDisjoint(buffers[i], buffers[j]);
    }
    EXPECT_LE(total * 2, Peak(buffers, 70) * 3);  // networks come much closer
  }
}

TEST(PlannerTest, TightestGapIsTaken) {
  // From step 5 on, 320 floats at 0 and 288 at 624 are free again.
  std::vector<Buffer> buffers{{320, 0, 4}, {304, 0, 9}, {288, 0, 4}, {272, 0, 9},
                              {256, 5, 9}, {240, 5, 9}, {64, 5, 9}};
  EXPECT_EQ(Place(buffers), 1184U);
  EXPECT_EQ(buffers[4].offset, 624U);
  EXPECT_EQ(buffers[5].offset, 0U);
  EXPECT_EQ(buffers[6].offset, 240U);
}

// ---- Fusion ----

TEST(PlannerTest, ReluAndBatchNormGoIntoConv) {
  Builder builder(1, {3, 8, 8});
  const auto norm = builder.BatchNorm(builder.Conv("data", 4, Square(3)));
  const auto relu = builder.Add(Op::kRelu, {builder.Add(Op::kDropout, {norm})});
  const Plan plan = PlanOf(builder, {builder.Add(Op::kFlatten, {relu})});
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.steps[0].step.bounds, (Bounds{.least = 0}));
  EXPECT_EQ(plan.steps[0].step.batch_norm, 1U);
  EXPECT_EQ(plan.outputs[0], plan.steps[0].output);
}

TEST(PlannerTest, ClipsGoIntoConvOneAfterTheOther) {
  Builder builder(1, {3, 8, 8});
  const auto clip = [&](const std::string& input, float least, float most) {
    Node node = builder.Make(FindOperator("clip"), {input});
    node["least"].number = least;
    node["most"].number = most;
    return builder.Push(node);
  };
  const auto conv = builder.Conv("data", 4, Square(3));
  const auto value = clip(clip(builder.Add(Op::kRelu, {conv}), -1, 6), 2, 5);
  const Plan plan = PlanOf(builder, {value});
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.steps[0].step.bounds, (Bounds{2, 5}));
}

// Infinities are beyond what stands for no bound.
TEST(PlannerTest, AClipWithoutBoundsIsNone) {
  Builder builder(1, {3, 8, 8});
  const auto conv = builder.Conv("data", 4, Square(3));
  const Plan plan = PlanOf(builder, {builder.Add(FindOperator("clip"), {conv})});
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_FALSE(plan.steps[0].step.bounds.any());
}

TEST(PlannerTest, NothingIsFusedIntoAnOutput) {
  Builder builder(2, {3, 8, 8});
  const auto conv = builder.Conv("data", 4, Square(3));
  const Plan plan = PlanOf(builder, {builder.Add(Op::kRelu, {conv}), conv});
  ASSERT_EQ(plan.steps.size(), 2U);
  EXPECT_FALSE(plan.steps[0].step.bounds.any());
}

TEST(PlannerTest, ReluGoesIntoAddAndFcButNotIntoPools) {
  Builder builder(3, {3, 8, 8});
  const auto pool = builder.Pool(Op::kMaxPool, "data", Square(2, 2));
  const auto sum = builder.Add(Op::kAdd, {builder.Add(Op::kRelu, {pool}), pool});
  const auto fc = builder.Fc(builder.Add(Op::kRelu, {sum}), 4);
  const Plan plan = PlanOf(builder, {builder.Add(Op::kRelu, {fc})});
  EXPECT_EQ(plan.steps.size(), 4U);  // pool, relu, add + relu, fc + relu
}

TEST(PlannerTest, NodesThatNoOutputNeedsAreLeftOut) {
  Builder builder(4, {3, 8, 8});
  const auto conv = builder.Conv("data", 4, Square(3));
  builder.Fc(builder.Add(Op::kSoftmax, {conv}), 10);
  const Plan plan = PlanOf(builder, {builder.Add(Op::kRelu, {conv})});
  EXPECT_EQ(plan.steps.size(), 1U);
}

// ---- Concat ----

TEST(PlannerTest, FireModuleIsMadeInPlace) {
  Builder builder(10, {4, 6, 7});
  const auto left = builder.Add(Op::kRelu, {builder.Conv("data", 3, Square(1))});
  const auto right = builder.Add(Op::kRelu, {builder.Conv("data", 5, Square(3, 1, 1))});
  const Graph graph = builder.Build({builder.Add(Op::kConcat, {left, right})}).graph;
  const Plan plan = MakePlan(graph);
  ASSERT_EQ(plan.steps.size(), 3U);
  EXPECT_EQ(CountCopies(graph, plan), 0U);
  EXPECT_EQ(plan.steps[0].output, plan.steps[2].output);
  EXPECT_EQ(plan.steps[1].output, plan.steps[2].output + 3 * 6 * 7);
}

TEST(PlannerTest, DenseBlocksNeedNoCopies) {
  for (const bool nested : {true, false}) {
    Builder builder(11, {4, 6, 9});
    std::string features = "data";
    std::vector<std::string> all{"data"};
    for (int layer = 0; layer < 5; ++layer) {
      all.push_back(builder.Conv(builder.BatchNorm(features), 3, Square(3, 1, 1)));
      features = builder.Add(Op::kConcat, nested ? std::vector{features, all.back()} : all);
    }
    const Graph graph = builder.Build({features}).graph;
    const Plan plan = MakePlan(graph);
    EXPECT_EQ(CountCopies(graph, plan), 0U) << "nested: " << nested;
    EXPECT_EQ(plan.outputs[0], plan.inputs[0]);
  }
}

TEST(PlannerTest, OnlyWhatCannotLieInTwoPlacesIsCopied) {
  Builder builder(12, {4, 6, 9});
  const auto a = builder.Conv("data", 3, Square(1));
  const auto b = builder.Conv("data", 3, Square(1));
  const auto ab = builder.Add(Op::kConcat, {a, b});
  const auto ba = builder.Add(Op::kConcat, {b, a});
  const auto bb = builder.Add(Op::kConcat, {ba, ba});
  const Graph graph = builder.Build({ab, bb}).graph;
  const Plan plan = MakePlan(graph);
  EXPECT_EQ(CountCopies(graph, plan), 3U);  // a and b of ab or ba, one ba of bb
}

// ---- Memory ----

TEST(PlannerTest, AChainTakesTwoNeighbours) {
  Builder builder(20, {2, 16, 16});  // 512 floats
  std::string value = "data";
  for (int i = 0; i < 5; ++i) value = builder.Add(Op::kLrn, {value});
  EXPECT_EQ(PlanOf(builder, {value}).arena_size, (2 + 2) * 256U + kColumnSlack);
}

TEST(PlannerTest, ConvolutionsShareTheirScratch) {
  Builder builder(20, {2, 16, 16});
  std::string value = "data";
  for (const uint32_t channels : {4U, 1U, 3U, 2U, 4U}) {
    value = builder.Conv(value, channels, Square(1));
  }
  // The scratch of the largest product comes on top of that step's own values, and no more.
  const uint64_t scratch = Convolution({}, 1, 4, {2, 16, 16}).workspace_size();
  EXPECT_LE(PlanOf(builder, {value}).arena_size,
            (2 + 4) * 256U + scratch + 3 * kAlignment + kColumnSlack);
}

TEST(PlannerTest, ElementwiseStepsWriteOverInputsThatDie) {
  Builder builder(21, {2, 16, 16});
  const auto pool = builder.Add(Op::kLrn, {"data"});
  const auto relu = builder.Add(Op::kRelu, {pool});
  const auto norm = builder.BatchNorm(relu);
  const auto sum = builder.Add(Op::kAdd, {norm, norm});
  const Plan plan = PlanOf(builder, {builder.Add(Op::kSoftmax, {sum})});
  ASSERT_EQ(plan.steps.size(), 5U);
  for (const PlannedStep& planned : plan.steps) EXPECT_EQ(planned.output, plan.steps[0].output);
  EXPECT_EQ(plan.arena_size, 1024U + kColumnSlack);
}

TEST(PlannerTest, ElementwiseStepsSpareInputsThatLive) {
  Builder builder(22, {2, 16, 16});
  const auto lrn = builder.Add(Op::kLrn, {"data"});
  const auto relu = builder.Add(Op::kRelu, {lrn});
  const Plan plan = PlanOf(builder, {builder.Add(Op::kAdd, {relu, lrn})});
  ASSERT_EQ(plan.steps.size(), 3U);
  EXPECT_NE(plan.steps[1].output, plan.steps[0].output);
}

// A part of a concat dies, but not the concat.
TEST(PlannerTest, ElementwiseStepsSparePartsOfConcats) {
  Builder builder(23, {2, 16, 16});
  const auto lrn = builder.Add(Op::kLrn, {"data"});
  const auto whole = builder.Add(Op::kConcat, {lrn});
  const auto relu = builder.Add(Op::kRelu, {lrn});
  const Plan plan = PlanOf(builder, {builder.Add(Op::kAdd, {relu, whole})});
  ASSERT_EQ(plan.steps.size(), 4U);
  EXPECT_NE(plan.steps[2].output, plan.steps[0].output);
}

struct Extent {
  uint64_t begin;
  uint64_t size;
  bool operator==(const Extent&) const = default;
};

bool Overlap(const Extent& a, const Extent& b) {
  return a.begin < b.begin + b.size && b.begin < a.begin + a.size;
}

void ExpectSoundPlaces(const Graph& graph, const PlannedStep& planned, uint64_t arena_size) {
  const Operator* op = graph.nodes[planned.step.node].op;
  if (op == Op::kConcat) return;  // inputs are parts of the output
  const bool elementwise = op == Op::kRelu || op == Op::kBatchNorm || op == Op::kAdd ||
                           op == Op::kSoftmax || op == Op::kHardSwish;
  const Extent input{planned.inputs[0], planned.step.input_types[0].shape.size()};
  const Extent output{planned.output, planned.step.output_type.shape.size()};
  EXPECT_TRUE(!Overlap(input, output) || (elementwise && input == output));
  EXPECT_LE(input.begin + input.size + kColumnSlack, arena_size);
  EXPECT_LE(output.begin + output.size + kColumnSlack, arena_size);
  if (planned.task->costs().scratch == 0) return;
  const Extent scratch{planned.scratch, planned.task->costs().scratch};
  EXPECT_FALSE(Overlap(scratch, input) || Overlap(scratch, output));
  EXPECT_LE(scratch.begin + scratch.size + kColumnSlack, arena_size);
}

TEST(PlannerTest, StepsOverwriteAnInputWholeOrNotAtAll) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Builder builder(seed, {2, 5, 6});
    const Graph graph = builder.Build(reference::AddRandomGraph(builder, seed, 20)).graph;
    const Plan plan = MakePlan(graph);
    for (const PlannedStep& planned : plan.steps)
      ExpectSoundPlaces(graph, planned, plan.arena_size);
  }
}

// A concat and its parts die at once, but a step over one of the parts may not spread into others.
TEST(PlannerTest, PartsOfADeadConcatAreNotOverwrittenElsewhere) {
  Builder builder(25, {2, 16, 16});
  const auto first = builder.Add(Op::kLrn, {"data"});
  const auto second = builder.Conv("data", 3, Square(1));
  const auto concat = builder.Add(Op::kConcat, {first, second});
  const auto mean = builder.Add(Op::kGlobalAvgPool, {concat});
  const Graph graph = builder.Build({mean, builder.Add(Op::kSoftmax, {second})}).graph;
  const Plan plan = MakePlan(graph);
  ASSERT_EQ(plan.steps.size(), 5U);
  ExpectSoundPlaces(graph, plan.steps[4], plan.arena_size);
}

}  // namespace
}  // namespace lowtropy
