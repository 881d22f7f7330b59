// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "lowtropy/learn/data/dataset.h"

namespace lowtropy {

// Text as examples of `steps` characters each, one after another; what is left at the end is not
// used. The alphabet is the bytes that occur, in rising order. Throws Error(kValue) unless there is
// at least one example, which takes steps + 1 characters.
std::shared_ptr<const Dataset> ReadText(std::span<const uint8_t> text, uint32_t steps);

}  // namespace lowtropy
