// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/updates/message.h"
#include "lowtropy/updates/methods/methods.h"

// Messages put together field by field as cpp/lowtropy/updates/FORMAT.md says, right or wrong, and
// messages written once more from what a reader made of them.
namespace lowtropy::forged {

using Bytes = std::vector<uint8_t>;

inline constexpr size_t kSumSize = sizeof(uint32_t);

// Makes the last four bytes the CRC-32 of those before.
inline Bytes FixChecksum(Bytes message) {
  if (message.size() < kSumSize) return message;
  const size_t content = message.size() - kSumSize;
  const uint32_t sum = Crc32(message.data(), content);
  std::memcpy(message.data() + content, &sum, kSumSize);
  return message;
}

// A part of a message from its fields: bytes, or bits with zeros up to a whole byte.
class Part {
 public:
  Part& Byte(unsigned byte) {
    bytes_.push_back(static_cast<uint8_t>(byte));
    return *this;
  }
  Part& Varint(uint64_t number) {
    for (; number >= 0x80; number >>= 7) Byte(number % 0x80 + 0x80);
    return Byte(static_cast<unsigned>(number));
  }
  Part& Word(uint32_t word) {
    for (unsigned shift = 0; shift < 32; shift += 8) Byte(word >> shift & 0xFF);
    return *this;
  }
  Part& Float(float value) { return Word(lowtropy::Bits(value)); }
  Part& Bits(uint64_t bits, unsigned count) {
    for (; count > 0; --count, bits /= 2) Bit(bits % 2);
    return *this;
  }
  Part& FloatBits(float value) { return Bits(lowtropy::Bits(value), 32); }
  Part& Number(uint64_t number) {
    for (; number >= 8; number /= 8) Bits(number % 8 + 8, 4);
    return Bits(number, 4);
  }
  // A size written out: (2 m + 1) 2^e.
  Part& Size(uint64_t m, unsigned e) { return Bits(0, 1).Bits(e, 5).Number(m); }

  Bytes Take() const { return bytes_; }

 private:
  void Bit(uint64_t bit) {
    if (filled_ % 8 == 0) bytes_.push_back(0);
    bytes_.back() = static_cast<uint8_t>(bytes_.back() | bit << filled_++ % 8);
  }

  Bytes bytes_;
  unsigned filled_ = 0;  // bits of the last bytes; bytes and bits are not mixed
};

inline Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// A whole message of these parts, with its checksum.
inline Bytes Message(std::initializer_list<Bytes> parts) {
  return FixChecksum(Join({Join(parts), Bytes(kSumSize)}));
}

// Whether a message says all about how it was written: the others drew random numbers.
inline bool IsRepeatable(Method method) {
  return method != Method::kTernGrad && method != Method::kQsgd;
}

inline void AddUpdate(Method method, const TensorUpdate& update, MessageWriter* writer) {
  const auto& [form, size, value, positions, values] = update;
  if (form == TensorUpdate::Form::kBinary) return WriteBinary(size, positions, value, writer);
  if (form == TensorUpdate::Form::kSparse && method == Method::kStc) {
    return WriteSigned(size, positions, values, value, writer);
  }
  if (form == TensorUpdate::Form::kSparse) return WriteValues(size, positions, values, writer);
  if (method == Method::kFp16) return WriteHalves(values, writer);
  if (method == Method::kSignSgd) return WriteSigns(values, writer);
  WriteFloats(values, writer);
}

// Of a repeatable method: the message, from its content.
inline Bytes WriteAgain(const MessageReader& reader) {
  MessageWriter writer;
  writer.Begin(reader.head(), reader.count(), reader.options());
  for (size_t i = 0; i < reader.count(); ++i) {
    AddUpdate(reader.head().method, reader.tensor(i), &writer);
  }
  const std::span<const uint8_t> message = writer.Finish();
  return {message.begin(), message.end()};
}

}  // namespace lowtropy::forged
