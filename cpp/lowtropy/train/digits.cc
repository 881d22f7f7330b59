// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/train/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/random.h"
#include "lowtropy/train/digit_strokes.h"
#include "lowtropy/train/images.h"

namespace lowtropy {
namespace {

constexpr size_t kMaxCount = 1000000;
constexpr int kSide = 28;
constexpr float kBox = 20;  // longer side of what is drawn
constexpr size_t kArea = size_t{kSide} * kSide;

using Canvas = std::array<float, kArea>;

// Where the pen is, and half the width of its line there.
struct Dot {
  float x;
  float y;
  float radius;
};

// Dots in the order in which they are joined; a stroke's first dot is `starts`.
struct Line {
  std::vector<Dot> dots;
  std::vector<size_t> starts;
};

const Variant& Choose(const std::vector<Variant>& variants, Random* random) {
  float total = 0;
  for (const Variant& variant : variants) total += variant.weight;
  float rest = random->Uniform() * total;
  for (const Variant& variant : variants) {
    rest -= variant.weight;
    if (rest < 0) return variant;
  }
  return variants.back();
}

// How one writer's hand moves the points of a digit.
class Hand {
 public:
  explicit Hand(Random* random) : random_(random) {
    width_ = 1 + 0.2F * random->Normal();
    width_ = std::clamp(width_, 0.5F, 1.5F);
    slant_ = 0.12F + 0.25F * random->Normal();
    turn_ = 0.1F * random->Normal();
    for (float& bend : bends_) bend = 0.08F * random->Normal();
    jitter_ = 2 + 3 * random->Uniform();
    radius_ = 3 + 6 * random->Uniform();
    pressure_ = 0.15F * random->Normal();
  }

  // Around the digit's centre.
  Point Move(Point point) {
    // Units of half the height.
    float x = (point.x - 30 + jitter_ * random_->Normal()) / 50;
    float y = (point.y - 50 + jitter_ * random_->Normal()) / 50;
    x *= width_;
    const float bent_x = x + bends_[0] * y * y + bends_[1] * x * y;
    const float bent_y = y + bends_[2] * y * y + bends_[3] * x * y;
    x = bent_x - slant_ * bent_y;
    y = bent_y;
    const float scale = 1 / std::sqrt(1 + turn_ * turn_);
    return {50 * scale * (x - turn_ * y), 50 * scale * (y + turn_ * x)};
  }

  // `y` of the moved point
  float Radius(float y) const { return std::max(radius_ * (1 + pressure_ * y / 50), 1.5F); }

 private:
  Random* random_;
  float width_;
  float slant_;
  float turn_;
  std::array<float, 4> bends_;
  float jitter_;
  float radius_;
  float pressure_;
};

// A uniform Catmull–Rom spline.
float Interpolate(float a, float b, float c, float d, float t) {
  return b + 0.5F * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

void Draw(const Stroke& stroke, Hand* hand, Line* line) {
  Stroke moved;
  for (size_t i = 0; i < stroke.size(); ++i) {
    const bool corner = i > 0 && stroke[i].x == stroke[i - 1].x && stroke[i].y == stroke[i - 1].y;
    moved.push_back(corner ? moved.back() : hand->Move(stroke[i]));
  }
  constexpr int kSteps = 5;
  line->starts.push_back(line->dots.size());
  for (size_t i = 0; i + 1 < moved.size(); ++i) {
    const Point& a = moved[i > 0 ? i - 1 : 0];
    const Point& b = moved[i];
    const Point& c = moved[i + 1];
    const Point& d = moved[std::min(i + 2, moved.size() - 1)];
    for (int step = i > 0 ? 1 : 0; step <= kSteps; ++step) {
      const float t = static_cast<float>(step) / kSteps;
      const float x = Interpolate(a.x, b.x, c.x, d.x, t);
      const float y = Interpolate(a.y, b.y, c.y, d.y, t);
      line->dots.push_back({x, y, hand->Radius(y)});
    }
  }
}

// Scales and moves the line into a box of kBox x kBox at (4, 4).
void Fit(Line* line) {
  float left = 1e9F;
  float top = 1e9F;
  float right = -1e9F;
  float bottom = -1e9F;
  for (const Dot& dot : line->dots) {
    left = std::min(left, dot.x - dot.radius);
    right = std::max(right, dot.x + dot.radius);
    top = std::min(top, dot.y - dot.radius);
    bottom = std::max(bottom, dot.y + dot.radius);
  }
  const float scale = kBox / std::max(right - left, bottom - top);
  const float margin = (kSide - kBox) / 2;
  for (Dot& dot : line->dots) {
    dot.x = (dot.x - left) * scale + margin;
    dot.y = (dot.y - top) * scale + margin;
    dot.radius *= scale;
  }
}

// Adds a piece of line whose width changes evenly: a pixel is covered by as much as the line
// reaches beyond its centre, which is right to within a few percent where the line is not much
// bent.
void Ink(const Dot& from, const Dot& to, Canvas* canvas) {
  const float reach = std::max(from.radius, to.radius) + 0.5F;
  const int x0 = std::max(static_cast<int>(std::min(from.x, to.x) - reach), 0);
  const int x1 = std::min(static_cast<int>(std::max(from.x, to.x) + reach), kSide - 1);
  const int y0 = std::max(static_cast<int>(std::min(from.y, to.y) - reach), 0);
  const int y1 = std::min(static_cast<int>(std::max(from.y, to.y) + reach), kSide - 1);
  const float dx = to.x - from.x;
  const float dy = to.y - from.y;
  const float scale = 1 / std::max(dx * dx + dy * dy, 1e-9F);
  for (int row = y0; row <= y1; ++row) {
    for (int column = x0; column <= x1; ++column) {
      const float x = static_cast<float>(column) + 0.5F - from.x;
      const float y = static_cast<float>(row) + 0.5F - from.y;
      const float t = std::clamp((x * dx + y * dy) * scale, 0.0F, 1.0F);
      const float off_x = x - t * dx;
      const float off_y = y - t * dy;
      const float distance = std::sqrt(off_x * off_x + off_y * off_y);
      const float radius = from.radius + t * (to.radius - from.radius);
      float& pixel = (*canvas)[static_cast<size_t>(row * kSide + column)];
      pixel = std::max(pixel, std::min(radius + 0.5F - distance, 1.0F));
    }
  }
}

// Copies the canvas so that its centre of mass is in the middle.
void Centre(const Canvas& canvas, uint8_t* pixels) {
  float mass = 0;
  float x = 0;
  float y = 0;
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column) {
      const float ink = canvas[static_cast<size_t>(row * kSide + column)];
      mass += ink;
      x += ink * (static_cast<float>(column) + 0.5F);
      y += ink * (static_cast<float>(row) + 0.5F);
    }
  }
  const int right = static_cast<int>(std::floor(kSide / 2.0F - x / mass + 0.5F));
  const int down = static_cast<int>(std::floor(kSide / 2.0F - y / mass + 0.5F));
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column) {
      const int from_row = row - down;
      const int from_column = column - right;
      if (from_row < 0 || from_row >= kSide || from_column < 0 || from_column >= kSide) continue;
      const float ink = canvas[static_cast<size_t>(from_row * kSide + from_column)];
      pixels[row * kSide + column] = static_cast<uint8_t>(ink * 255 + 0.5F);
    }
  }
}

void DrawDigit(size_t digit, Random* random, uint8_t* pixels) {
  Hand hand(random);
  Line line;
  for (const Stroke& stroke : Choose(DigitVariants()[digit], random).strokes) {
    Draw(stroke, &hand, &line);
  }
  Fit(&line);
  Canvas canvas{};
  for (size_t i = 1; i < line.dots.size(); ++i) {
    if (std::find(line.starts.begin(), line.starts.end(), i) != line.starts.end()) continue;
    Ink(line.dots[i - 1], line.dots[i], &canvas);
  }
  Centre(canvas, pixels);
}

}  // namespace

std::shared_ptr<const Dataset> MakeDigits(size_t count, uint64_t seed) {
  if (count < 1 || count > kMaxCount) {
    throw Error(ErrorKind::kValue, "A set of digits has 1 to " + std::to_string(kMaxCount) +
                                       " examples, not " + std::to_string(count) + ".");
  }
  ExampleShape shape;
  shape.height = kSide;
  shape.width = kSide;
  shape.classes = static_cast<uint32_t>(DigitVariants().size());
  std::vector<uint8_t> pixels(count * kArea);
  std::vector<uint8_t> labels(count);
  for (size_t i = 0; i < count; ++i) {
    Random random(seed, i);
    labels[i] = static_cast<uint8_t>(i % shape.classes);
    DrawDigit(labels[i], &random, pixels.data() + i * kArea);
  }
  return std::make_shared<Images>(shape, std::move(pixels), std::move(labels));
}

}  // namespace lowtropy
