// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/format.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

// Stored: `values`, rows x cols float32, row-major. 4 bytes an element; one multiplication and one
// addition each. Wins where the entropy is high and every element differs.
struct Dense {
  static constexpr Format kFormat = Format::kDense;

  static Dense Encode(const RowSource& source, const Profile& profile);
  void DecodeRow(size_t row, std::span<float> out) const;
  bool Validate(std::string* reason) const;

  template <class Self, class Visitor>
  static void Visit(Self& self, Visitor&& visit) {
    visit("values", self.values);
  }

  size_t rows = 0;
  size_t cols = 0;
  Array values;
};

}  // namespace lowtropy
