// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/sbc/aggregator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "float_samples.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using samples::Floats;
using Bytes = std::vector<uint8_t>;

Layout TwoTensors() { return Layout({{"a", 6000}, {"b", 50}}); }
constexpr size_t kTotal = 6050;

Floats Normals(std::mt19937* rng) { return samples::Kinds()[0].make(kTotal, *rng); }

Bytes Encode(Compressor* compressor, const Floats& update, uint32_t round = 0) {
  std::copy(update.begin(), update.end(), compressor->input().begin());
  const std::span<const uint8_t> message = compressor->Encode(0, round);
  return {message.begin(), message.end()};
}

Bytes MessageOf(Method method, const Floats& update, uint32_t round = 0) {
  Compressor compressor(method, {}, Layout({{"a", 6000}, {"b", update.size() - 6000}}));
  return Encode(&compressor, update, round);
}

Floats Content(std::span<const uint8_t> message, const Layout& layout) {
  MessageReader reader;
  reader.Decode(message);
  reader.CheckLayout(layout);
  Floats content(layout.total(), 0.0F);
  reader.Apply(layout, 1, content);
  return content;
}

TEST(AggregatorTest, OfNoneTheMeanIsSent) {
  std::mt19937 rng(1);
  Aggregator aggregator(Method::kNone, {}, TwoTensors());
  for (const size_t count : {size_t{1}, size_t{3}, size_t{4}}) {
    Floats sum(kTotal, 0.0F);
    for (size_t i = 0; i < count; ++i) {
      const Floats update = Normals(&rng);
      for (size_t j = 0; j < kTotal; ++j) sum[j] += update[j];
      aggregator.Add(MessageOf(Method::kNone, update), std::nullopt);
      EXPECT_EQ(aggregator.count(), i + 1);
    }
    for (float& each : sum) each *= 1.0F / static_cast<float>(count);
    EXPECT_EQ(Content(aggregator.Finish(0, 0), TwoTensors()), sum);
    EXPECT_EQ(aggregator.count(), 0U);
  }
}

// The mean goes through a compressor with a residual of its own: nothing is lost on the way.
TEST(AggregatorTest, WhatIsNotSentStaysForLater) {
  std::mt19937 rng(2);
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    Aggregator aggregator(method, {}, TwoTensors());
    Compressor twin(method, {}, TwoTensors());
    std::vector<double> wanted(kTotal, 0);
    std::vector<double> sent(kTotal, 0);
    for (uint32_t round = 0; round < 20; ++round) {
      Floats mean(kTotal, 0.0F);
      for (int worker = 0; worker < 4; ++worker) {
        const Bytes message = MessageOf(method, Normals(&rng), round);
        const Floats content = Content(message, TwoTensors());
        for (size_t i = 0; i < kTotal; ++i) mean[i] += content[i];
        aggregator.Add(message, round);
      }
      for (size_t i = 0; i < kTotal; ++i) wanted[i] += double{mean[i] *= 0.25F};
      const std::span<const uint8_t> message = aggregator.Finish(9, round);
      EXPECT_EQ(Bytes(message.begin(), message.end()).size(), Encode(&twin, mean, round).size());
      const Floats content = Content(message, TwoTensors());
      for (size_t i = 0; i < kTotal; ++i) sent[i] += double{content[i]};
    }
    const std::span<const float> residual = aggregator.compressor().residual();
    EXPECT_TRUE(std::equal(residual.begin(), residual.end(), twin.residual().begin()));
    for (size_t i = 0; i < kTotal; ++i) {
      ASSERT_NEAR(sent[i] + double{residual[i]}, wanted[i], 1e-4) << i;
    }
  }
}

TEST(AggregatorTest, TheMajorityDecidesAndOfTiesTheFirst) {
  const float step = MethodOptions{}.step;
  // Votes of five workers on kTotal elements: element i has i % 6 votes for minus.
  for (const size_t workers : {size_t{1}, size_t{2}, size_t{4}, size_t{5}, size_t{200}}) {
    Aggregator aggregator(Method::kSignSgd, {}, TwoTensors());
    std::mt19937 rng(static_cast<unsigned>(workers));
    std::vector<int> votes(kTotal, 0);
    Floats first;
    for (size_t worker = 0; worker < workers; ++worker) {
      const Floats update = Normals(&rng);
      if (worker == 0) first = update;
      for (size_t i = 0; i < kTotal; ++i) votes[i] += update[i] < 0 ? -1 : 1;
      aggregator.Add(MessageOf(Method::kSignSgd, update), std::nullopt);
    }
    const Floats sent = Content(aggregator.Finish(0, 0), TwoTensors());
    for (size_t i = 0; i < kTotal; ++i) {
      const bool minus = votes[i] < 0 || (votes[i] == 0 && first[i] < 0);
      ASSERT_EQ(sent[i], minus ? -step : step) << i << " of " << workers;
    }
  }
}

TEST(AggregatorTest, RefusedMessagesChangeNothing) {
  std::mt19937 rng(3);
  Aggregator aggregator(Method::kSbc, {}, TwoTensors());
  Aggregator twin(Method::kSbc, {}, TwoTensors());
  const Bytes good = MessageOf(Method::kSbc, Normals(&rng), 7);
  const auto refusal = [&](const Bytes& message, std::optional<uint32_t> round) -> std::string {
    try {
      aggregator.Add(message, round);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({}, 7), "The message is refused: it does not begin as messages do.");
  EXPECT_EQ(refusal(good, 8), "The message is of round 7, and this is round 8.");
  EXPECT_EQ(refusal(MessageOf(Method::kTopK, Normals(&rng), 7), 7),
            "The message is compressed by topk, and the others by sbc.");
  Floats longer = Normals(&rng);
  longer.push_back(1);
  EXPECT_EQ(refusal(MessageOf(Method::kSbc, longer, 7), 7),
            "In the message tensor \"b\" has 51 elements, not 50.");
  EXPECT_EQ(aggregator.count(), 0U);
  try {
    aggregator.Finish(0, 7);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "There are no messages to take the mean of.");
  }
  for (Aggregator* each : {&aggregator, &twin}) each->Add(good, 7);
  const std::span<const uint8_t> message = aggregator.Finish(0, 7);
  const std::span<const uint8_t> expected = twin.Finish(0, 7);
  EXPECT_TRUE(std::equal(message.begin(), message.end(), expected.begin(), expected.end()));
}

TEST(AggregatorTest, AMeanThatOverflowsIsForgotten) {
  std::mt19937 rng(4);
  Aggregator aggregator(Method::kNone, {}, TwoTensors());
  const Floats huge(kTotal, FLT_MAX);
  for (int i = 0; i < 2; ++i) aggregator.Add(MessageOf(Method::kNone, huge), std::nullopt);
  EXPECT_THROW(aggregator.Finish(0, 0), Error);
  EXPECT_EQ(aggregator.count(), 0U);
  const Floats update = Normals(&rng);
  aggregator.Add(MessageOf(Method::kNone, update), std::nullopt);
  EXPECT_EQ(Content(aggregator.Finish(0, 0), TwoTensors()), update);
}

TEST(AggregatorTest, RestoredOnesGoOnToTheSameBytes) {
  std::mt19937 rng(5);
  for (const Method method : {Method::kTernGrad, Method::kQsgd, Method::kStc, Method::kSbc}) {
    MethodOptions options;
    options.momentum = 0.9F;  // is the workers'
    Aggregator aggregator(method, options, TwoTensors());
    const auto round = [&](Aggregator* each, const Bytes& message) {
      each->Add(message, std::nullopt);
      const std::span<const uint8_t> sent = each->Finish(0, 0);
      return Bytes(sent.begin(), sent.end());
    };
    for (int i = 0; i < 3; ++i) round(&aggregator, MessageOf(method, Normals(&rng)));
    const std::unique_ptr<Aggregator> restored = Aggregator::Restore(aggregator.Save());
    for (int i = 0; i < 3; ++i) {
      const Bytes message = MessageOf(method, Normals(&rng));
      EXPECT_EQ(round(restored.get(), message), round(&aggregator, message));
    }
  }
  EXPECT_THROW(Aggregator::Restore(Bytes(100)), Error);
}

TEST(AggregatorTest, AllocatesInTheFirstRoundsOnly) {
  std::mt19937 rng(6);
  Aggregator aggregator(Method::kSbc, {}, TwoTensors());
  std::vector<Bytes> messages;
  for (int i = 0; i < 4; ++i) messages.push_back(MessageOf(Method::kSbc, Normals(&rng)));
  const auto round = [&] {
    for (const Bytes& message : messages) aggregator.Add(message, std::nullopt);
    aggregator.Finish(0, 0);
  };
  for (int i = 0; i < 20; ++i) round();
  const size_t before = Allocations();
  round();
  EXPECT_EQ(Allocations(), before);
}

}  // namespace
}  // namespace lowtropy
