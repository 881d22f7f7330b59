// SPDX-License-Identifier: Apache-2.0
// y = W · x, one column. Included once for each instruction set, see kernels.cc.
//
// With one column there is nothing for SIMD to run across in the formats that list elements, and
// WebAssembly has no gather: they are scalar, bound by two loads (index, input) an element, with
// independent sums to hide the addition's latency (3 to 4 cycles). Dense and palette run SIMD along
// the row; palette decodes 256 columns at a time into a stack buffer that stays in the first cache.

#if defined(LOWTROPY_MATRIX_KERNELS_VECTOR_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_MATRIX_KERNELS_VECTOR_KERNELS_INL_H_
#undef LOWTROPY_MATRIX_KERNELS_VECTOR_KERNELS_INL_H_
#else
#define LOWTROPY_MATRIX_KERNELS_VECTOR_KERNELS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/decode-inl.h"
#include "lowtropy/matrix/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {

// What ends a product, once for all formats: each of their loops would have it otherwise.
inline HWY_NOINLINE void FinishRows(RowRange rows, const Epilogue& e, float* y) {
  if (e.scale == nullptr && e.bias == nullptr && !e.bounds.any()) return;
  for (size_t r = rows.begin; r < rows.end; ++r) {
    float value = y[r];
    if (e.scale != nullptr) value *= e.scale[r];
    if (e.bias != nullptr) value += e.bias[r];
    y[r] = e.bounds.Of(value);
  }
}

// Σ a · b over n floats, neither aligned.
inline HWY_NOINLINE float DotProduct(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b,
                                     size_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, a + i + lanes), hn::LoadU(d, b + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, a + i + 2 * lanes), hn::LoadU(d, b + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, a + i + 3 * lanes), hn::LoadU(d, b + i + 3 * lanes), s3);
  }
  for (; i + lanes <= n; i += lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), s0);
  }
  const auto sum = hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
  float total = hn::GetLane(sum);
  for (; i < n; ++i) total += a[i] * b[i];
  return total;
}

// Whether n floats are all finite; where they are huge, perhaps false although they are.
inline HWY_NOINLINE bool AllFinite(const float* x, size_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    s0 = hn::Add(s0, hn::LoadU(d, x + i));
    s1 = hn::Add(s1, hn::LoadU(d, x + i + lanes));
  }
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1)));
  for (; i < n; ++i) total += x[i];
  return total - total == 0;
}

inline float RowProduct(const Dense& w, size_t row, const float* x) {
  return DotProduct(w.values.As<float>().data() + row * w.cols, x, w.cols);
}

inline float RowProduct(const Palette& w, size_t row, const float* x) {
  constexpr size_t kBlock = 256;
  HWY_ALIGN float values[kBlock];
  float total = 0;
  for (size_t first = 0; first < w.cols; first += kBlock) {
    const size_t count = std::min(kBlock, w.cols - first);
    ReadValues(w, row, first, count, values);
    total += DotProduct(values, x + first, count);
  }
  return total;
}

// Elements one by one, four sums.
template <class Elements>
HWY_INLINE float ElementProduct(const Elements& w, size_t begin, size_t end,
                                const float* HWY_RESTRICT x) {
  float s0 = 0;
  float s1 = 0;
  float s2 = 0;
  float s3 = 0;
  size_t i = begin;
  for (; i + 4 <= end; i += 4) {
    s0 += w.Value(i) * x[w.Col(i)];
    s1 += w.Value(i + 1) * x[w.Col(i + 1)];
    s2 += w.Value(i + 2) * x[w.Col(i + 2)];
    s3 += w.Value(i + 3) * x[w.Col(i + 3)];
  }
  for (; i < end; ++i) s0 += w.Value(i) * x[w.Col(i)];
  return (s0 + s1) + (s2 + s3);
}

template <class Cols>
HWY_INLINE float RowProduct(const TypedCsr<Cols>& w, size_t row, const float* x) {
  return ElementProduct(w, w.row_ptr.Index(row), w.row_ptr.Index(row + 1), x);
}

template <class Codes, class Cols>
HWY_INLINE float RowProduct(const TypedPcsr<Codes, Cols>& w, size_t row, const float* x) {
  return ElementProduct(w, w.row_ptr.Index(row), w.row_ptr.Index(row + 1), x);
}

inline float RowProduct(const Mask& w, size_t row, const float* x) {
  float total = 0;
  ForEachChunk(w, row, 0, w.cols, [&](const float* values, const uint32_t* columns, size_t count) {
    HWY_ALIGN float inputs[kMaskChunk];
    for (size_t i = 0; i < count; ++i) inputs[i] = x[columns[i]];
    total += DotProduct(values, inputs, count);
  });
  return total;
}

// Σ x over the columns of a run.
template <class Cols>
HWY_INLINE float RunSum(Cols col_i, size_t begin, size_t end, const float* HWY_RESTRICT x) {
  float s0 = 0;
  float s1 = 0;
  float s2 = 0;
  float s3 = 0;
  size_t i = begin;
  for (; i + 4 <= end; i += 4) {
    s0 += x[col_i[i]];
    s1 += x[col_i[i + 1]];
    s2 += x[col_i[i + 2]];
    s3 += x[col_i[i + 3]];
  }
  for (; i < end; ++i) s0 += x[col_i[i]];
  return (s0 + s1) + (s2 + s3);
}

template <class Cols>
HWY_INLINE float RowProduct(const TypedCer<Cols>& w, size_t row, const float* x) {
  const size_t first = w.row_ptr.Index(row);
  const size_t last = w.row_ptr.Index(row + 1);
  uint32_t begin = w.omega_ptr.Index(first);
  float total = 0;
  for (size_t run = first; run < last; ++run) {
    const uint32_t end = w.omega_ptr.Index(run + 1);
    total += w.omega[1 + run - first] * RunSum(w.col_i, begin, end, x);
    begin = end;
  }
  return total;
}

template <class Cols>
HWY_INLINE float RowProduct(const TypedCser<Cols>& w, size_t row, const float* x) {
  const size_t last = w.row_ptr.Index(row + 1);
  size_t run = w.row_ptr.Index(row);
  uint32_t begin = w.omega_ptr.Index(run);
  float total = 0;
  for (; run < last; ++run) {
    const uint32_t end = w.omega_ptr.Index(run + 1);
    total += w.omega[w.omega_i.Index(run)] * RunSum(w.col_i, begin, end, x);
    begin = end;
  }
  return total;
}

// A row whose unlisted elements are not zeros, or whose zeros count because an input is not finite:
// a block at a time with all its elements. The
// decomposition of arXiv:1805.10692, section III, Ω[0]·Σx + Σ (w - Ω[0])·x, is of fewer operations,
// but its two parts may nearly cancel, and in float64, which bears that, it was slower.
template <class Typed>
float ShiftedRowProduct(const Typed& w, size_t row, const float* x) {
  constexpr size_t kBlock = 4096;
  HWY_ALIGN float values[kBlock];
  float total = 0;
  for (size_t first = 0; first < w.cols; first += kBlock) {
    const size_t count = std::min(kBlock, w.cols - first);
    std::fill_n(values, count, Common(w));
    ForEachListed(w, row, [&](float value, uint32_t col) {
      if (col - first < count) values[col - first] = value;
    });
    total += DotProduct(values, x + first, count);
  }
  return total;
}

// All but its end, see FinishRows.
template <class Storage>
void VectorProduct(const Storage& w, RowRange rows, const float* x, float* y, float* workspace) {
  if constexpr (Storage::kFeed == Feed::kLists) {
    const auto untyped = Untyped(w);
    if (Common(untyped) != 0.0F || !AllFinite(x, w.cols)) {
      for (size_t r = rows.begin; r < rows.end; ++r) y[r] = ShiftedRowProduct(untyped, r, x);
      return;
    }
  }
  WithInput(w, x, workspace, [&](const auto& typed) {
    for (size_t r = rows.begin; r < rows.end; ++r) y[r] = RowProduct(typed, r, x);
  });
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_MATRIX_KERNELS_VECTOR_KERNELS_INL_H_
