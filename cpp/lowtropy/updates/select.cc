// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/select.h"

#include <algorithm>

#include "lowtropy/base/bits.h"
#include "lowtropy/updates/finite.h"

namespace lowtropy {
namespace {

constexpr size_t kHighBins = 4096;  // sign, exponent and 3 bits of the fraction
constexpr unsigned kHighShift = 20;
constexpr size_t kMiddleBins = 4096;
constexpr unsigned kMiddleShift = 8;
constexpr size_t kLowBins = 256;
constexpr size_t kLeastForRadix = 8192;  // values

// Integers in the order of the floats; adding 0 makes -0 to 0.
uint32_t KeyOf(float value) {
  const uint32_t bits = Bits(value + 0.0F);
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
}

// Keys of the smallest values are complemented, so that both ends look for the largest keys.
template <bool kSmallest>
uint32_t RankOf(float value) {
  return kSmallest ? ~KeyOf(value) : KeyOf(value);
}

// The bin in which the `wanted`-th largest lies, counting from the last bin down; `wanted` becomes
// its place within that bin.
size_t FindBin(std::span<const uint32_t> histogram, size_t* wanted) {
  size_t bin = histogram.size() - 1;
  while (*wanted > histogram[bin]) *wanted -= histogram[bin--];
  return bin;
}

}  // namespace

template <bool kSmallest>
Selector::Cut Selector::QuickCut(std::span<const float> values, size_t k) {
  counts_.reserve(kLeastForRadix);  // for any number of values that comes here later
  counts_.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    CheckFinite(values[i], i);
    counts_[i] = RankOf<kSmallest>(values[i]);
  }
  const auto cut = counts_.begin() + static_cast<ptrdiff_t>(k) - 1;
  std::nth_element(counts_.begin(), cut, counts_.end(),
                   [](uint32_t a, uint32_t b) { return a > b; });
  const auto above =
      std::count_if(counts_.begin(), cut, [&](uint32_t rank) { return rank > *cut; });
  return {*cut, k - static_cast<size_t>(above)};
}

template <bool kSmallest>
Selector::Cut Selector::FindCut(std::span<const float> values, size_t k) {
  if (values.size() < kLeastForRadix) return QuickCut<kSmallest>(values, k);
  size_t wanted = k;
  counts_.assign(kHighBins, 0);
  for (const float value : values) ++counts_[RankOf<kSmallest>(value) >> kHighShift];
  // NaN and infinities have the highest exponent: the first and the last 8 bins.
  for (size_t bin = 0; bin < 8; ++bin) {
    if (counts_[bin] + counts_[kHighBins - 1 - bin] != 0) CheckFinite(values);
  }
  const size_t high = FindBin(counts_, &wanted);
  counts_.assign(kMiddleBins, 0);
  for (const float value : values) {
    const uint32_t rank = RankOf<kSmallest>(value);
    if (rank >> kHighShift == high) ++counts_[(rank >> kMiddleShift) % kMiddleBins];
  }
  const size_t prefix = high * kMiddleBins + FindBin(counts_, &wanted);
  counts_.assign(kLowBins, 0);
  for (const float value : values) {
    const uint32_t rank = RankOf<kSmallest>(value);
    if (rank >> kMiddleShift == prefix) ++counts_[rank % kLowBins];
  }
  const size_t low = FindBin(counts_, &wanted);
  return {static_cast<uint32_t>(prefix * kLowBins + low), wanted};
}

template <bool kSmallest>
void Selector::Take(std::span<const float> values, size_t k, std::vector<uint32_t>* positions) {
  Cut cut = FindCut<kSmallest>(values, k);
  positions->resize(k);
  uint32_t* next = positions->data();
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t rank = RankOf<kSmallest>(values[i]);
    if (rank < cut.rank) continue;
    if (rank == cut.rank) {
      if (cut.ties == 0) continue;
      --cut.ties;
    }
    *next++ = static_cast<uint32_t>(i);
  }
}

void Selector::TakeLargest(std::span<const float> values, size_t k,
                           std::vector<uint32_t>* positions) {
  Take<false>(values, k, positions);
}

void Selector::TakeSmallest(std::span<const float> values, size_t k,
                            std::vector<uint32_t>* positions) {
  Take<true>(values, k, positions);
}

}  // namespace lowtropy
