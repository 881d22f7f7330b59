// SPDX-License-Identifier: Apache-2.0
// Saved states of compressors: an input is read as it is, and once more with its checksum put
// right. What is read is saved to the same bytes, and a small one compresses an update, to a
// message that can be read. Anything thrown but lowtropy::Error ends the process, and that is a
// find.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "../cpp/forged_message.h"
#include "lowtropy/base/bytes.h"
#include "lowtropy/base/error.h"
#include "lowtropy/sbc/compressor.h"

namespace {

using namespace lowtropy;

constexpr size_t kMostElements = 1 << 16;
constexpr size_t kLayoutAt = 4 + 1 + 1 + 8 + 1 + 8 + 1 + 4 + 4 + 4 + 4 + 4 + 8;

void Require(bool condition) {
  if (!condition) std::abort();
}

// Methods without a residual take memory for the tensors that a state names, as for those that a
// program names, so that large ones are no find.
bool IsSmall(const forged::Bytes& state) {
  if (state.size() < kLayoutAt) return true;
  ByteReader in(std::span(state).subspan(kLayoutAt));
  try {
    uint64_t total = 0;
    for (auto left = in.Get<uint32_t>(); left > 0; --left) {
      in.GetText();
      const auto size = in.Get<uint64_t>();
      if (size > kMostElements || (total += size) > kMostElements) return false;
    }
  } catch (const Error&) {
    return true;  // and will be refused
  }
  return true;
}

void Use(Compressor* compressor) {
  const std::span<float> input = compressor->input();
  for (size_t i = 0; i < input.size(); ++i) input[i] = 0.25F * static_cast<float>(i % 7);
  MessageReader reader;
  try {
    reader.Decode(compressor->Encode(1, 2));
  } catch (const Error& error) {
    // A residual near the end of the range may overflow.
    Require(error.kind() == ErrorKind::kValue);
    return;
  }
  reader.CheckLayout(compressor->layout());
  compressor->TakeBack();
}

void Check(const forged::Bytes& state) {
  if (!IsSmall(state)) return;
  std::unique_ptr<Compressor> compressor;
  try {
    compressor = Compressor::Restore(state);
  } catch (const Error& error) {
    Require(error.kind() == ErrorKind::kFile);
    Require(std::string_view(error.what()).back() == '.');
    return;
  }
  Require(compressor->Save() == state);
  Use(compressor.get());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const forged::Bytes state(data, data + size);
  Check(state);
  Check(forged::FixChecksum(state));
  return 0;
}
