// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lowtropy/base/array.h"

namespace lowtropy::bindings {

// A piece of the heap that JavaScript fills or reads, aligned to a cache line. A model that is
// loaded from one shares it, and keeps it when the buffer is deleted.
struct Buffer {
  explicit Buffer(uint64_t bytes) : memory(AllocateBytes(bytes)), size(bytes) {}

  std::span<const uint8_t> Bytes() const {
    return {reinterpret_cast<const uint8_t*>(memory.get()), static_cast<size_t>(size)};
  }

  std::span<float> Floats() const {
    return {reinterpret_cast<float*>(memory.get()), static_cast<size_t>(size / sizeof(float))};
  }

  std::shared_ptr<std::byte> memory;
  uint64_t size;
};

}  // namespace lowtropy::bindings
