// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "lowtropy/base/bytes.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"

namespace lowtropy {

// What the saved states of this folder have in common: a magic number, a version, fields, and the
// CRC-32 of all before. It is against accidents; whoever forges a state computes it too, so that no
// field is believed, and nothing is allocated but for bytes that are there.

inline constexpr uint32_t kCompressorMagic = 0x53434253;  // "SBCS"
inline constexpr uint32_t kAggregatorMagic = 0x41434253;  // "SBCA"

[[noreturn]] inline void FailState(const std::string& clause) {
  throw Error(ErrorKind::kFile, clause);
}

inline std::vector<uint8_t> SealState(ByteWriter out) {
  out.Put(Crc32(out.bytes().data(), out.bytes().size()));
  return std::move(out.bytes());
}

// The fields behind the magic number, from bytes that may be anything. Throws Error(kFile) with a
// clause.
inline ByteReader OpenState(std::span<const uint8_t> bytes, uint32_t magic) {
  if (bytes.size() < sizeof(uint32_t)) FailState("it ends too early");
  const std::span<const uint8_t> content = bytes.first(bytes.size() - sizeof(uint32_t));
  uint32_t sum = 0;
  std::memcpy(&sum, bytes.data() + content.size(), sizeof sum);
  if (sum != Crc32(content.data(), content.size())) {
    FailState("its checksum does not fit its bytes");
  }
  ByteReader in(content);
  if (in.Get<uint32_t>() != magic) FailState("it does not begin as one does");
  return in;
}

// Floats of which there must be so many; finite, for only those are sent and added.
inline std::vector<float> GetFloats(ByteReader* in, size_t expected) {
  std::vector<float> floats = in->GetArray<float>();
  if (floats.size() != expected) FailState("its arrays do not fit its tensors");
  for (const float value : floats) {
    if (!std::isfinite(value)) FailState("it holds a value that is not finite");
  }
  return floats;
}

// Calls read() and makes sentences of the clauses that it throws; other errors, about options and
// tensors, are sentences.
template <class F>
auto ReadState(const char* what, const F& read) {
  try {
    return read();
  } catch (const Error& error) {
    const std::string sentence = std::string("The saved ") + what + " is refused: " + error.what();
    throw Error(ErrorKind::kFile, error.kind() == ErrorKind::kFile ? sentence + "." : sentence);
  }
}

}  // namespace lowtropy
