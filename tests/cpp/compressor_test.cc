// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/compressor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "float_samples.h"
#include "floats.h"
#include "lowtropy/base/bits.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using samples::Floats;
using samples::Kind;
using Bytes = std::vector<uint8_t>;
using Positions = std::vector<uint32_t>;
using Form = TensorUpdate::Form;

constexpr std::array<Method, 9> kMethods = {Method::kNone,    Method::kFp16,     Method::kFedAvg,
                                            Method::kSignSgd, Method::kTernGrad, Method::kQsgd,
                                            Method::kTopK,    Method::kStc,      Method::kSbc};

MethodOptions Sparsity(double sparsity) {
  MethodOptions options;
  options.sparsity = sparsity;
  return options;
}

Layout OneTensor(size_t size) { return Layout({{"w", size}}); }

Bytes Encode(Compressor* compressor, const Floats& update, uint32_t round = 0) {
  EXPECT_EQ(update.size(), compressor->input().size());
  std::copy(update.begin(), update.end(), compressor->input().begin());
  const std::span<const uint8_t> message = compressor->Encode(0, round);
  return {message.begin(), message.end()};
}

// What a message adds to weights of 0.
Floats Content(const Bytes& message, const Layout& layout) {
  MessageReader reader;
  reader.Decode(message);
  reader.CheckLayout(layout);
  Floats content(layout.total(), 0.0F);
  reader.Apply(layout, 1, content);
  return content;
}

Floats Residual(const Compressor& compressor) {
  return {compressor.residual().begin(), compressor.residual().end()};
}

// As bits: -0 is not 0 here, though it compares equal.
bool SameBits(const Floats& a, const Floats& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 4 * a.size()) == 0;
}

Floats Normals(size_t size, std::mt19937* rng) { return samples::Kinds()[0].make(size, *rng); }

// ---- Sparse binary compression ----

struct Sent {
  float value = 0;
  Positions positions;
};

Sent Decode(const Bytes& message) {
  MessageReader reader;
  reader.Decode(message);
  EXPECT_EQ(reader.tensor(0).form, Form::kBinary);
  const std::span<const uint32_t> positions = reader.tensor(0).positions;
  return {reader.tensor(0).value, {positions.begin(), positions.end()}};
}

// Algorithm 2 of the paper over a stable sort.
Sent Reference(const Floats& values, size_t k) {
  const auto mean = [&](const Positions& positions) {
    double sum = 0;
    for (const uint32_t i : positions) sum += double{values[i]};
    return sum / static_cast<double>(k);
  };
  const Positions top = samples::FirstSorted(values, k, std::greater<>());
  const Positions bottom = samples::FirstSorted(values, k, std::less<>());
  const bool up = mean(top) >= -mean(bottom);
  const auto value = static_cast<float>(mean(up ? top : bottom));
  if (value == 0) return {};
  return {value, up ? top : bottom};
}

TEST(CompressorTest, ByHand) {
  Compressor sbc(Method::kSbc, Sparsity(1.0 / 3), OneTensor(6));
  // Top is 1.5 at 2 and 5, bottom 2 at 1 and 4.
  const Sent first = Decode(Encode(&sbc, {0.5F, -3, 2, 0, -1, 1}));
  EXPECT_EQ(first.value, -2);
  EXPECT_EQ(first.positions, (Positions{1, 4}));
  EXPECT_EQ(Residual(sbc), (Floats{0.5F, -1, 2, 0, 1, 1}));
  // Now top is 1.5 at 2 and 4: of two equal ones the lower.
  const Sent second = Decode(Encode(&sbc, Floats(6, 0.0F)));
  EXPECT_EQ(second.value, 1.5F);
  EXPECT_EQ(second.positions, (Positions{2, 4}));
  EXPECT_EQ(Residual(sbc), (Floats{0.5F, -1, 0.5F, 0, -0.5F, 1}));
}

TEST(CompressorTest, EqualMeansSendTop) {
  Compressor sbc(Method::kSbc, Sparsity(0.1), OneTensor(3));
  const Sent sent = Decode(Encode(&sbc, {-1, 1, 0}));
  EXPECT_EQ(sent.value, 1);
  EXPECT_EQ(sent.positions, (Positions{1}));
}

// The others count with their sign: the mean of 3, -1 and -1 is a third.
TEST(CompressorTest, FewerThanKArePositive) {
  Compressor sbc(Method::kSbc, Sparsity(1), OneTensor(3));
  const Sent sent = Decode(Encode(&sbc, {-1, 3, -1}));
  EXPECT_EQ(sent.value, static_cast<float>(1.0 / 3));
  EXPECT_EQ(sent.positions, (Positions{0, 1, 2}));
}

TEST(CompressorTest, OneElement) {
  for (const double sparsity : {0.001, 1.0}) {
    Compressor sbc(Method::kSbc, Sparsity(sparsity), OneTensor(1));
    EXPECT_EQ(Content(Encode(&sbc, {-4}), sbc.layout()), (Floats{-4}));
    EXPECT_EQ(Residual(sbc), (Floats{0}));
    EXPECT_EQ(Content(Encode(&sbc, {0}), sbc.layout()), (Floats{0}));
  }
}

TEST(CompressorTest, OfZerosNothingIsSent) {
  for (const Method method : {Method::kSbc, Method::kStc}) {
    MethodOptions options = Sparsity(0.1);
    options.momentum_mask = true;
    Compressor compressor(method, options, OneTensor(10000));
    Floats zeros(10000, 0.0F);
    for (size_t i = 0; i < zeros.size(); i += 3) zeros[i] = -0.0F;
    const Bytes message = Encode(&compressor, zeros);
    EXPECT_LT(message.size(), 28U);
    MessageReader reader;
    reader.Decode(message);
    EXPECT_EQ(reader.tensor(0).positions.size(), 0U);
    Floats momentum(10000, 1.0F);
    compressor.MaskMomentum(momentum);
    EXPECT_EQ(momentum, Floats(10000, 1.0F));
  }
}

// Round after round what is selected, sent and kept is as the reference has it, to the bit.
TEST(CompressorTest, AgreesWithTheReference) {
  unsigned seed = 0;
  for (const Kind& kind : samples::Kinds()) {
    const bool large = kind.name == "huge" || kind.name == "any magnitude";  // sums overflow
    for (const size_t size : {size_t{1}, size_t{7}, size_t{300}, size_t{20000}}) {
      std::mt19937 rng(++seed);
      SCOPED_TRACE(kind.name + ", size " + std::to_string(size) + ", seed " + std::to_string(seed));
      const double share = std::pow(10, -3 * std::uniform_real_distribution<double>()(rng));
      const double sparsity = large ? 0.01 : share;
      const size_t k = KeptCount(sparsity, size);
      Compressor sbc(Method::kSbc, Sparsity(sparsity), OneTensor(size));
      Floats residual(size, 0.0F);
      for (uint32_t round = 0; round < (large ? 1 : 4); ++round) {
        const Floats update = kind.make(size, rng);
        for (size_t i = 0; i < size; ++i) residual[i] += update[i];
        const Sent wanted = Reference(residual, k);
        for (const uint32_t i : wanted.positions) residual[i] -= wanted.value;
        const Sent sent = Decode(Encode(&sbc, update, round));
        EXPECT_EQ(sent.positions, wanted.positions);
        EXPECT_EQ(Bits(sent.value), Bits(wanted.value)) << sent.value << " " << wanted.value;
        EXPECT_TRUE(SameBits(Residual(sbc), residual));
        if (HasFailure()) return;
      }
    }
  }
}

TEST(CompressorTest, SampledSendsNearlyAsMany) {
  std::mt19937 rng(4);
  MethodOptions options = Sparsity(0.05);
  options.sampled = true;
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    Compressor compressor(method, options, OneTensor(60000));
    std::set<size_t> counts;
    for (int round = 0; round < 6; ++round) {
      const Floats before = Residual(compressor);
      const Floats update = Normals(60000, &rng);
      MessageReader reader;
      const Bytes message = Encode(&compressor, update);
      reader.Decode(message);
      const size_t count = reader.tensor(0).positions.size();
      EXPECT_GE(count, 2400U);
      EXPECT_LE(count, 3750U);
      counts.insert(count);
      const Floats sent = Content(message, compressor.layout());
      for (size_t i = 0; i < sent.size(); ++i) {
        const float accumulated = before[i] + update[i];
        ASSERT_EQ(compressor.residual()[i], accumulated - sent[i]);
      }
    }
    EXPECT_GT(counts.size(), 2U);
  }
}

// ---- The residual ----

TEST(CompressorTest, SentAndResidualAreWhatWasAccumulated) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const Method method = kMethods[6 + seed % 3];
    MethodOptions options = Sparsity(0.05);
    options.dense_below = seed % 2 == 0 ? 0 : 100;
    Compressor compressor(method, options, Layout({{"a", 5000}, {"b", 99}, {"c", 200}}));
    for (int round = 0; round < 5; ++round) {
      const Floats before = Residual(compressor);
      const Floats update = Normals(5299, &rng);
      const Floats sent = Content(Encode(&compressor, update), compressor.layout());
      for (size_t i = 0; i < sent.size(); ++i) {
        const float accumulated = before[i] + update[i];
        const float residual = compressor.residual()[i];
        ASSERT_EQ(residual, accumulated - sent[i]);
        ASSERT_NEAR(residual + sent[i], accumulated,
                    FLT_EPSILON * (std::abs(accumulated) + std::abs(sent[i])));
      }
    }
  }
}

TEST(CompressorTest, NothingIsLostOverManyRounds) {
  std::mt19937 rng(9);
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    Compressor compressor(method, Sparsity(0.01), OneTensor(500));
    std::vector<double> total(500, 0);
    Floats weights(500, 0.0F);
    MessageReader reader;
    for (uint32_t round = 0; round < 300; ++round) {
      const Floats update = Normals(500, &rng);
      for (size_t i = 0; i < 500; ++i) total[i] += double{update[i]};
      reader.Decode(Encode(&compressor, update, round));
      reader.Apply(compressor.layout(), 1, weights);
    }
    for (size_t i = 0; i < 500; ++i) {
      EXPECT_NEAR(double{weights[i]} + double{compressor.residual()[i]}, total[i], 1e-3) << i;
    }
  }
}

TEST(CompressorTest, DenseTensorsLeaveNoResidual) {
  std::mt19937 rng(3);
  MethodOptions options = Sparsity(0.01);
  options.dense_below = 100;
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    Compressor compressor(method, options, Layout({{"a", 99}, {"b", 100}}));
    const Floats update = Normals(199, &rng);
    const Bytes message = Encode(&compressor, update);
    MessageReader reader;
    reader.Decode(message);
    EXPECT_EQ(reader.tensor(0).form, Form::kDense);
    EXPECT_NE(reader.tensor(1).form, Form::kDense);
    const Floats sent = Content(message, compressor.layout());
    EXPECT_TRUE(std::equal(sent.begin(), sent.begin() + 99, update.begin()));
    const Floats residual = Residual(compressor);
    EXPECT_EQ(std::count(residual.begin(), residual.begin() + 99, 0.0F), 99);
    EXPECT_LT(std::count(residual.begin() + 99, residual.end(), 0.0F), 100);
  }
}

TEST(CompressorTest, AMessageIsTakenBackOnce) {
  std::mt19937 rng(3);
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    MethodOptions options = Sparsity(0.1);
    options.dense_below = 10;
    Compressor compressor(method, options, Layout({{"a", 5}, {"b", 1000}}));
    Encode(&compressor, Normals(1005, &rng));
    compressor.TakeBack();
    const Floats before = Residual(compressor);
    const Floats update = Normals(1005, &rng);
    const Floats sent = Content(Encode(&compressor, update), compressor.layout());
    Floats expected = Residual(compressor);
    for (size_t i = 0; i < 1005; ++i) {
      expected[i] += sent[i];
      EXPECT_NEAR(expected[i], before[i] + update[i], 1e-5);
    }
    compressor.TakeBack();
    EXPECT_EQ(Residual(compressor), expected);
    compressor.TakeBack();
    EXPECT_EQ(Residual(compressor), expected);
    // A refused update changes nothing, this neither.
    Floats bad = update;
    bad[1004] = kNan;
    Encode(&compressor, update);
    expected = Residual(compressor);
    const std::unique_ptr<Compressor> spared = Compressor::Restore(compressor.Save());
    EXPECT_THROW(Encode(&compressor, bad), Error);
    compressor.TakeBack();
    spared->TakeBack();
    EXPECT_EQ(Residual(compressor), Residual(*spared));
    EXPECT_NE(Residual(compressor), expected);
  }
}

// ---- Updates that are refused ----

TEST(CompressorTest, NotFiniteIsRefusedAndNothingChanges) {
  std::mt19937 rng(8);
  for (const Method method : kMethods) {
    for (const size_t tensor : {size_t{0}, size_t{1}, size_t{2}}) {
      for (const float bad : {kNan, kInfinity, -kInfinity}) {
        SCOPED_TRACE(std::string(Name(method)) + ", tensor " + std::to_string(tensor));
        MethodOptions options = Sparsity(0.1);
        options.dense_below = 10;
        options.momentum = 0.9F;
        const Layout layout({{"a", 7}, {"b", 9000}, {"c", 70}});
        Compressor compressor(method, options, layout);
        Compressor twin(method, options, layout);
        const Floats first = Normals(layout.total(), &rng);
        EXPECT_EQ(Encode(&compressor, first), Encode(&twin, first));
        const Bytes saved = compressor.Save();
        Floats update = Normals(layout.total(), &rng);
        const Floats good = update;
        const size_t position = layout.size(tensor) / 2;
        update[layout.offset(tensor) + position] = bad;
        try {
          Encode(&compressor, update);
          FAIL();
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kValue);
          EXPECT_EQ(error.what(), "The update of tensor \"" + layout.name(tensor) + "\" has " +
                                      (std::isnan(bad) ? "NaN" : "an infinity") + " at position " +
                                      std::to_string(position) + ".");
        }
        EXPECT_EQ(compressor.Save(), saved);
        // And it goes on as if nothing had happened.
        EXPECT_EQ(Encode(&compressor, good), Encode(&twin, good));
        EXPECT_EQ(compressor.Save(), twin.Save());
      }
    }
  }
}

TEST(CompressorTest, SumsThatOverflowAreRefused) {
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    Compressor compressor(method, Sparsity(0.25), OneTensor(4));
    const Floats update = {0, 0, 1e38F, 2e38F};
    Encode(&compressor, update);  // 1e38 stays
    Encode(&compressor, {0, 0, 0, 3e38F});
    const Bytes saved = compressor.Save();
    EXPECT_THROW(Encode(&compressor, {0, 0, 3e38F, 0}), Error);
    EXPECT_EQ(compressor.Save(), saved);
  }
}

// The mean of three, taken from the lowest, would leave it beyond float32.
TEST(CompressorTest, AResidualThatOverflowsIsRefused) {
  Compressor sbc(Method::kSbc, Sparsity(1), OneTensor(3));
  const Bytes saved = sbc.Save();
  try {
    Encode(&sbc, {FLT_MAX, 0.9F * FLT_MAX, -FLT_MAX});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "The update of tensor \"w\" has an infinity at position 2.");
  }
  EXPECT_EQ(sbc.Save(), saved);
}

TEST(CompressorTest, OptionsThatCannotBe) {
  const auto refusal = [](Method method, const MethodOptions& options) -> std::string {
    try {
      const Compressor compressor(method, options, OneTensor(1));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kValue);
      return error.what();
    }
    return "";
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    for (const double sparsity : {0.0, -0.1, 1.0001, 1e-60, nan}) {
      EXPECT_EQ(refusal(method, Sparsity(sparsity)).substr(0, 50),
                "The sparsity p must be above 0 and at most 1, not ");
    }
    for (const double sparsity : {1e-45, 1.0}) EXPECT_EQ(refusal(method, Sparsity(sparsity)), "");
  }
  EXPECT_EQ(refusal(Method::kNone, Sparsity(nan)), "");  // not its option
  MethodOptions options;
  for (const float momentum : {-0.1F, 1.0F, kNan}) {
    options.momentum = momentum;
    EXPECT_EQ(refusal(Method::kTopK, options), "The momentum must be at least 0 and below 1.");
  }
  for (const float step : {0.0F, -1.0F, kNan, kInfinity}) {
    options.step = step;
    EXPECT_EQ(refusal(Method::kSignSgd, options), "The step must be above 0.");
  }
  for (const uint32_t levels : {0U, 65536U}) {
    options.levels = levels;
    EXPECT_EQ(refusal(Method::kQsgd, options), "The number of levels must be from 1 to 65535.");
  }
  options.levels = 1;
  options.bucket = 0;
  EXPECT_EQ(refusal(Method::kQsgd, options), "A bucket must have at least 1 element.");
  for (const float clip : {-1.0F, kNan, kInfinity}) {
    options.clip = clip;
    EXPECT_EQ(refusal(Method::kTernGrad, options), "The clip must be at least 0.");
  }
}

TEST(CompressorTest, NamesOfMethods) {
  for (const Method method : kMethods) EXPECT_EQ(MethodOf(Name(method)), method);
  try {
    MethodOf("zip");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "There is no compressor \"zip\"; there are none, fp16, fedavg, signsgd, terngrad, "
                 "qsgd, topk, stc and sbc.");
  }
}

TEST(KeptCountTest, RoundsAndKeepsOne) {
  EXPECT_EQ(KeptCount(0.01, 100), 1U);
  EXPECT_EQ(KeptCount(0.01, 149), 1U);
  EXPECT_EQ(KeptCount(0.01, 150), 2U);
  EXPECT_EQ(KeptCount(0.001, 10), 1U);
  EXPECT_EQ(KeptCount(1, 17), 17U);
  EXPECT_EQ(KeptCount(0.5, 1), 1U);
  EXPECT_EQ(KeptCount(1, 4294967295), 4294967295U);
}

// ---- Momentum ----

TEST(CompressorTest, MasksMomentumWhereSomethingWasSent) {
  std::mt19937 rng(3);
  for (const Method method : kMethods) {
    for (const bool masks : {true, false}) {
      MethodOptions options = Sparsity(0.1);
      options.momentum_mask = masks;
      options.dense_below = 10;
      Compressor compressor(method, options, Layout({{"a", 5}, {"b", 1000}}));
      Floats momentum(1005, 1.0F);
      compressor.MaskMomentum(momentum);  // nothing was sent yet
      EXPECT_EQ(momentum, Floats(1005, 1.0F));
      const Bytes message = Encode(&compressor, Normals(1005, &rng));
      const Floats sent = Content(message, compressor.layout());
      compressor.MaskMomentum(momentum);
      for (size_t i = 0; i < 1005; ++i) {
        // Tensors that travel dense keep their momentum.
        const bool masked = masks && IsSparse(method) && i >= 5 && sent[i] != 0;
        EXPECT_EQ(momentum[i], masked ? 0.0F : 1.0F) << Name(method) << " " << i;
      }
    }
  }
}

// Deep Gradient Compression, Algorithm 1 with momentum correction: u = m u + g, v += u; the largest
// of v are sent, and there u and v become 0.
TEST(CompressorTest, MomentumCorrectionAgreesWithDeepGradientCompression) {
  constexpr size_t kSize = 5000;
  constexpr float kMomentum = 0.9F;
  std::mt19937 rng(6);
  MethodOptions options = Sparsity(0.02);
  options.momentum = kMomentum;
  Compressor topk(Method::kTopK, options, OneTensor(kSize));
  Floats u(kSize, 0.0F);
  Floats v(kSize, 0.0F);
  for (uint32_t round = 0; round < 20; ++round) {
    const Floats gradient = Normals(kSize, &rng);
    for (size_t i = 0; i < kSize; ++i) {
      const volatile float kept = kMomentum * u[i];
      u[i] = gradient[i] + kept;
      v[i] = v[i] + u[i];
    }
    Floats sent(kSize, 0.0F);
    const auto larger = [](float a, float b) { return std::abs(a) > std::abs(b); };
    for (const uint32_t i : samples::FirstSorted(v, 100, larger)) {
      std::swap(sent[i], v[i]);
      u[i] = 0;
    }
    ASSERT_EQ(Content(Encode(&topk, gradient, round), topk.layout()), sent) << round;
    ASSERT_EQ(Residual(topk), v) << round;
  }
}

// ---- The other methods ----

Floats MeanOfMessages(Method method, const MethodOptions& options, const Floats& update,
                      int rounds) {
  Compressor compressor(method, options, OneTensor(update.size()));
  std::vector<double> sum(update.size(), 0);
  for (int round = 0; round < rounds; ++round) {
    const Floats sent = Content(Encode(&compressor, update), compressor.layout());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += double{sent[i]};
  }
  Floats mean;
  for (const double each : sum) mean.push_back(static_cast<float>(each / rounds));
  return mean;
}

// A draw between neighbours `step` apart has a standard deviation of at most step / 2.
void ExpectUnbiased(const Floats& mean, const Floats& update, float step, int rounds) {
  const float deviation = step / 2 / std::sqrt(static_cast<float>(rounds));
  for (size_t i = 0; i < update.size(); ++i) {
    EXPECT_NEAR(mean[i], update[i], 5 * deviation) << i;
  }
}

float Largest(const Floats& values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

TEST(CompressorTest, TernGradIsUnbiased) {
  std::mt19937 rng(2);
  const Floats update = Normals(200, &rng);
  MethodOptions options;
  options.clip = 0;
  constexpr int kRounds = 10000;
  // From -s or s to 0.
  ExpectUnbiased(MeanOfMessages(Method::kTernGrad, options, update, kRounds), update,
                 Largest(update), kRounds);
}

TEST(CompressorTest, TernGradClips) {
  Floats update(1000, 0.01F);
  for (size_t i = 0; i < update.size(); i += 2) update[i] = -0.01F;
  update[5] = 1;  // the standard deviation is about 0.033
  MethodOptions options;
  options.clip = 2.5F;
  Compressor compressor(Method::kTernGrad, options, OneTensor(1000));
  const Floats sent = Content(Encode(&compressor, update), compressor.layout());
  EXPECT_NEAR(sent[5], 0.083, 0.001);
  EXPECT_EQ(Largest(sent), sent[5]);
}

// Whose standard deviation about their own mean would be 0, and nothing were ever sent.
TEST(CompressorTest, TernGradSendsEqualValues) {
  for (const size_t size : {size_t{1}, size_t{40}}) {
    Compressor compressor(Method::kTernGrad, {}, OneTensor(size));
    const Floats update(size, -0.25F);
    EXPECT_EQ(Content(Encode(&compressor, update), compressor.layout()), update);
    const Floats zeros(size, 0.0F);
    EXPECT_EQ(Content(Encode(&compressor, zeros), compressor.layout()), zeros);
  }
}

TEST(CompressorTest, QsgdIsUnbiased) {
  std::mt19937 rng(2);
  const Floats update = Normals(200, &rng);
  constexpr int kRounds = 10000;
  for (const uint32_t levels : {1U, 7U, 100U}) {
    MethodOptions options;
    options.levels = levels;
    options.bucket = 64;
    ExpectUnbiased(MeanOfMessages(Method::kQsgd, options, update, kRounds), update,
                   Largest(update) / static_cast<float>(levels), kRounds);
  }
}

TEST(CompressorTest, SignsOfZerosArePositive) {
  Compressor compressor(Method::kSignSgd, {}, OneTensor(4));
  const float step = MethodOptions{}.step;
  EXPECT_EQ(Content(Encode(&compressor, {-0.0F, 0, -FLT_TRUE_MIN, 7}), compressor.layout()),
            (Floats{step, step, -step, step}));
}

TEST(CompressorTest, StcSendsTheMeanMagnitude) {
  Compressor stc(Method::kStc, Sparsity(0.5), OneTensor(4));
  EXPECT_EQ(Content(Encode(&stc, {1, -4, 2, -0.5F}), stc.layout()), (Floats{0, -3, 3, 0}));
  EXPECT_EQ(Residual(stc), (Floats{1, -1, -1, -0.5F}));
}

// ---- Saving ----

MethodOptions RandomOptions(std::mt19937* rng) {
  MethodOptions options = Sparsity(0.05);
  options.sampled = (*rng)() % 2 == 0;
  options.momentum = (*rng)() % 2 == 0 ? 0.9F : 0.0F;
  options.momentum_mask = (*rng)() % 2 == 0;
  options.dense_below = 20;
  options.seed = (*rng)();
  return options;
}

TEST(CompressorStateTest, RestoredOnesGoOnToTheSameBytes) {
  for (unsigned seed = 0; seed < 45; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const Method method = kMethods[seed % 9];
    Compressor compressor(method, RandomOptions(&rng), Layout({{"a", 7}, {"b", 9000}}));
    for (int round = 0; round < 3; ++round) Encode(&compressor, Normals(9007, &rng));
    const Bytes saved = compressor.Save();
    const std::unique_ptr<Compressor> restored = Compressor::Restore(saved);
    EXPECT_EQ(restored->Save(), saved);
    EXPECT_EQ(restored->method(), method);
    EXPECT_EQ(restored->layout().name(1), "b");
    for (uint32_t round = 0; round < 3; ++round) {
      const Floats update = Normals(9007, &rng);
      EXPECT_EQ(Encode(restored.get(), update, round), Encode(&compressor, update, round));
    }
    EXPECT_EQ(restored->Save(), compressor.Save());
  }
}

// One goes on as it is, the other is saved and restored at any moment: nobody can tell them apart.
TEST(CompressorStateTest, ASavedStateIsTheWholeState) {
  for (unsigned seed = 0; seed < 90; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const Layout layout({{"a", 7}, {"b", 300}, {"c", 5000}});
    auto twin = std::make_unique<Compressor>(kMethods[seed % 9], RandomOptions(&rng), layout);
    auto saved = Compressor::Restore(twin->Save());
    for (int step = 0; step < 25; ++step) {
      const Floats update = Normals(layout.total(), &rng);
      switch (rng() % 5) {
        case 0: {
          Floats bad = update;
          bad[rng() % bad.size()] = kInfinity;
          for (Compressor* each : {twin.get(), saved.get()}) EXPECT_THROW(Encode(each, bad), Error);
          break;
        }
        case 1:
          for (Compressor* each : {twin.get(), saved.get()}) each->TakeBack();
          break;
        case 2: {
          Floats one = update;
          Floats other = update;
          twin->MaskMomentum(one);
          saved->MaskMomentum(other);
          EXPECT_EQ(one, other);
          break;
        }
        default: {
          const auto number = static_cast<uint32_t>(rng());
          EXPECT_EQ(Encode(twin.get(), update, number), Encode(saved.get(), update, number));
        }
      }
      EXPECT_EQ(Residual(*saved), Residual(*twin));
      if (rng() % 2 == 0) saved = Compressor::Restore(saved->Save());
      ASSERT_EQ(saved->Save(), twin->Save());
    }
  }
}

// Keeps a state for the fuzzer's corpus, tests/fuzz/corpus/state, when it is asked for.
void Keep(const Bytes& state) {
  const char* folder = std::getenv("LOWTROPY_WRITE_CORPUS");
  if (folder == nullptr || state.size() > 1024) return;
  static int count = 0;
  std::ofstream(folder + ("/state" + std::to_string(count++)), std::ios::binary)
      .write(reinterpret_cast<const char*>(state.data()),
             static_cast<std::streamsize>(state.size()));
}

std::string StateRefusal(const Bytes& state) {
  try {
    Compressor::Restore(state);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.what();
  }
  return "";
}

// Where the fields of a state are; see compressor_state.cc.
constexpr size_t kVersionAt = 4;
constexpr size_t kMethodAt = 5;
constexpr size_t kOptionsAt = 6;
constexpr size_t kSampledAt = kOptionsAt + 8;
constexpr size_t kLayoutAt = kOptionsAt + 8 + 1 + 8 + 1 + 4 + 4 + 4 + 4 + 4 + 8;

Bytes FixState(Bytes state) {
  const uint32_t sum = Crc32(state.data(), state.size() - 4);
  std::memcpy(state.data() + state.size() - 4, &sum, 4);
  return state;
}

template <class T>
Bytes Put(Bytes state, size_t at, T number) {
  std::memcpy(state.data() + at, &number, sizeof number);
  return FixState(std::move(state));
}

// One tensor "w" of 3 elements, some residual, no velocity, and a message.
Bytes SmallState(Method method = Method::kSbc) {
  Compressor compressor(method, Sparsity(0.1), OneTensor(3));
  Encode(&compressor, {1, -2, 3});
  return compressor.Save();
}

constexpr size_t kNameAt = kLayoutAt + 4 + 4;
constexpr size_t kSizeAt = kNameAt + 1;
constexpr size_t kRandomAt = kSizeAt + 8;
constexpr size_t kResidualAt = kRandomAt + 16 + 8;

TEST(CompressorStateTest, Damage) {
  const Bytes state = SmallState();
  EXPECT_EQ(StateRefusal(state), "");
  for (const Method method : kMethods) Keep(SmallState(method));
  for (size_t length = 0; length < state.size(); ++length) {
    const Bytes cut(state.begin(), state.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_NE(StateRefusal(cut), "") << length;
    if (length >= 4 && length + 4 < state.size()) EXPECT_NE(StateRefusal(FixState(cut)), "");
  }
  for (size_t bit = 0; bit < 8 * state.size(); ++bit) {
    Bytes flipped = state;
    flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    EXPECT_EQ(StateRefusal(flipped),
              "The saved compressor is refused: its checksum does not fit its bytes.")
        << bit;
  }
  Bytes longer = state;
  longer.insert(longer.end() - 4, 0);
  EXPECT_EQ(StateRefusal(FixState(longer)),
            "The saved compressor is refused: there are bytes left over at its end.");
}

TEST(CompressorStateTest, HostileFields) {
  const Bytes state = SmallState();
  const auto expect = [](const Bytes& spoiled, const std::string& clause) {
    Keep(spoiled);
    EXPECT_EQ(StateRefusal(spoiled), "The saved compressor is refused: " + clause + ".");
  };
  expect(Put(state, 0, 'X'), "it does not begin as one does");
  expect(Put(state, kVersionAt, uint8_t{0}), "it is of another version");
  expect(Put(state, kVersionAt, uint8_t{3}), "it is of another version");
  expect(Put(state, kMethodAt, uint8_t{0}), "its method is unknown");
  expect(Put(state, kMethodAt, uint8_t{10}), "its method is unknown");
  expect(Put(state, kOptionsAt, 2.0), "The sparsity p must be above 0 and at most 1, not 2");
  expect(Put(state, kSampledAt, uint8_t{2}), "a flag is neither 0 nor 1");
  expect(Put(state, kLayoutAt, uint32_t{0}), "An update needs at least one tensor");
  expect(Put(state, kLayoutAt, UINT32_MAX), "it has more tensors than are possible");
  expect(Put(state, kLayoutAt, static_cast<uint32_t>(kMostTensors)), "it ends too early");
  expect(Put(state, kLayoutAt + 4, UINT32_MAX), "it ends too early");
  expect(Put(state, kNameAt, uint8_t{0}), "A tensor's name is empty or holds a zero byte");
  expect(Put(state, kSizeAt, uint64_t{0}),
         "Tensor \"w\" must have from 1 to 4294967295 elements, not 0");
  expect(Put(state, kSizeAt, uint64_t{4}), "its arrays do not fit its tensors");
  EXPECT_NE(StateRefusal(Put(state, kSizeAt, UINT64_MAX)), "");
  expect(Put(state, kRandomAt, std::array<uint32_t, 4>{}), "its random numbers are all 0");
  expect(Put(state, kResidualAt - 8, UINT64_MAX), "it ends too early");
  expect(Put(state, kResidualAt - 8, uint64_t{2}), "its arrays do not fit its tensors");
  for (const float bad : {kNan, kInfinity}) {
    expect(Put(state, kResidualAt + 8, bad), "it holds a value that is not finite");
  }
  expect(Put(state, kMethodAt, uint8_t{1}), "its arrays do not fit its tensors");
  Compressor two(Method::kNone, {}, Layout({{"a", 1}, {"b", 1}}));
  for (const char name : {'b', 'c'}) {  // there twice, and not sorted
    expect(Put(two.Save(), kNameAt, name), "its tensors are not in order");
  }
}

// Whether a residual proves the sizes that it names or there is none.
TEST(CompressorStateTest, WhatIsAllocatedIsInProportionToTheBytes) {
  for (const Method method : kMethods) {
    const Bytes state = SmallState(method);
    for (const uint64_t size : {uint64_t{400000000}, uint64_t{UINT32_MAX}, UINT64_MAX}) {
      const size_t before = AllocatedBytes();
      StateRefusal(Put(state, kSizeAt, size));
      EXPECT_LT(AllocatedBytes() - before, 10000U) << Name(method) << " " << size;
    }
  }
  const Bytes state = SmallState(Method::kSbc);
  Bytes many(state.begin(), state.begin() + kLayoutAt);
  const uint32_t count = kMostTensors + 1;
  for (unsigned shift = 0; shift < 32; shift += 8) many.push_back(count >> shift & 0xFF);
  many.resize(many.size() + 13 * size_t{count} + 100);
  EXPECT_EQ(StateRefusal(FixState(many)),
            "The saved compressor is refused: it has more tensors than are possible.");
}

// Of the time before the last message was part of it.
TEST(CompressorStateTest, VersionOneIsRead) {
  std::mt19937 rng(1);
  for (const Method method : kMethods) {
    Compressor compressor(method, Sparsity(0.1), OneTensor(50));
    Encode(&compressor, Normals(50, &rng));
    Bytes state = compressor.Save();
    uint64_t message = 0;
    const size_t residual = IsSparse(method) ? 200 : 0;
    const size_t end = kResidualAt + residual + 8;  // and no velocity
    std::memcpy(&message, state.data() + end + 1, sizeof message);
    EXPECT_EQ(state.size(), end + 1 + 8 + message + 4);
    state.resize(end + 4);
    const std::unique_ptr<Compressor> restored =
        Compressor::Restore(Put(state, kVersionAt, uint8_t{1}));
    restored->TakeBack();  // there is none
    EXPECT_EQ(Residual(*restored), Residual(compressor));
    const Floats update = Normals(50, &rng);
    EXPECT_EQ(Encode(restored.get(), update), Encode(&compressor, update));
  }
}

TEST(CompressorStateTest, HostileMessages) {
  const Bytes state = SmallState(Method::kSbc);
  const size_t flag = kResidualAt + 12 + 8;
  const Bytes message(state.begin() + flag + 9, state.end() - 4);
  const auto with = [&](uint8_t taken_back, const Bytes& other, uint64_t length) {
    Bytes spoiled(state.begin(), state.begin() + flag);
    spoiled.push_back(taken_back);
    for (unsigned shift = 0; shift < 64; shift += 8) spoiled.push_back(length >> shift & 0xFF);
    spoiled.insert(spoiled.end(), other.begin(), other.end());
    spoiled.resize(spoiled.size() + 4);
    Keep(FixState(spoiled));
    return StateRefusal(FixState(spoiled));
  };
  const auto of = [](Method method, const char* name, size_t size) {
    Compressor compressor(method, Sparsity(0.1), Layout({{name, size}}));
    return Encode(&compressor, Floats(size, 1.0F));
  };
  const std::string refused = "The saved compressor is refused: ";
  EXPECT_EQ(with(0, message, message.size()), "");
  EXPECT_EQ(with(1, message, message.size()), "");
  EXPECT_EQ(with(0, {}, 0), "");
  EXPECT_EQ(with(2, message, message.size()), refused + "a flag is neither 0 nor 1.");
  EXPECT_EQ(with(1, {}, 0), refused + "it has taken back a message that it does not hold.");
  EXPECT_EQ(with(0, message, UINT64_MAX), refused + "it ends too early.");
  Bytes damaged = message;
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_EQ(with(0, damaged, damaged.size()),
            refused +
                "The message is refused: its checksum does not fit its bytes: it was cut off "
                "or changed.");
  const Bytes other_method = of(Method::kStc, "w", 3);
  EXPECT_EQ(with(0, other_method, other_method.size()),
            refused + "its message is of another method.");
  const Bytes other_size = of(Method::kSbc, "w", 4);
  EXPECT_EQ(with(0, other_size, other_size.size()),
            refused + "In the message tensor \"w\" has 4 elements, not 3.");
  const Bytes other_name = of(Method::kSbc, "v", 3);
  EXPECT_EQ(with(0, other_name, other_name.size()),
            refused + "The message is about tensors of other names.");
  Bytes dense = SmallState(Method::kNone);
  dense.insert(dense.end() - 4, message.begin(), message.end());
  dense[dense.size() - 4 - message.size() - 8] = static_cast<uint8_t>(message.size());
  EXPECT_EQ(StateRefusal(FixState(dense)),
            refused + "its method keeps no message, and it holds one.");
}

// Then the residual is as before; here it is a forged one.
TEST(CompressorStateTest, WhatOverflowsIsNotTakenBack) {
  Compressor compressor(Method::kSbc, Sparsity(0.5), OneTensor(2));
  Encode(&compressor, {0.9F * FLT_MAX, 0});
  const std::unique_ptr<Compressor> forged =
      Compressor::Restore(Put(compressor.Save(), kResidualAt, 0.9F * FLT_MAX));
  const Bytes before = forged->Save();
  try {
    forged->TakeBack();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    EXPECT_STREQ(
        error.what(),
        "The message was not applied, as it would have made element 0 of tensor \"w\" NaN or "
        "infinite.");
  }
  EXPECT_EQ(forged->Save(), before);
}

// ---- What is restored can be written, and what is written can be read ----

float Extreme(std::mt19937* rng) {
  constexpr float kExtremes[] = {0, -0.0F, FLT_TRUE_MIN, FLT_MIN, 1, 0.9F * FLT_MAX, FLT_MAX};
  const float value = kExtremes[(*rng)() % std::size(kExtremes)];
  return (*rng)() % 2 == 0 ? value : -value;
}

Floats Extremes(size_t size, std::mt19937* rng) {
  Floats values(size);
  const bool same = (*rng)() % 4 == 0;
  for (float& value : values) value = same ? FLT_TRUE_MIN : Extreme(rng);
  return values;
}

MethodOptions ExtremeOptions(std::mt19937* rng) {
  const auto pick = [&]<class T>(std::initializer_list<T> values) {
    return values.begin()[(*rng)() % values.size()];
  };
  MethodOptions options;
  options.sparsity = pick({1e-45, 1e-7, 0.3, 0.99999999999, 1.0});
  options.sampled = pick({false, true});
  options.dense_below = pick({size_t{0}, size_t{8}, SIZE_MAX});
  options.momentum_mask = pick({false, true});
  options.momentum = pick({0.0F, FLT_TRUE_MIN, 0.5F, 0.99999994F});
  options.step = pick({FLT_TRUE_MIN, 1.0F, FLT_MAX});
  options.levels = pick({1U, 7U, 65535U});
  options.bucket = pick({1U, 5U, UINT32_MAX});
  options.clip = pick({0.0F, FLT_TRUE_MIN, 1e-20F, 2.5F, FLT_MAX});
  options.seed = pick({uint64_t{0}, UINT64_MAX});
  return options;
}

TEST(CompressorTest, ExtremesAreWrittenAndReadOrRefused) {
  int written = 0;
  int refused = 0;
  for (unsigned seed = 0; seed < 2700; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const Method method = kMethods[seed % 9];
    const Layout layout({{"a", 1 + rng() % 9}, {"b", 1 + rng() % 70}});
    auto compressor = std::make_unique<Compressor>(method, ExtremeOptions(&rng), layout);
    for (int round = 0; round < 4; ++round) {
      Bytes before = compressor->Save();
      try {
        const Bytes message = Encode(compressor.get(), Extremes(layout.total(), &rng), UINT32_MAX);
        MessageReader reader;
        reader.Decode(message);
        reader.CheckLayout(layout);
        ++written;
        before = compressor->Save();
        if (rng() % 2 == 0) compressor->TakeBack();
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kValue) << error.what();
        EXPECT_EQ(compressor->Save(), before);
        ++refused;
      }
      compressor = Compressor::Restore(compressor->Save());
    }
  }
  EXPECT_GT(written, 6000);
  EXPECT_GT(refused, 100);
}

// The fuzzer's find: clipped at next to nothing, the magnitude of all that is sent became 0.
TEST(CompressorTest, TernGradOfNoMagnitudeSendsNothing) {
  MethodOptions options;
  options.clip = FLT_TRUE_MIN;
  for (const float value : {0.25F, FLT_TRUE_MIN}) {
    Compressor compressor(Method::kTernGrad, options, OneTensor(9));
    Floats update(9, 0.0F);
    update[4] = value;
    EXPECT_EQ(Content(Encode(&compressor, update), compressor.layout()), Floats(9, 0.0F));
  }
  options.clip = 1;  // of a standard deviation of a third of the least float
  Compressor compressor(Method::kTernGrad, options, OneTensor(9));
  EXPECT_EQ(Content(Encode(&compressor, {0, FLT_TRUE_MIN, 0, 0, 0, 0, 0, 0, 0}), OneTensor(9)),
            Floats(9, 0.0F));
}

// ---- Memory ----

// With sampled thresholds, whose messages differ in size, records are set for longer.
TEST(CompressorTest, AllocatesInTheFirstRoundsOnly) {
  for (const Method method : kMethods) {
    std::mt19937 rng(1);
    MethodOptions options = Sparsity(0.01);
    options.momentum = 0.9F;
    options.momentum_mask = true;
    Compressor compressor(method, options, Layout({{"a", 20000}, {"b", 300}}));
    const std::vector<Floats> updates = {Normals(20300, &rng), Normals(20300, &rng)};
    const auto round = [&](size_t i) {
      std::copy(updates[i % 2].begin(), updates[i % 2].end(), compressor.input().begin());
      compressor.Encode(0, 0);
    };
    for (size_t i = 0; i < 3; ++i) round(i);
    const size_t before = Allocations();
    for (size_t i = 0; i < 20; ++i) round(i);
    EXPECT_EQ(Allocations(), before) << Name(method);
  }
}

// ---- Golden bytes ----

// The same in tests/node/updates/codec.test.js: natively and in WebAssembly the bytes are equal.
struct Golden {
  Method method;
  uint32_t messages;
  uint32_t state;
};

constexpr Golden kGolden[] = {
    {Method::kNone, 0xcc10169d, 0x2d3dae9c},     {Method::kFp16, 0x66604395, 0xbfc8c655},
    {Method::kFedAvg, 0xd0b523cd, 0xce641e12},   {Method::kSignSgd, 0x087ab606, 0x41531186},
    {Method::kTernGrad, 0x33e17878, 0x525df276}, {Method::kQsgd, 0x4e9940e6, 0xc0a89abf},
    {Method::kTopK, 0x0e29a05f, 0xe9b8e113},     {Method::kStc, 0x537fa032, 0x7c1d69e0},
    {Method::kSbc, 0xb60ac138, 0xc66282b6},
};

// Exact in float32: multiples of 2^-24 from -0.5 to 0.5, to the third power.
Floats GoldenUpdate(size_t size, uint32_t* state) {
  Floats update(size);
  for (float& value : update) {
    *state = *state * 1664525 + 1013904223;
    const float uniform = static_cast<float>(*state >> 8) * 0x1p-24F - 0.5F;
    value = uniform * uniform * uniform;
  }
  return update;
}

TEST(CompressorTest, GoldenBytes) {
  for (const auto& [method, messages, state_sum] : kGolden) {
    MethodOptions options = Sparsity(0.01);
    options.momentum = 0.9F;
    options.dense_below = 10;
    options.seed = 5;
    const Layout layout({{"a", 20000}, {"b", 300}, {"c", 300}, {"d", 7}, {"e", 1}});
    Compressor compressor(method, options, layout);
    uint32_t state = 1;
    uint32_t found = 0;
    for (uint32_t round = 0; round < 3; ++round) {
      const Bytes message = Encode(&compressor, GoldenUpdate(layout.total(), &state), round);
      // Not over their own checksums, for those would make all sums equal.
      found = Crc32(message.data(), message.size() - 4, found);
    }
    EXPECT_EQ(found, messages) << Name(method);
    const Bytes saved = compressor.Save();
    EXPECT_EQ(Crc32(saved.data(), saved.size() - 4), state_sum) << Name(method);
  }
}

}  // namespace
}  // namespace lowtropy
