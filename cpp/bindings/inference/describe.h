// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emscripten/val.h>

#include "lowtropy/matrix/choose/choose.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/profile.h"

namespace lowtropy::bindings {

// The library's records as the plain objects of web/lib.
emscripten::val DescribeStats(const Stats& stats);
emscripten::val DescribeCost(const Cost& cost);
emscripten::val DescribeChoice(const Choice& choice);

}  // namespace lowtropy::bindings
