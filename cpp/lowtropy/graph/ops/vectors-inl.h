// SPDX-License-Identifier: Apache-2.0
// What operators that go through values vector by vector share. Included once for each instruction
// set.

#if defined(LOWTROPY_GRAPH_OPS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_GRAPH_OPS_VECTORS_INL_H_
#undef LOWTROPY_GRAPH_OPS_VECTORS_INL_H_
#else
#define LOWTROPY_GRAPH_OPS_VECTORS_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "lowtropy/graph/ops/loops.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Calls f(d, i) for whole vectors of [0, count), then for the rest in vectors of one lane, so that
// nothing is stored past the end, where another value may lie. Flattened, for where nothing is
// inlined by itself f would be a call for each vector, several times as slow.
template <class F>
HWY_INLINE HWY_FLATTEN void ForEachVector(size_t count, const F& f) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  LOWTROPY_SMALL_LOOP
  for (; i + lanes <= count; i += lanes) f(d, i);
  LOWTROPY_SMALL_LOOP
  for (; i < count; ++i) f(one, i);
}

// max(v, floor), of NaN NaN, which Max makes the floor of on some targets.
template <class D>
HWY_INLINE hn::Vec<D> AtLeast(D d, float floor, hn::Vec<D> v) {
  const auto least = hn::Set(d, floor);
  return hn::IfThenElse(hn::Lt(v, least), least, v);
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_GRAPH_OPS_VECTORS_INL_H_
