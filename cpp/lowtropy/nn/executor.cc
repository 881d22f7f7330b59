// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/nn/executor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>
#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/nn/operators.h"
#include "lowtropy/nn/sequence.h"
#include "lowtropy/nn/shape_inference.h"

namespace lowtropy {
namespace {

Network Checked(Network network) {
  CheckNetwork(network);
  return network;
}

std::vector<Shape> OutputShapes(const Graph& graph) {
  const std::map<std::string, Shape> shapes = InferShapes(graph);
  std::vector<Shape> outputs;
  for (const std::string& output : graph.outputs) outputs.push_back(shapes.at(output));
  return outputs;
}

void CheckSize(std::string_view what, size_t size, const Shape& shape) {
  if (size == shape.size()) return;
  throw Error(ErrorKind::kShape,
              std::string(what) + " takes " + std::to_string(shape.channels) + " x " +
                  std::to_string(shape.height) + " x " + std::to_string(shape.width) + " = " +
                  std::to_string(shape.size()) + " values, not " + std::to_string(size) + ".");
}

// Only those that the plan could not place; see plan.h.
void CopyConcatInputs(const PlannedStep& planned, std::span<const float* const> inputs,
                      float* output) {
  for (const Copy& copy : planned.copies) {
    std::copy_n(inputs[copy.input], static_cast<size_t>(copy.size),
                output + static_cast<size_t>(copy.offset));
  }
}

void RunEmbedding(const Node& node, const Matrix& weight, size_t steps, const float* input,
                  float* output, float* scratch) {
  const size_t done = Embed(weight, steps, input, output, scratch);
  if (done == steps) return;
  char value[32];
  std::snprintf(value, sizeof value, "%.9g", static_cast<double>(input[done]));
  throw NodeError(ErrorKind::kValue, node,
                  "its input at step " + std::to_string(done) + " is " + value +
                      ", not an integer from 0 to " + std::to_string(node.classes - 1));
}

// As in LayerInfo.
struct Products {
  uint64_t count;
  uint64_t repeats;
};

Products ProductsOf(const Node& node, const Shape& output) {
  if (node.op == Op::kEmbedding) return {0, output.height};
  if (node.op == Op::kLstm) return {1, output.height};
  return {uint64_t{output.height} * output.width, 1};
}

}  // namespace

std::vector<LayerInfo> ListLayers(const Network& network) {
  const std::map<std::string, Shape> shapes = InferShapes(network.graph);
  std::vector<LayerInfo> layers;
  for (const size_t i : TopologicalOrder(network.graph)) {
    const Node& node = network.graph.nodes[i];
    if (!HasWeight(node.op)) continue;
    const Matrix& weight = network.matrices.at(node.weight);
    const Shape& output = shapes.at(node.output);
    const auto [count, repeats] = ProductsOf(node, output);
    layers.push_back({.name = node.name,
                      .op = node.op,
                      .weight = node.weight,
                      .rows = weight.rows(),
                      .cols = weight.cols(),
                      .count = count,
                      .repeats = repeats,
                      .macs = repeats * count * weight.rows() * weight.cols(),
                      .output = output});
  }
  return layers;
}

std::map<std::string, uint64_t> CountColumns(const Graph& graph) {
  const std::map<std::string, Shape> shapes = InferShapes(graph);
  std::map<std::string, uint64_t> columns;
  for (const Node& node : graph.nodes) {
    if (!HasWeight(node.op)) continue;
    uint64_t& count = columns[node.weight];
    count = std::max(count, ProductsOf(node, shapes.at(node.output)).count);
  }
  return columns;
}

Executor::Executor(Network network)
    : network_(Checked(std::move(network))),
      output_shapes_(OutputShapes(network_.graph)),
      plan_(MakePlan(network_.graph)),
      arena_(AllocateBytes(arena_bytes())) {
  for (const PlannedStep& planned : plan_.steps) operands_.push_back(Prepare(planned));
}

Executor::Operands Executor::Prepare(const PlannedStep& planned) const {
  const Step& step = planned.step;
  const Node& node = network_.graph.nodes[step.node];
  Operands operands;
  for (const uint64_t input : planned.inputs) operands.inputs.push_back(Arena(input));
  operands.epilogue.relu = step.relu;
  if (HasWeight(node.op)) {
    operands.weight = &network_.matrices.at(node.weight);
    operands.epilogue.bias = Vector(node.bias);
    if (step.batch_norm != kNoNode) {
      FoldBatchNorm(network_.graph.nodes[step.batch_norm], Vector(node.bias), operands);
    }
  } else if (node.op == Op::kBatchNorm) {
    FoldBatchNorm(node, nullptr, operands);
  }
  return operands;
}

// (x + bias - mean) / sqrt(variance + epsilon) · gamma + beta as x · scale + shift. In float64: the
// terms of the shift may be much larger than their sum.
void Executor::FoldBatchNorm(const Node& norm, const float* bias, Operands& operands) const {
  const size_t channels = network_.vectors.at(norm.mean).size();
  const auto value = [](const float* vector, size_t c, double otherwise) {
    return vector == nullptr ? otherwise : static_cast<double>(vector[c]);
  };
  const float* mean = Vector(norm.mean);
  const float* variance = Vector(norm.variance);
  for (size_t c = 0; c < channels; ++c) {
    const double deviation = std::sqrt(static_cast<double>(variance[c]) + double{norm.epsilon});
    const double scale = value(Vector(norm.gamma), c, 1) / deviation;
    const double shift =
        value(Vector(norm.beta), c, 0) + (value(bias, c, 0) - static_cast<double>(mean[c])) * scale;
    operands.scale.push_back(static_cast<float>(scale));
    operands.bias.push_back(static_cast<float>(shift));
  }
  operands.epilogue.scale = operands.scale.data();
  operands.epilogue.bias = operands.bias.data();
}

// Null for a tensor that the node does without.
const float* Executor::Vector(const std::string& name) const {
  return name.empty() ? nullptr : network_.vectors.at(name).As<float>().data();
}

void Executor::SetFormat(const std::string& weight, Format format) {
  const auto found = network_.matrices.find(weight);
  if (found == network_.matrices.end()) {
    throw Error(ErrorKind::kValue, "The network has no matrix \"" + weight + "\".");
  }
  found->second = found->second.To(format);
}

void Executor::Run(std::span<const float> input, std::span<const std::span<float>> outputs) {
  CheckSize("The network's input", input.size(), input_shape());
  if (outputs.size() != output_shapes_.size()) {
    throw Error(ErrorKind::kShape, "The network has " + std::to_string(output_shapes_.size()) +
                                       " outputs, not " + std::to_string(outputs.size()) + ".");
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].size() == output_shapes_[i].size()) continue;
    CheckSize("The output \"" + network_.graph.outputs[i] + "\"", outputs[i].size(),
              output_shapes_[i]);
  }
  std::copy(input.begin(), input.end(), Arena(plan_.input));
  for (size_t i = 0; i < operands_.size(); ++i) RunObserved(plan_.steps[i], operands_[i]);
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::copy_n(Arena(plan_.outputs[i]), outputs[i].size(), outputs[i].begin());
  }
}

void Executor::RunObserved(const PlannedStep& planned, const Operands& operands) const {
  if (!observer_) return RunStep(planned, operands);
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  RunStep(planned, operands);
  const std::chrono::duration<double, std::milli> time = Clock::now() - start;
  observer_(network_.graph.nodes[planned.step.node].name, time.count());
}

void Executor::RunStep(const PlannedStep& planned, const Operands& operands) const {
  const Step& step = planned.step;
  const Node& node = network_.graph.nodes[step.node];
  const Shape& shape = step.input_shape;
  const Epilogue& epilogue = operands.epilogue;
  const float* input = operands.inputs[0];
  float* output = Arena(planned.output);
  float* scratch = Arena(planned.scratch);
  switch (node.op) {
    case Op::kConv:
      return planned.convolution->Run(*operands.weight, input, output, scratch, epilogue);
    case Op::kFc:
      return MultiplyVector(*operands.weight, {0, node.out_channels}, input, output, epilogue);
    case Op::kRelu:
      return Relu(input, static_cast<size_t>(shape.size()), output);
    case Op::kMaxPool:
      return MaxPool({node.window, shape, step.output_shape}, input, output, scratch);
    case Op::kAvgPool:
      return AvgPool({node.window, shape, step.output_shape, node.count_pad}, input, output,
                     scratch);
    case Op::kGlobalAvgPool:
      return GlobalAvgPool(shape, input, output);
    case Op::kLrn:
      return LocalResponseNorm({node.lrn_size, node.lrn_alpha, node.lrn_beta, node.lrn_k}, shape,
                               input, output);
    case Op::kBatchNorm:
      return ScaleShift(shape, input, epilogue.scale, epilogue.bias, epilogue.relu, output);
    case Op::kAdd:
      return Add(operands.inputs, static_cast<size_t>(shape.size()), epilogue.relu, output);
    case Op::kConcat:
      return CopyConcatInputs(planned, operands.inputs, output);
    case Op::kSoftmax:
      return Softmax(shape, input, output);
    case Op::kEmbedding:
      return RunEmbedding(node, *operands.weight, shape.height, input, output, scratch);
    case Op::kLstm:
      return Lstm(*operands.weight, shape.height, input, output, scratch);
    case Op::kFlatten:
    case Op::kDropout:
      return;  // Fuse leaves none
  }
}

}  // namespace lowtropy
