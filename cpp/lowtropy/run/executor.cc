// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/executor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/operators.h"
#include "lowtropy/graph/ops/sequence.h"
#include "lowtropy/graph/shape_inference.h"

namespace lowtropy {
namespace {

// What the graph asks for is looked at before its weights are.
Plan CheckedPlan(const Network& network, const Limits& limits) {
  CheckGraph(network.graph);
  const uint64_t weight_bytes = WeightBytes(network);
  Plan plan = MakePlan(network.graph, limits, weight_bytes);
  CheckNetwork(network);
  for (PlannedStep& planned : plan.steps) {
    const Node& node = network.graph.nodes[planned.step.node];
    if (!HasWeight(node.op)) continue;
    const Matrix& weight = network.matrices.at(node.weight);
    const double work = std::ceil(FormatWork(node, weight, planned.step.output_shape.height));
    if (work > plan.demand.work) plan.demand.heaviest = node.name;
    planned.work += work;
    plan.demand.work += work;
  }
  CheckDemand(plan.demand, MaxMemory(limits, weight_bytes), limits.max_work);
  return plan;
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
              Text(what, " takes ", shape.channels, " x ", shape.height, " x ", shape.width, " = ",
                   shape.size(), " values, not ", size, "."));
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
                  Text("its input at step ", done, " is ", value, ", not an integer from 0 to ",
                       node.classes - 1));
}

// How a step can be cut: into `count` parts, of which at least `least` are done at a time, but none
// beyond the end of a row of `row`. Of steps that may take seconds: others are one part.
struct Parts {
  size_t count = 1;
  size_t least = 1;
  size_t row = 1;
};
Parts PartsOf(const PlannedStep& planned, Op op) {
  const Shape& output = planned.step.output_shape;
  if (op == Op::kLstm) return {output.height, 1, output.height};
  if (op != Op::kConv) return {};
  // Rows of the output, by groups. Each time unpacks the weights anew, which is to take little
  // beside its products.
  constexpr size_t kLeastPixels = 64;
  return {planned.convolution->part_count(), kLeastPixels / output.width + 1, output.height};
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

uint64_t WeightBytes(const Network& network) {
  uint64_t bytes = 0;
  for (const auto& [name, matrix] : network.matrices) bytes += matrix.ByteLength();
  for (const auto& [name, vector] : network.vectors) bytes += vector.byte_size();
  return bytes;
}

Executor::Executor(Network network, const Limits& limits)
    : network_(std::move(network)),
      plan_(CheckedPlan(network_, limits)),
      output_shapes_(OutputShapes(network_.graph)),
      arena_(AllocateBytes(arena_bytes())) {
  AllocateVectorWorkspace();
  for (PlannedStep& planned : plan_.steps) {
    if (planned.convolution) planned.convolution->BuildOffsets();
    operands_.push_back(Prepare(planned));
  }
}

// What the products with one column of any weight need.
void Executor::AllocateVectorWorkspace() {
  size_t floats = 0;
  for (const auto& [name, matrix] : network_.matrices) {
    floats = std::max(floats, VectorWorkspace(matrix));
  }
  vector_workspace_ = AllocateBytes(floats * sizeof(float));
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
  AllocateVectorWorkspace();
}

void Executor::CheckOutputs(std::span<const std::span<float>> outputs) const {
  if (outputs.size() != output_shapes_.size()) {
    throw Error(ErrorKind::kShape, Text("The network has ", output_shapes_.size(), " outputs, not ",
                                        outputs.size(), "."));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].size() == output_shapes_[i].size()) continue;
    CheckSize("The output \"" + network_.graph.outputs[i] + "\"", outputs[i].size(),
              output_shapes_[i]);
  }
}

void Executor::Run(std::span<const float> input, std::span<const std::span<float>> outputs) {
  CheckOutputs(outputs);
  Start(input);
  Advance(std::numeric_limits<double>::infinity());
  Finish(outputs);
}

void Executor::Start(std::span<const float> input) {
  CheckSize("The network's input", input.size(), input_shape());
  std::copy(input.begin(), input.end(), Arena(plan_.input));
  step_ = part_ = 0;
  done_ = 0;
  step_times_.clear();
}

bool Executor::Advance(double work) {
  do {
    if (step_ == plan_.steps.size()) return true;
    work -= RunPiece(work);
  } while (work > 0);
  return step_ == plan_.steps.size();
}

void Executor::Finish(std::span<const std::span<float>> outputs) {
  CheckOutputs(outputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::copy_n(Arena(plan_.outputs[i]), outputs[i].size(), outputs[i].begin());
  }
}

double Executor::progress() const {
  if (step_ == plan_.steps.size()) return 1;
  return std::min(1 - 1e-9, done_ / plan_.demand.work);
}

// A step, or some parts of one that takes longer than `work`. Returns what was done of it.
double Executor::RunPiece(double work) {
  using Clock = std::chrono::steady_clock;
  const PlannedStep& planned = plan_.steps[step_];
  const Operands& operands = operands_[step_];
  const Clock::time_point start = timed_ ? Clock::now() : Clock::time_point();
  const Parts parts = PartsOf(planned, network_.graph.nodes[planned.step.node].op);
  double done = planned.work;
  if (part_ == 0 && done <= work) {
    RunStep(planned, operands);
    part_ = parts.count;
  } else {
    const double each = done / static_cast<double>(parts.count);
    const size_t left = std::min(parts.count - part_, parts.row - part_ % parts.row);
    const double wanted = std::max(work / each, static_cast<double>(parts.least));
    const size_t count = wanted < static_cast<double>(left) ? static_cast<size_t>(wanted) : left;
    RunParts(part_, part_ + count, planned, operands);
    part_ += count;
    done = each * static_cast<double>(count);
  }
  done_ += done;
  if (timed_) {
    const std::chrono::duration<double, std::milli> time = Clock::now() - start;
    if (step_times_.size() == step_) {
      step_times_.push_back({network_.graph.nodes[planned.step.node].name, 0});
    }
    step_times_.back().milliseconds += time.count();
  }
  if (part_ == parts.count) {
    ++step_;
    part_ = 0;
  }
  return done;
}

void Executor::RunParts(size_t begin, size_t end, const PlannedStep& planned,
                        const Operands& operands) const {
  const float* input = operands.inputs[0];
  float* output = Arena(planned.output);
  float* scratch = Arena(planned.scratch);
  if (planned.convolution) {
    const Convolution& convolution = *planned.convolution;
    const size_t height = convolution.output().height;
    if (begin == 0) convolution.Begin(input, scratch);
    convolution.RunPart({begin / height, begin % height, end - begin}, *operands.weight, input,
                        output, scratch, operands.epilogue);
    return;
  }
  const Node& node = network_.graph.nodes[planned.step.node];
  if (node.op == Op::kLstm) {
    return Lstm(*operands.weight, planned.step.input_shape.height, {begin, end}, input, output,
                scratch, VectorScratch());
  }
  if (begin == 0) RunStep(planned, operands);
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
      return MultiplyVector(*operands.weight, {0, node.out_channels}, input, output, epilogue,
                            VectorScratch());
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
      return LocalResponseNorm(LrnOf(node), shape, input, output, scratch);
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
      return Lstm(*operands.weight, shape.height, {0, shape.height}, input, output, scratch,
                  VectorScratch());
    case Op::kFlatten:
    case Op::kDropout:
      return;  // Fuse leaves none
  }
}

}  // namespace lowtropy
