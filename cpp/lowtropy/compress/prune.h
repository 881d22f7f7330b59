// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace lowtropy {

// Sets the smallest magnitudes to 0: ⌊share · n⌋ of them, of equal ones the first. `weights` are
// finite. Throws Error(kValue) for a share that is not from 0 to below 1. Takes a copy of them.
void Prune(double share, std::span<float> weights);

}  // namespace lowtropy
