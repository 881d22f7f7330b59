// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

// Row scales: a matrix may be diag(s) · C, w = fl(s[row] · c), with C in any format. A network that
// is quantized per channel has few integers, but hardly a value twice in different rows: with s
// apart C holds the integers, at their entropy. s takes 4 bytes a row, and one multiplication of
// each product.

inline constexpr std::string_view kRowScaleArray = "rowScale";

// Whether these scales may be held apart from `values`, all that C holds: one a row, finite and
// positive, not all the same (that one belongs into the values), and no s · c but 0 overflows or is
// denormal. So +0.0 stays +0.0, other values do not become 0, and products keep their bound.
bool CheckRowScales(const Array& scales, uint64_t rows, std::span<const float> values,
                    std::string* reason);

// C of a source that is given as diag(s) · C, with s; of any other the source itself, without.
class Unscaled {
 public:
  explicit Unscaled(const RowSource& source)
      : parts_(source.TakeApart()), rows_(parts_.rows ? *parts_.rows : source) {}

  const RowSource& rows() const { return rows_; }
  const Array& scales() const { return parts_.scales; }

 private:
  RowScaled parts_;
  const RowSource& rows_;
};

}  // namespace lowtropy
