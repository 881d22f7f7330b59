// SPDX-License-Identifier: Apache-2.0
// Every operator against its definition in float64, over sizes around the vector length, on
// misaligned pointers, and with a watch on what lies behind the output.
#include <gtest/gtest.h>

#include "inputs.h"
#include "lowtropy/graph/ops/image_kernels.h"
#include "lowtropy/matrix/kernels/kernels.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

using reference::Image;

constexpr float kGuard = 12345.0F;
constexpr size_t kGuards = 32;

// Floats at an address that is not aligned to more than 4 bytes, followed by guards.
class Floats {
 public:
  explicit Floats(size_t size) : size_(size), data_(1 + size + kGuards, kGuard) {}
  explicit Floats(const std::vector<float>& values) : Floats(values.size()) {
    std::copy(values.begin(), values.end(), data());
  }
  float* data() { return data_.data() + 1; }
  void ExpectGuards() const {
    EXPECT_EQ(data_[0], kGuard);
    for (size_t i = 0; i < kGuards; ++i) ASSERT_EQ(data_[1 + size_ + i], kGuard) << "guard " << i;
  }

 private:
  size_t size_;
  std::vector<float> data_;
};

struct Case {
  Node node;
  ImageShape shape;
  Network network;  // vectors of the node
  std::vector<float> input;

  explicit Case(const Operator* op, const ImageShape& s, uint32_t seed = 1) : node(*op), shape(s) {
    node.inputs = {"data"};
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    for (uint64_t i = 0; i < s.size(); ++i) input.push_back(normal(random));
  }

  Image Expected(const ImageShape& output) const {
    const Image image{shape, reference::ToDouble(input)};
    return reference::Evaluate(network, node, std::span(&image, 1), output);
  }

  // Calls run(input, output) on guarded memory and compares.
  template <class F>
  void Check(const ImageShape& output_shape, double tolerance, const F& run) const {
    const Image expected = Expected(output_shape);
    Floats in(input);
    Floats out(expected.data.size());
    run(in.data(), out.data());
    in.ExpectGuards();
    out.ExpectGuards();
    for (size_t i = 0; i < expected.data.size(); ++i) {
      const double bound = tolerance * std::max(1.0, std::abs(expected.data[i]));
      ASSERT_NEAR(out.data()[i], expected.data[i], bound) << "element " << i;
    }
  }
};

// Runs a node of float32 values of one shape, as a plan would.
void RunNode(const Node& node, const Shape& shape, std::vector<const float*> inputs, float* output,
             const Bounds& bounds = {}) {
  const std::vector<ValueType> types(inputs.size(), {ElementType::kFloat32, shape});
  const std::unique_ptr<Task> task = node.op->plan({node, types}, shape);
  task->Prepare();
  StepData data;
  data.node = &node;
  data.inputs = std::move(inputs);
  data.output = output;
  data.epilogue.bounds = bounds;
  task->Run(data, 0, task->costs().parts.count);
}

// Around one, two and four vectors of 4, 8 and 16 lanes.
constexpr uint32_t kWidths[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65};

TEST(OperatorsTest, Relu) {
  for (const uint32_t width : kWidths) {
    const Case c(Op::kRelu, {1, 1, width});
    c.Check(c.shape, 0, [&](const float* in, float* out) { RunNode(c.node, c.shape, {in}, out); });
  }
}

TEST(OperatorsTest, ReluInPlace) {
  Floats values(std::vector<float>{-1, 2, -0.0F, 3, -4});
  RunNode(Node(*Op::kRelu), {5}, {values.data()}, values.data());
  EXPECT_EQ(std::vector<float>(values.data(), values.data() + 5),
            (std::vector<float>{0, 2, 0, 3, 0}));
  values.ExpectGuards();
}

TEST(OperatorsTest, HardSwish) {
  for (const uint32_t width : kWidths) {
    const Case c(Op::kHardSwish, {1, 1, width});
    c.Check(c.shape, 1e-6,
            [&](const float* in, float* out) { RunNode(c.node, c.shape, {in}, out); });
  }
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> values{-4, -3, -1.5F, 0, 3, 5, inf, std::nanf(""), -inf};
  RunNode(Node(*Op::kHardSwish), {9}, {values.data()}, values.data());
  const auto expected = {0.0F, 0.0F, -0.375F, 0.0F, 3.0F, 5.0F, inf};
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values.begin()));
  EXPECT_TRUE(std::isnan(values[7]) && std::isnan(values[8]));
}

// What networks have, and what nobody would write down.
constexpr Bounds kAnyBounds[] = {{}, {.least = 0}, {0, 0.5F}, {.most = -0.25F}, {0.5F, -0.5F}};

TEST(OperatorsTest, AddWithBounds) {
  for (const uint32_t width : kWidths) {
    const Case a(Op::kAdd, {1, 1, width}, 1);
    const Case b(Op::kAdd, {1, 1, width}, 2);
    const Case c(Op::kAdd, {1, 1, width}, 3);
    for (const Bounds& bounds : kAnyBounds) {
      Floats out(width);
      RunNode(a.node, a.shape, {a.input.data(), b.input.data(), c.input.data()}, out.data(),
              bounds);
      out.ExpectGuards();
      for (size_t i = 0; i < width; ++i) {
        const float sum = a.input[i] + b.input[i] + c.input[i];
        ASSERT_NEAR(out.data()[i], std::min(std::max(sum, bounds.least), bounds.most), 1e-6);
      }
    }
  }
}

TEST(OperatorsTest, ScaleShift) {
  for (const uint32_t width : kWidths) {
    const ImageShape shape{3, 1, width};
    const float scale[] = {2, -1, 0.5F};
    const float bias[] = {0, 1, -3};
    const Case c(Op::kBatchNorm, shape);
    for (const Bounds& bounds : kAnyBounds) {
      Floats in(c.input);
      Floats out(c.input.size());
      ScaleShift(shape, in.data(), scale, bias, bounds, out.data());
      out.ExpectGuards();
      for (size_t i = 0; i < c.input.size(); ++i) {
        const float y = c.input[i] * scale[i / width] + bias[i / width];
        ASSERT_NEAR(out.data()[i], std::min(std::max(y, bounds.least), bounds.most), 1e-6);
      }
    }
  }
}

// ---- Pools ----

void CheckPool(const Case& c) {
  Graph graph{.name = "", .inputs = OneInput("data", c.shape), .outputs = {""}, .nodes = {c.node}};
  const ImageShape output = ImageOf(InferTypes(graph).at("").shape);
  const bool count_pad = c.node.op == Op::kAvgPool && c.node.Flag("countPad");
  const Pooling pooling{WindowOf(c.node), c.shape, output, count_pad};
  Floats scratch(static_cast<size_t>(PoolScratch(pooling)));
  const auto run = c.node.op == Op::kMaxPool ? MaxPool : AvgPool;
  // A maximum is one of the inputs, so it is exact.
  c.Check(output, c.node.op == Op::kMaxPool ? 0 : 1e-6,
          [&](const float* in, float* out) { run(pooling, in, out, scratch.data()); });
  scratch.ExpectGuards();
}

TEST(OperatorsTest, RandomPools) {
  for (uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto draw = [&](uint32_t low, uint32_t high) {
      return std::uniform_int_distribution<uint32_t>(low, high)(random);
    };
    Case c(seed % 2 == 0 ? Op::kMaxPool : Op::kAvgPool, {draw(1, 3), draw(4, 12), draw(4, 70)},
           seed);
    Window window;
    window.kernel = {draw(1, 4), draw(1, 4)};
    window.stride = {draw(1, 4), draw(1, 4)};
    for (size_t side = 0; side < 4; ++side) {
      window.pad[side] = draw(0, window.kernel[side % 2] - 1);
    }
    SetWindow(c.node, window);
    c.node["ceil"].integers = {draw(0, 1)};
    if (c.node.op == Op::kAvgPool) c.node["countPad"].integers = {draw(0, 1)};
    CheckPool(c);
  }
}

TEST(OperatorsTest, PoolsAroundTheVectorLength) {
  for (const Operator* op : {Op::kMaxPool, Op::kAvgPool}) {
    for (const uint32_t stride : {1U, 2U, 3U}) {
      for (const uint32_t kernel : {2U, 3U}) {
        for (const uint32_t width : kWidths) {
          SCOPED_TRACE(std::to_string(kernel) + "/" + std::to_string(stride) + " over " +
                       std::to_string(width));
          Case c(op, {2, 5, stride * (width - 1) + kernel});
          SetWindow(c.node, reference::Square(kernel, stride));
          CheckPool(c);
        }
      }
    }
  }
}

// Windows that overlap so much that they are not reduced one by one.
TEST(OperatorsTest, WideWindows) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto draw = [&](uint32_t low, uint32_t high) {
      return std::uniform_int_distribution<uint32_t>(low, high)(random);
    };
    Case c(seed % 2 == 0 ? Op::kMaxPool : Op::kAvgPool, {2, draw(1, 90), draw(1, 90)}, seed);
    Window window;
    for (size_t axis = 0; axis < 2; ++axis) {
      const uint32_t size = axis == 0 ? c.shape.height : c.shape.width;
      window.kernel[axis] = draw(0, 2) == 0 ? draw(1, size) : draw(65, 150);
      window.stride[axis] = draw(1, 9);
      window.pad[axis] = draw(0, window.kernel[axis] - 1);
      const uint32_t least = std::max(window.kernel[axis], size + window.pad[axis]) - size;
      window.pad[axis + 2] = std::max(draw(0, window.kernel[axis] - 1), least - window.pad[axis]);
      window.pad[axis + 2] = std::min(window.pad[axis + 2], window.kernel[axis] - 1);
    }
    SetWindow(c.node, window);
    c.node["ceil"].integers = {draw(0, 1)};
    if (c.node.op == Op::kAvgPool) c.node["countPad"].integers = {draw(0, 1)};
    CheckPool(c);
  }
}

// Caffe, pooling_layer.cpp: with kernel 3 and stride 2 on 6 values, the third window starts at 4
// and is cut off at the end; means divide by what is left of it in the padded input.
TEST(OperatorsTest, CutOffWindows) {
  Case c(Op::kAvgPool, {1, 1, 6});
  c.input = {1, 2, 3, 4, 5, 6};
  SetWindow(c.node, {.kernel = {1, 3}, .stride = {1, 2}, .dilation = {1, 1}, .pad = {0, 0, 0, 0}});
  c.node["ceil"].integers = {true};
  const Pooling pooling{WindowOf(c.node), c.shape, {1, 1, 3}, true};
  std::vector<float> scratch(static_cast<size_t>(PoolScratch(pooling)));
  Floats in(c.input);
  Floats out(3);
  AvgPool(pooling, in.data(), out.data(), scratch.data());
  EXPECT_EQ(out.data()[0], 2);
  EXPECT_EQ(out.data()[1], 4);
  EXPECT_EQ(out.data()[2], 5.5F);
  CheckPool(c);
}

TEST(OperatorsTest, GlobalAvgPool) {
  for (const uint32_t width : kWidths) {
    const Case c(Op::kGlobalAvgPool, {3, 2, width});
    c.Check({3, 1, 1}, 1e-6, [&](const float* in, float* out) { GlobalAvgPool(c.shape, in, out); });
  }
}

// ---- LRN and softmax ----

TEST(OperatorsTest, LocalResponseNorm) {
  for (const float beta : {0.75F, 0.5F, 1.25F}) {
    for (const uint32_t size : {1U, 2U, 3U, 5U, 40U}) {
      for (const uint32_t width : {1U, 7U, 16U, 33U}) {
        SCOPED_TRACE("size " + std::to_string(size) + ", width " + std::to_string(width));
        Case c(Op::kLrn, {9, 1, width});
        c.node["size"].integers = {size};
        c.node["beta"].number = beta;
        c.node["alpha"].number = 0.7F;
        c.node["k"].number = 2;
        c.Check(c.shape, 2e-6, [&](const float* in, float* out) {
          LocalResponseNorm({size, 0.7F, beta, 2}, c.shape, in, out, nullptr);
        });
      }
    }
  }
}

// A large value leaves no trace in channels whose window does not hold it.
TEST(OperatorsTest, LocalResponseNormForgetsLargeValues) {
  Case c(Op::kLrn, {12, 1, 4});
  for (size_t i = 0; i < 4; ++i) c.input[i] = 1e6F;
  c.node["alpha"].number = 1;
  c.Check(c.shape, 2e-6, [&](const float* in, float* out) {
    LocalResponseNorm({5, 1, 0.75F, 1}, c.shape, in, out, nullptr);
  });
}

TEST(OperatorsTest, LocalResponseNormOfWideWindows) {
  for (const uint32_t size : {65U, 66U, 100U, 150U, 65535U}) {
    for (const uint32_t channels : {33U, 64U, 101U, 160U}) {
      SCOPED_TRACE("size " + std::to_string(size) + ", channels " + std::to_string(channels));
      Case c(Op::kLrn, {channels, 1, 5});
      for (size_t i = 0; i < 5; ++i) c.input[i] = 1e6F;  // leave no trace where they are not meant
      c.node["size"].integers = {size};
      c.node["alpha"].number = 1;
      const Lrn lrn{size, 1, 0.75F, 1};
      Floats scratch(static_cast<size_t>(LrnScratch(lrn, c.shape)));
      c.Check(c.shape, 1e-5, [&](const float* in, float* out) {
        LocalResponseNorm(lrn, c.shape, in, out, scratch.data());
      });
      scratch.ExpectGuards();
    }
  }
}

TEST(OperatorsTest, Softmax) {
  for (const ImageShape& shape :
       {ImageShape{1, 1, 1}, ImageShape{1000, 1, 1}, ImageShape{5, 3, 4}}) {
    const Case c(Op::kSoftmax, shape);
    c.Check(shape, 1e-6, [&](const float* in, float* out) { Softmax(shape, in, out); });
  }
}

TEST(OperatorsTest, SoftmaxOfLargeValuesDoesNotOverflow) {
  Floats values(std::vector<float>{1000, 1000, -1000, 3e38F});
  Softmax({2, 1, 1}, values.data(), values.data());
  EXPECT_EQ(values.data()[0], 0.5F);
  EXPECT_EQ(values.data()[1], 0.5F);
  Softmax({2, 1, 1}, values.data() + 2, values.data() + 2);
  EXPECT_EQ(values.data()[2], 0);
  EXPECT_EQ(values.data()[3], 1);
}

}  // namespace
}  // namespace lowtropy
