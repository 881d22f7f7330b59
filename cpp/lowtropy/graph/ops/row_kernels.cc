// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/row_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowtropy/graph/ops/unary_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/graph/ops/row_kernels.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"
#include "lowtropy/graph/ops/vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The sum of f(d, i) over a row, f giving a vector. Of float32 within a piece and of float64 beyond
// it, which would otherwise lose what is small among many thousands of values.
template <class F>
HWY_INLINE HWY_FLATTEN double SumOf(size_t width, const F& f) {
  constexpr size_t kPiece = 1024;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const size_t whole = width / lanes * lanes;
  double total = 0;
  for (size_t first = 0; first < whole; first += kPiece) {
    const size_t last = whole < first + kPiece ? whole : first + kPiece;
    auto s0 = hn::Zero(d);
    auto s1 = hn::Zero(d);
    size_t i = first;
    LOWTROPY_SMALL_LOOP
    for (; i + 2 * lanes <= last; i += 2 * lanes) {
      s0 = hn::Add(s0, f(d, i));
      s1 = hn::Add(s1, f(d, i + lanes));
    }
    if (i < last) s0 = hn::Add(s0, f(d, i));
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(d, hn::Add(s0, s1))));
  }
  const hn::CappedTag<float, 1> one;
  LOWTROPY_SMALL_LOOP
  for (size_t i = whole; i < width; ++i) total += static_cast<double>(hn::GetLane(f(one, i)));
  return total;
}

// ---- Softmax ----

// Of NaN whatever it is: all that is made with it is NaN.
HWY_INLINE float LargestOf(const float* x, size_t width) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  auto most = hn::Set(d, -std::numeric_limits<float>::infinity());
  size_t i = 0;
  LOWTROPY_SMALL_LOOP
  for (; i + lanes <= width; i += lanes) most = hn::Max(most, hn::LoadU(d, x + i));
  float largest = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; i < width; ++i)
    if (x[i] > largest) largest = x[i];
  return largest;
}

void BelowLargestKernel(size_t rows, size_t width, float* x) {
  for (; rows != 0; --rows, x += width) {
    const float largest = LargestOf(x, width);
    ForEachVector(width, [&](auto d, size_t i) HWY_ATTR {
      hn::StoreU(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, largest)), d, x + i);
    });
  }
}

void DivideBySumKernel(size_t rows, size_t width, float* x) {
  for (; rows != 0; --rows, x += width) {
    const double sum = SumOf(width, [&](auto d, size_t i) HWY_ATTR { return hn::LoadU(d, x + i); });
    const auto factor = static_cast<float>(1.0 / sum);
    ForEachVector(width, [&](auto d, size_t i) HWY_ATTR {
      hn::StoreU(hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)), d, x + i);
    });
  }
}

void ScaleAndMaskKernel(size_t width, float scale, const float* mask, bool is_one, float* x) {
  ForEachVector(width, [&](auto d, size_t i) HWY_ATTR {
    const auto added = is_one ? hn::Set(d, mask[0]) : hn::LoadU(d, mask + i);
    hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i), hn::Set(d, scale), added), d, x + i);
  });
}

// ---- Normalization ----

void NormalizeRowsKernel(const RowNorm& norm, size_t rows, const float* x, float* y) {
  const size_t width = norm.width;
  const auto count = static_cast<double>(width);
  for (; rows != 0; --rows, x += width, y += width) {
    float mean = 0;
    if (norm.centred) {
      const auto values = [&](auto d, size_t i) HWY_ATTR { return hn::LoadU(d, x + i); };
      mean = static_cast<float>(SumOf(width, values) / count);
    }
    const auto squares = [&](auto d, size_t i) HWY_ATTR {
      const auto distance = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
      return hn::Mul(distance, distance);
    };
    const double variance = SumOf(width, squares) / count + static_cast<double>(norm.epsilon);
    const auto factor = static_cast<float>(1 / std::sqrt(variance));
    ForEachVector(width, [&](auto d, size_t i) HWY_ATTR {
      const auto distance = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
      auto value = hn::Mul(distance, hn::Set(d, factor));
      if (norm.gamma != nullptr) value = hn::Mul(value, hn::LoadU(d, norm.gamma + i));
      if (norm.beta != nullptr) value = hn::Add(value, hn::LoadU(d, norm.beta + i));
      hn::StoreU(value, d, y + i);
    });
  }
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(BelowLargestKernel);
HWY_EXPORT(DivideBySumKernel);
HWY_EXPORT(ScaleAndMaskKernel);
HWY_EXPORT(NormalizeRowsKernel);

// Those behind the last whole block elsewhere, for another value may lie behind them.
void TakeExponentials(size_t size, float* x) {
  const UnaryKernel exponential = KernelOf(UnaryFunction::kExp);
  const size_t whole = size / kUnaryBlock * kUnaryBlock;
  exponential(x, whole, nullptr, x);
  float rest[kUnaryBlock] = {};
  std::copy(x + whole, x + size, rest);
  exponential(rest, kUnaryBlock, nullptr, rest);
  std::copy_n(rest, size - whole, x + whole);
}

}  // namespace

void SoftmaxRows(size_t rows, size_t width, float* x) {
  HWY_DYNAMIC_DISPATCH(BelowLargestKernel)(rows, width, x);
  TakeExponentials(rows * width, x);
  HWY_DYNAMIC_DISPATCH(DivideBySumKernel)(rows, width, x);
}

void ScaleAndMask(size_t width, float scale, const float* mask, bool is_one, float* x) {
  HWY_DYNAMIC_DISPATCH(ScaleAndMaskKernel)(width, scale, mask, is_one, x);
}

void NormalizeRows(const RowNorm& norm, size_t rows, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(NormalizeRowsKernel)(norm, rows, x, y);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
