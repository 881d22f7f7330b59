// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/array.h"

namespace lowtropy {

// The checks that the formats' `Validate` are made of. Each returns true, or writes to `reason` one
// clause that names the array, the place and what is wrong.

bool Fail(std::string* reason, std::string text);

bool CheckSize(std::string_view name, const Array& array, uint64_t size, std::string* reason);
bool CheckFinite(std::string_view name, const Array& array, std::string* reason);

// An index array: of an integer type, all elements at most `max`, at the narrowest width that holds
// the largest of them.
bool CheckIndices(std::string_view name, const Array& array, uint64_t max, std::string* reason);

// A pointer array: `size` indices that start at 0, never fall, and end at `end`.
bool CheckPointers(std::string_view name, const Array& array, uint64_t size, uint64_t end,
                   std::string* reason);

// Within each span that `pointers` delimits (already checked), `array` rises strictly.
bool CheckAscending(std::string_view name, const Array& array, const Array& pointers,
                    std::string* reason);

// Ω: one or more finite values with distinct bits, the most frequent first. `counts[i]` is how
// often omega[i] occurs in the matrix.
bool CheckOmega(const Array& omega, std::string* reason);
bool CheckFrequencies(std::span<const uint64_t> counts, std::string* reason);

// Finds columns that occur twice in a row, without clearing anything between rows.
class ColumnMarks {
 public:
  explicit ColumnMarks(size_t cols) : last_row_(cols, 0) {}
  // False when `col` was marked before in `row`.
  bool Mark(size_t row, uint32_t col) {
    if (last_row_[col] == row + 1) return false;
    last_row_[col] = static_cast<uint32_t>(row + 1);
    return true;
  }

 private:
  std::vector<uint32_t> last_row_;
};

// Marks colI[begin, end), the columns of all runs of `row`.
bool MarkColumns(size_t row, const Array& col_i, size_t begin, size_t end, ColumnMarks* marks,
                 std::string* reason);

}  // namespace lowtropy
