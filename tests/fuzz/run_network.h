// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "lowtropy/base/error.h"
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

// Runs a network that went through CheckNetwork. Sanitizers look on. An embedding may meet what is
// no class; nothing else can fail.
inline void RunNetwork(const Network& network) {
  Executor executor(network);
  const auto size = [](const Shape& shape) { return static_cast<size_t>(shape.size()); };
  const Graph& graph = network.graph;
  const bool embeds = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                  [](const Node& node) { return node.op == Op::kEmbedding; });
  // Half of anything is no class.
  const std::vector<float> input(size(executor.input_shape()), embeds ? 1.0F : 0.5F);
  std::vector<std::vector<float>> outputs;
  for (const Shape& shape : executor.output_shapes()) outputs.emplace_back(size(shape));
  std::vector<std::span<float>> spans(outputs.begin(), outputs.end());
  try {
    executor.Run(input, spans);
  } catch (const Error& error) {
    if (!embeds || error.kind() != ErrorKind::kValue) std::abort();
  }
}

}  // namespace lowtropy
