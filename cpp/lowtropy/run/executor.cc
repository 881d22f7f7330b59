// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <utility>

#include "lowtropy/base/clock.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/graph/topology.h"

namespace lowtropy {
namespace {

// What the graph asks for is looked at before its weights are.
Plan CheckedPlan(const Network& network, std::span<const Shape> inputs, const Limits& limits) {
  CheckGraph(network.graph);
  const uint64_t weight_bytes = WeightBytes(network);
  Plan plan = MakePlan(network.graph, inputs, limits, weight_bytes);
  CheckNetwork(network, inputs);
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

std::vector<ValueType> OutputTypes(const Graph& graph, std::span<const Shape> inputs) {
  const std::map<std::string, ValueType> types = InferTypes(graph, inputs);
  std::vector<ValueType> outputs;
  for (const std::string& output : graph.outputs) outputs.push_back(types.at(output));
  return outputs;
}

// So many floats are the whole of it. (Runs allocate nothing: sentences are made where they are
// thrown.)
bool Fits(size_t size, const ValueType& type) {
  return type.type == ElementType::kFloat32 && size == type.shape.size();
}

[[noreturn]] void RefuseSize(const std::string& what, size_t size, const ValueType& type) {
  const Shape& shape = type.shape;
  if (type.type != ElementType::kFloat32) {
    throw Error(ErrorKind::kValue, Text(what, " is not of float32 but of ", Name(type.type), "."));
  }
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
    : network_(std::move(network)), limits_(limits) {
  AllocateVectorWorkspace();
  programs_.push_back(MakeProgram(InputShapes(network_.graph)));
}

std::unique_ptr<Executor::Program> Executor::MakeProgram(std::vector<Shape> shapes) const {
  auto program = std::make_unique<Program>();
  program->plan = CheckedPlan(network_, shapes, limits_);
  program->output_types = OutputTypes(network_.graph, shapes);
  program->made_types = program->output_types;
  program->input_shapes = std::move(shapes);
  program->arena = AllocateBytes(program->plan.arena_size * sizeof(float));
  for (PlannedStep& planned : program->plan.steps) {
    planned.task->Prepare();
    program->operands.push_back(Prepare(program.get(), planned));
  }
  for (size_t i = 0; i < program->plan.steps.size(); ++i) {
    const PlannedStep& planned = program->plan.steps[i];
    if (!planned.step.constant) continue;
    planned.task->Run(program->operands[i].data, 0, planned.task->costs().parts.count);
    CountRows(planned, program->operands[i]);
  }
  return program;
}

void Executor::SetInputShapes(std::span<const Shape> shapes) {
  const auto found = std::find_if(programs_.begin(), programs_.end(), [&](const auto& program) {
    const std::vector<Shape>& planned = program->input_shapes;
    return std::equal(shapes.begin(), shapes.end(), planned.begin(), planned.end());
  });
  if (found != programs_.end()) {
    std::rotate(programs_.begin(), found, found + 1);
  } else {
    CheckInputShapes(network_.graph, shapes);
    programs_.insert(programs_.begin(), MakeProgram({shapes.begin(), shapes.end()}));
    ForgetPrograms();
  }
  step_ = part_ = 0;
  done_ = 0;
}

// Those that are too many, or take more memory, together with the weights, than one may.
void Executor::ForgetPrograms() {
  const uint64_t weights = WeightBytes(network_);
  const uint64_t most = MaxMemory(limits_, weights);
  uint64_t sum = weights;
  size_t count = 0;
  for (; count < std::min(programs_.size(), kMaxPrograms); ++count) {
    sum += programs_[count]->plan.demand.memory - weights;
    if (sum > most) break;
  }
  programs_.resize(std::max<size_t>(count, 1));
}

std::span<std::byte> Executor::Input(size_t index) {
  const ValueType type{network_.graph.inputs[index].type.type, program().input_shapes[index]};
  float* const place = program().Arena(program().plan.inputs[index]);
  return {reinterpret_cast<std::byte*>(place), static_cast<size_t>(type.bytes())};
}

std::span<const std::byte> Executor::Output(size_t index) const {
  const float* const place = program().Arena(program().plan.outputs[index]);
  return {reinterpret_cast<const std::byte*>(place),
          static_cast<size_t>(OutputType(index).bytes())};
}

ValueType Executor::OutputType(size_t index) const { return program().made_types[index]; }

// What the products with one column of any weight need: some KB, whatever the weights are.
void Executor::AllocateVectorWorkspace() {
  size_t floats = 0;
  for (const auto& [name, matrix] : network_.matrices) {
    floats = std::max(floats, VectorWorkspace(matrix));
  }
  vector_workspace_ = AllocateBytes(floats * sizeof(float));
}

Executor::Operands Executor::Prepare(Program* program, const PlannedStep& planned) const {
  const Step& step = planned.step;
  const Node& node = network_.graph.nodes[step.node];
  Operands operands;
  StepData& data = operands.data;
  data.node = &node;
  for (const uint64_t input : planned.inputs) data.inputs.push_back(program->Arena(input));
  data.output = program->Arena(planned.output);
  data.scratch = program->Arena(planned.scratch);
  data.vector_workspace = reinterpret_cast<float*>(vector_workspace_.get());
  if (node.op->is_constant) {
    data.constant = network_.vectors.at(node["value"].tensor).data();
  }
  if (node.op->use != nullptr) data.weight = &network_.matrices.at(node.weight());
  data.epilogue.bounds = step.bounds;
  if (node.op->is_last) {
    const std::vector<std::string>& outputs = network_.graph.outputs;
    const auto found = std::find(outputs.begin(), outputs.end(), node.output);
    // Nobody may take it at all.
    if (found != outputs.end()) {
      operands.output = &program->made_types[static_cast<size_t>(found - outputs.begin())];
    }
  }
  const std::string& bias = node.bias();
  if (!bias.empty()) data.epilogue.bias = network_.vectors.at(bias).As<float>().data();
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
  const std::span<const ValueType> types = output_types();
  if (outputs.size() != types.size()) {
    throw Error(ErrorKind::kShape,
                Text("The network has ", types.size(), " outputs, not ", outputs.size(), "."));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (Fits(outputs[i].size(), types[i])) continue;
    RefuseSize(Text("The output ", Quote(network_.graph.outputs[i])), outputs[i].size(), types[i]);
  }
}

void Executor::Run(std::span<const float> input, std::span<const std::span<float>> outputs) {
  CheckOutputs(outputs);
  Start(input);
  Advance(std::numeric_limits<double>::infinity());
  Finish(outputs);
}

void Executor::Start(std::span<const float> input) {
  const std::vector<GraphInput>& inputs = network_.graph.inputs;
  if (inputs.size() != 1) {
    throw Error(ErrorKind::kShape, Text("The network has ", inputs.size(), " inputs, not one."));
  }
  const ValueType type{inputs[0].type.type, input_shapes()[0]};
  if (!Fits(input.size(), type)) RefuseSize("The network's input", input.size(), type);
  std::memcpy(Input(0).data(), input.data(), input.size_bytes());
  Start();
}

void Executor::Start() {
  step_ = part_ = 0;
  done_ = 0;
  step_times_.clear();
  NextStep();
}

void Executor::NextStep() {
  const std::vector<PlannedStep>& steps = program().plan.steps;
  while (step_ < steps.size() && steps[step_].step.constant) ++step_;
}

bool Executor::Advance(double work) {
  const size_t count = program().plan.steps.size();
  do {
    if (step_ == count) return true;
    work -= RunPiece(work);
  } while (work > 0);
  return step_ == count;
}

void Executor::Finish(std::span<const std::span<float>> outputs) const {
  CheckOutputs(outputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    // Those that have fewer rows in this run are followed by what does not matter.
    const std::span<const std::byte> made = Output(i);
    std::memcpy(outputs[i].data(), made.data(), std::min(made.size(), outputs[i].size_bytes()));
  }
}

double Executor::progress() const {
  const Plan& plan = program().plan;
  if (step_ == plan.steps.size()) return 1;
  return std::min(1 - 1e-9, done_ / plan.demand.work);
}

// Of a step that has run.
void Executor::CountRows(const PlannedStep& planned, const Operands& operands) {
  if (operands.output == nullptr) return;
  if (const auto rows = planned.task->CountedRows(operands.data)) {
    operands.output->shape[rows->axis] = rows->count;
  }
}

// A step, or some parts of one that takes longer than `work`. Returns what was done of it.
double Executor::RunPiece(double work) {
  const PlannedStep& planned = program().plan.steps[step_];
  const Operands& operands = program().operands[step_];
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
  const bool begins = part_ == 0;
  planned.task->Run(operands.data, part_, part_ + count);
  part_ += count;
  done_ += done;
  if (timed_) {
    const double time = MillisecondsNow() - start;
    if (begins) {
      step_times_.push_back({network_.graph.nodes[planned.step.node].name, 0});
    }
    step_times_.back().milliseconds += time;
  }
  if (part_ == parts.count) {
    CountRows(planned, operands);
    ++step_;
    part_ = 0;
    NextStep();
  }
  return done;
}

}  // namespace lowtropy
