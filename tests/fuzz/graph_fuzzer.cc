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
#include "lowtropy/graph/check.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/io/graph_json.h"
#include "run_network.h"

namespace {

using namespace lowtropy;

constexpr uint64_t kMaxWeights = 4096;  // of one matrix

// Makes the tensors that the graph names, of few distinct values, in changing formats. False when
// one would be large.
bool AddTensors(Network* network) {
  const std::map<std::string, ValueType> types = InferTypes(network->graph);
  for (const Node& node : network->graph.nodes) {
    std::vector<ValueType> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(types.at(input));
    const TypedNode typed{node, inputs};
    if (node.op->use != nullptr) {
      const WeightUse use = node.op->use(typed, types.at(node.output).shape);
      if (use.rows > kMaxWeights || use.cols > kMaxWeights / use.rows) return false;
      std::vector<float> values(static_cast<size_t>(use.rows * use.cols));
      for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * i % 5) * 0.25F;
      const DenseView view(values.data(), static_cast<size_t>(use.rows),
                           static_cast<size_t>(use.cols));
      const Format format = kFormats[network->matrices.size() % kFormats.size()];
      network->matrices.emplace(
          node.weight(),
          Matrix::From(view,
                       BytesOf(format, Profile::Of(view)) == kNotHeld ? Format::kDense : format));
    }
    const uint64_t size = node.op->vector_size == nullptr ? 0 : node.op->vector_size(typed);
    if (size > kMaxWeights) return false;
    const std::vector<float> ones(static_cast<size_t>(size), 1.0F);
    const std::vector<uint8_t> bytes(4 * static_cast<size_t>(size), 1);  // of any other type
    const DType type = node.op->is_constant ? DTypeOf(types.at(node.output).type) : DType::kF32;
    for (size_t i = 0; i < node.attributes.size(); ++i) {
      const std::string& name = node.attributes[i].tensor;
      if (node.op->attributes[i].kind != AttributeKind::kVector || name.empty()) continue;
      const void* values = ones.data();
      if (type != DType::kF32) values = bytes.data();
      network->vectors.emplace(name, Array::CopyBytes(type, values, ones.size()));
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
