// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/executor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <utility>

#include "lowtropy/base/clock.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {
namespace {

// What the graph asks for is looked at before its weights are.
Plan CheckedPlan(const Network& network, const Limits& limits) {
  CheckGraph(network.graph);
  const uint64_t weight_bytes = WeightBytes(network);
  Plan plan = MakePlan(network.graph, limits, weight_bytes);
  CheckNetwork(network);
  for (PlannedStep& planned : plan.steps) {
    const Step& step = planned.step;
    const Node& node = network.graph.nodes[step.node];
    if (node.op->use == nullptr) continue;
    const WeightUse use = node.op->use({node, step.input_types}, step.output_type.shape);
    const double work = std::ceil(FormatWork(use, network.matrices.at(node.weight())));
    if (work > plan.demand.work) plan.demand.heaviest = node.name;
    planned.work += work;
    plan.demand.work += work;
  }
  CheckDemand(plan.demand, MaxMemory(limits, weight_bytes), limits.max_work);
  return plan;
}

std::vector<Shape> OutputShapes(const Graph& graph) {
  const std::map<std::string, ValueType> types = InferTypes(graph);
  std::vector<Shape> outputs;
  for (const std::string& output : graph.outputs) outputs.push_back(types.at(output).shape);
  return outputs;
}

void CheckSize(std::string_view what, size_t size, const Shape& shape) {
  if (size == shape.size()) return;
  throw Error(ErrorKind::kShape, Text(what, " takes ", Describe(shape), " = ", shape.size(),
                                      " values, not ", size, "."));
}

}  // namespace

std::vector<LayerInfo> ListLayers(const Graph& graph) {
  const std::map<std::string, ValueType> types = InferTypes(graph);
  std::vector<LayerInfo> layers;
  for (const size_t i : TopologicalOrder(graph)) {
    const Node& node = graph.nodes[i];
    if (node.op->use == nullptr) continue;
    std::vector<ValueType> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(types.at(input));
    const Shape& output = types.at(node.output).shape;
    const WeightUse use = node.op->use({node, inputs}, output);
    layers.push_back({.name = node.name,
                      .op = node.op,
                      .weight = node.weight(),
                      .rows = static_cast<size_t>(use.rows),
                      .cols = static_cast<size_t>(use.cols),
                      .count = use.count,
                      .repeats = use.repeats,
                      .macs = use.repeats * use.count * use.rows * use.cols,
                      .output = output});
  }
  return layers;
}

std::map<std::string, uint64_t> CountColumns(const Graph& graph) {
  std::map<std::string, uint64_t> columns;
  for (const LayerInfo& layer : ListLayers(graph)) {
    uint64_t& count = columns[layer.weight];
    count = std::max(count, layer.count);
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
    planned.task->Prepare();
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
  StepData& data = operands.data;
  data.node = &node;
  for (const uint64_t input : planned.inputs) data.inputs.push_back(Arena(input));
  data.output = Arena(planned.output);
  data.scratch = Arena(planned.scratch);
  data.vector_workspace = reinterpret_cast<float*>(vector_workspace_.get());
  if (node.op->use != nullptr) data.weight = &network_.matrices.at(node.weight());
  data.epilogue.relu = step.relu;
  if (node.op->takes_scale) {
    const std::string& bias = node["bias"].tensor;
    if (!bias.empty()) data.epilogue.bias = network_.vectors.at(bias).As<float>().data();
  }
  const Node* norm = step.batch_norm != kNoNode             ? &network_.graph.nodes[step.batch_norm]
                     : node.op->is_ending == Ending::kScale ? &node
                                                            : nullptr;
  if (norm != nullptr) {
    norm->op->scale(*norm, network_, data.epilogue.bias, &operands.scale, &operands.shift);
    data.epilogue.scale = operands.scale.data();
    data.epilogue.bias = operands.shift.data();
  }
  return operands;
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
  const PlannedStep& planned = plan_.steps[step_];
  const Operands& operands = operands_[step_];
  const double start = timed_ ? MillisecondsNow() : 0;
  const Parts& parts = planned.task->costs().parts;
  double done = planned.work;
  size_t count = parts.count;
  if (part_ != 0 || done > work) {
    const double each = done / static_cast<double>(parts.count);
    const size_t left = parts.count - part_;
    const double wanted = std::max(work / each, static_cast<double>(parts.least));
    count = wanted < static_cast<double>(left) ? static_cast<size_t>(wanted) : left;
    done = each * static_cast<double>(count);
  }
  planned.task->Run(operands.data, part_, part_ + count);
  part_ += count;
  done_ += done;
  if (timed_) {
    const double time = MillisecondsNow() - start;
    if (step_times_.size() == step_) {
      step_times_.push_back({network_.graph.nodes[planned.step.node].name, 0});
    }
    step_times_.back().milliseconds += time;
  }
  if (part_ == parts.count) {
    ++step_;
    part_ = 0;
  }
  return done;
}

}  // namespace lowtropy
