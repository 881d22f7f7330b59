// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "lowtropy/learn/data/dataset.h"

namespace lowtropy {

// Labelled images held as bytes, a fourth of what floats would take: the value 0..1 is byte / 255.
class Images final : public Dataset {
 public:
  // `pixels` [label][channel][row][column], one image for each label.
  Images(const ExampleShape& shape, std::vector<uint8_t> pixels, std::vector<uint8_t> labels);

  size_t size() const override { return labels_.size(); }
  const ExampleShape& shape() const override { return shape_; }
  void Read(std::span<const uint32_t> examples, std::span<float> inputs,
            std::span<uint32_t> labels) const override;

 private:
  ExampleShape shape_;
  std::vector<uint8_t> pixels_;
  std::vector<uint8_t> labels_;
};

}  // namespace lowtropy
