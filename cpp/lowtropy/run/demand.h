// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "lowtropy/graph/graph.h"
#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {

// A graph of a few hundred bytes can ask for any amount of memory and work: a kernel as large as an
// image, a weight of billions of zeros that are not stored. What it asks for is summed up from
// shapes alone and compared with limits before anything is allocated or worked on.

// Sums of bytes cannot overflow: there are at most kMaxNodes nodes, of which none has values or
// tables of more than some 2^35 bytes. Operations can be any number, so they are floats.
struct Demand {
  // Bytes: the arena, tables of convolutions, folded normalizations, and, of a network, its weights
  // as held.
  uint64_t memory = 0;
  // Elementary operations of one run, each of which takes about as long as one multiply-add of a
  // product, 0.1 to 0.3 ns: a product has as many as the dense matrix would have multiply-adds,
  // whatever its format, and others are weighed by what they were measured to take.
  double work = 0;
  std::string heaviest;  // the node with most of the work
};

// What all a network takes may have besides its weights. VGG-16 has 51 MB on 224 x 224 pixels.
inline constexpr uint64_t kDefaultFreeMemory = uint64_t{1} << 30;
// Four times VGG-16 (15.5e9) and five times ResNet-152 (11.6e9); some ten seconds on one thread.
inline constexpr double kDefaultMaxWork = 64e9;

struct Limits {
  // Bytes. By default kDefaultFreeMemory more than the weights that were given take: whoever gave
  // them has sent as much.
  std::optional<uint64_t> max_memory;
  double max_work = kDefaultMaxWork;
};

inline constexpr Limits kNoLimits{std::numeric_limits<uint64_t>::max(),
                                  std::numeric_limits<double>::infinity()};

// What a format adds to the work of a node beyond that of the dense matrix: those that are not
// meant for its products walk their arrays more than once.
double FormatWork(const WeightUse& use, const Matrix& weight);

// The most bytes, where weights of `given` bytes were given.
uint64_t MaxMemory(const Limits& limits, uint64_t given);

// Throws Error(kLimit) that says the sum and the limit.
void CheckDemand(const Demand& demand, uint64_t max_memory, double max_work);

}  // namespace lowtropy
