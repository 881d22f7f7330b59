// SPDX-License-Identifier: Apache-2.0
// Graphs as JSON. What is read must be JSON for nlohmann-json too, and be written to a text that
// reads the same. A graph whose shapes fit is given weights and run, within limits. Anything
// thrown but lowtropy::Error ends the process, and that is a find.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/graph/shape_inference.h"
#include "lowtropy/io/graph_json.h"
#include "run_network.h"

namespace {

using namespace lowtropy;

constexpr uint64_t kMaxWeights = 4096;  // of one matrix

struct WeightShape {
  uint64_t rows;
  uint64_t cols;
};

// Of a node without a weight: as many rows as its vectors have elements.
WeightShape WeightShapeOf(const Node& node, const Shape& input) {
  const uint64_t taps = uint64_t{node.window.kernel[0]} * node.window.kernel[1];
  switch (node.op) {
    case Op::kFc:
      return {node.out_channels, input.size()};
    case Op::kConv:
      return {node.out_channels, input.channels / node.groups * taps};
    case Op::kEmbedding:
      return {node.classes, node.out_channels};
    case Op::kLstm:
      return {input.channels, node.out_channels};
    default:
      return {input.channels, 1};
  }
}

// Makes the tensors that the graph names, of few distinct values, in changing formats. False when
// one would be large.
bool AddTensors(Network* network) {
  const std::map<std::string, Shape> shapes = InferShapes(network->graph);
  for (const Node& node : network->graph.nodes) {
    const Shape& input = shapes.at(node.inputs[0]);
    const auto [rows, cols] = WeightShapeOf(node, input);
    if (rows > kMaxWeights || cols > kMaxWeights / rows) return false;
    std::vector<float> values(static_cast<size_t>(rows * cols));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * i % 5) * 0.25F;
    if (!node.weight.empty()) {
      const DenseView view(values.data(), static_cast<size_t>(rows), static_cast<size_t>(cols));
      const Format format = kFormats[network->matrices.size() % kFormats.size()];
      network->matrices.emplace(
          node.weight,
          Matrix::From(view,
                       BytesOf(format, Profile::Of(view)) == kNotHeld ? Format::kDense : format));
    }
    const std::vector<float> ones(static_cast<size_t>(rows), 1.0F);
    for (const auto* name : {&node.bias, &node.mean, &node.variance, &node.gamma, &node.beta}) {
      if (!name->empty()) network->vectors.emplace(*name, Array::Copy<float>(ones));
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  Network network;
  try {
    network.graph = ParseGraph(json);
  } catch (const Error&) {
    return 0;
  }
  if (!nlohmann::json::accept(json)) std::abort();
  const std::string canonical = FormatGraph(network.graph);
  if (FormatGraph(ParseGraph(canonical)) != canonical) std::abort();
  try {
    if (!AddTensors(&network)) return 0;
    CheckNetwork(network);
    RunNetwork(network);
  } catch (const Error&) {
  }
  return 0;
}
