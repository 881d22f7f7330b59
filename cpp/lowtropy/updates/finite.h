// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {

// Throws Error(kValue) with a clause that names the position of a value that is not finite.
inline void CheckFinite(float value, size_t position) {
  if (std::isfinite(value)) return;
  throw Error(ErrorKind::kValue,
              Text(std::isnan(value) ? "NaN" : "an infinity", " at position ", position));
}

// The same of the first of them.
inline void CheckFinite(std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i) CheckFinite(values[i], i);
}

}  // namespace lowtropy
