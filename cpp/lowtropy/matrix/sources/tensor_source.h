// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

// The way weights enter: coded as files and other programs hold them, in arrays that somebody else
// owns and leaves alone while the source is in use. A source reads rows, or the entries of rows, as
// they are asked for: Profile::Of and Matrix::From take it, and nothing ever is dense.
//
// The arrays may be anything. Constructors look at all of them, so that reading needs no checks,
// and throw one sentence: Error(kShape) where sizes do not fit, Error(kValue) for what an array
// must not hold.
class TensorSource : public RowSource {
 public:
  size_t rows() const final { return rows_; }
  size_t cols() const final { return cols_; }

 protected:
  // Throws as CheckShape.
  TensorSource(size_t rows, size_t cols);

  size_t size() const { return rows_ * cols_; }  // at most kMaxElements

 private:
  size_t rows_;
  size_t cols_;
};

// Throws Error(kShape) that begins with `what` unless the bytes that there are are those needed.
void CheckBytes(std::string_view what, uint64_t needed, uint64_t given);

// Throws Error(kValue) that begins with `what` and the number of the first value that is NaN or
// infinite.
void CheckAllFinite(std::string_view what, std::span<const float> values);

}  // namespace lowtropy
