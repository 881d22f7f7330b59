// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/listed.h"

#include <algorithm>

namespace lowtropy {

void SortListed(std::vector<Listed>* listed) {
  std::sort(listed->begin(), listed->end(), [](const Listed& a, const Listed& b) {
    return a.code != b.code ? a.code < b.code : a.col < b.col;
  });
}

void ListRuns(std::span<const RowEntry> row, const ValueTable& values, std::vector<Listed>* out) {
  out->clear();
  for (const auto& [col, value] : row) out->push_back({values.Code(value), col});
  SortListed(out);
}

}  // namespace lowtropy
