// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/kernels/scaled.h"

namespace lowtropy {

Epilogue ScaledEpilogue(const Matrix& w, const Epilogue& asked) {
  if (!w.scaled()) return asked;
  if (asked.scale != nullptr) return {.scale = w.row_scales()};
  return {.scale = w.row_scales(), .bias = asked.bias, .bounds = asked.bounds};
}

void FinishScaled(const Matrix& w, RowRange rows, const Output& y, size_t count,
                  const Epilogue& asked) {
  if (!w.scaled() || asked.scale == nullptr) return;
  for (size_t r = rows.begin; r < rows.end; ++r) {
    const float bias = asked.bias == nullptr ? 0 : asked.bias[r];
    float* row = y.data + r * y.row_stride;
    for (size_t j = 0; j < count; ++j) {
      row[j] = asked.bounds.Of(row[j] * asked.scale[r] + bias);
    }
  }
}

}  // namespace lowtropy
