// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace lowtropy {

// Replaces each weight by one of at most `count` values, the centres of clusters, with a small sum
// of squared errors. 0 stays 0 and is one of the values where it occurs, so that what was pruned
// stays pruned. Weights with no more different values stay as they are. `weights` are finite.
// Throws Error(kValue) for a count below 2. Takes five times the weights' memory.
//
// Starts with one cluster and divides the one with the largest error at its mean until there are
// enough; then Lloyd's algorithm, of at most a hundred rounds. (From centres at equal distances, as
// in Deep Compression, half of them would lie where pruning has left no values.) Equal weights give
// equal values on every machine.
void Quantize(size_t count, std::span<float> weights);

}  // namespace lowtropy
