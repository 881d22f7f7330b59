// SPDX-License-Identifier: Apache-2.0
// What ends a product, for vectors of one row. Included once for each instruction set.

#if defined(LOWTROPY_MATRIX_KERNELS_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_MATRIX_KERNELS_EPILOGUE_INL_H_
#undef LOWTROPY_MATRIX_KERNELS_EPILOGUE_INL_H_
#else
#define LOWTROPY_MATRIX_KERNELS_EPILOGUE_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Not Min and Max, of which some targets make NaN a bound.
template <class D>
HWY_INLINE hn::Vec<D> Within(D d, const Bounds& bounds, hn::Vec<D> v) {
  const auto least = hn::Set(d, bounds.least);
  const auto most = hn::Set(d, bounds.most);
  v = hn::IfThenElse(hn::Lt(v, least), least, v);
  return hn::IfThenElse(hn::Gt(v, most), most, v);
}

template <class V, size_t kVectors>
HWY_INLINE void ApplyEpilogue(const Epilogue& e, size_t row, V (&acc)[kVectors]) {
  const hn::DFromV<V> d;
  if (e.scale != nullptr) {
    const V scale = hn::Set(d, e.scale[row]);
    for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Mul(acc[v], scale);
  }
  if (e.bias != nullptr) {
    const V bias = hn::Set(d, e.bias[row]);
    for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Add(acc[v], bias);
  }
  if (!e.bounds.any()) return;
  for (size_t v = 0; v < kVectors; ++v) acc[v] = Within(d, e.bounds, acc[v]);
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_MATRIX_KERNELS_EPILOGUE_INL_H_
