// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lowtropy {

// The order of Ω among values that occur equally often: by magnitude, the positive before the
// negative.
inline bool PrecedesInOmega(float a, float b) {
  if (std::fabs(a) != std::fabs(b)) return std::fabs(a) < std::fabs(b);
  return !std::signbit(a) && std::signbit(b);
}

// The distinct values of a matrix, told apart by their bits (so 0.0 and -0.0 are two), with the
// number of times that each occurs. After Rank(), codes are positions in Ω: the most frequent
// first, equal counts as PrecedesInOmega says.
//
// Open addressing with linear probing at a load of at most one half: a lookup is mostly one probe.
// std::unordered_map was four times slower on the weights of SqueezeNet. The hash has 64 bits, for
// one of 32 has too few first slots for an unquantized layer: 42 million distinct values take 18 s
// to count, and were not counted after 60 s.
class ValueTable {
 public:
  ValueTable();

  void Count(float value, uint64_t times = 1);
  void Rank();

  size_t size() const { return values_.size(); }
  const std::vector<float>& omega() const { return values_; }
  const std::vector<uint64_t>& counts() const { return counts_; }

  // The code of a value that has been counted.
  uint32_t Code(float value) const;

 private:
  std::vector<uint32_t> Order() const;
  size_t Probe(uint32_t bits) const;  // the slot that holds `bits`, or the empty one where it goes
  void Rehash(size_t slots);

  std::vector<float> values_;
  std::vector<uint64_t> counts_;
  std::vector<uint32_t> slots_;  // code + 1, or 0 for an empty slot; a power of two of them
};

}  // namespace lowtropy
