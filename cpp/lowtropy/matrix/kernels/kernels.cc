// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/kernels/kernels.h"

#include "lowtropy/matrix/kernels/scaled.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/matrix/kernels/kernels.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/column_kernels-inl.h"
#include "lowtropy/matrix/kernels/table_kernel-inl.h"
#include "lowtropy/matrix/kernels/vector_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {

void VectorKernel(const Matrix& w, RowRange rows, const float* x, float* y,
                  const Epilogue& epilogue, float* workspace) {
  std::visit([&](const auto& s) { VectorProduct(s, rows, x, y, workspace); }, w.storage());
  FinishRows(rows, epilogue, y);
}

void ColumnKernel(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                  const Epilogue& epilogue, float* workspace) {
  std::visit([&](const auto& s) { ColumnProduct(s, rows, x, y, epilogue, workspace); },
             w.storage());
}

size_t VectorWorkspaceKernel(const Matrix& w) {
  return std::visit([](const auto& s) { return VectorScratch(s); }, w.storage());
}

size_t WorkspaceKernel(size_t rows, size_t cols) {
  return TileFloats() + UnpackedWords(rows, cols);
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(VectorKernel);
HWY_EXPORT(ColumnKernel);
HWY_EXPORT(VectorWorkspaceKernel);
HWY_EXPORT(WorkspaceKernel);

}  // namespace

void MultiplyVector(const Matrix& w, RowRange rows, const float* x, float* y,
                    const Epilogue& epilogue, float* workspace) {
  HWY_DYNAMIC_DISPATCH(VectorKernel)(w, rows, x, y, ScaledEpilogue(w, epilogue), workspace);
  FinishScaled(w, rows, {y, 1}, 1, epilogue);
}

size_t VectorWorkspace(const Matrix& w) { return HWY_DYNAMIC_DISPATCH(VectorWorkspaceKernel)(w); }

size_t ColumnsWorkspace(size_t rows, size_t cols) {
  return HWY_DYNAMIC_DISPATCH(WorkspaceKernel)(rows, cols);
}

void MultiplyColumns(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                     const Epilogue& epilogue, float* workspace) {
  HWY_DYNAMIC_DISPATCH(ColumnKernel)(w, rows, x, y, ScaledEpilogue(w, epilogue), workspace);
  FinishScaled(w, rows, y, x.count, epilogue);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
