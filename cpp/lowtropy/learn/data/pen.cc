// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/pen.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lowtropy {
namespace {

constexpr int kMargin = (kDigitSide - kDigitBox) / 2;
constexpr float kMiddle = 0.5F * kDigitSide;

struct Canvas {
  float ink[kDigitSide][kDigitSide] = {};  // how much of each pixel is covered, 0 to 1
};

// Scales and moves the lines into the middle of the canvas, where they just fit into the box.
void Fit(std::vector<Line>* lines) {
  constexpr float kFar = std::numeric_limits<float>::max();
  float left = kFar;
  float top = kFar;
  float right = -kFar;
  float bottom = -kFar;
  for (const Line& line : *lines) {
    for (const Dot& dot : line) {
      left = std::min(left, dot.x - dot.radius);
      top = std::min(top, dot.y - dot.radius);
      right = std::max(right, dot.x + dot.radius);
      bottom = std::max(bottom, dot.y + dot.radius);
    }
  }
  const float scale = kDigitBox / std::max(right - left, bottom - top);
  for (Line& line : *lines) {
    for (Dot& dot : line) {
      dot.x = (dot.x - (left + right) / 2) * scale + kMiddle;
      dot.y = (dot.y - (top + bottom) / 2) * scale + kMiddle;
      dot.radius *= scale;
    }
  }
}

// The pixels that a stretch of the axis may touch.
struct Range {
  int first;
  int last;
};
Range Touched(float from, float to, float reach) {
  return {std::max(static_cast<int>(std::min(from, to) - reach), 0),
          std::min(static_cast<int>(std::max(from, to) + reach), kDigitSide - 1)};
}

// Adds a piece of line. A pixel counts as covered by as much as the line reaches beyond its centre,
// plus a half: right where the edge is straight and along the axes, and near enough elsewhere.
void AddPiece(const Dot& from, const Dot& to, Canvas* canvas) {
  const float reach = std::max(from.radius, to.radius) + 0.5F;
  const Range rows = Touched(from.y, to.y, reach);
  const Range columns = Touched(from.x, to.x, reach);
  const float dx = to.x - from.x;
  const float dy = to.y - from.y;
  const float scale = 1 / std::max(dx * dx + dy * dy, 1e-9F);
  for (int row = rows.first; row <= rows.last; ++row) {
    const float y = static_cast<float>(row) + 0.5F - from.y;
    for (int column = columns.first; column <= columns.last; ++column) {
      const float x = static_cast<float>(column) + 0.5F - from.x;
      const float along = std::clamp((x * dx + y * dy) * scale, 0.0F, 1.0F);
      const float off_x = x - along * dx;
      const float off_y = y - along * dy;
      const float distance = std::sqrt(off_x * off_x + off_y * off_y);
      const float radius = from.radius + along * (to.radius - from.radius);
      float& pixel = canvas->ink[row][column];
      pixel = std::max(pixel, std::min(radius - distance + 0.5F, 1.0F));
    }
  }
}

Canvas Ink(const std::vector<Line>& lines) {
  Canvas canvas;
  for (const Line& line : lines) {
    for (size_t i = 1; i < line.size(); ++i) AddPiece(line[i - 1], line[i], &canvas);
  }
  return canvas;
}

int Rounded(float value) { return static_cast<int>(std::floor(value + 0.5F)); }

// By how many pixels to move the canvas to the right and down.
struct Shift {
  int right;
  int down;
};
Shift ToCentre(const Canvas& canvas) {
  float mass = 0;
  float x = 0;
  float y = 0;
  for (int row = 0; row < kDigitSide; ++row) {
    for (int column = 0; column < kDigitSide; ++column) {
      const float ink = canvas.ink[row][column];
      mass += ink;
      x += ink * static_cast<float>(column);
      y += ink * static_cast<float>(row);
    }
  }
  return {std::clamp(Rounded(kMiddle - x / mass), -kMargin, kMargin),
          std::clamp(Rounded(kMiddle - y / mass), -kMargin, kMargin)};
}

}  // namespace

void DrawFramed(std::vector<Line> lines, std::span<uint8_t> pixels) {
  Fit(&lines);
  const Canvas canvas = Ink(lines);
  const Shift shift = ToCentre(canvas);
  std::fill(pixels.begin(), pixels.end(), uint8_t{0});
  for (int row = kMargin; row < kMargin + kDigitBox; ++row) {
    const float* ink = canvas.ink[row] + kMargin;
    std::transform(ink, ink + kDigitBox,
                   pixels.data() + (row + shift.down) * kDigitSide + kMargin + shift.right,
                   [](float covered) { return static_cast<uint8_t>(Rounded(255 * covered)); });
  }
}

}  // namespace lowtropy
