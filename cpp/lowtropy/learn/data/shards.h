// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "lowtropy/learn/data/dataset.h"

namespace lowtropy {

// `count` examples starting with `from`. Shares the data. Throws Error(kValue) unless there are
// that many, and at least one.
std::shared_ptr<const Dataset> Slice(std::shared_ptr<const Dataset> data, size_t from,
                                     size_t count);

// The numbers of a worker's examples, in no particular order.
using Shard = std::vector<uint32_t>;

// The examples 0 … count − 1, each to one worker by chance; sizes differ by at most 1. Throws
// Error(kValue) if there are fewer examples than workers, or no workers.
std::vector<Shard> SplitIid(size_t count, size_t workers, uint64_t seed);

// Each worker sees at most `labels_per_worker` of the classes that occur, and each example has at
// most one worker. Every class has a worker if workers · labels_per_worker is at least the number
// of classes; otherwise examples of the others are left out. An example goes to the worker with the
// fewest among those who see its class, so sizes are equal where the classes allow it. Throws
// Error(kValue) for text, for numbers that do not fit the classes, or if a worker would stay
// without examples.
std::vector<Shard> SplitByLabels(const Dataset& data, size_t workers, uint32_t labels_per_worker,
                                 uint64_t seed);

}  // namespace lowtropy
