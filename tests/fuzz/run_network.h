// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/nn/executor.h"
#include "lowtropy/nn/plan.h"

namespace lowtropy {

// Whether a network takes little enough time and memory to be run by a fuzzer.
inline bool IsSmall(const Network& network) {
  constexpr uint64_t kMaxArena = uint64_t{1} << 20;  // floats
  constexpr uint64_t kMaxMacs = uint64_t{1} << 22;
  if (MakePlan(network.graph).arena_size > kMaxArena) return false;
  uint64_t macs = 0;
  for (const LayerInfo& layer : ListLayers(network)) macs += std::min(layer.macs, kMaxMacs);
  for (const auto& [name, matrix] : network.matrices) {
    if (matrix.rows() > kMaxMacs) return false;
  }
  return macs <= kMaxMacs;
}

// Runs a network that went through CheckNetwork. Sanitizers look on.
inline void RunNetwork(const Network& network) {
  Executor executor(network);
  const auto size = [](const Shape& shape) { return static_cast<size_t>(shape.size()); };
  const std::vector<float> input(size(executor.input_shape()), 0.5F);
  std::vector<std::vector<float>> outputs;
  for (const Shape& shape : executor.output_shapes()) outputs.emplace_back(size(shape));
  std::vector<std::span<float>> spans(outputs.begin(), outputs.end());
  executor.Run(input, spans);
}

}  // namespace lowtropy
