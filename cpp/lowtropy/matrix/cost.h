// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lowtropy/matrix/format.h"
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

Cost CostOf(Format format, const Profile& profile);

// The size alone, in bytes. Equals Matrix::From(…, format).ByteLength().
uint64_t BytesOf(Format format, const Profile& profile);

// Energy of one access, in pJ (45 nm CMOS; M. Horowitz, ISSCC 2014), by bits and the array's size.
double AccessEnergy(unsigned bits, uint64_t array_bytes);
inline constexpr double kAddEnergy = 0.9;       // pJ, float32
inline constexpr double kMultiplyEnergy = 3.7;  // pJ, float32

}  // namespace lowtropy
