// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/direct.h"

#include "lowtropy/graph/ops/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/graph/ops/direct.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/epilogue-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// std::min, which is a call where this is compiled.
HWY_INLINE size_t Least(size_t a, size_t b) { return a < b ? a : b; }

// Columns of the output from `column` on, as vectors of which the last one ends with them: it
// overlaps the one before where they are no whole number of vectors. Fewer than a vector has are
// one that is cut.
struct Strip {
  size_t column;
  size_t count;
};

// What ends a row, without a choice for each vector.
struct RowEnd {
  float scale;
  float bias;
  Bounds bounds;
};

// Eight sums, of one row or several, hide the latency of additions, and are what V8 keeps in
// registers. Each tap takes one broadcast weight and loads a vector for each sum. A strip may have
// fewer vectors: the last one is then made several times.
template <size_t kRows, size_t kVectors>
HWY_NOINLINE void StripOfRows(const Taps& taps, size_t first_row, const Strip& strip,
                              const RowEnd& end, float* output) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  const size_t last = strip.count < lanes ? 0 : strip.count - lanes;
  size_t at[kVectors];
  for (size_t v = 0; v < kVectors; ++v) at[v] = Least(v * lanes, last);
  const float* x = taps.data + first_row * taps.pitch + strip.column;
  V sums[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }
  LOWTROPY_SMALL_LOOP
  for (size_t t = 0; t < taps.count; ++t) {
    const float* from = x + taps.offset[t];
    const V weight = hn::Set(d, taps.weights[t]);
    for (size_t r = 0; r < kRows; ++r, from += taps.pitch) {
      for (size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::MulAdd(weight, hn::LoadU(d, from + at[v]), sums[r][v]);
      }
    }
  }
  const V scale = hn::Set(d, end.scale);
  const V bias = hn::Set(d, end.bias);
  float* to = output + first_row * taps.width + strip.column;
  for (size_t r = 0; r < kRows; ++r, to += taps.width) {
    for (size_t v = 0; v < kVectors; ++v) {
      sums[r][v] = Within(d, end.bounds, hn::MulAdd(sums[r][v], scale, bias));
      if (strip.count >= lanes) hn::StoreU(sums[r][v], d, to + at[v]);
    }
    if (strip.count >= lanes) continue;
    HWY_ALIGN float cut[hn::MaxLanes(hn::ScalableTag<float>())];
    hn::Store(sums[r][0], d, cut);
    LOWTROPY_SMALL_LOOP
    for (size_t i = 0; i < strip.count; ++i) to[i] = cut[i];
  }
}

// The last rows overlap those before where there is no whole number of blocks.
template <size_t kRows, size_t kVectors>
HWY_INLINE void AllRows(const Taps& taps, const Strip& strip, const RowEnd& end, float* output) {
  if (taps.rows < kRows) {
    for (size_t y = 0; y < taps.rows; ++y) StripOfRows<1, 4>(taps, y, strip, end, output);
    return;
  }
  for (size_t y = 0; y < taps.rows; y += kRows) {
    StripOfRows<kRows, kVectors>(taps, Least(y, taps.rows - kRows), strip, end, output);
  }
}

void MultiplyTapsKernel(const Taps& taps, const Epilogue& epilogue, size_t row, float* output) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const RowEnd end{epilogue.scale == nullptr ? 1 : epilogue.scale[row],
                   epilogue.bias == nullptr ? 0 : epilogue.bias[row], epilogue.bounds};
  for (Strip strip{0, 0}; strip.column < taps.width; strip.column += strip.count) {
    // All strips are about as wide.
    const size_t left = taps.width - strip.column;
    const size_t vectors = (left + lanes - 1) / lanes;
    const size_t strips = (vectors + 3) / 4;
    const size_t each = (vectors + strips - 1) / strips;
    strip.count = Least(left, each * lanes);
    switch (each) {
      case 1:  // narrow images are small: code of their own would be 1 KB for little
      case 2:
        AllRows<4, 2>(taps, strip, end, output);
        break;
      case 3:
        AllRows<2, 3>(taps, strip, end, output);
        break;
      default:
        AllRows<2, 4>(taps, strip, end, output);
    }
  }
}

void CopyFloatsKernel(const float* from, size_t count, float* out) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  if (count < lanes) {
    LOWTROPY_SMALL_LOOP
    for (size_t i = 0; i < count; ++i) out[i] = from[i];
    return;
  }
  LOWTROPY_SMALL_LOOP
  for (size_t i = 0; i + lanes < count; i += lanes) hn::StoreU(hn::LoadU(d, from + i), d, out + i);
  hn::StoreU(hn::LoadU(d, from + count - lanes), d, out + count - lanes);
}

void TakeEverySecondKernel(const float* from, size_t count, float* out) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  // The last float of a pair may lie behind all that may be read.
  LOWTROPY_SMALL_LOOP
  for (; i + lanes < count; i += lanes) {
    const auto low = hn::LoadU(d, from + 2 * i);
    const auto high = hn::LoadU(d, from + 2 * i + lanes);
    hn::StoreU(hn::ConcatEven(d, high, low), d, out + i);
  }
  LOWTROPY_SMALL_LOOP
  for (; i < count; ++i) out[i] = from[2 * i];
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(MultiplyTapsKernel);
HWY_EXPORT(TakeEverySecondKernel);
HWY_EXPORT(CopyFloatsKernel);

}  // namespace

void MultiplyTaps(const Taps& taps, const Epilogue& epilogue, size_t row, float* output) {
  HWY_DYNAMIC_DISPATCH(MultiplyTapsKernel)(taps, epilogue, row, output);
}

void TakeEverySecond(const float* from, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(TakeEverySecondKernel)(from, count, out);
}

void CopyFloats(const float* from, size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(CopyFloatsKernel)(from, count, out);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
