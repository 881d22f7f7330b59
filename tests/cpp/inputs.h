// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lowtropy/graph/graph.h"

namespace lowtropy {

// Of a graph with one input of float32 and fixed dimensions.
inline std::vector<GraphInput> OneInput(std::string name, const Shape& shape) {
  return {{std::move(name), {ElementType::kFloat32, shape}, {}}};
}

}  // namespace lowtropy
