// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/matrix/profile.h"

namespace lowtropy {

// One element that is stored explicitly: everything but Ω[0].
struct Listed {
  uint32_t code;
  uint32_t col;
};

// By code, and by column where codes are equal.
void SortListed(std::vector<Listed>* listed);

// The listed elements of a row, grouped by code in Ω order, columns ascending within a group: the
// runs of cer and cser. Into `out` (emptied first).
void ListRuns(std::span<const RowEntry> row, const ValueTable& values, std::vector<Listed>* out);

}  // namespace lowtropy
