// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "lowtropy/run/executor.h"

// Not for users: what tests look at.
namespace lowtropy::internal {

struct ExecutorAccess {
  // The memory of all values and scratch. Its contents mean nothing between runs.
  static std::span<float> Arena(Executor& executor) {
    return {executor.program().Arena(0), static_cast<size_t>(executor.program().plan.arena_size)};
  }
};

}  // namespace lowtropy::internal
