// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/value_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <utility>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/sort.h"

namespace lowtropy {
namespace {

// Of codes by values, as PrecedesInOmega says: by their bits with the sign behind the magnitude.
void SortByValue(const std::vector<float>& values, std::span<uint32_t> codes) {
  constexpr unsigned kDigit = 11;  // bits that are looked at in one pass over all codes
  std::vector<uint32_t> others(codes.size());
  std::span<uint32_t> from = codes;
  std::span<uint32_t> to = others;
  for (unsigned shift = 0; shift < 32; shift += kDigit) {
    std::array<uint32_t, (1 << kDigit) + 1> starts{};
    const auto digit = [&](uint32_t code) {
      return std::rotl(Bits(values[code]), 1) >> shift & ((1U << kDigit) - 1);
    };
    for (const uint32_t code : from) ++starts[digit(code) + 1];
    for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    for (const uint32_t code : from) to[starts[digit(code)]++] = code;
    std::swap(from, to);
  }
  // After three passes they are among the others.
  std::copy(from.begin(), from.end(), codes.begin());
}

}  // namespace

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

// Codes in the order of Ω. Weights that were never quantized are mostly values that occur once, a
// million of them: these are sorted by digits, in a tenth of the time.
std::vector<uint32_t> ValueTable::Order() const {
  std::vector<uint32_t> order;
  std::vector<uint32_t> single;
  for (uint32_t code = 0; code < counts_.size(); ++code) {
    (counts_[code] == 1 ? single : order).push_back(code);
  }
  SortSmall(&order, [this](uint32_t a, uint32_t b) {
    if (counts_[a] != counts_[b]) return counts_[a] > counts_[b];
    return PrecedesInOmega(values_[a], values_[b]);
  });
  SortByValue(values_, single);
  order.insert(order.end(), single.begin(), single.end());
  return order;
}

void ValueTable::Rank() {
  const std::vector<uint32_t> order = Order();
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
