// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/coding/bit_stream.h"
#include "lowtropy/updates/message.h"
#include "lowtropy/updates/method.h"

namespace lowtropy {

// What messages are made of, for the methods, the writer and the reader; FORMAT.md has the whole.

inline constexpr uint8_t kMessageMagic[] = {'S', 'B'};

// How many elements a message sends of a tensor unless it says otherwise: p · size rounded, at
// least 1. p is a float32 there, so that this can differ from KeptCount.
uint64_t ExpectedCount(float sparsity, uint64_t size);

// ---- writing

template <class T>
void Append(T number, std::vector<uint8_t>* bytes) {
  const size_t at = bytes->size();
  bytes->resize(at + sizeof number);
  std::memcpy(bytes->data() + at, &number, sizeof number);
}

// Seven bits a byte, the lowest first, in as few bytes as it takes.
void AppendVarint(uint64_t number, std::vector<uint8_t>* bytes);

// ---- reading: whatever is wrong throws Error(kFile) with a clause

[[noreturn]] void FailMessage(const char* clause);
[[noreturn]] void FailMessage(const std::string& clause);

// Bytes of a message, one after another.
class MessageBytes {
 public:
  explicit MessageBytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  std::span<const uint8_t> Take(uint64_t count);
  float Float();  // any, also NaN
  uint32_t Number();
  uint32_t Varint();
  std::span<const uint8_t> left() const { return bytes_; }

 private:
  std::span<const uint8_t> bytes_;
};

uint64_t GetNumber(BitReader* bits);
float GetFloat(BitReader* bits);      // finite
float GetMagnitude(BitReader* bits);  // what values of either sign are multiples of

// A tensor of a message that is read: what its head says, and where its content goes.
struct TensorPart {
  TensorUpdate update;
  bool dense = false;  // as float32 in a sparse method
  unsigned parameter = 0;
  uint32_t fillers = 0;
  size_t first_position = 0;
  size_t first_value = 0;
  size_t positions = 0;
  size_t values = 0;
};

// What a method reads a tensor with. Sizes are to be checked against the bytes that are there
// before room is made for them.
struct TensorReader {
  const MethodOptions& options;  // as far as the message holds them
  TensorPart* part;
  BitReader* bits;       // heads, later codes
  MessageBytes* arrays;  // between those
  std::vector<uint32_t>* all_positions;
  std::vector<float>* all_values;

  // How many elements are sent: part->positions from now on.
  void ReadCount();
  // Checks that there are so many bits, which a code is one of at least.
  void ExpectCodes(uint64_t codes) const;
  // Room for part->positions positions, and for so many values.
  std::span<uint32_t> Positions();
  std::span<float> Values(size_t count);
};

}  // namespace lowtropy
