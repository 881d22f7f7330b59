// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/sbc/select.h"

#include <cmath>
#include <string>
#include <utility>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

constexpr size_t kHighBins = 4096;  // sign, exponent and 3 bits of the fraction
constexpr unsigned kHighShift = 20;
constexpr size_t kMiddleBins = 4096;
constexpr unsigned kMiddleShift = 8;
constexpr size_t kLowBins = 256;

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
size_t FindBin(std::span<const size_t> histogram, size_t* wanted) {
  size_t bin = histogram.size() - 1;
  while (*wanted > histogram[bin]) *wanted -= histogram[bin--];
  return bin;
}

[[noreturn]] void RefuseValues(std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw Error(ErrorKind::kValue, std::string(std::isnan(values[i]) ? "NaN" : "an infinity") +
                                       " at position " + std::to_string(i));
  }
  throw Error(ErrorKind::kValue, "a value changed while it was read");
}

// Narrows a bin of the highest 12 bits down to one key.
template <bool kSmallest>
Cut Refine(std::span<const float> values, size_t high, size_t wanted,
           std::span<size_t> middle_bins) {
  for (size_t& count : middle_bins) count = 0;
  for (const float value : values) {
    const uint32_t rank = RankOf<kSmallest>(value);
    if (rank >> kHighShift == high) ++middle_bins[(rank >> kMiddleShift) % kMiddleBins];
  }
  const size_t middle = FindBin(middle_bins, &wanted);
  const size_t prefix = high * kMiddleBins + middle;
  size_t low_bins[kLowBins] = {};
  for (const float value : values) {
    const uint32_t rank = RankOf<kSmallest>(value);
    if (rank >> kMiddleShift == prefix) ++low_bins[rank % kLowBins];
  }
  const size_t low = FindBin(low_bins, &wanted);
  return {static_cast<uint32_t>(prefix * kLowBins + low), wanted};
}

// Calls f(position) for each value that is taken, in order.
template <bool kSmallest, class F>
void ForEachTaken(std::span<const float> values, Cut cut, F&& f) {
  for (size_t i = 0; i < values.size(); ++i) {
    const uint32_t rank = RankOf<kSmallest>(values[i]);
    if (rank < cut.key) continue;
    if (rank == cut.key) {
      if (cut.ties == 0) continue;
      --cut.ties;
    }
    f(i);
  }
}

template <bool kSmallest>
double MeanOf(std::span<const float> values, const Cut& cut, size_t k) {
  double sum = 0;
  ForEachTaken<kSmallest>(values, cut, [&](size_t i) { sum += static_cast<double>(values[i]); });
  return sum / static_cast<double>(k);
}

template <bool kSmallest>
void Take(std::span<const float> values, const Cut& cut, std::vector<uint32_t>* positions) {
  positions->clear();
  ForEachTaken<kSmallest>(values, cut,
                          [&](size_t i) { positions->push_back(static_cast<uint32_t>(i)); });
}

}  // namespace

void Selector::FindCuts(std::span<const float> values, size_t k) {
  k_ = k;
  histogram_.assign(kHighBins, 0);
  low_histogram_.resize(kMiddleBins);
  for (const float value : values) ++histogram_[KeyOf(value) >> kHighShift];
  // NaN and infinities have the highest exponent: the first and the last 8 bins.
  for (size_t bin = 0; bin < 8; ++bin) {
    if (histogram_[bin] + histogram_[kHighBins - 1 - bin] != 0) RefuseValues(values);
  }
  size_t wanted = k;
  const size_t largest = FindBin(histogram_, &wanted);
  largest_ = Refine<false>(values, largest, wanted, low_histogram_);
  // The histogram of complemented keys is the same one backwards.
  for (size_t i = 0; i < kHighBins / 2; ++i) {
    std::swap(histogram_[i], histogram_[kHighBins - 1 - i]);
  }
  wanted = k;
  const size_t smallest = FindBin(histogram_, &wanted);
  smallest_ = Refine<true>(values, smallest, wanted, low_histogram_);
}

double Selector::LargestMean(std::span<const float> values) const {
  return MeanOf<false>(values, largest_, k_);
}

double Selector::SmallestMean(std::span<const float> values) const {
  return MeanOf<true>(values, smallest_, k_);
}

void Selector::TakeLargest(std::span<const float> values, std::vector<uint32_t>* positions) const {
  Take<false>(values, largest_, positions);
}

void Selector::TakeSmallest(std::span<const float> values, std::vector<uint32_t>* positions) const {
  Take<true>(values, smallest_, positions);
}

}  // namespace lowtropy
