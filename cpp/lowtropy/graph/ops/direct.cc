// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/direct.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/graph/ops/direct.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/epilogue-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Columns of the output from `column` on, as vectors of which the last one ends with them: it
// overlaps the one before where they are no whole number of vectors. Fewer than a vector has are
// one that is cut.
struct Strip {
  size_t column;
  size_t count;
};

// Eight sums, of one row or several, hide the latency of additions, and are what V8 keeps in
// registers. Each tap takes one broadcast weight and loads a vector for each sum.
template <size_t kRows, size_t kVectors>
HWY_NOINLINE void StripOfRows(const Taps& taps, size_t first_row, const Strip& strip,
                              const Epilogue& epilogue, size_t row, float* output) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  const size_t last = strip.count < lanes ? 0 : strip.count - lanes;
  const size_t pitch = taps.pitch;
  const float* x = taps.data + first_row * pitch + strip.column;
  V sums[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }
  for (size_t t = 0; t < taps.count; ++t) {
    const float* at = x + taps.offset[t];
    const V weight = hn::Set(d, taps.weights[t]);
    for (size_t r = 0; r < kRows; ++r, at += pitch) {
      for (size_t v = 0; v < kVectors; ++v) {
        const V in = hn::LoadU(d, at + (v + 1 < kVectors ? v * lanes : last));
        sums[r][v] = hn::MulAdd(weight, in, sums[r][v]);
      }
    }
  }
  float* to = output + first_row * taps.width + strip.column;
  for (size_t r = 0; r < kRows; ++r, to += taps.width) {
    ApplyEpilogue(epilogue, row, sums[r]);
    for (size_t v = 0; v + 1 < kVectors; ++v) hn::StoreU(sums[r][v], d, to + v * lanes);
    if (strip.count >= lanes) {
      hn::StoreU(sums[r][kVectors - 1], d, to + last);
    } else {
      HWY_ALIGN float cut[hn::MaxLanes(hn::ScalableTag<float>())];
      hn::Store(sums[r][kVectors - 1], d, cut);
      for (size_t i = 0; i < strip.count; ++i) to[i] = cut[i];
    }
  }
}

template <size_t kRows, size_t kVectors>
HWY_INLINE void AllRows(const Taps& taps, const Strip& strip, const Epilogue& epilogue, size_t row,
                        float* output) {
  size_t y = 0;
  for (; y + kRows <= taps.rows; y += kRows) {
    StripOfRows<kRows, kVectors>(taps, y, strip, epilogue, row, output);
  }
  for (; y < taps.rows; ++y) StripOfRows<1, kVectors>(taps, y, strip, epilogue, row, output);
}

void MultiplyTapsKernel(const Taps& taps, const Epilogue& epilogue, size_t row, float* output) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  for (Strip strip{0, 0}; strip.column < taps.width; strip.column += strip.count) {
    // All strips are about as wide.
    const size_t left = taps.width - strip.column;
    const size_t vectors = (left + lanes - 1) / lanes;
    const size_t strips = (vectors + 3) / 4;
    const size_t each = (vectors + strips - 1) / strips;
    strip.count = std::min(left, each * lanes);
    switch (each) {
      case 1:
        AllRows<4, 1>(taps, strip, epilogue, row, output);
        break;
      case 2:
        AllRows<4, 2>(taps, strip, epilogue, row, output);
        break;
      case 3:
        AllRows<2, 3>(taps, strip, epilogue, row, output);
        break;
      default:
        AllRows<2, 4>(taps, strip, epilogue, row, output);
    }
  }
}

void TakeEverySecondKernel(const float* from, size_t count, float* out) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  // The last float of a pair may lie behind all that may be read.
  for (; i + lanes < count; i += lanes) {
    const auto low = hn::LoadU(d, from + 2 * i);
    const auto high = hn::LoadU(d, from + 2 * i + lanes);
    hn::StoreU(hn::ConcatEven(d, high, low), d, out + i);
  }
  for (; i < count; ++i) out[i] = from[2 * i];
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(MultiplyTapsKernel);
HWY_EXPORT(TakeEverySecondKernel);

}  // namespace

void MultiplyTaps(const Taps& taps, const Epilogue& epilogue, size_t row, float* output) {
  HWY_DYNAMIC_DISPATCH(MultiplyTapsKernel)(taps, epilogue, row, output);
}

void TakeEverySecond(const float* from, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(TakeEverySecondKernel)(from, count, out);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
