// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {

// Bits packed into bytes, the first bit lowest: bit i of the stream is bit i % 8 of byte i / 8, and
// a number's lowest bit comes first. The last byte is filled up with zeros.

// Appends bits to a vector of bytes that somebody else owns, so that its memory serves again.
class BitWriter {
 public:
  explicit BitWriter(std::vector<uint8_t>* bytes) : bytes_(*bytes) {}

  // Starts over: drops all bytes, and bits that were not written yet.
  void Clear() {
    bytes_.clear();
    window_ = 0;
    filled_ = 0;
  }

  // The `count` low bits of `bits`, which has no others; count is 0 to 32.
  void Put(uint64_t bits, unsigned count) {
    window_ |= bits << filled_;
    filled_ += count;
    if (filled_ < 32) return;
    Append(4);
  }

  // `count` ones and a zero.
  void PutUnary(uint64_t count) {
    for (; count >= 32; count -= 32) Put(0xFFFFFFFF, 32);
    Put((uint64_t{1} << count) - 1, static_cast<unsigned>(count) + 1);
  }

  // Fills up the last byte. Nothing is complete without it.
  void Finish() {
    while (filled_ > 0) {
      filled_ = filled_ < 8 ? 8 : filled_;
      Append(1);
    }
  }

 private:
  void Append(unsigned count) {
    uint8_t bytes[sizeof window_];
    std::memcpy(bytes, &window_, sizeof bytes);
    bytes_.insert(bytes_.end(), bytes, bytes + count);
    window_ >>= 8 * count;
    filled_ -= 8 * count;
  }

  std::vector<uint8_t>& bytes_;
  uint64_t window_ = 0;  // bits that wait to be appended four bytes at a time
  unsigned filled_ = 0;  // how many: 0 to 31 between calls
};

// Reads them back, from bytes that may be anything. Reading past the end throws Error(kFile).
class BitReader {
 public:
  explicit BitReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  // The next `count` bits; count is 0 to 32.
  uint64_t Get(unsigned count) {
    if (filled_ < count) Refill(count);
    const uint64_t bits = window_ & ((uint64_t{1} << count) - 1);
    Drop(count);
    return bits;
  }

  // How many ones there are up to the next zero, which is read too. More than `limit` ones are an
  // error, so that nobody waits for gigabytes of them.
  uint64_t GetUnary(uint64_t limit) {
    uint64_t ones = 0;
    for (;;) {
      if (filled_ == 0) Refill(1);
      const auto run = static_cast<unsigned>(std::countr_one(window_));
      if (run < filled_) {
        ones += run;
        Drop(run + 1);
        if (ones > limit) break;
        return ones;
      }
      ones += filled_;
      Drop(filled_);
      if (ones > limit) break;
    }
    throw Error(ErrorKind::kFile, "a code is larger than what it can stand for");
  }

  // Goes on to the next whole byte, past zeros only, and returns how many bytes lie before it.
  size_t Align() {
    if (Get(filled_ % 8) != 0) {
      throw Error(ErrorKind::kFile, "the bits that fill up a byte are not zeros");
    }
    return next_ - filled_ / 8;
  }

  // How many bits are left, those that fill up the last byte included.
  uint64_t Left() const { return filled_ + 8 * uint64_t{bytes_.size() - next_}; }

  // Checks that just the zeros that fill up the last byte are left.
  void ExpectEnd() const {
    if (next_ == bytes_.size() && filled_ < 8 && window_ == 0) return;
    throw Error(ErrorKind::kFile, "there are bits left over after the last code");
  }

 private:
  void Drop(unsigned count) {
    window_ >>= count;
    filled_ -= count;
  }

  // Makes at least `count` (1 to 32) bits ready. Keeps at most 56, so that shifts stay below 64.
  void Refill(unsigned count) {
    while (filled_ <= 48 && next_ < bytes_.size()) {
      window_ |= uint64_t{bytes_[next_++]} << filled_;
      filled_ += 8;
    }
    if (filled_ < count) throw Error(ErrorKind::kFile, "the bits end within a code");
  }

  std::span<const uint8_t> bytes_;
  size_t next_ = 0;      // byte
  uint64_t window_ = 0;  // bits that were taken from bytes but not read; zeros above them
  unsigned filled_ = 0;
};

}  // namespace lowtropy
