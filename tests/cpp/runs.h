// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "lowtropy/run/executor.h"

namespace lowtropy {

// Runs whose inputs and outputs have elements of any type.

template <class T>
void Fill(Executor& executor, size_t input, const std::vector<T>& values) {
  const std::span<std::byte> place = executor.Input(input);
  ASSERT_EQ(place.size(), values.size() * sizeof(T));
  std::memcpy(place.data(), values.data(), place.size());
}

template <class T>
std::vector<T> OutputOf(const Executor& executor, size_t output) {
  const std::span<const std::byte> place = executor.Output(output);
  std::vector<T> values(place.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), place.data(), place.size());
  return values;
}

inline void RunAll(Executor& executor) {
  executor.Start();
  EXPECT_TRUE(executor.Advance(1e30));
  EXPECT_EQ(executor.progress(), 1);
}

}  // namespace lowtropy
