// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/formats/profile.h"

namespace lowtropy {

// One element that is stored explicitly: everything but Ω[0].
struct Listed {
  uint32_t code;
  uint32_t col;
};

// The listed elements of `row` in column order, into `out` (emptied first).
inline void ListRow(std::span<const float> row, const ValueTable& values,
                    std::vector<Listed>* out) {
  out->clear();
  for (size_t c = 0; c < row.size(); ++c) {
    const uint32_t code = values.Code(row[c]);
    if (code != 0) out->push_back({code, static_cast<uint32_t>(c)});
  }
}

// The same, grouped by code in Ω order, columns ascending within a group: the runs of cer and cser.
void ListRuns(std::span<const float> row, const ValueTable& values, std::vector<Listed>* out);

}  // namespace lowtropy
