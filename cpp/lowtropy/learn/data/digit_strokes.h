// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace lowtropy {

// A point that the pen passes through, smoothly or around a corner. Digits are 100 high and about
// 60 wide; y grows downwards.
struct StrokePoint {
  float x = 0;
  float y = 0;
  bool corner = false;
};

// At least two points.
using Stroke = std::vector<StrokePoint>;

// One way to write a digit, and how often it is met in relation to the digit's other ones.
struct Variant {
  uint32_t weight;
  std::vector<Stroke> strokes;
};

// The ways to write 0, 1, … 9.
const std::vector<std::vector<Variant>>& DigitVariants();

}  // namespace lowtropy
