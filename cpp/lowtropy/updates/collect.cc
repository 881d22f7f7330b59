// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/collect.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/updates/collect.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using BitsTag = hn::Repartition<uint32_t, FloatTag>;

// Without a branch for each element, which nobody could predict: positions are written and then
// kept or not.
template <bool kBothEnds>
void Append(const float* values, size_t begin, size_t end, const Candidates& wanted,
            Search* search) {
  const float high = wanted.high;
  const float low = wanted.low;
  size_t high_count = search->high_count;
  size_t low_count = search->low_count;
  for (size_t i = begin; i < end; ++i) {
    const float value = values[i];
    wanted.high_positions[high_count] = static_cast<uint32_t>(i);
    if (kBothEnds) {
      high_count += static_cast<size_t>(value >= high);
      wanted.low_positions[low_count] = static_cast<uint32_t>(i);
      low_count += static_cast<size_t>(value <= low);
    } else {
      high_count += static_cast<size_t>(value >= high || -value >= high);
    }
  }
  search->high_count = high_count;
  search->low_count = low_count;
}

// Reads and writes each element once, so memory sets the pace. A chunk of 16 KB, which stays in the
// cache, is gone through twice: first all of it, to note which blocks of four vectors hold a
// candidate, then just those. There is no branch that depends on the values: at p = 0.01 a third of
// the blocks hold one, in no order. Lost: a branch for each block (1.5 times
// slower at p = 0.01); bit masks of the lanes, which Highway's WebAssembly target takes through
// memory, and plain C++, which Clang does not vectorize (both slower still).
template <bool kBothEnds>
Search Collect(const float* HWY_RESTRICT old, float* HWY_RESTRICT values, size_t size,
               const Candidates& wanted) {
  const FloatTag d;
  const BitsTag du;
  const size_t lanes = hn::Lanes(d);
  const size_t block = 4 * lanes;
  const auto high = hn::Set(d, wanted.high);
  const auto low = hn::Set(d, wanted.low);
  auto magnitudes = hn::Zero(du);  // the largest, as bits
  uint32_t hits[kCollectChunk / 4];
  Search search;
  bool room = wanted.limit > 0;
  const auto sum = [&](size_t i) HWY_ATTR {
    const auto value = hn::Add(hn::LoadU(d, values + i), hn::LoadU(d, old + i));
    hn::StoreU(value, d, values + i);
    magnitudes = hn::Max(magnitudes, hn::BitCast(du, hn::Abs(value)));
    if (!kBothEnds) return hn::Ge(hn::Abs(value), high);
    return hn::Or(hn::Ge(value, high), hn::Le(value, low));
  };
  const size_t blocks_end = size - size % block;
  for (size_t begin = 0; begin < blocks_end; begin += kCollectChunk) {
    const size_t end = begin + kCollectChunk < blocks_end ? begin + kCollectChunk : blocks_end;
    size_t hit_count = 0;
    for (size_t i = begin; i < end; i += block) {
      const auto any =
          hn::Or(hn::Or(sum(i), sum(i + lanes)), hn::Or(sum(i + 2 * lanes), sum(i + 3 * lanes)));
      hits[hit_count] = static_cast<uint32_t>(i);
      hit_count += hn::AllFalse(d, any) ? 0 : 1;
    }
    if (!room) continue;
    for (size_t hit = 0; hit < hit_count; ++hit) {
      Append<kBothEnds>(values, hits[hit], hits[hit] + block, wanted, &search);
    }
    room = search.high_count <= wanted.limit && search.low_count <= wanted.limit;
  }
  search.finite = hn::GetLane(hn::MaxOfLanes(du, magnitudes)) < 0x7F800000;
  for (size_t i = blocks_end; i < size; ++i) {
    const float value = old[i] + values[i];
    values[i] = value;
    const float magnitude = value < 0 ? -value : value;
    if (!(magnitude <= hwy::HighestValue<float>())) search.finite = false;
  }
  if (room) Append<kBothEnds>(values, blocks_end, size, wanted, &search);
  return search;
}

Search CollectKernel(const float* old, float* values, size_t size, const Candidates& wanted) {
  return wanted.both_ends ? Collect<true>(old, values, size, wanted)
                          : Collect<false>(old, values, size, wanted);
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {

HWY_EXPORT(CollectKernel);

Search CollectCandidates(const float* old, float* values, size_t size, const Candidates& wanted) {
  return HWY_DYNAMIC_DISPATCH(CollectKernel)(old, values, size, wanted);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
