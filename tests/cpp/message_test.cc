// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "floats.h"
#include "forged_message.h"
#include "lowtropy/base/error.h"
#include "lowtropy/coding/golomb_rice.h"
#include "lowtropy/math/half.h"
#include "lowtropy/updates/compressor.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

using forged::Bytes;
using forged::FixChecksum;
using forged::Join;
using forged::kSumSize;
using forged::Message;
using forged::Part;
using forged::WriteAgain;

using Floats = std::vector<float>;
using Positions = std::vector<uint32_t>;
using Form = TensorUpdate::Form;

// Keeps the message for the fuzzer's corpus, tests/fuzz/corpus/message, when it is asked for.
void Keep(const Bytes& message) {
  const char* folder = std::getenv("LOWTROPY_WRITE_CORPUS");
  if (folder == nullptr || message.size() > 2048) return;
  static std::map<std::string, int> counts;
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  const int count = counts[name]++;
  std::ofstream(std::string(folder) + "/" + name + (count > 0 ? std::to_string(count) : ""),
                std::ios::binary)
      .write(reinterpret_cast<const char*>(message.data()),
             static_cast<std::streamsize>(message.size()));
}

// The sentence with which a message is refused; "" if it is not.
std::string Refusal(const Bytes& message) {
  MessageReader reader;
  try {
    reader.Decode(message);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_EQ(reader.count(), 0U);
    return error.what();
  }
}

void ExpectRefused(const Bytes& message, const std::string& clause) {
  Keep(message);
  EXPECT_EQ(Refusal(message), "The message is refused: " + clause + ".");
}

// ---- The document's examples ----

struct Example {
  Method method;
  MethodOptions options;
  std::vector<NamedSize> tensors;
  uint32_t sender;
  uint32_t round;
  std::function<void(MessageWriter*)> add;
};

constexpr size_t kFillerSize = 100000;

// Values that leave terngrad and qsgd nothing to draw.
std::map<std::string, Example> Examples() {
  static Random random(0);
  MethodOptions one_percent;
  MethodOptions few;
  few.sparsity = 2e-5;
  MethodOptions step;
  step.step = 0.001F;
  MethodOptions four_levels;
  four_levels.levels = 4;
  four_levels.bucket = 4;
  const auto floats = [](const Floats& values) {
    return [=](MessageWriter* writer) { WriteFloats(values, writer); };
  };
  return {
      {"none", {Method::kNone, {}, {{"w", 2}}, 0, 0, floats({1, -2})}},
      {"fedavg", {Method::kFedAvg, {}, {{"w", 1}}, 4294967295, 127, floats({0.1F})}},
      {"fp16",
       {Method::kFp16,
        {},
        {{"w", 3}},
        1,
        128,
        [](auto* writer) {
          WriteHalves(Floats{1, -0.5F, 65504}, writer);
        }}},
      {"signsgd",
       {Method::kSignSgd,
        step,
        {{"w", 10}},
        1,
        2,
        [](auto* writer) {
          WriteSigns(Floats{1, -1, 1, 1, 1, 1, 1, -1, -1, 1}, writer);
        }}},
      {"terngrad",
       {Method::kTernGrad,
        {},
        {{"w", 7}},
        1,
        2,
        [](auto* writer) {
          WriteTernary(Floats{0.5F, 0, -0.5F, 0, 0, 0.5F, -0.5F}, 0, &random, writer);
        }}},
      {"qsgd",
       {Method::kQsgd,
        four_levels,
        {{"w", 5}},
        1,
        2,
        [](auto* writer) {
          WriteLevels(Floats{1, -0.5F, 0, 0.25F, -2}, &random, writer);
        }}},
      {"topk",
       {Method::kTopK,
        few,
        {{"w", kFillerSize}},
        1,
        2,
        [](auto* writer) {
          WriteValues(kFillerSize, Positions{3, 70000}, Floats{1.5F, -2.5F}, writer);
        }}},
      {"stc",
       {Method::kStc,
        one_percent,
        {{"w", 300}},
        1,
        2,
        [](auto* writer) {
          WriteSigned(300, Positions{10, 20, 299}, Floats{1, -1, -1}, 0.25F, writer);
        }}},
      {"sbc",
       {Method::kSbc,
        one_percent,
        {{"conv1.bias", 2}, {"conv1.weight", 200}, {"conv2.weight", 200}, {"fc.weight", 96}},
        7,
        300,
        [](auto* writer) {
          WriteFloats(Floats{0.5F, -0.25F}, writer);
          WriteBinary(200, Positions{5, 130}, -0.75F, writer);
          WriteBinary(200, Positions{0, 1, 199}, 0.5F, writer);
          WriteBinary(96, {}, 0, writer);
        }}},
  };
}

Bytes Write(const Example& example) {
  const Layout layout(example.tensors);
  MessageWriter writer;
  writer.Begin({example.method, example.sender, example.round, layout.id()}, layout.count(),
               example.options);
  example.add(&writer);
  const std::span<const uint8_t> message = writer.Finish();
  return {message.begin(), message.end()};
}

Bytes ExampleMessage(const std::string& name) { return Write(Examples().at(name)); }

// The dumps in FORMAT.md by the names of their methods: lines of an offset and up to 16 bytes.
std::map<std::string, Bytes> DocumentedMessages() {
  const std::string path = LOWTROPY_TEST_FOLDER "/../cpp/lowtropy/updates/FORMAT.md";
  std::ifstream document(path);
  EXPECT_TRUE(document.good()) << path;
  const std::string fence = "```";
  std::map<std::string, Bytes> messages;
  Bytes* inside = nullptr;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with(fence)) {
      const std::string kind = fence + "hexdump ";
      inside = line.starts_with(kind) ? &messages[line.substr(kind.size())] : nullptr;
      continue;
    }
    if (inside == nullptr) continue;
    std::istringstream columns(line.substr(0, 58));
    size_t offset;
    columns >> std::hex >> offset;
    EXPECT_EQ(offset, inside->size()) << line;
    for (unsigned byte; columns >> std::hex >> byte;) {
      inside->push_back(static_cast<uint8_t>(byte));
    }
  }
  return messages;
}

TEST(MessageDocumentTest, HoldsTheBytesOfTheExamples) {
  const std::map<std::string, Bytes> documented = DocumentedMessages();
  for (const auto& [name, example] : Examples()) {
    const Bytes message = Write(example);
    if (const char* folder = std::getenv("LOWTROPY_WRITE_EXAMPLE")) {
      std::ofstream(folder + ("/" + name), std::ios::binary)
          .write(reinterpret_cast<const char*>(message.data()),
                 static_cast<std::streamsize>(message.size()));
    }
    Keep(message);
    if (name == "fedavg") continue;  // as none
    const auto found = documented.find(name);
    EXPECT_EQ(found == documented.end() ? Bytes() : found->second, message) << name;
  }
  EXPECT_EQ(documented.size(), 8U);
}

void ExpectTensor(const MessageReader& reader, size_t tensor, size_t size,
                  const Positions& positions, const Floats& values) {
  const TensorUpdate& update = reader.tensor(tensor);
  EXPECT_EQ(update.size, size);
  EXPECT_EQ(Positions(update.positions.begin(), update.positions.end()), positions);
  if (update.form == Form::kBinary) {
    EXPECT_EQ(Floats(positions.size(), update.value), values);
  } else {
    EXPECT_EQ(Floats(update.values.begin(), update.values.end()), values);
  }
}

TEST(MessageDocumentTest, TheLargeExampleIsRead) {
  MessageReader reader;
  reader.Decode(DocumentedMessages().at("sbc"));
  EXPECT_EQ(reader.head().method, Method::kSbc);
  EXPECT_EQ(reader.head().sender, 7U);
  EXPECT_EQ(reader.head().round, 300U);
  EXPECT_EQ(reader.options().sparsity, double{0.01F});
  ASSERT_EQ(reader.count(), 4U);
  EXPECT_EQ(reader.tensor(0).form, Form::kDense);
  ExpectTensor(reader, 0, 2, {}, {0.5F, -0.25F});
  EXPECT_EQ(reader.tensor(1).form, Form::kBinary);
  ExpectTensor(reader, 1, 200, {5, 130}, {-0.75F, -0.75F});
  ExpectTensor(reader, 2, 200, {0, 1, 199}, {0.5F, 0.5F, 0.5F});
  ExpectTensor(reader, 3, 96, {}, {});
  reader.CheckLayout(Layout(Examples().at("sbc").tensors));
}

TEST(MessageDocumentTest, TheSmallExamplesAreRead) {
  const std::map<std::string, Bytes> messages = DocumentedMessages();
  MessageReader reader;
  const auto expect = [&](const std::string& name, size_t size, const Positions& positions,
                          const Floats& values) {
    SCOPED_TRACE(name);
    reader.Decode(messages.at(name));
    EXPECT_EQ(Name(reader.head().method), name);
    ASSERT_EQ(reader.count(), 1U);
    ExpectTensor(reader, 0, size, positions, values);
  };
  expect("none", 2, {}, {1, -2});
  expect("fp16", 3, {}, {1, -0.5F, 65504});
  const float s = 0.001F;
  expect("signsgd", 10, {}, {s, -s, s, s, s, s, s, -s, -s, s});
  expect("terngrad", 7, {}, {0.5F, 0, -0.5F, 0, 0, 0.5F, -0.5F});
  expect("qsgd", 5, {}, {1, -0.5F, 0, 0.25F, -2});
  expect("topk", kFillerSize, {3, 70000}, {1.5F, -2.5F});
  expect("stc", 300, {10, 20, 299}, {0.25F, -0.25F, -0.25F});
}

TEST(MessageDocumentTest, WhatIsReadIsWrittenToTheSameBytes) {
  for (const auto& [name, message] : DocumentedMessages()) {
    MessageReader reader;
    reader.Decode(message);
    if (forged::IsRepeatable(reader.head().method)) EXPECT_EQ(WriteAgain(reader), message) << name;
  }
}

// ---- Round trips ----

// A random update of random tensors, compressed with random options.
struct Sample {
  explicit Sample(unsigned seed) : rng(seed), method(static_cast<Method>(1 + seed % 9)) {
    options.sparsity = std::pow(10, -3 * std::uniform_real_distribution<double>()(rng));
    options.sampled = rng() % 2 == 0;
    options.dense_below = rng() % 2 == 0 ? 0 : rng() % 300;
    options.levels = 1 + rng() % (rng() % 2 == 0 ? 8 : 65535);
    options.bucket = 1 + rng() % 600;
    options.clip = rng() % 2 == 0 ? 0.0F : 2.5F;
    options.step = 0.25F;
    std::vector<NamedSize> tensors;
    for (size_t i = 1 + rng() % 6; i > 0; --i) {
      tensors.push_back({"t" + std::to_string(i), 1 + rng() % (rng() % 3 == 0 ? 10000 : 300)});
    }
    if (rng() % 2 == 0) tensors.push_back({"t9", tensors[0].size});
    layout = Layout(std::move(tensors));
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < layout.total(); ++i) {
      update.push_back(rng() % 5 == 0 ? 0.0F : normal(rng));
    }
  }

  std::mt19937 rng;
  Method method;
  MethodOptions options;
  Layout layout;
  Floats update;
};

// The update that a message carries, as its method says, on top of `weights`.
Floats Applied(const MessageReader& reader, const Layout& layout, float scale, Floats weights) {
  for (size_t i = 0; i < reader.count(); ++i) {
    const auto& [form, size, value, positions, values] = reader.tensor(i);
    const bool dense = form == Form::kDense;
    const size_t count = dense ? size : positions.size();
    for (size_t j = 0; j < count; ++j) {
      const volatile float product = scale * (form == Form::kBinary ? value : values[j]);
      weights[layout.offset(i) + (dense ? j : positions[j])] += product;
    }
  }
  return weights;
}

void ExpectValueOf(const Sample& sample, float value, float sent) {
  const float scale = 0.25F;
  switch (sample.method) {
    case Method::kNone:
    case Method::kFedAvg:
      EXPECT_EQ(sent, value);
      break;
    case Method::kFp16:
      EXPECT_EQ(sent, FloatOfHalf(HalfOf(value)));
      break;
    case Method::kSignSgd:
      EXPECT_EQ(sent, value < 0 ? -scale : scale);
      break;
    case Method::kTernGrad:
      if (sent != 0) EXPECT_GT(sent * value, 0);
      break;
    case Method::kQsgd: {
      // No further than a level of the largest that there can be.
      EXPECT_LE(std::abs(sent - value), 6.1F / static_cast<float>(sample.options.levels));
      break;
    }
    default:  // sparse ones are checked with their residuals
      break;
  }
}

TEST(MessageTest, RandomUpdatesComeBack) {
  for (unsigned seed = 0; seed < 450; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Sample sample(seed);
    Compressor compressor(sample.method, sample.options, sample.layout);
    std::copy(sample.update.begin(), sample.update.end(), compressor.input().begin());
    const std::span<const uint8_t> bytes =
        compressor.Encode(static_cast<uint32_t>(seed), 4294967295);
    const Bytes message(bytes.begin(), bytes.end());
    Keep(message);
    MessageReader reader;
    reader.Decode(message);
    reader.CheckLayout(sample.layout);
    EXPECT_EQ(reader.head().method, sample.method);
    if (forged::IsRepeatable(sample.method)) EXPECT_EQ(WriteAgain(reader), message);
    const Floats sent = Applied(reader, sample.layout, 1, Floats(sample.update.size(), 0));
    const std::span<const float> residual = compressor.residual();
    for (size_t i = 0; i < sent.size(); ++i) {
      if (residual.empty()) {
        ExpectValueOf(sample, sample.update[i], sent[i]);
      } else {
        EXPECT_EQ(residual[i], sample.update[i] - sent[i]);
      }
    }
    Floats weights(sample.update.size(), 0.3F);
    const Floats expected = Applied(reader, sample.layout, 0.7F, weights);
    reader.Apply(sample.layout, 0.7F, weights);
    EXPECT_EQ(weights, expected);
    if (HasFailure()) return;
  }
}

// Tensors larger than memory: only what is sent is ever there.
TEST(MessageTest, PositionsOfHugeTensors) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const size_t size = 4294967295 - rng() % 1000;
    std::set<uint32_t> chosen = {0, static_cast<uint32_t>(size) - 1};
    while (chosen.size() < 2 + seed) chosen.insert(static_cast<uint32_t>(rng() % size));
    const Positions positions(chosen.begin(), chosen.end());
    Floats values;
    for (size_t i = 0; i < positions.size(); ++i) values.push_back(rng() % 2 == 0 ? 1.0F : -1.0F);
    for (const Method method : {Method::kStc, Method::kSbc}) {
      MessageWriter writer;
      writer.Begin({method, 0, 0, 0}, 1, {});
      if (method == Method::kStc) {
        WriteSigned(size, positions, values, 0.5F, &writer);
      } else {
        WriteBinary(size, positions, -0.5F, &writer);
      }
      const std::span<const uint8_t> bytes = writer.Finish();
      const size_t before = AllocatedBytes();
      MessageReader reader;
      reader.Decode(bytes);
      EXPECT_LT(AllocatedBytes() - before, 70 * bytes.size() + 200 * reader.count());
      EXPECT_EQ(reader.tensor(0).size, size);
      EXPECT_TRUE(std::equal(positions.begin(), positions.end(), reader.tensor(0).positions.begin(),
                             reader.tensor(0).positions.end()));
      EXPECT_EQ(WriteAgain(reader), Bytes(bytes.begin(), bytes.end()));
    }
  }
}

TEST(MessageTest, GapsJustAroundFillers) {
  constexpr size_t kSize = 400000;
  for (const uint32_t gap : {65534U, 65535U, 65536U, 131069U, 131070U, 131071U, 399997U}) {
    const Positions positions = {1, 2 + gap};
    MessageWriter writer;
    writer.Begin({Method::kTopK, 0, 0, 0}, 1, {});
    WriteValues(kSize, positions, Floats{1, 2}, &writer);
    const std::span<const uint8_t> bytes = writer.Finish();
    MessageReader reader;
    reader.Decode(bytes);
    ExpectTensor(reader, 0, kSize, positions, {1, 2});
    EXPECT_EQ(WriteAgain(reader), Bytes(bytes.begin(), bytes.end()));
  }
}

TEST(MessageTest, ReadersAndWritersServeAgainWithoutAllocations) {
  Sample sample(8);  // sbc
  Compressor compressor(Method::kSbc, sample.options, sample.layout);
  std::copy(sample.update.begin(), sample.update.end(), compressor.input().begin());
  const std::span<const uint8_t> message = compressor.Encode(0, 0);
  MessageReader reader;
  reader.Decode(message);
  const size_t before = Allocations();
  reader.Decode(message);
  EXPECT_EQ(Allocations(), before);
}

// ---- Damage ----

TEST(HostileMessageTest, TruncatedAnywhere) {
  for (const auto& [name, example] : Examples()) {
    const Bytes message = Write(example);
    for (size_t length = 0; length < message.size(); ++length) {
      const Bytes cut(message.begin(), message.begin() + static_cast<ptrdiff_t>(length));
      EXPECT_NE(Refusal(cut), "") << name << " of " << length;
      if (length + kSumSize >= message.size()) continue;
      EXPECT_NE(Refusal(Message({cut})), "") << name << " of " << length << ", checksum right";
    }
  }
}

TEST(HostileMessageTest, AnyBitFlipped) {
  for (const auto& [name, example] : Examples()) {
    const Bytes message = Write(example);
    for (size_t bit = 0; bit < 8 * message.size(); ++bit) {
      Bytes flipped = message;
      flipped[bit / 8] = static_cast<uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
      EXPECT_NE(Refusal(flipped), "") << name << ", bit " << bit;
      // With a right checksum it says something else, or nothing.
      flipped = FixChecksum(flipped);
      MessageReader reader;
      try {
        reader.Decode(flipped);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kFile);
        continue;
      }
      if (forged::IsRepeatable(reader.head().method)) EXPECT_EQ(WriteAgain(reader), flipped);
    }
  }
}

TEST(HostileMessageTest, TrailingBytes) {
  for (const auto& [name, example] : Examples()) {
    Bytes message = Write(example);
    for (const unsigned byte : {0U, 1U, 255U}) {
      const Bytes content(message.begin(), message.end() - kSumSize);
      ExpectRefused(Message({content, Part().Byte(byte).Take()}),
                    "there are bits left over after the last code");
    }
    message.push_back(0);
    EXPECT_NE(Refusal(message), "") << name;
  }
}

TEST(HostileMessageTest, NoMessageAtAll) {
  ExpectRefused({}, "it does not begin as messages do");
  ExpectRefused({'S'}, "it does not begin as messages do");
  ExpectRefused(Message({{'S', 'B', 1}}), "it does not begin as messages do");
  ExpectRefused(Message({{'S', 'C', 1, 9, 0, 0, 0, 0, 0}}), "it does not begin as messages do");
  Bytes message = ExampleMessage("sbc");
  message[message.size() - 1] ^= 1;
  ExpectRefused(message, "its checksum does not fit its bytes: it was cut off or changed");
}

TEST(HostileMessageTest, OtherVersions) {
  for (const unsigned version : {0U, 2U, 255U}) {
    Bytes message = ExampleMessage("sbc");
    message[2] = static_cast<uint8_t>(version);
    const std::string clause =
        "it is of version " + std::to_string(version) + ", and this reads version 1";
    ExpectRefused(message, clause);
    ExpectRefused(FixChecksum(message), clause);
  }
}

// ---- The header ----

// The first fields, of sender 1 in round 2.
Part Head(Method method, uint64_t tensors = 1) {
  Part part;
  part.Byte('S').Byte('B').Byte(1).Byte(static_cast<unsigned>(method));
  return part.Varint(1).Varint(2).Word(0).Varint(tensors);
}

Bytes SparseHead(Method method, uint64_t tensors = 1, float sparsity = 0.01F) {
  return Head(method, tensors).Float(sparsity).Take();
}

TEST(HostileMessageTest, UnknownMethods) {
  for (const unsigned method : {0U, 10U, 255U}) {
    Bytes message = ExampleMessage("none");
    message[3] = static_cast<uint8_t>(method);
    ExpectRefused(FixChecksum(message), "there is no method " + std::to_string(method));
  }
}

TEST(HostileMessageTest, NumbersOfTheHeader) {
  const std::string clause = "a number of its header is too large or longer than it need be";
  const auto with_sender = [](const Bytes& sender) {
    return Message({{'S', 'B', 1, 1},
                    sender,
                    {2, 0, 0, 0, 0, 1},
                    Part().Size(0, 0).Take(),
                    Part().Float(1).Take()});
  };
  EXPECT_EQ(Refusal(with_sender({1})), "");
  EXPECT_EQ(Refusal(with_sender({0xFF, 0xFF, 0xFF, 0xFF, 0x0F})), "");  // 2^32 - 1
  ExpectRefused(with_sender({0x81, 0}), clause);
  ExpectRefused(with_sender({0x80, 0x80, 0}), clause);
  ExpectRefused(with_sender({0xFF, 0xFF, 0xFF, 0xFF, 0x1F}), clause);
  ExpectRefused(with_sender({0x80, 0x80, 0x80, 0x80, 0x10}), clause);
  ExpectRefused(with_sender({0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}), clause);
}

TEST(HostileMessageTest, NumbersOfTensors) {
  const Bytes nothing = Head(Method::kNone, 0).Take();
  ExpectRefused(Message({nothing}), "its 15 bytes cannot hold 0 tensors");
  ExpectRefused(Message({Head(Method::kNone, 4294967295).Take()}),
                "its 19 bytes cannot hold 4294967295 tensors");
  // One more than there are.
  ExpectRefused(Message({Head(Method::kNone, 2).Take(), Part().Size(0, 0).Bits(1, 1).Take(),
                         Part().Float(1).Take()}),
                "in tensor 1 bytes are missing");
}

TEST(HostileMessageTest, Options) {
  for (const float sparsity : {0.0F, -0.5F, 1.5F, kNan, kInfinity}) {
    ExpectRefused(Message({SparseHead(Method::kSbc, 1, sparsity), Bytes(8)}),
                  "its sparsity is not in (0, 1]");
  }
  for (const float step : {0.0F, -0.5F, kNan, kInfinity}) {
    ExpectRefused(Message({Head(Method::kSignSgd).Float(step).Take(), Bytes(8)}),
                  "its step is not above 0");
  }
  const std::vector<std::pair<uint64_t, uint64_t>> counts = {{0, 1}, {65536, 1}, {1, 0}};
  for (const auto& [levels, bucket] : counts) {
    ExpectRefused(Message({Head(Method::kQsgd).Varint(levels).Varint(bucket).Take(), Bytes(8)}),
                  "its levels are not from 1 to 65535, or its buckets are empty");
  }
}

// ---- Heads ----

TEST(HostileMessageTest, Sizes) {
  const auto none = [](const Part& heads, uint64_t tensors = 1) {
    return Message({Head(Method::kNone, tensors).Take(), heads.Take(), Bytes(12)});
  };
  ExpectRefused(none(Part().Bits(1, 1)),
                "in tensor 0 the size is that of the tensor before, and there is none");
  ExpectRefused(none(Part().Size(1, 0).Size(1, 0), 2),
                "in tensor 1 the size is written out, and it is that of the tensor before");
  EXPECT_EQ(Refusal(none(Part().Size(1, 0))), "");  // 3
  ExpectRefused(none(Part().Size(1, 31)), "in tensor 0 there are more than 4294967295 elements");
  ExpectRefused(none(Part().Size(2147483648, 0)),
                "in tensor 0 there are more than 4294967295 elements");
  ExpectRefused(none(Part().Size(2147483647, 0)), "in tensor 0 bytes are missing");  // 2^32 - 1
  const std::string clause = "in tensor 0 a number is too large or longer than it need be";
  ExpectRefused(none(Part().Bits(0, 6).Bits(8 + 1, 4).Bits(0, 4)), clause);
  Part endless;
  endless.Bits(0, 6);
  for (int i = 0; i < 12; ++i) endless.Bits(15, 4);
  ExpectRefused(none(endless.Bits(1, 4)), clause);
  ExpectRefused(Message({Head(Method::kNone).Take(), Part().Byte(0).Take()}),
                "in tensor 0 the bits end within a code");
}

TEST(HostileMessageTest, HeadsEndInZeros) {
  const auto none = [](unsigned padding) {
    return Message({Head(Method::kNone).Take(), Part().Size(0, 0).Bits(padding, 6).Take(),
                    Part().Float(1).Take()});
  };
  EXPECT_EQ(Refusal(none(0)), "");
  ExpectRefused(none(32), "the bits that fill up a byte are not zeros");
  ExpectRefused(none(1), "the bits that fill up a byte are not zeros");
}

// A head of 200 elements, of which 2 are to be expected at p = 0.01.
Part TwoHundred() { return Part().Size(12, 3).Bits(0, 1); }

TEST(HostileMessageTest, Counts) {
  const auto sbc = [](Part heads) {
    return Message({SparseHead(Method::kSbc), heads.FloatBits(1).Bits(6, 5).Take(), Bytes(60)});
  };
  ExpectRefused(sbc(TwoHundred().Bits(0, 1).Number(201)),
                "in tensor 0 201 of 200 elements are sent");
  ExpectRefused(sbc(TwoHundred().Bits(0, 1).Number(4294967295)),
                "in tensor 0 4294967295 of 200 elements are sent");
  ExpectRefused(sbc(TwoHundred().Bits(0, 1).Number(2)),
                "in tensor 0 the count is written out, and it is the one to expect");
}

TEST(HostileMessageTest, Parameters) {
  for (unsigned parameter = 0; parameter < 32; ++parameter) {
    const Bytes heads = TwoHundred().Bits(1, 1).FloatBits(1).Bits(parameter, 5).Take();
    const Bytes message =
        Message({SparseHead(Method::kSbc), heads, Part().Bits(0, 2 * parameter + 2).Take()});
    if (parameter == 6) {
      EXPECT_EQ(Refusal(message), "");
      continue;
    }
    ExpectRefused(message, "in tensor 0 the parameter is " + std::to_string(parameter) +
                               ", and that of 2 of 200 elements is 6");
  }
}

TEST(HostileMessageTest, ValuesAndMagnitudes) {
  const auto message = [](Method method, float value) {
    return Message({SparseHead(method), TwoHundred().Bits(1, 1).FloatBits(value).Bits(6, 5).Take(),
                    Part().Bits(0, 14).Bits(0, 2).Take()});
  };
  for (const Method method : {Method::kSbc, Method::kStc}) {
    EXPECT_EQ(Refusal(message(method, 1)), "");
    ExpectRefused(message(method, kNan), "in tensor 0 a value is not finite");
    ExpectRefused(message(method, -kInfinity), "in tensor 0 a value is not finite");
    ExpectRefused(message(method, 0), "in tensor 0 values are sent, and all are 0");
  }
  EXPECT_EQ(Refusal(message(Method::kSbc, -1)), "");
  ExpectRefused(message(Method::kSbc, -0.0F), "in tensor 0 values are sent, and all are 0");
  ExpectRefused(message(Method::kStc, -1), "in tensor 0 a magnitude is negative");
  ExpectRefused(message(Method::kStc, -0.0F), "in tensor 0 a magnitude is negative");
  // None at all.
  EXPECT_EQ(Refusal(Message({SparseHead(Method::kSbc), TwoHundred().Bits(0, 1).Number(0).Take()})),
            "");
}

// ---- Arrays ----

TEST(HostileMessageTest, ValuesThatAreNotFinite) {
  for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
    const std::string clause = "in tensor 0 a value is not finite";
    const Bytes pair = Part().Float(1).Float(bad).Take();
    for (const Method method : {Method::kNone, Method::kFedAvg}) {
      ExpectRefused(Message({Head(method).Take(), Part().Size(0, 1).Take(), pair}), clause);
    }
    for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {  // dense
      ExpectRefused(Message({SparseHead(method), Part().Size(0, 1).Bits(1, 1).Take(), pair}),
                    clause);
    }
    ExpectRefused(Message({SparseHead(Method::kTopK),
                           TwoHundred().Bits(1, 1).Number(0).Take(),
                           {0, 0, 0, 0},
                           pair}),
                  clause);
    ExpectRefused(
        Message({Head(Method::kTernGrad).Take(), Part().Size(0, 0).FloatBits(bad).Take(), {0}}),
        clause);
    ExpectRefused(Message({Head(Method::kQsgd).Varint(4).Varint(4).Take(), Part().Size(0, 0).Take(),
                           Part().FloatBits(bad).Bits(0, 1).Take()}),
                  clause);
  }
  for (const unsigned half : {0x7C00U, 0xFC00U, 0x7E00U, 0x7C01U, 0xFFFFU}) {
    ExpectRefused(Message({Head(Method::kFp16).Take(), Part().Size(0, 0).Take(),
                           Part().Byte(half & 0xFF).Byte(half >> 8).Take()}),
                  "in tensor 0 a value is not finite");
  }
}

TEST(HostileMessageTest, SignsEndInZeros) {
  const auto message = [](unsigned byte) {
    return Message({Head(Method::kSignSgd).Float(1).Take(), Part().Size(1, 0).Take(),
                    Part().Byte(byte).Take()});
  };
  EXPECT_EQ(Refusal(message(7)), "");
  ExpectRefused(message(8), "in tensor 0 the bits that fill up a byte are not zeros");
  ExpectRefused(message(128), "in tensor 0 the bits that fill up a byte are not zeros");
}

TEST(HostileMessageTest, Trits) {
  const auto message = [](float magnitude, unsigned m, unsigned byte) {
    return Message({Head(Method::kTernGrad).Take(), Part().Size(m, 0).FloatBits(magnitude).Take(),
                    Part().Byte(byte).Take()});
  };
  EXPECT_EQ(Refusal(message(1, 2, 242)), "");
  EXPECT_EQ(Refusal(message(1, 1, 26)), "");
  EXPECT_EQ(Refusal(message(0, 1, 0)), "");
  ExpectRefused(message(1, 2, 243), "in tensor 0 a byte holds more ternary digits than there are");
  ExpectRefused(message(1, 1, 27), "in tensor 0 a byte holds more ternary digits than there are");
  ExpectRefused(message(0, 1, 1), "in tensor 0 values are sent, and all are 0");
  ExpectRefused(message(-1, 1, 1), "in tensor 0 a magnitude is negative");
  ExpectRefused(message(-0.0F, 1, 0), "in tensor 0 a magnitude is negative");
}

TEST(HostileMessageTest, Gaps) {
  // 131071 elements, of which `count` are sent.
  const auto topk = [](size_t count, size_t fillers, const Bytes& gaps) {
    return Message({SparseHead(Method::kTopK),
                    Part().Size(65535, 0).Bits(0, 2).Number(count).Number(fillers).Take(), gaps,
                    Bytes(4 * count)});
  };
  const Bytes filler = {0xFF, 0xFF};
  EXPECT_EQ(Refusal(topk(1, 1, Join({filler, {0xFE, 0xFF}}))), "");    // 131069
  EXPECT_EQ(Refusal(topk(1, 2, Join({filler, filler, {0, 0}}))), "");  // the last one, 131070
  EXPECT_EQ(Refusal(topk(0, 0, {})), "");
  ExpectRefused(topk(1, 2, Join({filler, filler, {1, 0}})),
                "in tensor 0 position 131071 is past the last one, 131070");
  ExpectRefused(topk(2, 2, Join({filler, filler, {0, 0}, {0, 0}})),
                "in tensor 0 position 131071 is past the last one, 131070");
  ExpectRefused(topk(1, 3, Join({filler, filler, filler, {0, 0}})),
                "in tensor 0 there are more fillers than gaps can need");
  ExpectRefused(topk(1, 1, {0, 0, 1, 0}), "in tensor 0 there are more gaps than values");
  ExpectRefused(topk(1, 1, Join({filler, filler})), "in tensor 0 there are fewer gaps than values");
  ExpectRefused(topk(1, 1, Join({{3, 0}, filler})),
                "in tensor 0 after the last position there are fillers");
  ExpectRefused(topk(0, 1, filler), "in tensor 0 after the last position there are fillers");
}

// ---- Codes ----

TEST(HostileMessageTest, Positions) {
  // Two gaps among 200 elements, b = 6.
  const auto sbc = [](const Part& codes) {
    return Message({SparseHead(Method::kSbc),
                    TwoHundred().Bits(1, 1).FloatBits(1).Bits(6, 5).Take(), codes.Take()});
  };
  const auto ones = [](unsigned count) { return (uint64_t{1} << count) - 1; };
  // 199 = 3 · 64 + 7
  EXPECT_EQ(Refusal(sbc(Part().Bits(0, 7).Bits(ones(3), 4).Bits(6, 6))), "");
  ExpectRefused(sbc(Part().Bits(0, 7).Bits(ones(3), 4).Bits(7, 6)),
                "in tensor 0 position 200 is past the last one, 199");
  ExpectRefused(sbc(Part().Bits(ones(3), 4).Bits(7, 6).Bits(0, 7)),
                "in tensor 0 position 200 is past the last one, 199");
  ExpectRefused(sbc(Part().Bits(ones(4), 5).Bits(0, 30)),
                "in tensor 0 a code is larger than what it can stand for");
  ExpectRefused(sbc(Part().Bits(0, 8)), "in tensor 0 the bits end within a code");
  ExpectRefused(sbc(Part().Bits(0, 14).Bits(1, 1)), "there are bits left over after the last code");
  ExpectRefused(sbc(Part()), "in tensor 0 bytes are missing");
}

TEST(HostileMessageTest, Levels) {
  const auto qsgd = [](const Part& codes) {
    return Message(
        {Head(Method::kQsgd).Varint(5).Varint(2).Take(), Part().Size(1, 0).Take(), codes.Take()});
  };
  // Levels 0 and 5 (as 6 = 2^2 + 2) of 1, negative, then 0 of 0.
  const auto good = [] {
    return Part().FloatBits(1).Bits(0, 1).Bits(3, 3).Bits(2, 2).Bits(1, 1).FloatBits(0);
  };
  EXPECT_EQ(Refusal(qsgd(good().Bits(0, 1))), "");
  ExpectRefused(qsgd(good().Bits(1, 2).Bits(0, 1).Bits(0, 1)),
                "in tensor 0 values are sent, and all are 0");
  ExpectRefused(qsgd(Part().FloatBits(1).Bits(0, 1).Bits(3, 3).Bits(3, 2).Bits(0, 40)),
                "in tensor 0 level 6 is above the highest, 5");
  ExpectRefused(qsgd(Part().FloatBits(1).Bits(0x1FFFF, 18).Bits(0, 40)),
                "in tensor 0 a code is larger than what it can stand for");
  ExpectRefused(qsgd(Part().FloatBits(-1).Bits(0, 40)), "in tensor 0 a magnitude is negative");
  ExpectRefused(qsgd(Part()), "in tensor 0 bytes are missing");
  ExpectRefused(qsgd(Part().FloatBits(1)), "in tensor 0 the bits end within a code");
}

TEST(MessageTest, TheHighestLevelOfTheLargestMagnitudeIsFinite) {
  Random random(1);
  MethodOptions options;
  options.levels = 7;
  MessageWriter writer;
  writer.Begin({Method::kQsgd, 0, 0, 0}, 1, options);
  constexpr float kLargest = std::numeric_limits<float>::max();
  WriteLevels(Floats{kLargest, -kLargest}, &random, &writer);
  MessageReader reader;
  reader.Decode(writer.Finish());
  ExpectTensor(reader, 0, 2, {}, {kLargest, -kLargest});
}

// ---- Absurd sizes ----

TEST(HostileMessageTest, MemoryIsBounded) {
  std::vector<Bytes> messages;
  const auto claim = [&](const Bytes& head, const Part& heads) {
    messages.push_back(Message({head, heads.Take(), Bytes(40)}));
    Keep(messages.back());
  };
  const uint64_t m = 2147483647;  // of size 2^32 - 1
  for (const Method method : {Method::kNone, Method::kFp16, Method::kFedAvg}) {
    claim(Head(method).Take(), Part().Size(m, 0));
  }
  claim(Head(Method::kSignSgd).Float(1).Take(), Part().Size(m, 0));
  claim(Head(Method::kTernGrad).Take(), Part().Size(m, 0).FloatBits(1));
  claim(Head(Method::kQsgd).Varint(4).Varint(4).Take(), Part().Size(m, 0));
  for (const Method method : {Method::kTopK, Method::kStc, Method::kSbc}) {
    claim(SparseHead(method), Part().Size(m, 0).Bits(1, 1));  // dense
    Part all = Part().Size(m, 0).Bits(0, 2).Number(4294967295);
    if (method == Method::kTopK) {
      claim(SparseHead(method), all.Number(0));
    } else {
      claim(SparseHead(method), all.FloatBits(1).Bits(0, 5));
    }
  }
  for (const Bytes& message : messages) {
    const size_t before = AllocatedBytes();
    EXPECT_EQ(Refusal(message), "The message is refused: in tensor 0 bytes are missing.");
    EXPECT_LT(AllocatedBytes() - before, 70 * message.size() + 1000);
  }
}

// The smallest tensors, and the densest codes: what takes most memory for its bytes.
TEST(MessageTest, MemoryIsBounded) {
  Part nothing = Part().Size(0, 0).Bits(0, 2).Number(0);
  for (int i = 1; i < 8000; ++i) nothing.Bits(1, 1).Bits(0, 2).Number(0);
  Part ones = Part().Size(0, 0);
  for (int i = 1; i < 8000; ++i) ones.Bits(1, 1);
  const Bytes dense_heads =
      Part().Size(15, 10).Bits(0, 2).Number(31744).FloatBits(1).Bits(0, 5).Take();
  const std::vector<Bytes> messages = {
      Message({SparseHead(Method::kSbc, 8000), nothing.Take()}),
      Message({Head(Method::kSignSgd, 8000).Float(1).Take(), ones.Take(), Bytes(8000)}),
      Message({SparseHead(Method::kStc), dense_heads, Bytes(31744 / 4)}),
      Message({Head(Method::kQsgd).Varint(1).Varint(100000).Take(), Part().Size(15, 10).Take(),
               Part().FloatBits(0).Take(), Bytes(31744 / 8)}),
  };
  for (const Bytes& message : messages) {
    const size_t before = AllocatedBytes();
    MessageReader reader;
    reader.Decode(message);
    EXPECT_LT(AllocatedBytes() - before, 70 * message.size() + 200 * reader.count())
        << Name(reader.head().method);
  }
}

// Seven bits name a tensor, and each takes some hundred bytes wherever messages are read.
TEST(HostileMessageTest, TensorsAreLimited) {
  const auto message = [](size_t tensors) {
    Part heads = Part().Size(0, 0).Bits(0, 2).Number(0);
    for (size_t i = 1; i < tensors; ++i) heads.Bits(1, 1).Bits(0, 2).Number(0);
    return Message({SparseHead(Method::kSbc, tensors), heads.Take()});
  };
  MessageReader reader;
  reader.Decode(message(kMostTensors));
  EXPECT_EQ(reader.count(), kMostTensors);
  const Bytes many = message(kMostTensors + 1);
  const size_t before = AllocatedBytes();
  EXPECT_EQ(Refusal(many),
            "The message is refused: it is about 65537 tensors, and at most 65536 are possible.");
  EXPECT_LT(AllocatedBytes() - before, 1000U);
  std::vector<NamedSize> tensors;
  for (size_t i = 0; i <= kMostTensors; ++i) tensors.push_back({std::to_string(i), 1});
  try {
    const Layout layout(tensors);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "An update has at most 65536 tensors, not 65537.");
  }
}

// Whatever cannot be added leaves no element changed, those before it neither.
TEST(MessageTest, SumsThatOverflowAreRefusedWhole) {
  const Layout layout({{"a", 3}, {"b", 2}});
  const std::vector<float> huge = {1, FLT_MAX};
  const auto write = [&](Method method, const auto& add) {
    MessageWriter writer;
    MethodOptions options;
    options.sparsity = 0.5;
    writer.Begin({method, 0, 0, layout.id()}, 2, options);
    add(&writer);
    const std::span<const uint8_t> bytes = writer.Finish();
    return Bytes(bytes.begin(), bytes.end());
  };
  const std::vector<uint32_t> position = {1};
  const std::vector<Bytes> messages = {
      write(Method::kNone,
            [&](MessageWriter* writer) {
              WriteFloats(std::vector<float>{1, 2, 3}, writer);
              WriteFloats(huge, writer);
            }),
      write(Method::kTopK,
            [&](MessageWriter* writer) {
              WriteValues(3, position, std::vector<float>{5}, writer);
              WriteValues(2, position, std::vector<float>{FLT_MAX}, writer);
            }),
      write(Method::kSbc,
            [&](MessageWriter* writer) {
              WriteBinary(3, position, 5, writer);
              WriteBinary(2, position, FLT_MAX, writer);
            }),
  };
  const auto refusal = [&](const Bytes& message, float scale, float last) -> std::string {
    MessageReader reader;
    reader.Decode(message);
    std::vector<float> weights = {1, 2, 3, 4, last};
    const std::vector<float> before = weights;
    try {
      reader.Apply(layout, scale, weights);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kValue);
      EXPECT_TRUE(std::equal(weights.begin(), weights.end() - 1, before.begin()));
      EXPECT_EQ(Bits(weights.back()), Bits(last));
      return error.what();
    }
    return "";
  };
  const std::string sentence =
      "The message was not applied, as it would have made element 1 of tensor \"b\" NaN or "
      "infinite.";
  for (const Bytes& message : messages) {
    EXPECT_EQ(refusal(message, 1, 0), "");
    EXPECT_EQ(refusal(message, -1, FLT_MAX), "");
    EXPECT_EQ(refusal(message, 1, FLT_MAX), sentence);
    EXPECT_EQ(refusal(message, 2, 0), sentence);
    EXPECT_EQ(refusal(message, 1, std::nanf("")), sentence);
    EXPECT_NE(refusal(message, std::nanf(""), 0), "");
  }
}

// ---- Other tensors, other rounds ----

TEST(MessageTest, OtherTensorsAreRefused) {
  MessageReader reader;
  reader.Decode(ExampleMessage("sbc"));
  std::vector<NamedSize> tensors = Examples().at("sbc").tensors;
  const auto refusal = [&](const std::vector<NamedSize>& others) -> std::string {
    try {
      reader.CheckLayout(Layout(others));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kShape);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal(tensors), "");
  EXPECT_EQ(refusal({tensors[3], tensors[1], tensors[0], tensors[2]}), "");  // sorted anyhow
  EXPECT_EQ(refusal({tensors[0]}), "The message is about 4 tensors, not 1.");
  tensors[2].size = 100;
  EXPECT_EQ(refusal(tensors), "In the message tensor \"conv2.weight\" has 200 elements, not 100.");
  tensors[2] = {"conv2.weights", 200};
  EXPECT_EQ(refusal(tensors), "The message is about tensors of other names.");
}

TEST(MessageTest, OtherRoundsAreRefused) {
  MessageReader reader;
  reader.Decode(ExampleMessage("sbc"));
  reader.CheckRound(300);
  try {
    reader.CheckRound(301);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    EXPECT_STREQ(error.what(), "The message is of round 300, and this is round 301.");
  }
}

TEST(LayoutTest, Refusals) {
  const auto refusal = [](const std::vector<NamedSize>& tensors) -> std::string {
    try {
      const Layout layout(tensors);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal({}), "An update needs at least one tensor.");
  EXPECT_EQ(refusal({{"", 1}}), "A tensor's name is empty or holds a zero byte.");
  EXPECT_EQ(refusal({{std::string("a\0b", 3), 1}}),
            "A tensor's name is empty or holds a zero byte.");
  EXPECT_EQ(refusal({{"a", 1}, {"b", 1}, {"a", 2}}), "There are two tensors called \"a\".");
  EXPECT_EQ(refusal({{"a", 0}}), "Tensor \"a\" must have from 1 to 4294967295 elements, not 0.");
  const bool narrow = sizeof(size_t) == 4;  // WebAssembly
  EXPECT_EQ(refusal({{"a", SIZE_MAX}}),
            narrow ? "The tensors up to \"a\" have more elements than memory has room for."
                   : "Tensor \"a\" must have from 1 to 4294967295 elements, not " +
                         std::to_string(SIZE_MAX) + ".");
  EXPECT_EQ(refusal({{"a", 300000000}, {"b", 300000000}}),
            narrow ? "The tensors up to \"b\" have more elements than memory has room for." : "");
}

TEST(LayoutTest, SortsNames) {
  const Layout layout({{"b", 3}, {"a.c", 2}, {"a", 5}});
  EXPECT_EQ(layout.name(0), "a");
  EXPECT_EQ(layout.name(1), "a.c");
  EXPECT_EQ(layout.offset(2), 7U);
  EXPECT_EQ(layout.total(), 10U);
  EXPECT_EQ(layout.name(2), "b");
}

}  // namespace
}  // namespace lowtropy
