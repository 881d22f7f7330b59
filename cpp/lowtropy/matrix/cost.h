// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lowtropy/matrix/profile.h"

namespace lowtropy {

// Accesses to one array during one product: `count` of `bits` bits each, in an array of `bytes`.
struct ArrayAccess {
  std::string_view array;
  uint64_t count;
  unsigned bits;
  uint64_t bytes;
};

// What one y = W·x costs, by the model of arXiv:1805.10692, section IV: bytes of all arrays as
// stored; float additions and multiplications; reads and writes, by array. All follow from the
// profile alone, so that formats can be compared without being built.
//
// Counting: a sum of n terms takes n - 1 additions. Every stored array is read once from end to end
// but for omega, which is read once a run (cer, cser) or once an element (palette, pcsr); packed
// codes are read byte by byte. A most frequent value other than 0 adds Σx (cols - 1 additions, cols
// reads), the shift of Ω (K - 1 additions), one multiplication, and an addition a row that lists
// anything.
struct Cost {
  uint64_t bytes = 0;
  uint64_t add = 0;
  uint64_t multiply = 0;
  uint64_t read = 0;
  uint64_t write = 0;
  double energy_pj = 0;
  std::vector<ArrayAccess> reads;
  std::vector<ArrayAccess> writes;
};

// Adds up a cost, one call an array, which formats make.
class Counter {
 public:
  explicit Counter(const Profile& profile) : p_(profile) {}

  // `reads` reads of a stored array of `bytes` bytes.
  void Stored(std::string_view name, uint64_t reads, unsigned bits, uint64_t bytes);
  // A stored array of `size` floats, each read once.
  void Floats(std::string_view name, uint64_t size);
  // An index array of `size` elements up to `max`, read through once.
  void Indices(std::string_view name, uint64_t size, uint64_t max);
  // Packed codes of `bits` bits, read through once.
  void Codes(std::string_view name, unsigned bits, uint64_t bytes);
  void Omega(uint64_t reads);
  void Input(uint64_t reads);
  // Scratch of `bytes` bytes that is not stored.
  void Table(uint64_t bytes, uint64_t writes, uint64_t reads);
  // Results that are read, added to and written again.
  void Accumulated(uint64_t times);
  void Arithmetic(uint64_t multiply, uint64_t add);
  // Ω[0] other than 0 is put back through Σx.
  void Decomposition();

  Cost Total() &&;

 private:
  uint64_t Sum(const std::vector<ArrayAccess>& accesses);

  const Profile& p_;
  Cost cost_;
};

// Energy of one access, in pJ (45 nm CMOS; M. Horowitz, ISSCC 2014), by bits and the array's size.
double AccessEnergy(unsigned bits, uint64_t array_bytes);
inline constexpr double kAddEnergy = 0.9;       // pJ, float32
inline constexpr double kMultiplyEnergy = 3.7;  // pJ, float32

}  // namespace lowtropy
