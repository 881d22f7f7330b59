// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/kernels/kernels.h"

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
                  const Epilogue& epilogue) {
  std::visit([&](const auto& s) { VectorProduct(s, rows, x, y, epilogue); }, w.storage());
}

void ColumnKernel(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                  const Epilogue& epilogue, float* workspace) {
  std::visit([&](const auto& s) { ColumnProduct(s, rows, x, y, epilogue, workspace); },
             w.storage());
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
HWY_EXPORT(WorkspaceKernel);

// The products of C do with s what they do with a scale; what else is to be done to an output comes
// afterwards. Where the epilogue has no scale all is done at once.
Epilogue ScaledEpilogue(const Matrix& w, const Epilogue& asked) {
  if (!w.scaled()) return asked;
  if (asked.scale != nullptr) return {.scale = w.row_scales()};
  return {.scale = w.row_scales(), .bias = asked.bias, .relu = asked.relu};
}

void FinishRows(const Matrix& w, RowRange rows, const Output& y, size_t count,
                const Epilogue& asked) {
  if (!w.scaled() || asked.scale == nullptr) return;
  for (size_t r = rows.begin; r < rows.end; ++r) {
    float* row = y.data + r * y.row_stride;
    for (size_t j = 0; j < count; ++j) {
      row[j] *= asked.scale[r];
      if (asked.bias != nullptr) row[j] += asked.bias[r];
      if (asked.relu && row[j] < 0) row[j] = 0;
    }
  }
}

}  // namespace

void MultiplyVector(const Matrix& w, RowRange rows, const float* x, float* y,
                    const Epilogue& epilogue) {
  HWY_DYNAMIC_DISPATCH(VectorKernel)(w, rows, x, y, ScaledEpilogue(w, epilogue));
  FinishRows(w, rows, {y, 1}, 1, epilogue);
}

size_t ColumnsWorkspace(size_t rows, size_t cols) {
  return HWY_DYNAMIC_DISPATCH(WorkspaceKernel)(rows, cols);
}

void MultiplyColumns(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                     const Epilogue& epilogue, float* workspace) {
  HWY_DYNAMIC_DISPATCH(ColumnKernel)(w, rows, x, y, ScaledEpilogue(w, epilogue), workspace);
  FinishRows(w, rows, y, x.count, epilogue);
}

}  // namespace lowtropy
#endif  // HWY_ONCE
