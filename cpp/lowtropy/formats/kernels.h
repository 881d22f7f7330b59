// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lowtropy/formats/matrix.h"

namespace lowtropy {

// Products of a compressed matrix W with dense right-hand sides, straight on W's arrays. SIMD runs
// across the columns of the right-hand side; one column has kernels of its own. None allocates,
// none checks: the matrix must have been built or validated by Matrix, and pointers must be as
// described.
//
// Accuracy, for every format: |error| ≤ 2 · cols · ε · Σ|w·x|, ε = 2^-23, as long as no sum of a
// row's inputs or products overflows and none of its products is denormal.

// What is done to each output before it is stored, per row r of W, in this order:
// y = y · scale[r] + bias[r]; y = max(y, 0). Null pointers leave a step out. Arrays hold W.rows()
// elements, also when only a range of rows is computed.
struct Epilogue {
  const float* scale = nullptr;
  const float* bias = nullptr;
  bool relu = false;
};

struct RowRange {
  size_t begin;
  size_t end;
};

// The right-hand side X, W.cols() x count. Element (k, j) is data[offset[k] + j]: an offset table
// makes rows of a plain matrix, of a packed tile, or shifted views of one padded image (a
// convolution without an im2col copy) look the same. `data` needs no alignment, but kColumnSlack
// floats after the last element of every row must be readable (any values): tiles are loaded whole.
struct Columns {
  const float* data;
  const uint32_t* offset;  // W.cols() entries, in floats
  size_t count;
};
inline constexpr size_t kColumnSlack = 16;

// Where results go. Column j of row r is stored at data[r · row_stride + (j / pitch) · run + j %
// pitch] if j % pitch < run, and dropped otherwise: with run = output width and pitch = padded
// input width, the columns that straddle image rows vanish. run = pitch = count is a plain matrix.
struct Output {
  float* data;
  size_t row_stride;
  size_t run;
  size_t pitch;
};

// y[r] = W[r, :] · x for the rows in `rows`; x holds W.cols() values, y is indexed by r.
void MultiplyVector(const Matrix& w, RowRange rows, const float* x, float* y,
                    const Epilogue& epilogue);

// Y[r, j] = Σ_k W[r, k] · X[k, j] for the rows in `rows`. X and Y must not overlap.
void MultiplyColumns(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                     const Epilogue& epilogue);

}  // namespace lowtropy
