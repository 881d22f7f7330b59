// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/graph/topology.h"
#include "lowtropy/run/builder.h"
#include "lowtropy/run/executor.h"

namespace lowtropy {

// Little enough for thousands of networks a second, sanitizers and all.
inline constexpr Limits kFuzzLimits{uint64_t{8} << 20, 16e6};

// Whether what an operator finds in its inputs may be outside of what it looks into.
inline bool LooksUp(std::string_view op) {
  constexpr std::string_view kNames[] = {"embedding", "gather",          "gatherElements",
                                         "gatherND",  "scatterElements", "scatterND",
                                         "lookup",    "roiAlign"};
  return std::find(std::begin(kNames), std::end(kNames), op) != std::end(kNames);
}

// Half of anything is no class.
inline void FillInputs(Executor& executor, bool embeds) {
  const std::vector<GraphInput>& inputs = executor.network().graph.inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::span<std::byte> place = executor.Input(i);
    if (inputs[i].type.type == ElementType::kFloat32) {
      auto* const floats = reinterpret_cast<float*>(place.data());
      std::fill_n(floats, place.size() / sizeof(float), embeds ? 1.0F : 0.5F);
    } else if (inputs[i].type.type == ElementType::kInt32) {
      std::fill_n(reinterpret_cast<int32_t*>(place.data()), place.size() / sizeof(int32_t), 1);
    } else {
      std::fill(place.begin(), place.end(), std::byte{1});
    }
  }
}

// What a run makes, in pieces of so much work.
inline std::vector<std::vector<std::byte>> RunInPieces(Executor& executor, bool embeds,
                                                       double work) {
  FillInputs(executor, embeds);
  executor.Start();
  while (!executor.Advance(work)) {
  }
  std::vector<std::vector<std::byte>> outputs;
  for (size_t i = 0; i < executor.output_types().size(); ++i) {
    const std::span<const std::byte> output = executor.Output(i);
    outputs.emplace_back(output.begin(), output.end());
  }
  return outputs;
}

// Bit by bit, but for NaN, of which there are many.
inline bool SameFloats(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  for (size_t at = 0; at < a.size(); at += sizeof(float)) {
    const size_t size = std::min(a.size() - at, sizeof(float));
    float x = 0;
    float y = 0;
    std::memcpy(&x, a.data() + at, size);
    std::memcpy(&y, b.data() + at, size);
    if (Bits(x) != Bits(y) && !(std::isnan(x) && std::isnan(y))) return false;
  }
  return true;
}

// At once and in pieces.
inline void RunTwice(Executor& executor, bool embeds) {
  try {
    const auto expected = RunInPieces(executor, embeds, 1e30);
    const auto outputs = RunInPieces(executor, embeds, 1000);
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!SameFloats(outputs[i], expected[i])) std::abort();
    }
  } catch (const Error& error) {
    if (!embeds || error.kind() != ErrorKind::kValue) std::abort();
  }
}

// The shapes of the inputs with other sizes for all symbols.
inline std::vector<Shape> OtherShapes(const Graph& graph) {
  std::vector<Shape> shapes;
  for (const GraphInput& input : graph.inputs) {
    Shape shape = input.type.shape;
    for (size_t axis = 0; axis < input.symbols.size(); ++axis) {
      const std::string& symbol = input.symbols[axis];
      if (!symbol.empty()) shape[axis] = static_cast<uint32_t>(1 + symbol.size() % 5);
    }
    shapes.push_back(shape);
  }
  return shapes;
}

// Runs a network that went through CheckNetwork, with the usual shapes and with others, and
// converts its weights; all within the library's own limits, which are all that stands between it
// and any amount of memory and time. Sanitizers look on. An embedding may meet what is no class, an
// index may be outside, and other shapes may not fit; nothing else can fail.
inline void RunNetwork(const Network& network) {
  std::optional<Executor> made;
  try {
    made.emplace(network, kFuzzLimits);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kLimit) std::abort();
    return;
  }
  Executor& executor = *made;
  const Graph& graph = network.graph;
  const bool embeds = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                  [](const Node& node) { return LooksUp(node.op->name); });
  RunTwice(executor, embeds);
  try {
    executor.SetInputShapes(OtherShapes(graph));
    RunTwice(executor, embeds);
    executor.SetInputShapes(InputShapes(graph));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kLimit && error.kind() != ErrorKind::kShape) std::abort();
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
