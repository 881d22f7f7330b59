// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/compress/prune.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {

void Prune(double share, std::span<float> weights) {
  if (!(share >= 0 && share < 1)) {
    throw Error(ErrorKind::kValue, "The share to prune must be from 0 to below 1.");
  }
  const auto count = static_cast<size_t>(share * static_cast<double>(weights.size()));
  if (count == 0) return;
  std::vector<float> magnitudes(weights.size());
  std::transform(weights.begin(), weights.end(), magnitudes.begin(),
                 [](float weight) { return std::abs(weight); });
  const auto last = magnitudes.begin() + static_cast<ptrdiff_t>(count) - 1;
  std::nth_element(magnitudes.begin(), last, magnitudes.end());
  const float threshold = *last;
  // All below the threshold lie before it now; what they leave goes to those at it.
  auto equal = last - magnitudes.begin() + 1 -
               std::count_if(magnitudes.begin(), last,
                             [&](float magnitude) { return magnitude < threshold; });
  for (float& weight : weights) {
    const float magnitude = std::abs(weight);
    if (magnitude < threshold || (magnitude == threshold && equal-- > 0)) weight = 0;
  }
}

}  // namespace lowtropy
