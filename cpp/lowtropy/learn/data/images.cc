// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/images.h"

#include <utility>

namespace lowtropy {

Images::Images(const ExampleShape& shape, std::vector<uint8_t> pixels, std::vector<uint8_t> labels)
    : shape_(shape), pixels_(std::move(pixels)), labels_(std::move(labels)) {}

void Images::Read(std::span<const uint32_t> examples, std::span<float> inputs,
                  std::span<uint32_t> labels) const {
  const size_t area = shape_.inputs();
  float* input = inputs.data();
  for (size_t i = 0; i < examples.size(); ++i) {
    const uint8_t* pixel = pixels_.data() + examples[i] * area;
    for (size_t j = 0; j < area; ++j) *input++ = static_cast<float>(pixel[j]) / 255.0F;
    labels[i] = labels_[examples[i]];
  }
}

}  // namespace lowtropy
