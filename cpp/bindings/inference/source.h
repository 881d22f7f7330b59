// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "lowtropy/matrix/row_source.h"

namespace lowtropy::bindings {

// Weights as JavaScript has them, copied into the heap, and the memory that they lie in.
struct Source {
  std::shared_ptr<std::byte> memory[3];
  std::unique_ptr<RowSource> rows;
};

}  // namespace lowtropy::bindings
