// SPDX-License-Identifier: Apache-2.0
// Rounds against their definition: a twin of each worker's trainer makes the same steps, and says
// what the worker's message has to hold.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <deque>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/random.h"
#include "lowtropy/rounds/worker.h"

namespace lowtropy {
namespace {

using Bytes = std::vector<uint8_t>;
using Floats = std::vector<float>;

constexpr Method kMethods[] = {Method::kNone,    Method::kFp16, Method::kFedAvg,
                               Method::kSignSgd, Method::kQsgd, Method::kTernGrad,
                               Method::kTopK,    Method::kStc,  Method::kSbc};

// Images of 4 x 4 pixels of noise, of which one is bright: that of the class.
class Spots : public Dataset {
 public:
  size_t size() const override { return 40; }
  const ExampleShape& shape() const override { return shape_; }

  void Read(std::span<const uint32_t> examples, std::span<float> inputs,
            std::span<uint32_t> labels) const override {
    for (size_t e = 0; e < examples.size(); ++e) {
      Random random(7, examples[e]);
      labels[e] = random.Below(shape_.classes);
      float* input = inputs.data() + e * shape_.inputs();
      for (size_t i = 0; i < shape_.inputs(); ++i) input[i] = 0.3F * random.Uniform();
      input[labels[e]] = 1;
    }
  }

 private:
  ExampleShape shape_{1, 4, 4, 0, 3};
};

// One of several that begin with the same weights; the stream decides the order of its examples.
Trainer MakeTrainer(uint32_t stream) {
  TrainerOptions options;
  options.model = "mlp";
  options.batch = 4;
  options.stream = stream;
  options.optimizer.learning_rate = 0.05F;
  options.optimizer.momentum = 0.9F;
  std::vector<uint32_t> shard(Spots().size());
  std::iota(shard.begin(), shard.end(), 0U);
  return {options, std::make_shared<Spots>(), std::move(shard)};
}

Worker MakeWorker(uint32_t stream = 0) { return Worker(MakeTrainer(stream)); }

Floats Copy(std::span<const float> values) { return {values.begin(), values.end()}; }
Bytes Copy(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// Where they differ in a bit, or their sizes where none does.
size_t FirstDifference(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (Bits(a[i]) != Bits(b[i])) return i;
  }
  return a.size();
}

void ExpectSameBits(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(FirstDifference(a, b), a.size());
}

// What a message adds to weights of 0.
Floats Sent(const Bytes& message, const Layout& layout) {
  MessageReader reader;
  reader.Decode(message);
  reader.CheckLayout(layout);
  Floats sent(layout.total());
  reader.Apply(layout, 1, sent);
  return sent;
}

Floats Sum(std::span<const float> a, std::span<const float> b) {
  Floats sum(a.size());
  for (size_t i = 0; i < a.size(); ++i) sum[i] = a[i] + b[i];
  return sum;
}

Floats Difference(std::span<const float> a, std::span<const float> b) {
  Floats difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return difference;
}

template <class F>
std::string Refused(ErrorKind kind, const F& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "nothing was thrown";
}

TEST(RoundTest, sent_and_residual_are_what_was_accumulated) {
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    for (const uint64_t delay : {1U, 4U}) {
      SCOPED_TRACE(std::string(Name(method)) + ", delay " + std::to_string(delay));
      Worker worker = MakeWorker();
      Trainer twin = MakeTrainer(0);
      Compressor compressor(method, {.sparsity = 0.02}, worker.layout());
      for (uint32_t round = 0; round < 4; ++round) {
        const Floats before = Copy(worker.trainer().weights());
        const Floats old_residual = Copy(compressor.residual());
        worker.BeginRound();
        worker.trainer().Step(delay);
        const Bytes message = Copy(worker.Encode(3, round, &compressor));
        twin.Step(delay);
        const Floats accumulated = Sum(Difference(twin.weights(), before), old_residual);
        const Floats sent = Sent(message, worker.layout());
        ExpectSameBits(compressor.residual(), Difference(accumulated, sent));
        ExpectSameBits(worker.trainer().weights(), before);  // moved back
        EXPECT_EQ(worker.trainer().steps(), (round + 1) * delay);
        worker.Apply(message, 1);
        ExpectSameBits(worker.trainer().weights(), Sum(before, sent));
        std::copy(worker.trainer().weights().begin(), worker.trainer().weights().end(),
                  twin.weights().begin());
      }
    }
  }
}

TEST(RoundTest, without_compression_a_round_is_the_local_steps) {
  Worker worker = MakeWorker();
  Trainer twin = MakeTrainer(0);
  Compressor compressor(Method::kNone, {}, worker.layout());
  const Floats before = Copy(worker.trainer().weights());
  worker.BeginRound();
  worker.trainer().Step(5);
  worker.Apply(Copy(worker.Encode(0, 0, &compressor)), 1);
  twin.Step(5);
  ExpectSameBits(worker.trainer().weights(), Sum(before, Difference(twin.weights(), before)));
}

// Workers that learn from examples in orders of their own, and somebody who only reads along.
TEST(RoundTest, weights_are_equal_on_all_sides) {
  const auto seed = static_cast<uint32_t>(std::random_device{}());
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const Method method : kMethods) {
    SCOPED_TRACE(std::string(Name(method)));
    const MethodOptions options{.sparsity = 0.001 + 0.0001 * (random() % 1000),
                                .sampled = random() % 2 == 0,
                                .dense_below = random() % 200,
                                .momentum_mask = random() % 2 == 0,
                                .seed = random()};
    std::vector<Worker> workers;
    std::deque<Compressor> compressors;  // which cannot be moved
    for (uint32_t w = 0; w < 3; ++w) {
      workers.push_back(MakeWorker(w));
      compressors.emplace_back(method, options, workers[w].layout());
    }
    const Layout& layout = workers[0].layout();
    const Floats first = Copy(workers[0].trainer().weights());
    Floats along = first;
    MessageReader reader;
    for (uint32_t round = 0; round < 3; ++round) {
      const uint64_t delay = 1 + random() % 4;
      std::vector<Bytes> messages;
      for (uint32_t w = 0; w < workers.size(); ++w) {
        workers[w].BeginRound();
        workers[w].trainer().Step(delay);
        messages.push_back(Copy(workers[w].Encode(w, round, &compressors[w])));
      }
      const float scale = 1.0F / 3.0F;
      for (const Bytes& message : messages) {
        for (Worker& worker : workers) worker.Apply(message, scale);
        reader.Decode(message);
        reader.Apply(layout, scale, along);
      }
      for (Worker& worker : workers) ExpectSameBits(worker.trainer().weights(), along);
    }
    EXPECT_LT(FirstDifference(along, first), first.size());  // something was learned
  }
}

// ---- lost messages

TEST(RoundTest, what_was_taken_back_is_sent_later) {
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    SCOPED_TRACE(std::string(Name(method)));
    Worker worker = MakeWorker();
    Trainer twin = MakeTrainer(0);
    Compressor compressor(method, {.sparsity = 0.01}, worker.layout());
    const Floats before = Copy(worker.trainer().weights());
    worker.BeginRound();
    worker.trainer().Step(2);
    const Bytes lost = Copy(worker.Encode(0, 0, &compressor));
    const Floats kept = Copy(compressor.residual());
    compressor.TakeBack();
    const Floats residual = Sum(kept, Sent(lost, worker.layout()));
    ExpectSameBits(compressor.residual(), residual);
    compressor.TakeBack();  // not twice
    ExpectSameBits(compressor.residual(), residual);
    ExpectSameBits(worker.trainer().weights(), before);

    twin.Step(2);
    std::copy(before.begin(), before.end(), twin.weights().begin());
    worker.BeginRound();
    worker.trainer().Step(1);
    const Bytes message = Copy(worker.Encode(0, 1, &compressor));
    twin.Step(1);
    const Floats accumulated = Sum(Difference(twin.weights(), before), residual);
    ExpectSameBits(compressor.residual(), Difference(accumulated, Sent(message, worker.layout())));
  }
}

TEST(RoundTest, momentum_is_masked_where_something_was_sent) {
  for (const bool mask : {false, true}) {
    SCOPED_TRACE(mask);
    Worker worker = MakeWorker();
    Trainer twin = MakeTrainer(0);
    Compressor compressor(Method::kSbc, {.sparsity = 0.05, .momentum_mask = mask}, worker.layout());
    worker.BeginRound();
    worker.trainer().Step(3);
    const Floats sent = Sent(Copy(worker.Encode(0, 0, &compressor)), worker.layout());
    twin.Step(3);
    Floats momentum = Copy(twin.momentum());
    for (size_t i = 0; i < sent.size(); ++i) {
      if (mask && sent[i] != 0) momentum[i] = 0;
    }
    ExpectSameBits(worker.trainer().momentum(), momentum);
  }
}

// ---- what is refused changes nothing

TEST(RoundTest, a_round_begins_before_it_is_encoded) {
  Worker worker = MakeWorker();
  Compressor compressor(Method::kSbc, {}, worker.layout());
  const std::string sentence = "A round must begin before it is encoded.";
  EXPECT_EQ(Refused(ErrorKind::kValue, [&] { worker.Encode(0, 0, &compressor); }), sentence);
  worker.BeginRound();
  worker.trainer().Step(1);
  worker.Encode(0, 0, &compressor);
  EXPECT_EQ(Refused(ErrorKind::kValue, [&] { worker.Encode(0, 0, &compressor); }), sentence);
}

TEST(RoundTest, a_compressor_is_for_the_tensors_of_its_trainer) {
  Worker worker = MakeWorker();
  std::vector<NamedSize> tensors;
  for (size_t i = 0; i < worker.layout().count(); ++i) {
    tensors.push_back({worker.layout().name(i), worker.layout().size(i)});
  }
  tensors[1].size += 1;
  Compressor other_size(Method::kSbc, {}, Layout(tensors));
  tensors[1].size -= 1;
  tensors[1].name += "x";
  Compressor other_name(Method::kSbc, {}, Layout(tensors));
  tensors.pop_back();
  Compressor fewer(Method::kSbc, {}, Layout(tensors));
  worker.BeginRound();
  worker.trainer().Step(1);
  const Floats weights = Copy(worker.trainer().weights());
  for (Compressor* compressor : {&other_size, &other_name, &fewer}) {
    EXPECT_EQ(Refused(ErrorKind::kShape, [&] { worker.Encode(0, 0, compressor); }),
              "The compressor is for other tensors than the trainer's.");
  }
  ExpectSameBits(worker.trainer().weights(), weights);
}

TEST(RoundTest, weights_that_diverged_are_not_sent_and_the_round_goes_on) {
  Worker worker = MakeWorker();
  Compressor compressor(Method::kSbc, {}, worker.layout());
  worker.BeginRound();
  worker.trainer().Step(1);
  float& weight = worker.trainer().weights()[5];
  const float good = weight;
  weight = NAN;
  EXPECT_EQ(Refused(ErrorKind::kValue, [&] { worker.Encode(0, 0, &compressor); }),
            "The update of tensor \"fc1.bias\" has NaN at position 5.");
  for (const float left : compressor.residual()) ASSERT_EQ(left, 0);
  weight = good;
  EXPECT_FALSE(worker.Encode(0, 0, &compressor).empty());
}

TEST(RoundTest, messages_that_cannot_be_applied_leave_the_weights) {
  Worker worker = MakeWorker();
  const Floats weights = Copy(worker.trainer().weights());
  Compressor other(Method::kNone, {}, Layout({{"w", 3}}));
  for (float& value : other.input()) value = 1;
  const Bytes message = Copy(other.Encode(0, 0));
  EXPECT_EQ(Refused(ErrorKind::kShape, [&] { worker.Apply(message, 1); }),
            "The message is about 1 tensors, not 6.");
  EXPECT_EQ(Refused(ErrorKind::kFile,
                    [&] {
                      worker.Apply({message.data(), message.size() - 1}, 1);
                    }),
            "The message is refused: its checksum does not fit its bytes: it was cut off or "
            "changed.");
  Compressor large(Method::kNone, {}, worker.layout());
  for (float& value : large.input()) value = 1;
  large.input().back() = 3e38F;
  const Bytes huge = Copy(large.Encode(0, 0));
  EXPECT_NE(Refused(ErrorKind::kValue, [&] { worker.Apply(huge, 10); }).find("NaN or infinite"),
            std::string::npos);
  ExpectSameBits(worker.trainer().weights(), weights);
}

}  // namespace
}  // namespace lowtropy
