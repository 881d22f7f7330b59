// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/run/builder.h"
#include "lowtropy/run/executor.h"

namespace lowtropy {

// Little enough for thousands of networks a second, sanitizers and all.
inline constexpr Limits kFuzzLimits{uint64_t{8} << 20, 16e6};

// Runs a network that went through CheckNetwork, at once and in pieces, and converts its weights;
// all within the library's own limits, which are all that stands between it and any amount of
// memory and time. Sanitizers look on. An embedding may meet what is no class; nothing else can
// fail.
inline void RunNetwork(const Network& network) {
  std::optional<Executor> made;
  try {
    made.emplace(network, kFuzzLimits);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kLimit) std::abort();
    return;
  }
  Executor& executor = *made;
  const auto size = [](const Shape& shape) { return static_cast<size_t>(shape.size()); };
  const Graph& graph = network.graph;
  const bool embeds = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                  [](const Node& node) { return node.op->name == "embedding"; });
  // Half of anything is no class.
  const std::vector<float> input(size(executor.input_shapes()[0]), embeds ? 1.0F : 0.5F);
  std::vector<std::vector<float>> outputs;
  for (const auto& [type, shape] : executor.output_types()) outputs.emplace_back(size(shape));
  std::vector<std::span<float>> spans(outputs.begin(), outputs.end());
  try {
    executor.Run(input, spans);
    const std::vector<std::vector<float>> expected = outputs;
    executor.Start(input);
    while (!executor.Advance(1000)) {
    }
    executor.Finish(spans);
    const auto same = [](float a, float b) {
      return Bits(a) == Bits(b) || (std::isnan(a) && std::isnan(b));
    };
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!std::equal(outputs[i].begin(), outputs[i].end(), expected[i].begin(), same)) {
        std::abort();
      }
    }
  } catch (const Error& error) {
    if (!embeds || error.kind() != ErrorKind::kValue) std::abort();
  }
  for (const Format format : kFormats) {
    try {
      NetworkBuilder builder(network, kFuzzLimits);
      for (const auto& [name, matrix] : network.matrices) builder.Recode(name, format);
      builder.Build();
    } catch (const Error& error) {
      const bool not_held = format == Format::kGrid && error.kind() == ErrorKind::kUnsupported;
      if (error.kind() != ErrorKind::kLimit && !not_held) std::abort();
    }
  }
}

}  // namespace lowtropy
