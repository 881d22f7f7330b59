// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lowtropy {

// What goes through rows that lie one after the other. None allocates, none checks; pointers need
// no alignment.

// e to the distance from each row's largest value, divided by the sum of these; in place. A row
// that holds NaN, or whose largest value is infinite, becomes NaN.
void SoftmaxRows(size_t rows, size_t width, float* x);

// x = x · scale + mask, of `width` values; or of one, which is added to all.
void ScaleAndMask(size_t width, float scale, const float* mask, bool is_one, float* x);

// y = (x - mean) / √(variance + epsilon) · gamma + beta of each row; without a mean, the variance
// is the mean of squares. gamma and beta have a value for each column, or are null. y may be x.
struct RowNorm {
  size_t width;
  float epsilon;
  bool centred;
  const float* gamma;
  const float* beta;
};
void NormalizeRows(const RowNorm& norm, size_t rows, const float* x, float* y);

}  // namespace lowtropy
