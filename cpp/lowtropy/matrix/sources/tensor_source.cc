// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/sources/tensor_source.h"

#include <cmath>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/profile.h"

namespace lowtropy {

TensorSource::TensorSource(size_t rows, size_t cols) : rows_(rows), cols_(cols) {
  CheckShape(rows, cols);
}

void CheckBytes(std::string_view what, uint64_t needed, uint64_t given) {
  if (needed == given) return;
  throw Error(ErrorKind::kShape,
              Text(what, " take ", needed, " bytes, but there are ", given, "."));
}

void CheckAllFinite(std::string_view what, std::span<const float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    throw Error(ErrorKind::kValue, Text(what, " ", i, " is not finite."));
  }
}

}  // namespace lowtropy
