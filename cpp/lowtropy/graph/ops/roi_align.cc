// SPDX-License-Identifier: Apache-2.0
// roiAlign: regions of images in one size, each of its elements out of a grid of samples, which are
// interpolated (He et al. 2017, Mask R-CNN, section 3).
#include <algorithm>
#include <array>
#include <cmath>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kRoiAttributes[] = {
    {"size", AttributeKind::kIntegers, 2, 1},
    {"samples", AttributeKind::kInteger},
    {"scale", AttributeKind::kNumber},
    {"halfPixel", AttributeKind::kFlag},
    {"max", AttributeKind::kFlag},
};

constexpr uint32_t kMaxSamples = 4096;

// Images are batch x channels x height x width, regions count x 4 (left, top, right, bottom), and
// there is the number of its image for each of these.
ValueType InferRoiAlign(const TypedNode& typed) {
  const Shape& images = typed.shape();
  const Shape& regions = typed.inputs[1].shape;
  const auto& [type, numbers] = typed.inputs[2];
  const bool are_floats = typed.inputs[0].type == ElementType::kFloat32 &&
                          typed.inputs[1].type == ElementType::kFloat32;
  if (!are_floats || type != ElementType::kInt32) {
    throw ShapeError(typed.node, "it takes images and regions of float32, and numbers of int32");
  }
  if (images.rank() != 4 || regions.rank() != 2 || regions[1] != 4 ||
      numbers != Shape{regions[0]}) {
    throw ShapeError(typed.node,
                     Text("its images of ", Describe(images), ", regions of ", Describe(regions),
                          " and numbers of ", Describe(numbers), " do not fit"));
  }
  const Shape& size = typed.node["size"].integers;
  CheckWindowRange(typed.node, "size", size.dims(), 1);
  if (typed.node.Integer("samples") > kMaxSamples) {
    throw ShapeError(typed.node, Text("it takes more than ", kMaxSamples, " samples"));
  }
  return {ElementType::kFloat32, {regions[0], images[1], size[0], size[1]}};
}

// One axis of a region.
struct Span {
  float start;
  float step;  // of one element
  uint32_t samples;
  uint32_t pixels;

  // Where a sample lies; outside the image where it is NaN too.
  float PlaceOf(size_t element, size_t sample) const {
    const float within = (static_cast<float>(sample) + 0.5F) / static_cast<float>(samples);
    return start + (static_cast<float>(element) + within) * step;
  }
};

// Two neighbouring pixels and their weights.
struct Neighbours {
  std::array<size_t, 2> at{};
  std::array<float, 2> weight{};  // 0 outside

  Neighbours(const Span& span, size_t element, size_t sample) {
    const float place = span.PlaceOf(element, sample);
    const auto last = static_cast<float>(span.pixels - 1);
    if (!(place >= -1 && place <= last + 1)) return;
    const float inside = std::clamp(place, 0.0F, last);
    at[0] = static_cast<size_t>(inside);
    at[1] = std::min(at[0] + 1, size_t{span.pixels} - 1);
    weight[1] = inside - static_cast<float>(at[0]);
    weight[0] = 1 - weight[1];
  }
};

// The parts are regions.
class RoiAlignTask final : public Task {
 public:
  RoiAlignTask(const TypedNode& typed, const Shape& output)
      : Task({.work = 24 * static_cast<double>(output.size()) * MostSamples(typed, 0) *
                      MostSamples(typed, 1),
              .parts = {.count = output[0]}}),
        batch_(typed.shape()[0]),
        channels_(output[1]),
        pixels_{typed.shape()[2], typed.shape()[3]},
        size_{output[2], output[3]},
        samples_(typed.node.Integer("samples")),
        scale_(typed.node.Number("scale")),
        half_pixel_(typed.node.Flag("halfPixel")),
        max_(typed.node.Flag("max")) {}

  void Run(const StepData& data, size_t begin, size_t end) const override {
    const auto* const numbers = reinterpret_cast<const int32_t*>(data.inputs[2]);
    for (size_t part = begin; part < end; ++part) {
      const int32_t image = numbers[part];
      if (image < 0 || static_cast<uint32_t>(image) >= batch_) {
        throw NodeError(ErrorKind::kValue, *data.node,
                        Text("its image ", image, " is outside 0 to ", batch_ - 1));
      }
      RunRegion(data.inputs[0] + static_cast<size_t>(image) * channels_ * Plane(),
                data.inputs[1] + 4 * part, data.output + part * channels_ * size_[0] * size_[1]);
    }
  }

 private:
  // Along an axis, where as many are taken as an element has pixels: twice as many as where a
  // region is all of the image.
  static uint32_t MostSamples(uint32_t pixels, uint32_t size) { return 2 * (pixels / size + 1); }
  static double MostSamples(const TypedNode& typed, size_t axis) {
    const uint32_t samples = typed.node.Integer("samples");
    if (samples != 0) return samples;
    return MostSamples(typed.shape()[2 + axis], typed.node["size"].integers[axis]);
  }

  size_t Plane() const { return size_t{pixels_[0]} * pixels_[1]; }

  Span SpanOf(const float* region, size_t axis) const {
    const float offset = half_pixel_ ? 0.5F : 0.0F;
    const float start = region[1 - axis] * scale_ - offset;
    float length = region[3 - axis] * scale_ - offset - start;
    if (!half_pixel_) length = std::max(length, 1.0F);
    const float step = length / static_cast<float>(size_[axis]);
    const auto most = static_cast<float>(MostSamples(pixels_[axis], size_[axis]));
    const float pixels = step > 1 ? std::min(std::ceil(step), most) : 1.0F;
    return {start, step, samples_ != 0 ? samples_ : static_cast<uint32_t>(pixels), pixels_[axis]};
  }

  void RunRegion(const float* image, const float* region, float* output) const {
    const Span rows = SpanOf(region, 0);
    const Span cols = SpanOf(region, 1);
    for (size_t y = 0; y < size_[0]; ++y) {
      for (size_t x = 0; x < size_[1]; ++x) {
        float* const to = output + y * size_[1] + x;
        for (size_t c = 0; c < channels_; ++c) to[c * size_[0] * size_[1]] = 0;
        for (size_t i = 0; i < rows.samples; ++i) {
          const Neighbours vertical(rows, y, i);
          for (size_t j = 0; j < cols.samples; ++j) {
            AddSample(image, vertical, Neighbours(cols, x, j), i == 0 && j == 0, to);
          }
        }
        if (max_) continue;
        const float count = static_cast<float>(rows.samples) * static_cast<float>(cols.samples);
        for (size_t c = 0; c < channels_; ++c) to[c * size_[0] * size_[1]] /= count;
      }
    }
  }

  // To one element of all channels.
  void AddSample(const float* image, const Neighbours& vertical, const Neighbours& horizontal,
                 bool is_first, float* to) const {
    for (size_t c = 0; c < channels_; ++c, image += Plane(), to += size_[0] * size_[1]) {
      float sum = 0;
      float most = 0;
      for (size_t i = 0; i < 2; ++i) {
        const float* const row = image + vertical.at[i] * pixels_[1];
        for (size_t j = 0; j < 2; ++j) {
          const float value = vertical.weight[i] * horizontal.weight[j] * row[horizontal.at[j]];
          sum += value;
          most = i + j == 0 ? value : std::max(most, value);
        }
      }
      // ONNX takes the largest of what is weighed, not of what is interpolated.
      if (max_) {
        *to = is_first ? most : std::max(*to, most);
      } else {
        *to += sum;
      }
    }
  }

  uint32_t batch_;
  size_t channels_;
  std::array<uint32_t, 2> pixels_;
  std::array<uint32_t, 2> size_;
  uint32_t samples_;  // along each axis; 0 for as many as an element has pixels
  float scale_;
  bool half_pixel_;
  bool max_;
};

std::unique_ptr<Task> PlanRoiAlign(const TypedNode& typed, const Shape& output) {
  return std::make_unique<RoiAlignTask>(typed, output);
}

}  // namespace

constinit const Operator ops::kRoiAlign = {.name = "roiAlign",
                                           .version = 5,
                                           .attributes = kRoiAttributes,
                                           .least_inputs = 3,
                                           .most_inputs = 3,
                                           .any_type = 5,
                                           .infer = InferRoiAlign,
                                           .plan = PlanRoiAlign};

}  // namespace lowtropy
