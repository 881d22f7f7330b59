// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/coding/golomb_rice.h"

#include <cmath>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {

unsigned RiceParameter(uint64_t count, uint64_t size) {
  constexpr double kGoldenFraction = 0.61803398874989484820;  // φ - 1
  double left_out = static_cast<double>(size - count) / static_cast<double>(size);
  unsigned b = 0;
  while (left_out >= kGoldenFraction && b < kMaxRiceParameter) {
    left_out *= left_out;
    ++b;
  }
  return b;
}

double ExpectedRiceBits(double p, unsigned parameter) {
  return parameter + 1 / (1 - std::pow(1 - p, std::ldexp(1.0, static_cast<int>(parameter))));
}

void WritePositions(std::span<const uint32_t> positions, unsigned parameter, BitWriter* writer) {
  const uint32_t mask = (uint32_t{1} << parameter) - 1;
  uint32_t next = 0;  // the first position that may come
  for (const uint32_t position : positions) {
    const uint32_t gap = position - next;
    writer->PutUnary(gap >> parameter);
    writer->Put(gap & mask, parameter);
    next = position + 1;
  }
}

void ReadPositions(BitReader* reader, unsigned parameter, uint64_t size,
                   std::span<uint32_t> positions) {
  uint64_t next = 0;
  for (uint32_t& position : positions) {
    const uint64_t high = reader->GetUnary(size >> parameter);
    next += (high << parameter) + reader->Get(parameter);
    if (next >= size) {
      throw Error(ErrorKind::kFile, Text("position ", next, " is past the last one, ", size - 1));
    }
    position = static_cast<uint32_t>(next);
    ++next;
  }
}

}  // namespace lowtropy
