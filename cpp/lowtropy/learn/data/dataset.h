// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lowtropy/base/checked.h"

namespace lowtropy {

// What a data set's examples look like. Images: channels x height x width values in [0, 1] and one
// label. Text: `steps` characters, as their numbers in the alphabet, and as many labels, each the
// character that follows.
struct ExampleShape {
  uint32_t channels = 1;
  uint32_t height = 1;
  uint32_t width = 1;
  uint32_t steps = 0;    // 0 for images
  uint32_t classes = 0;  // labels are below this; of text, the size of the alphabet

  // Throws Error(kMemory) if that is more than can be addressed.
  size_t inputs() const { return steps > 0 ? steps : CheckedProduct({channels, height, width}); }
  size_t labels() const { return steps > 0 ? steps : 1; }
};

// Examples to learn from. Immutable.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual size_t size() const = 0;  // examples
  virtual const ExampleShape& shape() const = 0;

  // Writes the named examples one after another: inputs() floats each and labels() labels each.
  // They must be below size().
  virtual void Read(std::span<const uint32_t> examples, std::span<float> inputs,
                    std::span<uint32_t> labels) const = 0;
};

}  // namespace lowtropy
