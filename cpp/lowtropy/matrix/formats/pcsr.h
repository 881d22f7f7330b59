// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/format.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

// Palette CSR. Stored: `omega`, the distinct values, most frequent first (float32); for each
// element other than omega[0], in row order, `codes`, its position in omega, and `colI`, its
// column; `rowPtr`, where each row starts (rows + 1). With up to 256 values and columns 2 bytes an
// element, where csr takes 5; one multiplication and one addition each. Wins where rows hold so
// many distinct values (K per row large) that the runs of cer and cser are short.
struct Pcsr {
  static constexpr Format kFormat = Format::kPcsr;

  static Pcsr Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return omega.As<float>()[0]; }

  // Calls f(column, value) for each listed element of a row, in the order of `colI`.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto values = omega.As<float>();
    for (size_t i = row_ptr.Index(row); i < row_ptr.Index(row + 1); ++i) {
      f(col_i.Index(i), values[codes.Index(i)]);
    }
  }

  bool Validate(std::string* reason) const;

  template <class Self, class Visitor>
  static void Visit(Self& self, Visitor&& visit) {
    visit("omega", self.omega);
    visit("codes", self.codes);
    visit("colI", self.col_i);
    visit("rowPtr", self.row_ptr);
  }

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array codes;
  Array col_i;
  Array row_ptr;
};

}  // namespace lowtropy
