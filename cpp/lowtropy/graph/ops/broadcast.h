// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lowtropy/graph/graph.h"

namespace lowtropy {

// The shape that both fit, as numpy has it: aligned at the last dimensions, those of one are those
// of the other, or 1, or missing. Throws Error(kShape).
Shape BroadcastShape(const Node& node, const Shape& a, const Shape& b);

}  // namespace lowtropy
