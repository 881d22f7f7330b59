// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/value_table.h"

#include <bit>
#include <numeric>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/sort.h"

namespace lowtropy {

ValueTable::ValueTable() : slots_(64, 0) {}

size_t ValueTable::Probe(uint32_t bits) const {
  const size_t mask = slots_.size() - 1;
  // Fibonacci hashing; the high bits of the product are the well-mixed ones.
  const uint64_t hash = bits * uint64_t{0x9E3779B97F4A7C15};
  auto slot = static_cast<size_t>(hash >> (64 - std::countr_zero(slots_.size())));
  while (slots_[slot] != 0 && Bits(values_[slots_[slot] - 1]) != bits) slot = (slot + 1) & mask;
  return slot;
}

void ValueTable::Rehash(size_t slots) {
  slots_.assign(slots, 0);
  for (size_t i = 0; i < values_.size(); ++i) {
    slots_[Probe(Bits(values_[i]))] = static_cast<uint32_t>(i + 1);
  }
}

void ValueTable::Count(float value, uint64_t times) {
  const size_t slot = Probe(Bits(value));
  if (slots_[slot] != 0) {
    counts_[slots_[slot] - 1] += times;
    return;
  }
  values_.push_back(value);
  counts_.push_back(times);
  slots_[slot] = static_cast<uint32_t>(values_.size());
  if (values_.size() * 2 > slots_.size()) Rehash(slots_.size() * 4);
}

uint32_t ValueTable::Code(float value) const { return slots_[Probe(Bits(value))] - 1; }

void ValueTable::Rank() {
  std::vector<uint32_t> order(values_.size());
  std::iota(order.begin(), order.end(), 0U);
  SortSmall(&order, [this](uint32_t a, uint32_t b) {
    if (counts_[a] != counts_[b]) return counts_[a] > counts_[b];
    return PrecedesInOmega(values_[a], values_[b]);
  });
  std::vector<float> values(values_.size());
  std::vector<uint64_t> counts(values_.size());
  for (size_t i = 0; i < order.size(); ++i) {
    values[i] = values_[order[i]];
    counts[i] = counts_[order[i]];
  }
  values_.swap(values);
  counts_.swap(counts);
  Rehash(slots_.size());
}

}  // namespace lowtropy
