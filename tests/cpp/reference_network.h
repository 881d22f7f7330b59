// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "inputs.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/graph/graph.h"
#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {

// The operators by their names.
namespace Op {
inline const Operator* const kConv = FindOperator("conv");
inline const Operator* const kFc = FindOperator("fc");
inline const Operator* const kRelu = FindOperator("relu");
inline const Operator* const kHardSwish = FindOperator("hardswish");
inline const Operator* const kMaxPool = FindOperator("maxpool");
inline const Operator* const kAvgPool = FindOperator("avgpool");
inline const Operator* const kGlobalAvgPool = FindOperator("globalavgpool");
inline const Operator* const kLrn = FindOperator("lrn");
inline const Operator* const kBatchNorm = FindOperator("batchnorm");
inline const Operator* const kAdd = FindOperator("add");
inline const Operator* const kConcat = FindOperator("concat");
inline const Operator* const kFlatten = FindOperator("flatten");
inline const Operator* const kSoftmax = FindOperator("softmax");
inline const Operator* const kDropout = FindOperator("dropout");
inline const Operator* const kEmbedding = FindOperator("embedding");
inline const Operator* const kLstm = FindOperator("lstm");
}  // namespace Op

inline ImageShape ImageOf(const Shape& shape) { return {shape[0], shape[1], shape[2]}; }

inline void SetWindow(Node& node, const Window& window) {
  const auto set = [&](std::string_view name, const auto& values) {
    node[name].integers = Shape(std::span<const uint32_t>(values));
  };
  set("kernel", window.kernel);
  set("stride", window.stride);
  set("pad", window.pad);
  if (node.op == Op::kConv) set("dilation", window.dilation);
}

}  // namespace lowtropy

// A forward pass in float64 written straight from the operators' definitions, one output at a time,
// and a builder of random networks to compare it with the executor on.
namespace lowtropy::reference {

using Values = std::vector<double>;

// A value with its shape. Reads zero outside the image.
struct Image {
  ImageShape shape;
  Values data;

  bool Contains(int64_t y, int64_t x) const {
    return y >= 0 && x >= 0 && y < shape.height && x < shape.width;
  }
  double At(size_t c, int64_t y, int64_t x) const {
    if (!Contains(y, x)) return 0;
    return data[(c * shape.height + static_cast<size_t>(y)) * shape.width + static_cast<size_t>(x)];
  }
};

// Calls f(c, y, x) for every element in order and collects the results.
template <class F>
Image Generate(const ImageShape& shape, const F& f) {
  Image image{shape, {}};
  for (size_t c = 0; c < shape.channels; ++c) {
    for (int64_t y = 0; y < shape.height; ++y) {
      for (int64_t x = 0; x < shape.width; ++x) image.data.push_back(f(c, y, x));
    }
  }
  return image;
}

inline Values ToDouble(std::span<const float> values) { return {values.begin(), values.end()}; }

inline Values Vector(const Network& network, const std::string& name, size_t size,
                     double otherwise) {
  if (name.empty()) return Values(size, otherwise);
  return ToDouble(network.vectors.at(name).As<float>());
}

inline Image Conv(const Network& network, const Node& node, const Image& in,
                  const ImageShape& shape) {
  const Matrix& weight = network.matrices.at(node.weight());
  const Values w = ToDouble(weight.ToDense());
  const Values bias = Vector(network, node["bias"].tensor, shape.channels, 0);
  const auto [kernel, stride, dilation, pad] = WindowOf(node);
  const size_t group_in = in.shape.channels / node.Integer("groups");
  const size_t group_out = shape.channels / node.Integer("groups");
  Image out{shape, {}};
  for (size_t r = 0; r < shape.channels; ++r) {
    for (int64_t y = 0; y < shape.height; ++y) {
      for (int64_t x = 0; x < shape.width; ++x) {
        double sum = bias[r];
        size_t column = r * weight.cols();
        for (size_t c = 0; c < group_in; ++c) {
          for (int64_t i = 0; i < kernel[0]; ++i) {
            for (int64_t j = 0; j < kernel[1]; ++j) {
              sum += w[column++] * in.At(r / group_out * group_in + c,
                                         y * stride[0] + i * dilation[0] - pad[0],
                                         x * stride[1] + j * dilation[1] - pad[1]);
            }
          }
        }
        out.data.push_back(sum);
      }
    }
  }
  return out;
}

inline Image Fc(const Network& network, const Node& node, const Image& in,
                const ImageShape& shape) {
  const Values w = ToDouble(network.matrices.at(node.weight()).ToDense());
  const Values bias = Vector(network, node["bias"].tensor, shape.channels, 0);
  return Generate(shape, [&](size_t r, int64_t, int64_t) {
    double sum = bias[r];
    for (size_t k = 0; k < in.data.size(); ++k) sum += w[r * in.data.size() + k] * in.data[k];
    return sum;
  });
}

inline Image Pool(const Node& node, const Image& in, const ImageShape& shape) {
  const Window w = WindowOf(node);
  return Generate(shape, [&](size_t c, int64_t y, int64_t x) {
    const int64_t top = y * w.stride[0] - w.pad[0];
    const int64_t left = x * w.stride[1] - w.pad[1];
    double max = -std::numeric_limits<double>::infinity();
    double sum = 0;
    int inside = 0;
    int padded = 0;
    for (int64_t i = top; i < top + w.kernel[0]; ++i) {
      for (int64_t j = left; j < left + w.kernel[1]; ++j) {
        padded += i < in.shape.height + w.pad[2] && j < in.shape.width + w.pad[3];
        if (!in.Contains(i, j)) continue;
        ++inside;
        sum += in.At(c, i, j);
        max = std::max(max, in.At(c, i, j));
      }
    }
    return node.op == Op::kMaxPool ? max : sum / (node.Flag("countPad") ? padded : inside);
  });
}

inline Image GlobalAvgPool(const Image& in) {
  const ImageShape shape{in.shape.channels, 1, 1};
  const size_t pixels = in.data.size() / in.shape.channels;
  return Generate(shape, [&](size_t c, int64_t, int64_t) {
    double sum = 0;
    for (size_t p = 0; p < pixels; ++p) sum += in.data[c * pixels + p];
    return sum / static_cast<double>(pixels);
  });
}

inline Image Lrn(const Node& node, const Image& in) {
  const int64_t before = (int64_t{node.Integer("size")} - 1) / 2;
  return Generate(in.shape, [&](size_t c, int64_t y, int64_t x) {
    double squares = 0;
    for (int64_t k = 0; k < node.Integer("size"); ++k) {
      const int64_t channel = static_cast<int64_t>(c) - before + k;
      if (channel < 0 || channel >= in.shape.channels) continue;
      squares += std::pow(in.At(static_cast<size_t>(channel), y, x), 2);
    }
    const double base =
        double{node.Number("k")} + double{node.Number("alpha")} / node.Integer("size") * squares;
    return in.At(c, y, x) / std::pow(base, double{node.Number("beta")});
  });
}

inline Image BatchNorm(const Network& network, const Node& node, const Image& in) {
  const size_t channels = in.shape.channels;
  const Values mean = Vector(network, node["mean"].tensor, channels, 0);
  const Values variance = Vector(network, node["variance"].tensor, channels, 1);
  const Values gamma = Vector(network, node["gamma"].tensor, channels, 1);
  const Values beta = Vector(network, node["beta"].tensor, channels, 0);
  return Generate(in.shape, [&](size_t c, int64_t y, int64_t x) {
    return (in.At(c, y, x) - mean[c]) / std::sqrt(variance[c] + double{node.Number("epsilon")}) *
               gamma[c] +
           beta[c];
  });
}

inline Image Softmax(const Image& in) {
  return Generate(in.shape, [&](size_t c, int64_t y, int64_t x) {
    double sum = 0;
    for (size_t k = 0; k < in.shape.channels; ++k) {
      sum += std::exp(in.At(k, y, x) - in.At(c, y, x));
    }
    return 1 / sum;
  });
}

inline Image Embedding(const Network& network, const Node& node, const Image& in,
                       const ImageShape& shape) {
  const Values w = ToDouble(network.matrices.at(node.weight()).ToDense());
  return Generate(shape, [&](size_t c, int64_t t, int64_t) {
    return w[static_cast<size_t>(in.At(0, t, 0)) * shape.channels + c];
  });
}

// PyTorch's nn.LSTM without what its input weights do.
inline Image Lstm(const Network& network, const Node& node, const Image& in,
                  const ImageShape& shape) {
  const Values w = ToDouble(network.matrices.at(node.weight()).ToDense());
  const size_t hidden = shape.channels;
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  Image out{shape, Values(static_cast<size_t>(shape.size()))};
  Values h(hidden, 0);
  Values c(hidden, 0);
  for (size_t t = 0; t < shape.height; ++t) {
    const auto gate = [&](size_t row) {
      double sum = in.data[row * shape.height + t];
      for (size_t k = 0; k < hidden; ++k) sum += w[row * hidden + k] * h[k];
      return sum;
    };
    Values next(hidden);
    for (size_t i = 0; i < hidden; ++i) {
      const double candidate = std::tanh(gate(2 * hidden + i));
      c[i] = sigmoid(gate(hidden + i)) * c[i] + sigmoid(gate(i)) * candidate;
      next[i] = sigmoid(gate(3 * hidden + i)) * std::tanh(c[i]);
      out.data[i * shape.height + t] = next[i];
    }
    h = next;
  }
  return out;
}

inline Image Evaluate(const Network& network, const Node& node, std::span<const Image> inputs,
                      const ImageShape& shape) {
  const Image& in = inputs[0];
  Image out{shape, {}};
  const std::string_view op = node.op->name;
  if (op == "conv") return Conv(network, node, in, shape);
  if (op == "fc") return Fc(network, node, in, shape);
  if (op == "maxpool" || op == "avgpool") return Pool(node, in, shape);
  if (op == "globalavgpool") return GlobalAvgPool(in);
  if (op == "lrn") return Lrn(node, in);
  if (op == "batchnorm") return BatchNorm(network, node, in);
  if (op == "softmax") return Softmax(in);
  if (op == "embedding") return Embedding(network, node, in, shape);
  if (op == "lstm") return Lstm(network, node, in, shape);
  if (op == "relu") {
    for (const double v : in.data) out.data.push_back(std::max(v, 0.0));
  } else if (op == "hardswish") {
    for (const double v : in.data) out.data.push_back(v * std::clamp(v + 3, 0.0, 6.0) / 6);
  } else if (op == "add") {
    out.data.resize(in.data.size());
    for (const Image& input : inputs) {
      for (size_t i = 0; i < out.data.size(); ++i) out.data[i] += input.data[i];
    }
  } else if (op == "concat") {
    for (const Image& input : inputs) {
      out.data.insert(out.data.end(), input.data.begin(), input.data.end());
    }
  } else if (op == "flatten" || op == "dropout") {
    out.data = in.data;
  } else {
    throw Error(ErrorKind::kUnsupported, "The reference has no " + std::string(op) + ".");
  }
  return out;
}

// The graph's outputs.
inline std::vector<Values> Run(const Network& network, std::span<const float> input) {
  const Graph& graph = network.graph;
  const std::map<std::string, ValueType> shapes = InferTypes(graph);
  std::map<std::string, Image> images{
      {graph.inputs[0].name, {ImageOf(graph.inputs[0].type.shape), ToDouble(input)}}};
  for (const size_t i : TopologicalOrder(graph)) {
    const Node& node = graph.nodes[i];
    std::vector<Image> inputs;
    for (const std::string& name : node.inputs) inputs.push_back(images.at(name));
    images[node.output] = Evaluate(network, node, inputs, ImageOf(shapes.at(node.output).shape));
  }
  std::vector<Values> outputs;
  for (const std::string& name : graph.outputs) outputs.push_back(images.at(name).data);
  return outputs;
}

// The network with all its matrices in one format.
inline Network InFormat(Network network, Format format) {
  for (auto& [name, matrix] : network.matrices) matrix = matrix.To(format);
  return network;
}

// Makes graphs node by node, with random weights of few distinct values. Every method adds a node
// and returns the name of its output.
class Builder {
 public:
  Builder(uint32_t seed, const ImageShape& input) : random_(seed) {
    network_.graph.name = "test";
    network_.graph.inputs = OneInput("data", input);
  }

  std::string Conv(const std::string& input, uint32_t out_channels, const Window& window,
                   uint32_t groups = 1, bool bias = true) {
    Node node = Make(Op::kConv, {input});
    SetWindow(node, window);
    node["groups"].integers = {groups};
    node["outChannels"].integers = {out_channels};
    const uint64_t taps = uint64_t{window.kernel[0]} * window.kernel[1];
    AddWeight(node, out_channels, ShapeOf(input).channels / groups * taps);
    if (bias) AddBias(node);
    return Push(node);
  }

  std::string Fc(const std::string& input, uint32_t out_channels, bool bias = true) {
    Node node = Make(Op::kFc, {input});
    node["outChannels"].integers = {out_channels};
    AddWeight(node, out_channels, ShapeOf(input).size());
    if (bias) AddBias(node);
    return Push(node);
  }

  std::string Embedding(const std::string& input, uint32_t classes, uint32_t width) {
    Node node = Make(Op::kEmbedding, {input});
    node["classes"].integers = {classes};
    node["outChannels"].integers = {width};
    AddWeight(node, classes, width);
    return Push(node);
  }

  // The input has 4 · hidden channels.
  std::string Lstm(const std::string& input, uint32_t hidden) {
    Node node = Make(Op::kLstm, {input});
    node["outChannels"].integers = {hidden};
    AddWeight(node, uint64_t{4} * hidden, hidden);
    return Push(node);
  }

  std::string Pool(const Operator* op, const std::string& input, const Window& window,
                   bool ceil = false, bool count_pad = false) {
    Node node = Make(op, {input});
    SetWindow(node, window);
    node["ceil"].integers = {ceil};
    if (op == Op::kAvgPool) node["countPad"].integers = {count_pad};
    return Push(node);
  }

  std::string BatchNorm(const std::string& input, bool affine = true) {
    Node node = Make(Op::kBatchNorm, {input});
    const size_t channels = ShapeOf(input).channels;
    node["mean"].tensor = AddVector(node, "mean", Uniform(channels, -1, 1));
    node["variance"].tensor = AddVector(node, "variance", Uniform(channels, 0.1F, 2));
    if (affine) {
      node["gamma"].tensor = AddVector(node, "gamma", Uniform(channels, -1, 2));
      node["beta"].tensor = AddVector(node, "beta", Uniform(channels, -1, 1));
    }
    return Push(node);
  }

  // Any node without tensors.
  std::string Add(const Operator* op, const std::vector<std::string>& inputs) {
    return Push(Make(op, inputs));
  }

  Node Make(const Operator* op, const std::vector<std::string>& inputs) const {
    Node node(*op);
    node.name = std::string(op->name) + std::to_string(network_.graph.nodes.size());
    node.inputs = inputs;
    node.output = node.name;
    return node;
  }

  std::string Push(const Node& node) {
    network_.graph.nodes.push_back(node);
    return node.output;
  }

  Network Build(const std::vector<std::string>& outputs) {
    network_.graph.outputs = outputs;
    return network_;
  }

  std::vector<float> Uniform(size_t size, float low, float high) {
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> values(size);
    for (float& value : values) value = distribution(random_);
    return values;
  }

  ImageShape ShapeOf(const std::string& value) const {
    if (value == network_.graph.inputs[0].name) return ImageOf(network_.graph.inputs[0].type.shape);
    Graph graph = network_.graph;
    graph.outputs = {value};
    return ImageOf(InferTypes(graph).at(value).shape);
  }

 private:
  void AddWeight(Node& node, uint64_t rows, uint64_t cols) {
    constexpr float kLevels[] = {0, 0, 0, 0, 0.5F, -0.5F, 0.25F, -1};
    std::uniform_int_distribution<size_t> level(0, std::size(kLevels) - 1);
    std::vector<float> values(static_cast<size_t>(rows * cols));
    for (float& value : values) value = kLevels[level(random_)];
    node["weight"].tensor = node.name + ".weight";
    const Dense dense{.rows = static_cast<size_t>(rows),
                      .cols = static_cast<size_t>(cols),
                      .values = Array::Copy<float>(values)};
    const Format format = kFormats[network_.matrices.size() % kFormats.size()];
    network_.matrices.emplace(node.weight(), Matrix(dense).To(format));
  }

  void AddBias(Node& node) {
    node["bias"].tensor = AddVector(node, "bias", Uniform(node.Integer("outChannels"), -1, 1));
  }

  std::string AddVector(const Node& node, const std::string& role,
                        const std::vector<float>& values) {
    std::string name = node.name + "." + role;
    network_.vectors.emplace(name, Array::Copy<float>(values));
    return name;
  }

  std::mt19937 random_;
  Network network_;
};

inline Window Square(uint32_t kernel, uint32_t stride = 1, uint32_t pad = 0) {
  return {.kernel = {kernel, kernel}, .stride = {stride, stride}, .pad = {pad, pad, pad, pad}};
}

inline uint32_t Draw(std::mt19937& random, uint32_t low, uint32_t high) {
  return std::uniform_int_distribution<uint32_t>(low, high)(random);
}

// Adds a node on x, and on y where it takes two; "" when they do not fit the drawn op.
inline std::string AddRandomNode(Builder& builder, std::mt19937& random, const std::string& x,
                                 const std::string& y) {
  const ImageShape xs = builder.ShapeOf(x);
  const ImageShape ys = builder.ShapeOf(y);
  switch (Draw(random, 0, 12)) {
    case 0:
    case 1:
      return builder.Conv(x, Draw(random, 1, 5), Square(1 + 2 * Draw(random, 0, 1), 1, 1));
    case 2:
    case 3:
      return builder.Add(Op::kRelu, {x});
    case 4:
      return builder.BatchNorm(x);
    case 5:
      return xs == ys ? builder.Add(Op::kAdd, {x, y}) : "";
    case 6:
    case 7:
      if (xs.height != ys.height || xs.width != ys.width || xs.channels > 30) return "";
      return builder.Add(Op::kConcat, {x, y, x});
    case 8:
      if (xs.height < 3 || xs.width < 3) return "";
      return builder.Pool(Op::kMaxPool, x, Square(3, 2, 1), true);
    case 9:
      return builder.Add(Op::kDropout, {x});
    case 10:
      return builder.Add(Op::kSoftmax, {x});
    case 11:
      return builder.Add(Op::kHardSwish, {x});
    default:
      return builder.Add(Op::kLrn, {x});
  }
}

// Adds `count` nodes, each on any earlier values. Returns the names of two of them, as outputs.
inline std::vector<std::string> AddRandomGraph(Builder& builder, uint32_t seed, size_t count) {
  std::mt19937 random(seed);
  std::vector<std::string> values{"data"};
  const auto any = [&]() -> const std::string& {
    return values[Draw(random, 0, static_cast<uint32_t>(values.size() - 1))];
  };
  while (values.size() <= count) {
    const std::string value = AddRandomNode(builder, random, any(), any());
    if (!value.empty()) values.push_back(value);
  }
  return {values.back(), values[values.size() / 2]};
}

}  // namespace lowtropy::reference
