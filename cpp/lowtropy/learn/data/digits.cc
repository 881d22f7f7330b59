// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/digits.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/random.h"
#include "lowtropy/base/text.h"
#include "lowtropy/learn/data/digit_strokes.h"
#include "lowtropy/learn/data/images.h"
#include "lowtropy/learn/data/pen.h"

namespace lowtropy {
namespace {

constexpr size_t kMaxCount = 1000000;

// The numbers of a hand: means and standard deviations, lengths in hundredths of a digit's height.
// Slant, widths and thickness are as wide apart as in MNIST; the others were tried out: a network
// trained on digits should do well with real ones.
constexpr float kWidthMean = 1.15F;  // to height, in relation to the strokes as listed
constexpr float kWidthDeviation = 0.22F;
constexpr float kSlantMean = 0.08F;  // the top to the right, per height
constexpr float kSlantDeviation = 0.25F;
constexpr float kTurnDeviation = 0.1F;  // clockwise, radians nearly
constexpr float kBendDeviation = 0.12F;
constexpr float kTwistDeviation = 0.05F;
constexpr float kLeastJitter = 2.5F;  // of points, standard deviation: evenly from this …
constexpr float kMostJitter = 7;      // … to this
constexpr float kRadiusMean = 6.6F;
constexpr float kRadiusDeviation = 2.2F;
constexpr float kRadiusSkew = 0.45F;  // wide pens are farther from the mean than narrow ones
constexpr float kLeastRadius = 1.5F;
constexpr float kPressureDeviation = 0.2F;   // more radius at the bottom than in the middle
constexpr float kExtensionDeviation = 0.3F;  // of ends, in relation to the next point's distance
constexpr float kRoundedCorners = 0.25F;     // how many

const Variant& Choose(const std::vector<Variant>& variants, Random* random) {
  uint32_t total = 0;
  for (const Variant& variant : variants) total += variant.weight;
  uint32_t left = random->Below(total);
  const Variant* chosen = variants.data();
  while (left >= chosen->weight) left -= (chosen++)->weight;
  return *chosen;
}

struct Point {
  float x;
  float y;
};

// One writer's way with one digit.
class Hand {
 public:
  explicit Hand(Random* random) : random_(random) {
    width_ = std::clamp(kWidthMean + Deviation(kWidthDeviation), 0.4F, 2.0F);
    slant_ = kSlantMean + Deviation(kSlantDeviation);
    turn_ = Deviation(kTurnDeviation);
    for (Bend* bend : {&bend_x_, &bend_y_}) {
      for (float& coefficient : bend->square) coefficient = Deviation(kBendDeviation);
      for (float& coefficient : bend->cubic) coefficient = Deviation(kTwistDeviation);
    }
    jitter_ = random->Uniform(kLeastJitter, kMostJitter);
    const float wideness = random->Normal();
    radius_ = kRadiusMean + wideness * (kRadiusDeviation + wideness * kRadiusSkew);
    pressure_ = Deviation(kPressureDeviation);
  }

  Line Draw(const Stroke& stroke) {
    const std::vector<Point> points = Move(stroke);
    Line line;
    for (size_t i = 0; i + 1 < points.size(); ++i) {
      const Point& before = points[i > 0 ? i - 1 : 0];
      const Point& after = points[std::min(i + 2, points.size() - 1)];
      for (int step = i > 0 ? 1 : 0; step <= kSteps; ++step) {
        const float t = static_cast<float>(step) / kSteps;
        const float x = Spline(before.x, points[i].x, points[i + 1].x, after.x, t);
        const float y = Spline(before.y, points[i].y, points[i + 1].y, after.y, t);
        line.push_back({x, y, RadiusAt(y)});
      }
    }
    return line;
  }

 private:
  static constexpr int kSteps = 5;  // straight pieces between two points

  // A polynomial in x and y without its linear part.
  struct Bend {
    std::array<float, 3> square;  // of x², xy, y²
    std::array<float, 4> cubic;   // of x³, x²y, xy², y³

    float At(float x, float y) const {
      return square[0] * x * x + square[1] * x * y + square[2] * y * y +
             x * x * (cubic[0] * x + cubic[1] * y) + y * y * (cubic[2] * x + cubic[3] * y);
    }
  };

  // A uniform Catmull–Rom spline from b to c as t goes from 0 to 1.
  static float Spline(float a, float b, float c, float d, float t) {
    const float linear = c - a;
    const float square = 2 * a - 5 * b + 4 * c - d;
    const float cubic = 3 * (b - c) + d - a;
    return b + 0.5F * t * (linear + t * (square + t * cubic));
  }

  float Deviation(float standard) { return standard * random_->Normal(); }

  // A corner is a point that is there twice.
  std::vector<Point> Move(const Stroke& stroke) {
    std::vector<Point> moved;
    for (const StrokePoint& point : stroke) {
      moved.push_back(Move(point));
      if (point.corner && random_->Uniform() >= kRoundedCorners) moved.push_back(moved.back());
    }
    Extend(&moved.front(), moved[1]);
    Extend(&moved.back(), moved[moved.size() - 2]);
    return moved;
  }

  // In units of half the height around the middle, so that bends are largest at the edge.
  Point Move(const StrokePoint& point) {
    const float jitter_x = Deviation(jitter_);
    const float jitter_y = Deviation(jitter_);
    const float x = (point.x - 30 + jitter_x) / 50 * width_;
    const float y = (point.y - 50 + jitter_y) / 50;
    const float bent_y = y + bend_y_.At(x, y);
    const float bent_x = x + bend_x_.At(x, y) - slant_ * bent_y;
    const float cosine = 1 / std::sqrt(1 + turn_ * turn_);
    return {50 * cosine * (bent_x - turn_ * bent_y), 50 * cosine * (bent_y + turn_ * bent_x)};
  }

  void Extend(Point* end, const Point& next) {
    const float extension = Deviation(kExtensionDeviation);
    end->x += extension * (end->x - next.x);
    end->y += extension * (end->y - next.y);
  }

  float RadiusAt(float y) const {
    return std::max(radius_ * (1 + pressure_ * y / 50), kLeastRadius);
  }

  Random* random_;
  float width_;
  float slant_;
  float turn_;
  Bend bend_x_;
  Bend bend_y_;
  float jitter_;
  float radius_;
  float pressure_;
};

void DrawDigit(size_t digit, Random random, std::span<uint8_t> pixels) {
  const Variant& variant = Choose(DigitVariants()[digit], &random);
  Hand hand(&random);
  std::vector<Line> lines;
  for (const Stroke& stroke : variant.strokes) lines.push_back(hand.Draw(stroke));
  DrawFramed(std::move(lines), pixels);
}

}  // namespace

std::shared_ptr<const Dataset> MakeDigits(size_t count, uint64_t seed) {
  if (count < 1 || count > kMaxCount) {
    throw Error(ErrorKind::kValue,
                Text("A set of digits has 1 to ", kMaxCount, " examples, not ", count, "."));
  }
  ExampleShape shape;
  shape.height = kDigitSide;
  shape.width = kDigitSide;
  shape.classes = static_cast<uint32_t>(DigitVariants().size());
  const size_t area = shape.inputs();
  std::vector<uint8_t> pixels(count * area);
  std::vector<uint8_t> labels(count);
  for (size_t i = 0; i < count; ++i) {
    labels[i] = static_cast<uint8_t>(i % shape.classes);
    DrawDigit(labels[i], Random(seed, i), std::span(pixels).subspan(i * area, area));
  }
  return std::make_shared<Images>(shape, std::move(pixels), std::move(labels));
}

}  // namespace lowtropy
