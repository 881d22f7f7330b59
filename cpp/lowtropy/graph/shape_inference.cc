// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/shape_inference.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <queue>
#include <set>
#include <span>
#include <utility>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/convolution.h"

namespace lowtropy {
namespace {

std::string Quote(std::string_view name) { return Text("\"", name, "\""); }

std::string Describe(const Shape& shape) {
  return Text(shape.channels, " x ", shape.height, " x ", shape.width);
}

Error ShapeError(const Node& node, const std::string& clause) {
  return NodeError(ErrorKind::kShape, node, clause);
}

// ---- Topology ----

constexpr size_t kGraphInput = static_cast<size_t>(-1);

// Which node makes each value.
std::map<std::string_view, size_t> Producers(const Graph& graph) {
  std::map<std::string_view, size_t> producers{{graph.input, kGraphInput}};
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!producers.emplace(node.output, i).second) {
      throw NodeError(ErrorKind::kFile, node,
                      "the value " + Quote(node.output) + " is made a second time");
    }
  }
  return producers;
}

void CheckOutputs(const Graph& graph, const std::map<std::string_view, size_t>& producers) {
  if (graph.outputs.empty()) throw Error(ErrorKind::kFile, "The graph has no outputs.");
  std::set<std::string_view> seen;
  for (const std::string& output : graph.outputs) {
    if (!producers.contains(output)) {
      throw Error(ErrorKind::kFile,
                  "No node makes the value " + Quote(output) + ", an output of the graph.");
    }
    if (!seen.insert(output).second) {
      throw Error(ErrorKind::kFile, "The graph names the output " + Quote(output) + " twice.");
    }
  }
}

void CheckInputCount(const Node& node) {
  const size_t count = node.inputs.size();
  if (count > kMaxNodes) {
    throw NodeError(ErrorKind::kFile, node,
                    Text("it has ", count, " inputs; the limit is ", kMaxNodes));
  }
  if (node.op == Op::kAdd && count < 2) {
    throw NodeError(ErrorKind::kFile, node, Text("it takes at least 2 inputs, but has ", count));
  }
  if (node.op == Op::kConcat && count < 1) {
    throw NodeError(ErrorKind::kFile, node, "it has no input");
  }
  if (node.op != Op::kAdd && node.op != Op::kConcat && count != 1) {
    throw NodeError(ErrorKind::kFile, node, Text("it takes one input, but has ", count));
  }
}

// ---- Shapes ----

// The product of `factors`, or more than kMaxValueFloats when it is larger than that.
uint64_t BoundedProduct(std::initializer_list<uint64_t> factors) {
  uint64_t product = 1;
  for (const uint64_t factor : factors) {
    if (factor != 0 && product > kMaxValueFloats / factor) return kMaxValueFloats + 1;
    product *= factor;
  }
  return product;
}

bool IsUsable(const Shape& shape) {
  const uint64_t size = BoundedProduct({shape.channels, shape.height, shape.width});
  return shape.channels != 0 && shape.height != 0 && shape.width != 0 && size <= kMaxValueFloats;
}

void CheckRange(const Node& node, std::string_view what, std::span<const uint32_t> values,
                uint32_t min) {
  for (const uint32_t value : values) {
    if (value < min || value > kMaxPoolWindow) {
      throw ShapeError(node, Text(what, " ", value, " is outside ", min, " to ", kMaxPoolWindow));
    }
  }
}

void CheckWindow(const Node& node) {
  CheckRange(node, "kernel", node.window.kernel, 1);
  CheckRange(node, "stride", node.window.stride, 1);
  CheckRange(node, "padding", node.window.pad, 0);
}

// `size` with the padding of `axis` (0: rows, 1: columns).
uint64_t Padded(const Window& window, size_t axis, uint32_t size) {
  return uint64_t{size} + window.pad[axis] + window.pad[axis + 2];
}

Shape ConvShape(const Node& node, const Shape& input) {
  try {
    return ConvolutionShape(node.window, node.groups, node.out_channels, input);
  } catch (const Error& error) {
    throw ShapeError(node, error.what());
  }
}

void CheckOutChannels(const Node& node) {
  if (node.out_channels == 0) throw ShapeError(node, "it needs at least one output channel");
}

Shape FcShape(const Node& node) {
  CheckOutChannels(node);
  return {node.out_channels, 1, 1};
}

// How many windows fit along one axis. Rounding up adds a last one that is not whole, provided that
// it starts inside the input or the padding before it (Caffe's rule).
uint32_t PooledSize(const Node& node, size_t axis, uint32_t size) {
  const Window& window = node.window;
  const uint64_t kernel = window.kernel[axis];
  const uint64_t stride = window.stride[axis];
  const uint64_t padded = Padded(window, axis, size);
  if (kernel > padded) {
    throw ShapeError(
        node, Text("its kernel of ", kernel, " is larger than the padded input of ", padded));
  }
  uint64_t last = (padded - kernel + (node.ceil ? stride - 1 : 0)) / stride;
  if (last * stride >= uint64_t{size} + window.pad[axis]) --last;
  return static_cast<uint32_t>(last + 1);
}

Shape PoolShape(const Node& node, const Shape& input) {
  CheckWindow(node);
  for (size_t side = 0; side < 4; ++side) {
    if (node.window.pad[side] >= node.window.kernel[side % 2]) {
      throw ShapeError(node,
                       "its padding is not smaller than its kernel, so that windows would "
                       "lie in padding alone");
    }
  }
  if (node.window.dilation != std::array<uint32_t, 2>{1, 1}) {
    throw ShapeError(node, "pooling with dilation is not supported");
  }
  return {input.channels, PooledSize(node, 0, input.height), PooledSize(node, 1, input.width)};
}

Shape AddShape(const Node& node, std::span<const Shape> inputs) {
  for (const Shape& input : inputs) {
    if (input != inputs[0]) {
      throw ShapeError(node, "it cannot add " + Describe(inputs[0]) + " and " + Describe(input));
    }
  }
  return inputs[0];
}

Shape ConcatShape(const Node& node, std::span<const Shape> inputs) {
  uint64_t channels = 0;
  for (const Shape& input : inputs) {
    if (input.height != inputs[0].height || input.width != inputs[0].width) {
      throw ShapeError(node,
                       "it cannot concatenate " + Describe(inputs[0]) + " and " + Describe(input));
    }
    channels += input.channels;
    if (channels > kMaxValueFloats) throw ShapeError(node, "its output has too many channels");
  }
  return {static_cast<uint32_t>(channels), inputs[0].height, inputs[0].width};
}

Shape LrnShape(const Node& node, const Shape& input) {
  CheckRange(node, "size", std::span(&node.lrn_size, 1), 1);
  return input;
}

Shape EmbeddingShape(const Node& node, const Shape& input) {
  CheckOutChannels(node);
  if (node.classes == 0 || node.classes > kMaxClasses) {
    throw ShapeError(
        node, Text("its number of classes, ", node.classes, ", is outside 1 to ", kMaxClasses));
  }
  if (input.channels != 1 || input.width != 1) {
    throw ShapeError(node, "it takes 1 x steps x 1 numbers of classes, not " + Describe(input));
  }
  return {node.out_channels, input.height, 1};
}

Shape LstmShape(const Node& node, const Shape& input) {
  CheckOutChannels(node);
  const uint64_t gates = uint64_t{4} * node.out_channels;
  if (input.channels != gates || input.width != 1) {
    throw ShapeError(
        node, Text("it takes ", gates, " x steps x 1, four gates of each output channel, not ",
                   Describe(input)));
  }
  return {node.out_channels, input.height, 1};
}

Shape OutputShape(const Node& node, std::span<const Shape> inputs) {
  const Shape& input = inputs[0];
  switch (node.op) {
    case Op::kConv:
      return ConvShape(node, input);
    case Op::kFc:
      return FcShape(node);
    case Op::kMaxPool:
    case Op::kAvgPool:
      return PoolShape(node, input);
    case Op::kGlobalAvgPool:
      return {input.channels, 1, 1};
    case Op::kAdd:
      return AddShape(node, inputs);
    case Op::kConcat:
      return ConcatShape(node, inputs);
    case Op::kFlatten:
      return {static_cast<uint32_t>(input.size()), 1, 1};
    case Op::kLrn:
      return LrnShape(node, input);
    case Op::kEmbedding:
      return EmbeddingShape(node, input);
    case Op::kLstm:
      return LstmShape(node, input);
    case Op::kRelu:
    case Op::kBatchNorm:
    case Op::kSoftmax:
    case Op::kDropout:
      return input;
  }
  throw NodeError(ErrorKind::kFile, node, "its operator is unknown");
}

// ---- Names ----

// Does not quote the name: it may be anything.
void CheckName(std::string_view name, const std::string& what) {
  if (IsName(name)) return;
  throw Error(ErrorKind::kFile, Text(what, " is not 1 to ", kMaxNameBytes,
                                     " bytes of UTF-8 without control characters."));
}

void CheckNames(const Graph& graph) {
  if (!graph.name.empty()) CheckName(graph.name, "The name of the graph");
  CheckName(graph.input, "The name of the graph's input");
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::string node = Text("node ", i);
    CheckName(graph.nodes[i].name, "The name of " + node);
    CheckName(graph.nodes[i].output, "The name of the output of " + node);
  }
}

// ---- Tensors ----

class TensorCheck {
 public:
  TensorCheck(const Network& network, const std::map<std::string, Shape>& shapes)
      : network_(network), shapes_(shapes) {}

  void Run() {
    for (const Node& node : network_.graph.nodes) CheckNode(node);
    for (const auto& [name, matrix] : network_.matrices) CheckTensor(name);
    for (const auto& [name, vector] : network_.vectors) {
      CheckTensor(name);
      if (network_.matrices.contains(name)) {
        throw Error(ErrorKind::kFile,
                    "The tensor " + Quote(name) + " is there twice, as a matrix and as a vector.");
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
      throw Error(ErrorKind::kFile, "No node uses the tensor " + Quote(name) + ".");
    }
  }

  void CheckNode(const Node& node) {
    const Shape& input = shapes_.at(node.inputs[0]);
    if (HasWeight(node.op)) {
      CheckWeight(node, input);
      CheckOptional(node, "bias", node.bias, node.out_channels);
    } else if (node.op == Op::kBatchNorm) {
      CheckBatchNorm(node, input.channels);
    } else if (node.op == Op::kLrn) {
      CheckLrn(node);
    }
  }

  struct WeightShape {
    uint64_t rows;
    uint64_t cols;
  };

  static WeightShape WeightShapeOf(const Node& node, const Shape& input) {
    switch (node.op) {
      case Op::kFc:
        return {node.out_channels, input.size()};
      case Op::kEmbedding:
        return {node.classes, node.out_channels};
      case Op::kLstm:
        return {input.channels, node.out_channels};
      default:
        return {node.out_channels, uint64_t{input.channels / node.groups} * node.window.kernel[0] *
                                       node.window.kernel[1]};
    }
  }

  void CheckWeight(const Node& node, const Shape& input) {
    const auto [rows, cols] = WeightShapeOf(node, input);
    const auto found = network_.matrices.find(node.weight);
    if (found == network_.matrices.end()) throw Missing(node, "weight", node.weight, "matrix");
    const Matrix& matrix = found->second;
    if (matrix.rows() != rows || matrix.cols() != cols) {
      throw ShapeError(node, Text("its weight ", Quote(node.weight), " is ", matrix.rows(), " x ",
                                  matrix.cols(), ", not ", rows, " x ", cols));
    }
    named_.insert(node.weight);
  }

  void CheckBatchNorm(const Node& node, uint32_t channels) {
    CheckVector(node, "mean", node.mean, channels);
    const std::span<const float> variance = CheckVector(node, "variance", node.variance, channels);
    CheckOptional(node, "gamma", node.gamma, channels);
    CheckOptional(node, "beta", node.beta, channels);
    const auto [range, is_new] = variances_.try_emplace(node.variance);
    if (is_new && !variance.empty()) {
      const auto [least, most] = std::minmax_element(variance.begin(), variance.end());
      range->second = {*least, *most};
    }
    const auto [least, most] = range->second;
    if (least < 0 || !(least + node.epsilon > 0) || !std::isfinite(most + node.epsilon)) {
      throw NodeError(
          ErrorKind::kValue, node,
          "the variances in " + Quote(node.variance) + " with epsilon added are not all positive");
    }
  }

  static void CheckLrn(const Node& node) {
    const bool finite =
        std::isfinite(node.lrn_alpha) && std::isfinite(node.lrn_beta) && std::isfinite(node.lrn_k);
    if (!finite || node.lrn_alpha < 0 || !(node.lrn_k > 0)) {
      throw NodeError(ErrorKind::kValue, node,
                      "alpha, beta and k have to be finite, alpha at least 0 and k more than 0");
    }
  }

  void CheckOptional(const Node& node, std::string_view role, const std::string& name,
                     uint32_t size) {
    if (!name.empty()) CheckVector(node, role, name, size);
  }

  std::span<const float> CheckVector(const Node& node, std::string_view role,
                                     const std::string& name, uint32_t size) {
    const auto found = network_.vectors.find(name);
    if (found == network_.vectors.end()) throw Missing(node, role, name, "vector");
    const Array& array = found->second;
    const std::string which = Text("its ", role, " ", Quote(name));
    if (array.type() != DType::kF32) {
      throw NodeError(ErrorKind::kFile, node, which + " does not hold float32 values");
    }
    if (array.size() != size) {
      throw ShapeError(node, Text(which, " has ", array.size(), " values, not ", size));
    }
    const std::span<const float> values = array.As<float>();
    // Once, however many nodes share it.
    if (named_.insert(name).second &&
        !std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) {
      throw NodeError(ErrorKind::kValue, node, which + " holds NaN or infinity");
    }
    return values;
  }

  // The name is quoted only when it is one; it may be anything.
  static Error Missing(const Node& node, std::string_view role, const std::string& name,
                       std::string_view kind) {
    const std::string which = IsTensorName(name) ? " " + Quote(name) : std::string();
    return NodeError(ErrorKind::kFile, node,
                     Text("its ", role, which, " is not among the network's ",
                          (kind == "matrix" ? "matrices" : "vectors")));
  }

  const Network& network_;
  const std::map<std::string, Shape>& shapes_;
  std::set<std::string_view> named_;
  std::map<std::string_view, std::pair<float, float>> variances_;  // the least and the largest
};

}  // namespace

Error NodeError(ErrorKind kind, const Node& node, const std::string& clause) {
  return Error(kind, Text("The ", Name(node.op), " node ", Quote(node.name), ": ", clause, "."));
}

std::vector<size_t> TopologicalOrder(const Graph& graph) {
  const size_t count = graph.nodes.size();
  if (count == 0) throw Error(ErrorKind::kFile, "The graph has no nodes.");
  if (count > kMaxNodes) {
    throw Error(ErrorKind::kFile,
                Text("The graph has ", count, " nodes; the limit is ", kMaxNodes, "."));
  }
  const auto producers = Producers(graph);
  CheckOutputs(graph, producers);

  std::vector<std::vector<size_t>> consumers(count);
  std::vector<size_t> waiting(count, 0);  // for how many inputs
  for (size_t i = 0; i < count; ++i) {
    CheckInputCount(graph.nodes[i]);
    for (const std::string& input : graph.nodes[i].inputs) {
      const auto producer = producers.find(input);
      if (producer == producers.end()) {
        throw NodeError(ErrorKind::kFile, graph.nodes[i],
                        "no node makes its input " + Quote(input));
      }
      if (producer->second == kGraphInput) continue;
      consumers[producer->second].push_back(i);
      ++waiting[i];
    }
  }

  std::vector<size_t> order;
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t i = 0; i < count; ++i) {
    if (waiting[i] == 0) ready.push(i);
  }
  while (!ready.empty()) {
    order.push_back(ready.top());
    ready.pop();
    for (const size_t consumer : consumers[order.back()]) {
      if (--waiting[consumer] == 0) ready.push(consumer);
    }
  }
  if (order.size() == count) return order;
  const auto stuck =
      std::find_if(waiting.begin(), waiting.end(), [](size_t inputs) { return inputs != 0; });
  throw NodeError(ErrorKind::kFile, graph.nodes[static_cast<size_t>(stuck - waiting.begin())],
                  "it is in a cycle, or depends on one");
}

std::map<std::string, Shape> InferShapes(const Graph& graph) {
  const std::vector<size_t> order = TopologicalOrder(graph);
  if (!IsUsable(graph.input_shape)) {
    throw Error(ErrorKind::kShape, "The graph's input " + Quote(graph.input) + " cannot be " +
                                       Describe(graph.input_shape) + ".");
  }
  std::map<std::string, Shape> shapes{{graph.input, graph.input_shape}};
  for (const size_t i : order) {
    const Node& node = graph.nodes[i];
    std::vector<Shape> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(shapes.at(input));
    const Shape output = OutputShape(node, inputs);
    if (!IsUsable(output)) {
      throw ShapeError(node, Text("its output of ", Describe(output), " is empty or larger than ",
                                  kMaxValueFloats, " values"));
    }
    shapes.emplace(node.output, output);
  }
  return shapes;
}

std::map<std::string, Shape> CheckGraph(const Graph& graph) {
  CheckNames(graph);
  return InferShapes(graph);
}

void CheckNetwork(const Network& network) {
  const std::map<std::string, Shape> shapes = CheckGraph(network.graph);
  TensorCheck(network, shapes).Run();
}

}  // namespace lowtropy
