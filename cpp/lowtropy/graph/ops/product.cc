// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/graph/ops/product.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A panel of b, one or two vectors wide, is multiplied by all rows of a, four at a time: with two
// vectors eight sums are in registers, which hide the latency of their additions, and each step
// along k loads two vectors and four broadcast floats for eight products. A panel of some hundred
// rows stays in the first cache. Nothing is packed: values are used once, unlike weights.
template <size_t kRows, class D>
HWY_INLINE void Tile(D d, bool two, const Product& p, const float* a, const float* b, float* c) {
  using V = hn::Vec<D>;
  const size_t lanes = hn::Lanes(d);
  const size_t second = two ? lanes : 0;  // a single vector is taken twice: rare, and less code
  V sums[kRows][2];
  for (size_t r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = hn::Zero(d);
  for (size_t i = 0; i < p.k; ++i, b += p.n) {
    const V b0 = hn::LoadU(d, b);
    const V b1 = hn::LoadU(d, b + second);
    for (size_t r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, a[r * p.k + i]);
      sums[r][0] = hn::MulAdd(factor, b0, sums[r][0]);
      sums[r][1] = hn::MulAdd(factor, b1, sums[r][1]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    hn::StoreU(sums[r][0], d, c + r * p.n);
    if (two) hn::StoreU(sums[r][1], d, c + r * p.n + lanes);
  }
}

template <class D>
HWY_NOINLINE void Panel(D d, bool two, const Product& p, const float* a, const float* b, float* c) {
  size_t row = 0;
  for (; row + 4 <= p.m; row += 4) Tile<4>(d, two, p, a + row * p.k, b, c + row * p.n);
  for (; row < p.m; ++row) Tile<1>(d, two, p, a + row * p.k, b, c + row * p.n);
}

// One column, whose floats lie side by side: dot products.
HWY_NOINLINE void MultiplyColumn(const Product& p, const float* a, const float* b, float* c) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t row = 0; row < p.m; ++row, a += p.k) {
    auto sums = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= p.k; i += lanes) {
      sums = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sums);
    }
    float sum = hn::GetLane(hn::SumOfLanes(d, sums));
    for (; i < p.k; ++i) sum += a[i] * b[i];
    c[row] = sum;
  }
}

void MultiplyDenseKernel(const Product& p, const float* a, const float* b, float* c) {
  if (p.n == 1) return MultiplyColumn(p, a, b, c);
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  size_t column = 0;
  for (; column + 2 * lanes <= p.n; column += 2 * lanes) {
    Panel(d, true, p, a, b + column, c + column);
  }
  for (; column + lanes <= p.n; column += lanes) Panel(d, false, p, a, b + column, c + column);
  for (; column + 2 <= p.n; column += 2) Panel(one, true, p, a, b + column, c + column);
  if (column < p.n) Panel(one, false, p, a, b + column, c + column);
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(MultiplyDenseKernel);

}  // namespace

void MultiplyDense(const Product& product, const float* a, const float* b, float* c) {
  HWY_DYNAMIC_DISPATCH(MultiplyDenseKernel)(product, a, b, c);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
