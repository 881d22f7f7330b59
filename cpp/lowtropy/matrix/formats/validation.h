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

// Ω: one or more finite values with distinct bits, in the order of ValueTable. `counts[i]` is how
// often omega[i] occurs in the matrix.
bool CheckOmega(const Array& omega, std::string* reason);
bool CheckFrequencies(const Array& omega, std::span<const uint64_t> counts, std::string* reason);

// Finds columns that occur twice in a row whose runs are sorted, but not the row. Rows come in
// ascending order. Marks columns where the matrix is small beside what it stores, and sorts where
// it is not, so that a few bytes that claim billions of columns cannot make us allocate gigabytes.
class ColumnCheck {
 public:
  ColumnCheck(size_t cols, const Array& col_i);
  // True when colI[begin, end), the columns of all runs of `row`, are distinct.
  bool Distinct(size_t row, size_t begin, size_t end, std::string* reason);

 private:
  const Array& col_i_;
  std::vector<uint32_t> last_row_;  // by column, the last row that lists it, plus one; may be empty
  std::vector<uint32_t> sorted_;
};

}  // namespace lowtropy
