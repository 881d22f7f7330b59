// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "lowtropy/learn/data/dataset.h"

namespace lowtropy {

// Grey images and their labels 0..9 from the two files that MNIST is published as (IDX, not
// compressed): big-endian words, then bytes.
//
//   images  0x00000803  count  rows  columns  then count · rows · columns pixels
//   labels  0x00000801  count                 then count labels
//
// Throws Error(kFile) if either is anything else.
std::shared_ptr<const Dataset> ReadIdx(std::span<const uint8_t> images,
                                       std::span<const uint8_t> labels);

}  // namespace lowtropy
