// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/aggregator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "float_samples.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using samples::Floats;
using Bytes = std::vector<uint8_t>;

Layout TwoTensors() { return Layout({{"a", 6000}, {"b", 50}}); }
constexpr size_t kTotal = 6050;

Floats Normals(std::mt19937* rng) { return samples::Kinds()[0].make(kTotal, *rng); }

struct Origin {
  uint32_t sender = 0;
  uint32_t round = 0;
};

Bytes Encode(Compressor* compressor, const Floats& update, Origin origin) {
  std::copy(update.begin(), update.end(), compressor->input().begin());
  const std::span<const uint8_t> message = compressor->Encode(origin.sender, origin.round);
  return {message.begin(), message.end()};
}

Bytes MessageOf(Method method, const Floats& update, Origin origin,
                const MethodOptions& options = {}) {
  Compressor compressor(method, options, Layout({{"a", 6000}, {"b", update.size() - 6000}}));
  return Encode(&compressor, update, origin);
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
    for (uint32_t i = 0; i < count; ++i) {
      const Floats update = Normals(&rng);
      for (size_t j = 0; j < kTotal; ++j) sum[j] += update[j];
      aggregator.Add(MessageOf(Method::kNone, update, {i, 0}), std::nullopt);
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
      for (uint32_t worker = 0; worker < 4; ++worker) {
        const Bytes message = MessageOf(method, Normals(&rng), {worker, round});
        const Floats content = Content(message, TwoTensors());
        for (size_t i = 0; i < kTotal; ++i) mean[i] += content[i];
        aggregator.Add(message, round);
      }
      for (size_t i = 0; i < kTotal; ++i) wanted[i] += double{mean[i] *= 0.25F};
      const std::span<const uint8_t> message = aggregator.Finish(9, round);
      EXPECT_EQ(Bytes(message.begin(), message.end()).size(),
                Encode(&twin, mean, {9, round}).size());
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
    for (uint32_t worker = 0; worker < workers; ++worker) {
      const Floats update = Normals(&rng);
      if (worker == 0) first = update;
      for (size_t i = 0; i < kTotal; ++i) votes[i] += update[i] < 0 ? -1 : 1;
      MethodOptions options;  // the step is no more than a step: no vote counts for more by it
      options.step = worker % 3 == 0 ? FLT_MAX : 1e-6F;
      aggregator.Add(MessageOf(Method::kSignSgd, update, {worker, 0}, options), std::nullopt);
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
  const Bytes good = MessageOf(Method::kSbc, Normals(&rng), {1, 7});
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
  EXPECT_EQ(refusal(MessageOf(Method::kTopK, Normals(&rng), {1, 7}), 7),
            "The message is compressed by topk, and the others by sbc.");
  Floats longer = Normals(&rng);
  longer.push_back(1);
  EXPECT_EQ(refusal(MessageOf(Method::kSbc, longer, {1, 7}), 7),
            "In the message tensor \"b\" has 51 elements, not 50.");
  EXPECT_EQ(aggregator.count(), 0U);
  try {
    aggregator.Finish(0, 7);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "There are no messages to take the mean of.");
  }
  for (Aggregator* each : {&aggregator, &twin}) each->Add(good, 7);
  // A second one of the sender, delivered twice or another one, and one of another round.
  const std::string twice =
      "Sender 1 has a message of round 7 in the sum already; each sender counts once, and "
      "compressors whose messages are added up need a sender of their own each.";
  EXPECT_EQ(refusal(good, std::nullopt), twice);
  EXPECT_EQ(refusal(MessageOf(Method::kSbc, Normals(&rng), {1, 7}), 7), twice);
  EXPECT_EQ(refusal(MessageOf(Method::kSbc, Normals(&rng), {2, 8}), std::nullopt),
            "The message is of round 8, and those added before are of round 7.");
  EXPECT_EQ(aggregator.count(), 1U);
  const std::span<const uint8_t> message = aggregator.Finish(0, 7);
  const std::span<const uint8_t> expected = twin.Finish(0, 7);
  EXPECT_TRUE(std::equal(message.begin(), message.end(), expected.begin(), expected.end()));
}

TEST(AggregatorTest, ASumThatOverflowsIsRefused) {
  std::mt19937 rng(4);
  Aggregator aggregator(Method::kNone, {}, TwoTensors());
  Floats huge = Normals(&rng);
  huge.back() = FLT_MAX;
  aggregator.Add(MessageOf(Method::kNone, huge, {0, 0}), std::nullopt);
  const Bytes before = aggregator.Save();
  try {
    aggregator.Add(MessageOf(Method::kNone, huge, {1, 0}), std::nullopt);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    EXPECT_STREQ(
        error.what(),
        "The message was not applied, as it would have made element 49 of tensor \"b\" NaN or "
        "infinite.");
  }
  EXPECT_EQ(aggregator.Save(), before);
  EXPECT_EQ(Content(aggregator.Finish(0, 0), TwoTensors()), huge);
}

TEST(AggregatorTest, AMeanThatOverflowsTheResidualIsForgotten) {
  std::mt19937 rng(4);
  MethodOptions options;
  options.sparsity = 1e-4;
  Aggregator aggregator(Method::kTopK, options, TwoTensors());
  Floats huge(kTotal, FLT_MAX);
  options.sparsity = 1;
  aggregator.Add(MessageOf(Method::kTopK, huge, {0, 0}, options), std::nullopt);
  aggregator.Finish(0, 0);
  const Bytes before = aggregator.Save();
  aggregator.Add(MessageOf(Method::kTopK, huge, {0, 0}, options), std::nullopt);
  EXPECT_THROW(aggregator.Finish(0, 0), Error);
  EXPECT_EQ(aggregator.count(), 0U);
  EXPECT_EQ(aggregator.Save(), before);
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
    for (int i = 0; i < 3; ++i) round(&aggregator, MessageOf(method, Normals(&rng), {}));
    const std::unique_ptr<Aggregator> restored = Aggregator::Restore(aggregator.Save());
    // As aggregators were saved once.
    const std::unique_ptr<Aggregator> old = Aggregator::Restore(aggregator.compressor().Save());
    for (int i = 0; i < 3; ++i) {
      const Bytes message = MessageOf(method, Normals(&rng), {});
      const Bytes expected = round(&aggregator, message);
      EXPECT_EQ(round(restored.get(), message), expected);
      EXPECT_EQ(round(old.get(), message), expected);
    }
  }
}

// One goes on as it is, the other is saved and restored at any moment, messages waiting or not.
TEST(AggregatorTest, ASavedStateIsTheWholeState) {
  constexpr Method kMethods[] = {Method::kNone,    Method::kFp16,     Method::kFedAvg,
                                 Method::kSignSgd, Method::kTernGrad, Method::kQsgd,
                                 Method::kTopK,    Method::kStc,      Method::kSbc};
  for (unsigned seed = 0; seed < 27; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const Method method = kMethods[seed % 9];
    Aggregator twin(method, {}, TwoTensors());
    std::unique_ptr<Aggregator> saved = Aggregator::Restore(twin.Save());
    for (uint32_t step = 0; step < 30; ++step) {
      const Origin origin{rng() % 4 == 0 ? UINT32_MAX : static_cast<uint32_t>(rng() % 6), step / 8};
      const Bytes message = MessageOf(method, Normals(&rng), origin);
      std::vector<std::string> said;
      for (Aggregator* each : {&twin, saved.get()}) {
        try {
          if (step % 8 == 7) {
            const std::span<const uint8_t> sent = each->Finish(0, step);
            said.emplace_back(sent.begin(), sent.end());
          } else {
            each->Add(message, origin.round);
            said.emplace_back();
          }
        } catch (const Error& error) {
          said.emplace_back(error.what());
        }
      }
      EXPECT_EQ(said[0], said[1]);
      EXPECT_EQ(twin.count(), saved->count());
      if (rng() % 2 == 0) saved = Aggregator::Restore(saved->Save());
      ASSERT_EQ(saved->Save(), twin.Save());
    }
  }
}

std::string StateRefusal(const Bytes& state) {
  const size_t before = AllocatedBytes();
  std::string sentence;
  try {
    Aggregator::Restore(state);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    sentence = error.what();
  }
  EXPECT_LT(AllocatedBytes() - before, 10 * state.size() + 10000);
  return sentence;
}

TEST(AggregatorTest, HostileStates) {
  const std::string refused = "The saved aggregator is refused: ";
  MethodOptions options;
  Aggregator aggregator(Method::kSignSgd, options, Layout({{"w", 3}}));
  for (const uint32_t sender : {4U, 9U}) {
    Compressor compressor(Method::kSignSgd, options, Layout({{"w", 3}}));
    aggregator.Add(Encode(&compressor, {1, 2, -3}, {sender, 5}), 5);
  }
  const Bytes state = aggregator.Save();
  EXPECT_EQ(StateRefusal(state), "");
  const auto seal = [](Bytes bytes) {
    const uint32_t sum = Crc32(bytes.data(), bytes.size() - 4);
    std::memcpy(bytes.data() + bytes.size() - 4, &sum, 4);
    return bytes;
  };
  const auto put = [&](size_t from_end, auto number) {
    Bytes spoiled = state;
    std::memcpy(spoiled.data() + spoiled.size() - from_end, &number, sizeof number);
    return seal(spoiled);
  };
  // From its end: checksum, 3 floats, their number, 2 senders, their number.
  constexpr size_t kSum = 4 + 12;
  constexpr size_t kSenders = kSum + 8 + 8;
  for (size_t length = 0; length < state.size(); ++length) {
    const Bytes cut(state.begin(), state.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_NE(StateRefusal(cut), "") << length;
    if (length >= 8) EXPECT_NE(StateRefusal(seal(cut)), "") << length;
  }
  EXPECT_EQ(StateRefusal(put(kSum, std::nanf(""))),
            refused + "it holds a value that is not finite.");
  EXPECT_EQ(StateRefusal(put(kSum + 8, uint64_t{2})),
            refused + "its arrays do not fit its tensors.");
  EXPECT_EQ(StateRefusal(put(kSum + 8, UINT64_MAX)), refused + "it ends too early.");
  for (const uint32_t sender : {9U, 10U}) {
    EXPECT_EQ(StateRefusal(put(kSenders, sender)), refused + "its senders are not in order.");
  }
  EXPECT_EQ(StateRefusal(put(kSenders + 8, UINT64_MAX)), refused + "it ends too early.");
  EXPECT_EQ(StateRefusal(put(state.size() - 4, uint8_t{9})), refused + "it is of another version.");
  Bytes idle = Aggregator(Method::kSignSgd, options, Layout({{"w", 3}})).Save();
  idle[idle.size() - 4 - 16 - 4] = 1;
  EXPECT_EQ(StateRefusal(seal(idle)), refused + "it is in a round without messages.");
  options.momentum_mask = true;
  EXPECT_EQ(StateRefusal(Compressor(Method::kSbc, options, Layout({{"w", 3}})).Save()),
            refused + "its compressor is a worker's, with momentum.");
  // Sizes that nothing proves take no memory: StateRefusal looks.
  Bytes huge = Compressor(Method::kNone, {}, Layout({{"w", 3}})).Save();
  const uint64_t size = 400000000;
  std::memcpy(huge.data() + huge.size() - 4 - 9 - 16 - 16 - 8, &size, sizeof size);
  EXPECT_EQ(StateRefusal(seal(huge)), "");
}

TEST(AggregatorTest, AllocatesInTheFirstRoundsOnly) {
  std::mt19937 rng(6);
  Aggregator aggregator(Method::kSbc, {}, TwoTensors());
  std::vector<Bytes> messages;
  for (uint32_t i = 0; i < 4; ++i) {
    messages.push_back(MessageOf(Method::kSbc, Normals(&rng), {i, 0}));
  }
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
