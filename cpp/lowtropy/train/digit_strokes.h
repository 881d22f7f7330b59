// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace lowtropy {

struct Point {
  float x;
  float y;

  bool operator==(const Point&) const = default;
};

// The points that the pen passes through, smoothly except where a point is there twice. A digit is
// 100 high, about 60 wide, and y grows downwards.
using Stroke = std::vector<Point>;

// One way to write a digit, and how often it is met in relation to the digit's other ones.
struct Variant {
  float weight;
  std::vector<Stroke> strokes;
};

// The ways to write 0, 1, … 9.
const std::vector<std::vector<Variant>>& DigitVariants();

}  // namespace lowtropy
