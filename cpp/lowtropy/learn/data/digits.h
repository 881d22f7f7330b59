// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "lowtropy/learn/data/dataset.h"

namespace lowtropy {

// Digits as if written by hand, drawn from strokes that vary by chance and framed as MNIST's are:
// 28 x 28, white on black, the longer side 20 pixels, the centre of mass in the middle. Example i
// shows the digit i mod 10 and depends on `seed` and i only, with the same bytes on every machine.
// Throws Error(kValue) unless count is 1 to 1,000,000.
std::shared_ptr<const Dataset> MakeDigits(size_t count, uint64_t seed);

}  // namespace lowtropy
