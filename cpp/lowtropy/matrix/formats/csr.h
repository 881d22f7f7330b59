// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/format.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

// Compressed sparse rows. Stored: `values`, the elements other than +0.0 in row order (float32);
// `colI`, their columns; `rowPtr`, where each row starts (rows + 1). 5 to 8 bytes a nonzero; one
// multiplication and one addition each. The baseline that knows zeros but not repeated values.
struct Csr {
  static constexpr Format kFormat = Format::kCsr;

  static Csr Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return 0.0F; }

  // Calls f(column, value) for each listed element of a row, in the order of `colI`.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto stored = values.As<float>();
    for (size_t i = row_ptr.Index(row); i < row_ptr.Index(row + 1); ++i) {
      f(col_i.Index(i), stored[i]);
    }
  }

  bool Validate(std::string* reason) const;

  template <class Self, class Visitor>
  static void Visit(Self& self, Visitor&& visit) {
    visit("values", self.values);
    visit("colI", self.col_i);
    visit("rowPtr", self.row_ptr);
  }

  size_t rows = 0;
  size_t cols = 0;
  Array values;
  Array col_i;
  Array row_ptr;
};

}  // namespace lowtropy
