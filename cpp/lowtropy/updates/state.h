// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/base/bytes.h"
#include "lowtropy/base/error.h"

namespace lowtropy {

// What the saved states of this folder have in common: a magic number, a version, fields, and the
// CRC-32 of all before. It is against accidents; whoever forges a state computes it too, so that no
// field is believed, and nothing is allocated but for bytes that are there.

inline constexpr uint32_t kCompressorMagic = 0x53434253;  // "SBCS"
inline constexpr uint32_t kAggregatorMagic = 0x41434253;  // "SBCA"

// Throws Error(kFile) with a clause, which ReadState makes a sentence.
[[noreturn]] void FailState(const char* clause);

// All that was written, and its checksum.
std::vector<uint8_t> SealState(ByteWriter out);

// The fields behind the magic number, from bytes that may be anything. Throws a clause.
ByteReader OpenState(std::span<const uint8_t> bytes, uint32_t magic);

// Floats of which there must be so many; finite, for only those are sent and added. Throws a
// clause.
std::vector<float> GetFloats(ByteReader* in, size_t expected);

// Throws "The saved … is refused: …", of a clause, or of a sentence about options or tensors.
[[noreturn]] void RefuseState(const char* what, const Error& error);

// Calls read() and makes sentences of the errors that it throws.
template <class F>
auto ReadState(const char* what, const F& read) {
  try {
    return read();
  } catch (const Error& error) {
    RefuseState(what, error);
  }
}

}  // namespace lowtropy
