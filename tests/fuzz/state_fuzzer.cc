// SPDX-License-Identifier: Apache-2.0
// Saved states of compressors, aggregators and trainers, told apart by how they begin. An input is
// read as it is, and once more with its checksum put right. What is read is saved to the same
// bytes, and a small one is used: what it writes can be read, and what becomes of it can be saved
// and restored. Anything thrown but lowtropy::Error ends the process, and that is a find.
#include <algorithm>
#include <cfloat>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "../cpp/forged_message.h"
#include "lowtropy/base/error.h"
#include "lowtropy/learn/data/idx.h"
#include "lowtropy/learn/trainer.h"
#include "lowtropy/updates/aggregator.h"
#include "lowtropy/updates/compressor.h"

namespace {

using namespace lowtropy;

constexpr size_t kMostElements = 1 << 16;

void Require(bool condition) {
  if (!condition) std::abort();
}

// Whether `read` refuses, as it should: with a sentence about a file.
template <class F>
bool Refuses(const F& read) {
  try {
    read();
    return false;
  } catch (const Error& error) {
    Require(error.kind() == ErrorKind::kFile);
    Require(std::string_view(error.what()).back() == '.');
    return true;
  }
}

// Calls `work`, which may meet sums that overflow. False where it did.
template <class F>
bool Fits(const F& work) {
  try {
    work();
    return true;
  } catch (const Error& error) {
    Require(error.kind() == ErrorKind::kValue);
    return false;
  }
}

// Updates of ordinary values, of zeros, and of the ends of the range.
void Fill(unsigned round, std::span<float> input) {
  constexpr float kEnds[] = {FLT_MAX, 0, FLT_TRUE_MIN, -FLT_MAX, -0.0F, -FLT_TRUE_MIN, 1};
  for (size_t i = 0; i < input.size(); ++i) {
    input[i] = round == 0 ? 0.25F * static_cast<float>(i % 7) : round == 1 ? 0 : kEnds[i % 7];
  }
}

void CheckMessage(std::span<const uint8_t> message, const Layout& layout) {
  MessageReader reader;
  reader.Decode(message);
  reader.CheckLayout(layout);
}

template <class T>
void CheckSaving(const T& object) {
  const forged::Bytes saved = object.Save();
  Require(T::Restore(saved)->Save() == saved);
}

void UseCompressor(Compressor* compressor) {
  const Layout& layout = compressor->layout();
  if (layout.total() > kMostElements) return;
  for (unsigned round = 0; round < 3; ++round) {
    const forged::Bytes before = compressor->Save();
    Fill(round, compressor->input());
    if (!Fits([&] { CheckMessage(compressor->Encode(1, round), layout); })) {
      Require(compressor->Save() == before);
    }
    CheckSaving(*compressor);
    if (round == 1) Fits([&] { compressor->TakeBack(); });
  }
  std::vector<float> momentum(layout.total(), 1.0F);
  compressor->MaskMomentum(momentum);
  CheckSaving(*compressor);
}

void UseAggregator(Aggregator* aggregator) {
  const Layout& layout = aggregator->compressor().layout();
  if (layout.total() > kMostElements) return;
  const Compressor& own = aggregator->compressor();
  for (unsigned round = 0; round < 3; ++round) {
    Compressor worker(own.method(), own.options(), layout);
    Fill(round, worker.input());
    Fits([&] { aggregator->Add(worker.Encode(7, round), std::nullopt); });
    CheckSaving(*aggregator);
    Fits([&] { CheckMessage(aggregator->Finish(0, round), layout); });
    Require(aggregator->count() == 0);
    CheckSaving(*aggregator);
  }
}

// An input overwrites the head and the first weights of a trainer's state: the whole would be more
// than a fuzzer handles well.
void CheckTrainer(const forged::Bytes& input) {
  static Trainer trainer = [] {
    const std::vector<uint8_t> images = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 9, 200};
    const std::vector<uint8_t> labels = {0, 0, 8, 1, 0, 0, 0, 2, 3, 4};
    TrainerOptions options;
    options.model = "mlp";
    options.batch = 1;
    options.optimizer.kind = OptimizerOptions::Kind::kAdam;
    options.optimizer.schedule.kind = Schedule::Kind::kCosine;
    options.optimizer.schedule.length = 10;
    return Trainer(options, ReadIdx(images, labels), {0, 1});
  }();
  static const forged::Bytes between = trainer.Save();
  static const forged::Bytes within = [] {
    trainer.BeginRound();
    return trainer.Save();
  }();
  for (const forged::Bytes* whole : {&between, &within}) {
    forged::Bytes state = *whole;
    std::copy_n(input.begin(), std::min(input.size(), state.size()), state.begin());
    state = forged::FixChecksum(std::move(state));
    if (Refuses([&] { trainer.Restore(state); })) continue;
    const forged::Bytes saved = trainer.Save();
    if (state[4] == 2) Require(saved == state);
    trainer.Step(1);
    trainer.EndRound();
    const forged::Bytes after = trainer.Save();
    trainer.Restore(after);
    Require(trainer.Save() == after);
  }
}

template <class T>
void CheckObject(const forged::Bytes& state, void (*use)(T*)) {
  std::unique_ptr<T> object;
  if (Refuses([&] { object = T::Restore(state); })) return;
  CheckSaving(*object);
  use(object.get());
}

void Check(const forged::Bytes& state) {
  const auto begins = [&](const char* magic) {
    return state.size() >= 4 && std::memcmp(state.data(), magic, 4) == 0;
  };
  if (begins("LTTR")) return CheckTrainer(state);
  CheckObject<Aggregator>(state, &UseAggregator);
  if (!begins("SBCA")) CheckObject<Compressor>(state, &UseCompressor);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const forged::Bytes state(data, data + size);
  Check(state);
  Check(forged::FixChecksum(state));
  return 0;
}
