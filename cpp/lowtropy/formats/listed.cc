// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/listed.h"

#include <algorithm>

namespace lowtropy {

void ListRuns(std::span<const float> row, const ValueTable& values, std::vector<Listed>* out) {
  ListRow(row, values, out);
  std::sort(out->begin(), out->end(), [](const Listed& a, const Listed& b) {
    return a.code != b.code ? a.code < b.code : a.col < b.col;
  });
}

}  // namespace lowtropy
