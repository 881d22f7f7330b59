// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lowtropy/matrix/row_source.h"
#include "lowtropy/matrix/value_table.h"

namespace lowtropy {

// Limits on a matrix: indices and pointers are stored in at most 32 bits.
inline constexpr uint64_t kMaxElements = 0xFFFFFFFF;

// True from 1 x 1 to kMaxElements elements; the product may exceed 64 bits.
constexpr bool HasStorableShape(uint64_t rows, uint64_t cols) {
  return rows != 0 && cols != 0 && cols <= kMaxElements / rows;
}

// Throws Error(kShape) unless it has one.
void CheckShape(uint64_t rows, uint64_t cols);

// The statistics of a matrix in the notation of arXiv:1805.10692, section II.
struct Stats {
  double p0 = 0;                // share of the most frequent value
  double entropy = 0;           // H, bits per element of the empirical distribution
  size_t distinct = 0;          // K, distinct values
  double distinct_per_row = 0;  // k̄, mean number of distinct values per row
  uint64_t nnz = 0;             // elements other than +0.0, bit by bit
};

// All that has to be known of a matrix to tell, without building them, the exact size and cost of
// every format, and to build any of them in one further pass. Of diag(s) · C it is that of C.
// "Listed" elements are those other than Ω[0], which is what cer, cser and pcsr store.
struct Profile {
  // Two passes over the rows; over what they list alone where the source can tell. Throws
  // Error(kValue) naming row and column for NaN and infinities, Error(kShape) for a matrix without
  // elements or with more than kMaxElements.
  static Profile Of(const RowSource& source);

  // Of a format that does not count values all that it has to know, shape and scales, in one pass
  // that takes a hundredth of the time where values hardly occur twice. Throws likewise.
  static Profile OfShape(const RowSource& source);

  Stats GetStats() const;
  uint64_t elements() const { return uint64_t{rows} * cols; }

  size_t rows = 0;
  size_t cols = 0;
  bool scaled = false;  // of C, whose scales come to each format
  ValueTable values;
  uint64_t nnz = 0;
  uint64_t listed = 0;
  uint64_t present_runs = 0;      // Σ over rows of the distinct listed values: runs of cser
  uint64_t pointer_runs = 0;      // Σ over rows of the highest code present: runs of cer
  uint64_t distinct_in_rows = 0;  // Σ over rows of the distinct values
  uint64_t rows_nonzero = 0;      // rows with an element other than +0.0
  uint64_t rows_listed = 0;       // rows with a listed element
  uint32_t max_nonzero_col = 0;
  uint32_t max_listed_col = 0;
  uint32_t max_listed_code = 0;
  uint32_t max_listed_row = 0;
  // Of `blocks`:
  uint64_t block_lists = 0;        // Σ over rows of the blocks with listed elements
  uint64_t block_units = 0;        // Σ over these of half their elements, rounded up
  uint64_t block_class_sizes = 0;  // elements of `classes`
  uint32_t block_max_class = 0;    // the largest of these
};

}  // namespace lowtropy
