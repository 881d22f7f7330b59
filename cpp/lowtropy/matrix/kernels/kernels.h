// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "lowtropy/matrix/matrix.h"

namespace lowtropy {

// Products of a compressed matrix W with dense right-hand sides, straight on W's arrays. SIMD runs
// across the columns of the right-hand side; one column has kernels of its own. None allocates,
// none checks: the matrix must have been built or validated by Matrix, and pointers must be as
// described.
//
// Accuracy, for every format: |error| ≤ 2 · cols · ε · Σ|w·x|, ε = 2^-23, as long as no sum of a
// row's inputs or products overflows and none of its products is denormal: of C's, where W is
// diag(s) · C.
//
// NaN and infinities in the right-hand side are IEEE 754's, in every format as in dense: a weight
// of 0 counts too, and 0 · NaN and 0 · ∞ are NaN. So an output of a column that holds a NaN is NaN,
// and one of a column that holds an infinity is infinite only if none of the row's weights is 0
// there. Such right-hand sides are rare, and take up to the time of the dense product and this one.

// What values are kept within, first above the one, then below the other; NaN stays NaN.
struct Bounds {
  float least = -std::numeric_limits<float>::infinity();
  float most = std::numeric_limits<float>::infinity();

  bool operator==(const Bounds&) const = default;
  bool any() const { return *this != Bounds(); }
  float Of(float value) const {
    const float above = value < least ? least : value;
    return above > most ? most : above;
  }
};

// What is done to each output before it is stored, per row r of W, in this order:
// y = y · s[r] where W has row scales s; y = y · scale[r] + bias[r]; y within the bounds. Null
// pointers leave a step out. Arrays hold W.rows() elements, also when only a range of rows is
// computed.
struct Epilogue {
  const float* scale = nullptr;
  const float* bias = nullptr;
  Bounds bounds;
};

struct RowRange {
  size_t begin;
  size_t end;
};

// The right-hand side X, W.cols() x count. Element (k, j) is data[offset[k] + (j / width) · pitch +
// j % width]: an offset table makes rows of a plain matrix (width = pitch = count) and shifted
// views of one padded image (a convolution without an im2col copy; width: of the output, pitch: of
// the image) look the same. `data` needs no alignment, but kColumnSlack floats after the last
// element of every row must be readable (any values): whole vectors are loaded.
struct Columns {
  const float* data;
  const uint32_t* offset;  // W.cols() entries, in floats
  size_t count;
  size_t width;
  size_t pitch;
};
inline constexpr size_t kColumnSlack = 16;

// Element (r, j) is stored at data[r · row_stride + j].
struct Output {
  float* data;
  size_t row_stride;
};

// Floats of scratch that MultiplyColumns needs for `rows` rows of a matrix of `cols` columns, in
// whatever format.
size_t ColumnsWorkspace(size_t rows, size_t cols);

// Floats of scratch that MultiplyVector needs for this matrix; none for most formats.
size_t VectorWorkspace(const Matrix& w);

// y[r] = W[r, :] · x for the rows in `rows`; x holds W.cols() values, y is indexed by r, and
// nothing of them overlaps the workspace.
void MultiplyVector(const Matrix& w, RowRange rows, const float* x, float* y,
                    const Epilogue& epilogue, float* workspace);

// Y[r, j] = Σ_k W[r, k] · X[k, j] for the rows in `rows`. X, Y and the workspace, which is aligned
// to 8 bytes, must not overlap.
void MultiplyColumns(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                     const Epilogue& epilogue, float* workspace);

}  // namespace lowtropy
