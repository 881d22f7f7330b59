// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/row_scales.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {
namespace {

// The smallest and the largest magnitude other than 0.
struct Range {
  float least = FLT_MAX;
  float most = 0;
};

Range RangeOf(std::span<const float> values) {
  Range range;
  for (const float value : values) {
    const float magnitude = std::fabs(value);
    if (magnitude == 0) continue;
    range.least = std::min(range.least, magnitude);
    range.most = std::max(range.most, magnitude);
  }
  return range;
}

}  // namespace

bool CheckRowScales(const Array& scales, uint64_t rows, std::span<const float> values,
                    std::string* reason) {
  if (!CheckSize(kRowScaleArray, scales, rows, reason) ||
      !CheckFinite(kRowScaleArray, scales, reason)) {
    return false;
  }
  const auto s = scales.As<float>();
  for (size_t i = 0; i < s.size(); ++i) {
    if (!(s[i] > 0)) return Fail(reason, Text(kRowScaleArray, "[", i, "] is not positive"));
  }
  const Range scale = RangeOf(s);
  const Range value = RangeOf(values);
  if (scale.least == scale.most)
    return Fail(reason, Text(kRowScaleArray, " is the same in all rows"));
  if (value.most == 0) return true;
  if (scale.least * value.least >= FLT_MIN && scale.most * value.most <= FLT_MAX) return true;
  return Fail(reason, Text("products of ", kRowScaleArray, " leave the range of normal numbers"));
}

}  // namespace lowtropy
