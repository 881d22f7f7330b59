// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "lowtropy/graph/graph.h"

namespace lowtropy {

// The shape that both fit, as numpy has it: aligned at the last dimensions, those of one are those
// of the other, or 1, or missing. Throws Error(kShape).
Shape BroadcastShape(const Node& node, const Shape& a, const Shape& b);

// A function of several values: makes `size` elements of as many of each side, which lie side by
// side. The output may be a side.
using Combine = void (*)(const std::byte* const* sides, size_t size, std::byte* output);

// Of the operator of that name, which takes two values, for elements of this type; null where there
// is none.
Combine FindCombine(std::string_view name, ElementType type);

}  // namespace lowtropy
