// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

namespace lowtropy {

// Milliseconds since some moment, which never go back. (POSIX's clock: std::chrono's can fail, and
// saying so takes 8 KB of WebAssembly.)
inline double MillisecondsNow() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace lowtropy
