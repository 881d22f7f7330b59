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
struct Magnitudes {
  float least = FLT_MAX;
  float most = 0;
};

Magnitudes MagnitudesOf(std::span<const float> values) {
  Magnitudes magnitudes;
  for (const float value : values) {
    const float magnitude = std::fabs(value);
    if (magnitude == 0) continue;
    magnitudes.least = std::min(magnitudes.least, magnitude);
    magnitudes.most = std::max(magnitudes.most, magnitude);
  }
  return magnitudes;
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
  const Magnitudes scale = MagnitudesOf(s);
  const Magnitudes value = MagnitudesOf(values);
  if (scale.least == scale.most)
    return Fail(reason, Text(kRowScaleArray, " is the same in all rows"));
  if (value.most == 0) return true;
  if (scale.least * value.least >= FLT_MIN && scale.most * value.most <= FLT_MAX) return true;
  return Fail(reason, Text("products of ", kRowScaleArray, " leave the range of normal numbers"));
}

}  // namespace lowtropy
