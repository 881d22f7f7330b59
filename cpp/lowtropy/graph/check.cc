// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {
namespace {

// ---- Names ----

// Does not quote the name: it may be anything.
void CheckName(std::string_view name, const std::string& what) {
  if (IsName(name)) return;
  throw Error(ErrorKind::kFile, Text(what, " is not 1 to ", kMaxNameBytes,
                                     " bytes of UTF-8 without control characters."));
}

void CheckNames(const Graph& graph) {
  if (!graph.name.empty()) CheckName(graph.name, "The name of the graph");
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const GraphInput& input = graph.inputs[i];
    CheckName(input.name, graph.inputs.size() == 1 ? "The name of the graph's input"
                                                   : Text("The name of the graph's input ", i));
    if (!input.symbols.empty() && input.symbols.size() != input.type.shape.rank()) {
      throw Error(ErrorKind::kFile,
                  Text("The graph's input ", Quote(input.name), " has ", input.symbols.size(),
                       " symbols for ", input.type.shape.rank(), " dimensions."));
    }
    for (const std::string& symbol : input.symbols) {
      if (!symbol.empty()) CheckName(symbol, "A symbol of the graph");
    }
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::string node = Text("node ", i);
    CheckName(graph.nodes[i].name, "The name of " + node);
    CheckName(graph.nodes[i].output, "The name of the output of " + node);
  }
}

// ---- Tensors ----

class TensorCheck {
 public:
  TensorCheck(const Network& network, const std::map<std::string, ValueType>& types)
      : network_(network), types_(types) {}

  void Run() {
    for (const Node& node : network_.graph.nodes) CheckNode(node);
    for (const auto& [name, matrix] : network_.matrices) CheckTensor(name);
    for (const auto& [name, vector] : network_.vectors) {
      CheckTensor(name);
      if (network_.matrices.contains(name)) {
        throw Error(ErrorKind::kFile, Text("The tensor ", Quote(name),
                                           " is there twice, as a matrix and as a vector."));
      }
    }
  }

 private:
  void CheckTensor(const std::string& name) const {
    if (!IsTensorName(name)) {
      throw Error(ErrorKind::kFile, Text("A tensor's name is not 1 to ", kMaxTensorNameBytes,
                                         " characters of A-Z a-z 0-9 _ . / -."));
    }
    if (!named_.contains(name)) {
      throw Error(ErrorKind::kFile, Text("No node uses the tensor ", Quote(name), "."));
    }
  }

  void CheckNode(const Node& node) {
    const Operator& op = *node.op;
    std::vector<ValueType> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(types_.at(input));
    const TypedNode typed{node, inputs};
    if (op.use != nullptr) CheckWeight(node, op.use(typed, types_.at(node.output).shape));
    const uint64_t size = op.vector_size == nullptr ? 0 : op.vector_size(typed);
    std::array<Range, kMaxVectors> ranges;
    size_t count = 0;
    for (size_t i = 0; i < op.attributes.size(); ++i) {
      const AttributeSpec& spec = op.attributes[i];
      if (spec.kind != AttributeKind::kVector) continue;
      const std::string& name = node.attributes[i].tensor;
      if (!IsLeftOut(spec, node.attributes[i])) {
        ranges[count] = op.is_constant ? CheckConstant(node, name, size)
                                       : CheckVector(node, spec.name, name, size);
      }
      ++count;
    }
    if (op.check != nullptr) op.check(node, std::span(ranges).first(count));
  }

  void CheckWeight(const Node& node, const WeightUse& use) {
    const std::string& name = node.weight();
    const auto found = network_.matrices.find(name);
    if (found == network_.matrices.end()) throw Missing(node, "weight", name, "matrices");
    const Matrix& matrix = found->second;
    if (matrix.rows() != use.rows || matrix.cols() != use.cols) {
      throw ShapeError(node, Text("its weight ", Quote(name), " is ", matrix.rows(), " x ",
                                  matrix.cols(), ", not ", use.rows, " x ", use.cols));
    }
    named_.insert(name);
  }

  // The vector of that name, with so many values of the type.
  const Array& FindVector(const Node& node, std::string_view role, const std::string& name,
                          ElementType type, uint64_t size) {
    const auto found = network_.vectors.find(name);
    if (found == network_.vectors.end()) throw Missing(node, role, name, "vectors");
    const Array& array = found->second;
    const std::string which = Text("its ", role, " ", Quote(name));
    if (array.type() != DTypeOf(type)) {
      throw NodeError(ErrorKind::kFile, node,
                      Text(which, " does not hold ", Name(type), " values"));
    }
    if (array.size() != size) {
      throw ShapeError(node, Text(which, " has ", array.size(), " values, not ", size));
    }
    named_.insert(name);
    return array;
  }

  Range CheckVector(const Node& node, std::string_view role, const std::string& name,
                    uint64_t size) {
    const Array& array = FindVector(node, role, name, ElementType::kFloat32, size);
    // Looked at once, however many nodes share it.
    const auto [range, is_new] = ranges_.try_emplace(name);
    if (is_new) {
      const std::span<const float> values = array.As<float>();
      if (!AreFinite(values)) {
        throw NodeError(ErrorKind::kValue, node,
                        Text("its ", role, " ", Quote(name), " holds NaN or infinity"));
      }
      const auto [least, most] = std::minmax_element(values.begin(), values.end());
      if (!values.empty()) range->second = {*least, *most};
    }
    return range->second;
  }

  // Of any type; NaN and infinities must be announced, so that older readers need not know of them.
  Range CheckConstant(const Node& node, const std::string& name, uint64_t size) {
    const ElementType type = types_.at(node.output).type;
    const bool announced = node.Flag("nonFinite");
    if (type == ElementType::kFloat32 && !announced) return CheckVector(node, "value", name, size);
    const Array& array = FindVector(node, "value", name, type, size);
    const std::string which = "its value " + Quote(name);
    if (type == ElementType::kBool && !AreBools(array)) {
      throw NodeError(ErrorKind::kValue, node, which + " holds bytes other than 0 and 1");
    }
    if (announced && (type != ElementType::kFloat32 || AreFinite(array.As<float>()))) {
      throw NodeError(ErrorKind::kValue, node, which + " holds neither NaN nor infinity");
    }
    return {};
  }

  static bool AreFinite(std::span<const float> values) {
    return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
  }

  static bool AreBools(const Array& array) {
    const auto* bytes = static_cast<const uint8_t*>(array.data());
    return std::all_of(bytes, bytes + array.size(), [](uint8_t byte) { return byte <= 1; });
  }

  // The name is quoted only when it is one; it may be anything.
  static Error Missing(const Node& node, std::string_view role, const std::string& name,
                       std::string_view where) {
    const std::string which = IsTensorName(name) ? " " + Quote(name) : std::string();
    return NodeError(ErrorKind::kFile, node,
                     Text("its ", role, which, " is not among the network's ", where));
  }

  const Network& network_;
  const std::map<std::string, ValueType>& types_;
  std::set<std::string_view> named_;
  std::map<std::string_view, Range> ranges_;
};

}  // namespace

std::map<std::string, ValueType> CheckGraph(const Graph& graph) {
  CheckNames(graph);
  return InferTypes(graph);
}

void CheckNetwork(const Network& network) { CheckNetwork(network, InputShapes(network.graph)); }

void CheckNetwork(const Network& network, std::span<const Shape> inputs) {
  CheckNames(network.graph);
  const std::map<std::string, ValueType> types = InferTypes(network.graph, inputs);
  TensorCheck(network, types).Run();
}

}  // namespace lowtropy
