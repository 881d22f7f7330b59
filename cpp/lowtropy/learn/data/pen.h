// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lowtropy {

constexpr int kDigitSide = 28;  // pixels
constexpr int kDigitBox = 20;   // what is drawn just fits into a square of so many

// A place that the pen comes by, and half the width of its line there.
struct Dot {
  float x;
  float y;
  float radius;
};

// At least one dot, joined by straight pieces whose width changes evenly.
using Line = std::vector<Dot>;

// Draws white lines on black, `pixels` [row][column], framed as MNIST's digits are: enlarged or
// reduced to the box, which is then moved by whole pixels so that the centre of mass comes to the
// middle of pixel (14, 14), as far as the image has room.
void DrawFramed(std::vector<Line> lines, std::span<uint8_t> pixels);

}  // namespace lowtropy
