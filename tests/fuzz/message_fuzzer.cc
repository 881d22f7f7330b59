// SPDX-License-Identifier: Apache-2.0
// Messages: an input is read as it is, and once more with its checksum put right, for no mutation
// would ever guess that. What is read lies within its tensors, can be applied where they are small,
// and is written to the same bytes by the methods that draw no random numbers. Anything thrown but
// lowtropy::Error ends the process, and that is a find.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "../cpp/forged_message.h"
#include "lowtropy/base/error.h"

namespace {

using namespace lowtropy;

constexpr size_t kMostApplied = 1 << 16;  // elements

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckTensor(const TensorUpdate& update) {
  const bool dense = update.form == TensorUpdate::Form::kDense;
  Require(update.size > 0);
  if (dense) Require(update.positions.empty());
  if (update.form == TensorUpdate::Form::kBinary) {
    Require(std::isfinite(update.value));
  } else {
    Require(update.values.size() == (dense ? update.size : update.positions.size()));
  }
  uint64_t next = 0;
  for (const uint32_t position : update.positions) {
    Require(position >= next && position < update.size);
    next = uint64_t{position} + 1;
  }
  for (const float value : update.values) Require(std::isfinite(value));
}

// Adds to weights without a gap behind them, so that a sanitizer sees whatever lies outside.
void Apply(const MessageReader& reader) {
  std::vector<NamedSize> tensors;
  uint64_t total = 0;
  for (size_t i = 0; i < reader.count(); ++i) {
    total += reader.tensor(i).size;
    if (total > kMostApplied) return;
    // Names of one length are sorted as numbers are.
    tensors.push_back({std::to_string(1000000 + i), reader.tensor(i).size});
  }
  std::vector<float> weights(static_cast<size_t>(total));
  reader.Apply(Layout(std::move(tensors)), 1, weights);
}

void Check(const forged::Bytes& message) {
  MessageReader reader;
  try {
    reader.Decode(message);
  } catch (const Error& error) {
    Require(std::string_view(error.what()).back() == '.');
    Require(reader.count() == 0);
    return;
  }
  for (size_t i = 0; i < reader.count(); ++i) CheckTensor(reader.tensor(i));
  Apply(reader);
  if (forged::IsRepeatable(reader.head().method)) Require(forged::WriteAgain(reader) == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const forged::Bytes message(data, data + size);
  Check(message);
  Check(forged::FixChecksum(message));
  return 0;
}
