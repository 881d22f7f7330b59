// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/kernels.h"

#include "lowtropy/formats/shifted_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/formats/kernels.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"
#include "lowtropy/formats/column_kernels-inl.h"
#include "lowtropy/formats/vector_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {

void VectorKernel(const Matrix& w, RowRange rows, const float* x, float* y,
                  const Epilogue& epilogue) {
  std::visit([&](const auto& s) { VectorProduct(s, rows, x, y, epilogue); }, w.storage());
}

void ColumnKernel(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                  const Epilogue& epilogue) {
  std::visit([&](const auto& s) { ColumnProduct(s, rows, x, y, epilogue); }, w.storage());
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(VectorKernel);
HWY_EXPORT(ColumnKernel);

// True when elements that a format leaves out are not zeros.
bool IsShifted(const Matrix& w) {
  return std::visit(
      []<class Storage>(const Storage& s) {
        if constexpr (kOmitsMostFrequent<Storage>) return s.omega.template As<float>()[0] != 0.0F;
        return false;
      },
      w.storage());
}

}  // namespace

void MultiplyVector(const Matrix& w, RowRange rows, const float* x, float* y,
                    const Epilogue& epilogue) {
  if (IsShifted(w)) return ShiftedMultiplyVector(w, rows, x, y, epilogue);
  HWY_DYNAMIC_DISPATCH(VectorKernel)(w, rows, x, y, epilogue);
}

void MultiplyColumns(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                     const Epilogue& epilogue) {
  if (IsShifted(w)) return ShiftedMultiplyColumns(w, rows, x, y, epilogue);
  HWY_DYNAMIC_DISPATCH(ColumnKernel)(w, rows, x, y, epilogue);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
