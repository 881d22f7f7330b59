// SPDX-License-Identifier: Apache-2.0
// Every layer forward against its definition, and backward against finite differences.
#include "lowtropy/learn/layers/layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/random.h"
#include "lowtropy/learn/layers/gemm.h"
#include "lowtropy/learn/net.h"
#include "lowtropy/math/elementary.h"

namespace lowtropy {
namespace {

using Floats = std::vector<float>;

constexpr size_t kExamples = 3;
constexpr size_t kReserved = 5;  // a smaller batch than there is room for

Floats RandomFloats(size_t size, Random* random, float scale = 1) {
  Floats values(size);
  for (float& value : values) value = random->Uniform(-scale, scale);
  return values;
}

// All different and at least 0.05 apart from each other and from 0, so that small steps change
// neither a sign nor which is the largest.
Floats SpacedFloats(size_t size, Random* random) {
  Floats values(size);
  for (size_t i = 0; i < size; ++i) {
    values[i] = 0.05F * (static_cast<float>(i) + 0.5F - 0.5F * static_cast<float>(size));
  }
  random->Shuffle(&values);
  return values;
}

// One layer with memory for all it works on. The loss is the sum of y · slope.
class Bench {
 public:
  Bench(LayerPtr layer, const std::vector<ValueShape>& inputs, uint64_t seed)
      : layer_(std::move(layer)), random_(seed) {
    shape_ = layer_->Configure(inputs);
    layer_->Reserve(kReserved);
    scratch_.resize(layer_->ScratchSize(kReserved));
    for (const ValueShape& input : inputs) {
      x_.push_back(RandomFloats(input.size() * kExamples, &random_));
      dx_.emplace_back(x_.back().size());
    }
    y_.resize(shape_.size() * kExamples);
    slope_ = RandomFloats(y_.size(), &random_);
    for (Parameter& parameter : layer_->parameters()) {
      weights_.push_back(RandomFloats(parameter.size, &random_));
      gradients_.emplace_back(parameter.size, std::numeric_limits<float>::quiet_NaN());
    }
    for (size_t p = 0; p < weights_.size(); ++p) {
      layer_->parameters()[p].values = weights_[p].data();
      layer_->parameters()[p].gradients = gradients_[p].data();
    }
  }

  Layer& layer() { return *layer_; }
  const ValueShape& shape() const { return shape_; }
  Floats& x(size_t input = 0) { return x_[input]; }
  Floats& weights(size_t parameter) { return weights_[parameter]; }
  const Floats& y() const { return y_; }
  Random& random() { return random_; }

  Pass MakePass() {
    Pass pass;
    pass.examples = kExamples;
    pass.training = true;
    pass.x = x_[0].data();
    pass.dx = dx_[0].data();
    if (x_.size() > 1) pass.x2 = x_[1].data(), pass.dx2 = dx_[1].data();
    pass.y = y_.data();
    pass.dy = slope_.data();
    pass.scratch = scratch_.data();
    return pass;
  }

  double Loss() {
    layer_->Forward(MakePass());
    double loss = 0;
    for (size_t i = 0; i < y_.size(); ++i) loss += double{y_[i]} * slope_[i];
    return loss;
  }

  // Compares the gradients with (loss(v + step) - loss(v - step)) / 2 step, for up to 200 numbers
  // of each input and each parameter.
  void CheckGradients(float step, double tolerance, bool inputs = true) {
    Loss();
    for (Floats& dx : dx_) std::fill(dx.begin(), dx.end(), std::numeric_limits<float>::quiet_NaN());
    layer_->Backward(MakePass());
    const std::vector<Floats> dx = dx_;
    const std::vector<Floats> gradients = gradients_;
    for (size_t i = 0; inputs && i < x_.size(); ++i) {
      Check(&x_[i], dx[i], step, tolerance, "input " + std::to_string(i));
    }
    for (size_t p = 0; p < weights_.size(); ++p) {
      Check(&weights_[p], gradients[p], step, tolerance, layer_->parameters()[p].name);
    }
    CheckWithoutInputs(gradients);
  }

 private:
  void Check(Floats* values, const Floats& gradient, float step, double tolerance,
             const std::string& what) {
    const size_t count = std::min<size_t>(values->size(), 200);
    for (size_t k = 0; k < count; ++k) {
      const size_t i =
          count < values->size() ? random_.Below(static_cast<uint32_t>(values->size())) : k;
      const float value = (*values)[i];
      const float above = value + step;
      const float below = value - step;
      (*values)[i] = above;
      const double loss_above = Loss();
      (*values)[i] = below;
      const double loss_below = Loss();
      (*values)[i] = value;
      const double expected = (loss_above - loss_below) / (double{above} - below);
      ASSERT_NEAR(gradient[i], expected, tolerance * std::max(1.0, std::abs(expected)))
          << what << "[" << i << "]";
    }
  }

  // Where nobody needs the inputs' gradients, those of the parameters are the same.
  void CheckWithoutInputs(const std::vector<Floats>& gradients) {
    Loss();
    Pass pass = MakePass();
    pass.dx = pass.dx2 = nullptr;
    layer_->Backward(pass);
    EXPECT_EQ(gradients_, gradients);
  }

  LayerPtr layer_;
  Random random_;
  ValueShape shape_;
  std::vector<Floats> x_, dx_, weights_, gradients_;
  Floats y_, slope_, scratch_;
};

ValueShape Rows(size_t channels, size_t steps = 1) {
  return {.arrangement = Arrangement::kRows, .channels = channels, .steps = steps};
}
ValueShape PlanesOf(size_t channels, size_t height, size_t width) {
  return {Arrangement::kPlanes, channels, height, width};
}

// Each test runs with these seeds, and says which one failed.
template <class F>
void ForSeeds(const F& test) {
  for (const uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    test(seed);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// ---- products and elementary functions

TEST(GemmTest, all_products_are_what_they_are_defined_to_be) {
  Random random(1);
  const size_t sizes[] = {1, 2, 3, 13, 63, 64, 65, 193, 257};
  for (int round = 0; round < 60; ++round) {
    const size_t m = sizes[random.Below(9)];
    const size_t n = sizes[random.Below(9)];
    const size_t k = sizes[random.Below(9)];
    const bool add = random.Below(2) == 1;
    SCOPED_TRACE(testing::Message() << m << " x " << n << ", " << k << ", " << add);
    const size_t slack = random.Below(3);
    const Floats a = RandomFloats((std::max(m, k)) * (std::max(m, k) + slack), &random);
    const Floats b = RandomFloats((std::max(n, k)) * (std::max(n, k) + slack), &random);
    const Floats before = RandomFloats(m * (n + slack), &random);
    const auto check = [&](auto product, size_t a_stride, size_t b_stride, auto at_a, auto at_b) {
      Floats c = before;
      product({m, n, k, add}, {a.data(), a_stride}, {b.data(), b_stride}, {c.data(), n + slack});
      for (size_t i = 0; i < m; ++i) {
        for (size_t j = 0; j < n + slack; ++j) {
          const float was = before[i * (n + slack) + j];
          double sum = add || j >= n ? was : 0;
          for (size_t l = 0; j < n && l < k; ++l) sum += double{a[at_a(i, l)]} * b[at_b(l, j)];
          ASSERT_NEAR(c[i * (n + slack) + j], sum, 1e-4);
        }
      }
    };
    const size_t ks = k + slack;
    const size_t ms = m + slack;
    const size_t ns = n + slack;
    const auto a_plain = [&](size_t i, size_t l) { return i * ks + l; };
    const auto a_transposed = [&](size_t i, size_t l) { return l * ms + i; };
    const auto b_plain = [&](size_t l, size_t j) { return l * ns + j; };
    const auto b_transposed = [&](size_t l, size_t j) { return j * ks + l; };
    check(&Multiply, ks, ns, a_plain, b_plain);
    check(&MultiplyByTransposed, ks, ks, a_plain, b_transposed);
    check(&MultiplyTransposed, ms, ns, a_transposed, b_plain);
  }
}

TEST(GemmTest, allocates_nothing) {
  Random random(1);
  const Floats a = RandomFloats(300 * 700, &random);
  const Floats b = RandomFloats(300 * 700, &random);
  Floats c(300 * 300);
  const auto run = [&] {
    MultiplyByTransposed({300, 300, 700}, {a.data(), 700}, {b.data(), 700}, {c.data(), 300});
    Multiply({300, 300, 300}, {a.data(), 300}, {b.data(), 300}, {c.data(), 300});
    MultiplyTransposed({300, 300, 300}, {a.data(), 300}, {b.data(), 300}, {c.data(), 300});
  };
  run();
  const size_t before = Allocations();
  run();
  EXPECT_EQ(Allocations(), before);
}

TEST(ElementaryTest, functions_are_those_of_the_library) {
  for (int i = -8700; i <= 8700; ++i) {
    const float x = static_cast<float>(i) * 0.01F;
    ASSERT_NEAR(Exp(x) / std::exp(double{x}), 1, 2.5e-7) << x;
    ASSERT_NEAR(Tanh(x), std::tanh(double{x}), 2e-7) << x;
    ASSERT_NEAR(Sigmoid(x), 1 / (1 + std::exp(-double{x})), 2e-7) << x;
  }
  EXPECT_EQ(Exp(0), 1);
  EXPECT_EQ(Exp(1000), Exp(87));
  EXPECT_EQ(Exp(-1000), Exp(-87));
  EXPECT_EQ(Tanh(100), 1);
  EXPECT_EQ(Tanh(-100), -1);
  EXPECT_TRUE(std::isnan(Exp(std::numeric_limits<float>::quiet_NaN())));
}

// ---- the layers

TEST(LayersTest, fully_connected) {
  ForSeeds([](uint64_t seed) {
    Bench bench(MakeFullyConnected(7, 2), {Rows(11, 2)}, seed);
    bench.Loss();
    ASSERT_EQ(bench.shape().channels, 7U);
    ASSERT_EQ(bench.shape().steps, 2U);
    for (size_t row = 0; row < 2 * kExamples; ++row) {
      for (size_t o = 0; o < 7; ++o) {
        double sum = bench.weights(1)[o];
        for (size_t i = 0; i < 11; ++i) {
          sum += double{bench.weights(0)[o * 11 + i]} * bench.x()[row * 11 + i];
        }
        ASSERT_NEAR(bench.y()[row * 7 + o], sum, 1e-5);
      }
    }
    bench.CheckGradients(0.5F, 1e-4);
  });
}

struct ConvolutionCase {
  size_t channels, height, width;
  ConvolutionSettings settings;
};

// The convolution's definition, for one output.
double Convolved(const ConvolutionCase& c, const Floats& x, const Floats& weight, size_t o,
                 size_t e, size_t row, size_t column) {
  const ConvolutionSettings& s = c.settings;
  double sum = 0;
  for (size_t k = 0; k < c.channels; ++k) {
    for (size_t i = 0; i < s.kernel; ++i) {
      for (size_t j = 0; j < s.kernel; ++j) {
        const size_t r = row * s.stride + i;
        const size_t q = column * s.stride + j;
        if (r < s.pad || q < s.pad || r - s.pad >= c.height || q - s.pad >= c.width) continue;
        const size_t at = ((k * kExamples + e) * c.height + (r - s.pad)) * c.width + (q - s.pad);
        sum += double{x[at]} * weight[((o * c.channels + k) * s.kernel + i) * s.kernel + j];
      }
    }
  }
  return sum;
}

TEST(LayersTest, convolution) {
  const ConvolutionCase cases[] = {
      {1, 8, 9, {.outputs = 4, .kernel = 5}},
      {3, 5, 6, {.outputs = 2, .kernel = 3, .pad = 1, .bias = false}},
      {2, 7, 8, {.outputs = 3, .kernel = 3, .stride = 2, .pad = 1}},
      {4, 5, 5, {.outputs = 2, .kernel = 1, .stride = 2, .bias = false}},
      {1, 2, 1, {.outputs = 1, .kernel = 5, .pad = 2}},
      {2, 3, 4, {.outputs = 2, .kernel = 2, .stride = 3, .pad = 2}},
      {9, 40, 30, {.outputs = 2, .kernel = 3, .pad = 1}},  // more than one tile
  };
  for (const ConvolutionCase& c : cases) {
    ForSeeds([&](uint64_t seed) {
      SCOPED_TRACE(testing::Message() << c.channels << " x " << c.height << " x " << c.width);
      Bench bench(MakeConvolution(c.settings), {PlanesOf(c.channels, c.height, c.width)}, seed);
      bench.Loss();
      const ValueShape& out = bench.shape();
      for (size_t i = 0; i < bench.y().size(); ++i) {
        const size_t plane = i / out.area();
        const size_t o = plane / kExamples;
        const double bias = c.settings.bias ? bench.weights(1)[o] : 0;
        const double sum = Convolved(c, bench.x(), bench.weights(0), o, plane % kExamples,
                                     i % out.area() / out.width, i % out.width);
        ASSERT_NEAR(bench.y()[i], bias + sum, 1e-5);
      }
      bench.CheckGradients(0.5F, 1e-3);
    });
  }
}

TEST(LayersTest, max_pooling) {
  const size_t cases[][4] = {{6, 8, 2, 2}, {7, 5, 2, 2}, {7, 7, 3, 2}, {5, 5, 2, 3}, {3, 3, 3, 1}};
  for (const auto& [height, width, kernel, stride] : cases) {
    ForSeeds([&, h = height, w = width, k = kernel, s = stride](uint64_t seed) {
      Bench bench(MakeMaxPool(k, s), {PlanesOf(2, h, w)}, seed);
      bench.x() = SpacedFloats(bench.x().size(), &bench.random());
      bench.Loss();
      const ValueShape& out = bench.shape();
      ASSERT_EQ(out.height, (h - k + s - 1) / s + 1);
      for (size_t i = 0; i < bench.y().size(); ++i) {
        const float* plane = bench.x().data() + i / out.area() * h * w;
        const size_t top = i % out.area() / out.width * s;
        const size_t left = i % out.width * s;
        float best = -1e9F;
        for (size_t r = top; r < std::min(h, top + k); ++r) {
          for (size_t q = left; q < std::min(w, left + k); ++q) {
            best = std::max(best, plane[r * w + q]);
          }
        }
        ASSERT_EQ(bench.y()[i], best);
      }
      bench.CheckGradients(0.01F, 1e-3);
    });
  }
}

TEST(LayersTest, of_equal_maxima_the_first_has_the_gradient) {
  Bench bench(MakeMaxPool(2, 2), {PlanesOf(1, 2, 2)}, 1);
  bench.x() = Floats(4 * kExamples, 1.0F);
  bench.Loss();
  const Pass pass = bench.MakePass();
  bench.layer().Backward(pass);
  EXPECT_EQ(pass.dx[0], pass.dy[0]);
  EXPECT_EQ(pass.dx[1], 0);
  EXPECT_EQ(pass.dx[3], 0);
}

TEST(LayersTest, global_average_pooling) {
  ForSeeds([](uint64_t seed) {
    Bench bench(MakeGlobalAveragePool(), {PlanesOf(4, 3, 7)}, seed);
    bench.Loss();
    for (size_t e = 0; e < kExamples; ++e) {
      for (size_t c = 0; c < 4; ++c) {
        double sum = 0;
        for (size_t i = 0; i < 21; ++i) sum += bench.x()[(c * kExamples + e) * 21 + i];
        ASSERT_NEAR(bench.y()[e * 4 + c], sum / 21, 1e-6);
      }
    }
    bench.CheckGradients(0.5F, 1e-4);
  });
}

TEST(LayersTest, elementwise) {
  ForSeeds([](uint64_t seed) {
    Bench relu(MakeRelu(), {PlanesOf(2, 5, 3)}, seed);
    relu.x() = SpacedFloats(relu.x().size(), &relu.random());
    relu.CheckGradients(0.01F, 1e-3);
    for (size_t i = 0; i < relu.y().size(); ++i) {
      ASSERT_EQ(relu.y()[i], std::max(relu.x()[i], 0.0F));
    }
    Bench tanh(MakeTanh(), {Rows(13)}, seed);
    tanh.CheckGradients(0.01F, 1e-3);
    for (size_t i = 0; i < tanh.y().size(); ++i) {
      ASSERT_NEAR(tanh.y()[i], std::tanh(tanh.x()[i]), 1e-6);
    }
    Bench add(MakeAdd(), {PlanesOf(2, 5, 3), PlanesOf(2, 5, 3)}, seed);
    add.CheckGradients(0.5F, 1e-4);
    for (size_t i = 0; i < add.y().size(); ++i) {
      ASSERT_EQ(add.y()[i], add.x(0)[i] + add.x(1)[i]);
    }
  });
}

TEST(LayersTest, planes_and_rows) {
  ForSeeds([](uint64_t seed) {
    Bench planes(MakePlanes(3, 2, 5), {Rows(30)}, seed);
    planes.CheckGradients(0.5F, 1e-4);
    Bench flatten(MakeFlatten(), {PlanesOf(3, 2, 5)}, seed);
    flatten.CheckGradients(0.5F, 1e-4);
    flatten.x() = planes.y();
    flatten.Loss();
    EXPECT_EQ(flatten.y(), planes.x());
    EXPECT_EQ(planes.y()[kExamples * 10], planes.x()[10]);  // channel 1 of example 0
  });
}

TEST(LayersTest, batch_normalization) {
  ForSeeds([](uint64_t seed) {
    Bench bench(MakeBatchNorm(), {PlanesOf(2, 3, 4)}, seed);
    for (float& x : bench.x()) x = 3 * x + 7;
    bench.Loss();
    for (size_t c = 0; c < 2; ++c) {
      const size_t size = 12 * kExamples;
      double mean = 0;
      double variance = 0;
      for (size_t i = 0; i < size; ++i) mean += bench.x()[c * size + i] / 36.0;
      for (size_t i = 0; i < size; ++i)
        variance += std::pow(bench.x()[c * size + i] - mean, 2) / 36;
      for (size_t i = 0; i < size; ++i) {
        const double normal = (bench.x()[c * size + i] - mean) / std::sqrt(variance + 1e-5);
        ASSERT_NEAR(bench.y()[c * size + i], normal * bench.weights(0)[c] + bench.weights(1)[c],
                    1e-5);
      }
    }
    bench.CheckGradients(0.02F, 2e-3);
  });
}

TEST(LayersTest, batch_normalization_by_running_statistics) {
  Bench bench(MakeBatchNorm(), {PlanesOf(2, 3, 4)}, 1);
  for (float& x : bench.x()) x = 3 * x + 7;
  Pass pass = bench.MakePass();
  pass.training = false;
  bench.layer().Forward(pass);  // means of 0 and variances of 1
  EXPECT_NEAR(bench.y()[5],
              bench.x()[5] / std::sqrt(1 + 1e-5F) * bench.weights(0)[0] + bench.weights(1)[0],
              1e-5);
  pass.training = true;
  bench.layer().Forward(pass);  // with a weight of 0
  EXPECT_EQ(bench.layer().State()[0], 0);
  pass.statistics_weight = 1;
  bench.layer().Forward(pass);
  const Floats trained = bench.y();
  EXPECT_NEAR(bench.layer().State()[0], 7, 1);
  pass.training = false;
  bench.layer().Forward(pass);
  // The batch's own statistics but for the unbiased variance.
  for (size_t i = 0; i < trained.size(); ++i) EXPECT_NEAR(bench.y()[i], trained[i], 0.05);
}

TEST(LayersTest, embedding) {
  ForSeeds([](uint64_t seed) {
    Bench bench(MakeEmbedding(5, 4), {Rows(1, 6)}, seed);
    for (float& x : bench.x()) x = static_cast<float>(bench.random().Below(5));
    bench.Loss();
    for (size_t r = 0; r < 6 * kExamples; ++r) {
      const size_t symbol = static_cast<size_t>(bench.x()[r]);
      for (size_t i = 0; i < 4; ++i) {
        ASSERT_EQ(bench.y()[r * 4 + i], bench.weights(0)[symbol * 4 + i]);
      }
    }
    bench.CheckGradients(0.5F, 1e-4, false);
  });
}

double Gate(double x) { return 1 / (1 + std::exp(-x)); }

// The definition, for one example.
void RunLstm(size_t inputs, size_t hidden, size_t steps, size_t e, Bench* bench) {
  std::vector<double> h(hidden), c(hidden);
  for (size_t t = 0; t < steps; ++t) {
    const size_t row = t * kExamples + e;
    std::vector<double> gates(4 * hidden);
    for (size_t g = 0; g < 4 * hidden; ++g) {
      gates[g] = bench->weights(2)[g];
      for (size_t i = 0; i < inputs; ++i) {
        gates[g] += double{bench->weights(0)[g * inputs + i]} * bench->x()[row * inputs + i];
      }
      for (size_t i = 0; i < hidden; ++i) gates[g] += bench->weights(1)[g * hidden + i] * h[i];
    }
    for (size_t i = 0; i < hidden; ++i) {
      c[i] = Gate(gates[hidden + i] + 1) * c[i] + Gate(gates[i]) * std::tanh(gates[2 * hidden + i]);
      h[i] = Gate(gates[3 * hidden + i]) * std::tanh(c[i]);
      ASSERT_NEAR(bench->y()[row * hidden + i], h[i], 1e-5);
    }
  }
}

TEST(LayersTest, lstm) {
  for (const size_t steps : {1U, 2U, 5U}) {
    ForSeeds([&](uint64_t seed) {
      Bench bench(MakeLstm(6), {Rows(3, steps)}, seed);
      bench.Loss();
      for (size_t e = 0; e < kExamples; ++e) RunLstm(3, 6, steps, e, &bench);
      bench.CheckGradients(0.01F, 1e-3);
    });
  }
}

TEST(LayersTest, layers_refuse_inputs_that_they_cannot_take) {
  const auto refused = [](LayerPtr layer, const ValueShape& input) {
    const ValueShape inputs[] = {input, Rows(1)};
    EXPECT_THROW(layer->Configure(inputs), Error);
  };
  refused(MakeFullyConnected(1, 1), PlanesOf(1, 2, 2));
  refused(MakeConvolution({.outputs = 1, .kernel = 3}), Rows(9));
  refused(MakeConvolution({.outputs = 1, .kernel = 3}), PlanesOf(1, 9, 2));
  refused(MakeMaxPool(3, 1), PlanesOf(1, 9, 2));
  refused(MakeMaxPool(3, 1), Rows(9));
  refused(MakeGlobalAveragePool(), Rows(9));
  refused(MakeBatchNorm(), Rows(9));
  refused(MakeAdd(), Rows(9));
  refused(MakePlanes(1, 3, 3), Rows(8));
  refused(MakeEmbedding(4, 4), Rows(2));
  refused(MakeLstm(4), PlanesOf(1, 2, 2));
}

// ---- nets

// Values that must not be worked on in place: one that is read again (conv0), and one whose layer
// reads it in its backward pass (tanh2, before an addition). Gradients join at conv0.
std::unique_ptr<Net> ShortcutNet(uint64_t seed) {
  const ConvolutionSettings settings{.outputs = 3, .kernel = 3, .pad = 1};
  auto net = std::make_unique<Net>(Rows(2 * 4 * 4));
  Net::Value x = net->Add("planes", MakePlanes(2, 4, 4), 0);
  x = net->Add("conv0", MakeConvolution(settings), x);
  Net::Value y = net->Add("tanh1", MakeTanh(), x);
  y = net->Add("conv1", MakeConvolution(settings), y);
  y = net->Add("tanh2", MakeTanh(), y);
  y = net->Add("add", MakeAdd(), y, x);
  y = net->Add("conv2", MakeConvolution(settings), y);
  y = net->Add("tanh3", MakeTanh(), y);
  y = net->Add("pool", MakeGlobalAveragePool(), y);
  net->Add("fc", MakeFullyConnected(2, 1), y);
  Random random(seed);
  net->Finish(kReserved, &random);
  return net;
}

double NetLoss(Net* net, const Floats& slope) {
  net->Forward(kExamples, true, 0);
  double loss = 0;
  for (size_t i = 0; i < slope.size(); ++i) loss += double{net->output()[i]} * slope[i];
  return loss;
}

TEST(NetTest, gradients_join_where_values_are_read_twice) {
  ForSeeds([](uint64_t seed) {
    const std::unique_ptr<Net> net = ShortcutNet(seed);
    Random random(seed, 1);
    const Floats input = RandomFloats(32 * kExamples, &random);
    const Floats slope = RandomFloats(2 * kExamples, &random);
    std::copy(input.begin(), input.end(), net->input());
    NetLoss(net.get(), slope);
    std::copy(slope.begin(), slope.end(), net->output_gradient());
    net->Backward(kExamples);
    const Floats gradients(net->gradients().begin(), net->gradients().end());
    for (size_t i = 0; i < gradients.size(); ++i) {
      const float value = net->weights()[i];
      net->weights()[i] = value + 0.01F;
      const double above = NetLoss(net.get(), slope);
      net->weights()[i] = value - 0.01F;
      const double below = NetLoss(net.get(), slope);
      net->weights()[i] = value;
      ASSERT_NEAR(gradients[i], (above - below) / 0.02, 1e-3) << i;
    }
  });
}

TEST(NetTest, tensors_lie_in_the_order_of_their_names) {
  const std::unique_ptr<Net> net = ShortcutNet(1);
  const char* names[] = {"conv0.bias", "conv0.weight", "conv1.bias", "conv1.weight",
                         "conv2.bias", "conv2.weight", "fc.bias",    "fc.weight"};
  size_t offset = 0;
  ASSERT_EQ(net->tensors().size(), std::size(names));
  for (size_t t = 0; t < std::size(names); ++t) {
    EXPECT_EQ(net->tensors()[t].name, names[t]);
    EXPECT_EQ(net->tensors()[t].offset, offset);
    offset += net->tensors()[t].size;
  }
  EXPECT_EQ(net->weights().size(), offset);
}

TEST(NetTest, passes_do_not_allocate) {
  const std::unique_ptr<Net> net = ShortcutNet(1);
  const size_t before = Allocations();
  for (int i = 0; i < 3; ++i) {
    net->Forward(kExamples, true, 0.1F);
    net->Backward(kExamples);
  }
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace lowtropy
