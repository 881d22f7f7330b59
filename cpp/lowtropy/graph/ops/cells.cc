// SPDX-License-Identifier: Apache-2.0
// lstmCells, gruCells and rnnCells: what recurrent cells do from step to step, for sequences side
// by side, as ONNX defines it. The first input, steps x sequences x gates, is what the values
// themselves add to the gates; the products with the state, and all that follows, are done here.
#include <algorithm>
#include <array>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"
#include "lowtropy/math/elementary.h"

namespace lowtropy {
namespace {

// What a gate's sum goes through.
enum Activation : uint32_t { kSigmoid, kTanh, kRelu, kHardSigmoid, kActivations };

// Loops over floats side by side, which compilers turn into SIMD.
void Activate(uint32_t activation, float* x, size_t size) {
  switch (activation) {
    case kSigmoid:
      for (size_t i = 0; i < size; ++i) x[i] = Sigmoid(x[i]);
      return;
    case kTanh:
      for (size_t i = 0; i < size; ++i) x[i] = Tanh(x[i]);
      return;
    case kRelu:
      for (size_t i = 0; i < size; ++i) x[i] = std::max(x[i], 0.0F);
      return;
    default:
      for (size_t i = 0; i < size; ++i) x[i] = std::clamp(0.2F * x[i] + 0.5F, 0.0F, 1.0F);
  }
}

// One sequence at one step. Of a state of H values, and of as many in each gate.
struct Cell {
  size_t size;           // H
  const float* input;    // of all gates
  float* gates;          // scratch for as many
  float* state;          // h, with kColumnSlack readable floats behind it
  float* memory;         // c of an LSTM; of a GRU scratch with kColumnSlack floats behind it
  const StepData* data;  // for products with the weight
  const uint32_t* activations;
  bool variant;  // the one flag of the kind

  // The products of some gates with `x`, and what the input adds.
  void Multiply(size_t first, size_t count, const float* x) const {
    MultiplyVector(*data->weight, {first * size, (first + count) * size}, x, gates, data->epilogue,
                   data->vector_workspace);
  }
  void AddInput(size_t first, size_t count) const {
    for (size_t i = first * size; i < (first + count) * size; ++i) gates[i] += input[i];
  }
  float* gate(size_t index) const { return gates + index * size; }
};

// Gates i, o, f, c. With the variant the cell forgets as much as it takes in.
void StepLstm(const Cell& cell) {
  const size_t n = cell.size;
  cell.Multiply(0, 4, cell.state);
  cell.AddInput(0, 4);
  float* in = cell.gate(0);
  float* out = cell.gate(1);
  float* forget = cell.gate(2);
  float* candidate = cell.gate(3);
  Activate(cell.activations[0], in, 3 * n);  // also `out` and `forget`
  Activate(cell.activations[1], candidate, n);
  if (cell.variant) {
    for (size_t i = 0; i < n; ++i) forget[i] = 1.0F - in[i];
  }
  for (size_t i = 0; i < n; ++i) {
    cell.memory[i] = forget[i] * cell.memory[i] + in[i] * candidate[i];
  }
  std::copy_n(cell.memory, n, cell.state);
  Activate(cell.activations[2], cell.state, n);
  for (size_t i = 0; i < n; ++i) cell.state[i] *= out[i];
}

// Gates z, r, h. With the variant the state is reset after its product ("linear before reset").
void StepGru(const Cell& cell) {
  const size_t n = cell.size;
  float* update = cell.gate(0);
  float* reset = cell.gate(1);
  float* candidate = cell.gate(2);
  cell.Multiply(0, cell.variant ? 3 : 2, cell.state);
  cell.AddInput(0, 2);
  Activate(cell.activations[0], update, 2 * n);  // also `reset`
  if (cell.variant) {
    for (size_t i = 0; i < n; ++i) candidate[i] *= reset[i];
  } else {
    for (size_t i = 0; i < n; ++i) cell.memory[i] = reset[i] * cell.state[i];
    cell.Multiply(2, 1, cell.memory);
  }
  cell.AddInput(2, 1);
  Activate(cell.activations[1], candidate, n);
  for (size_t i = 0; i < n; ++i) {
    cell.state[i] = candidate[i] + update[i] * (cell.state[i] - candidate[i]);
  }
}

void StepRnn(const Cell& cell) {
  cell.Multiply(0, 1, cell.state);
  cell.AddInput(0, 1);
  std::copy_n(cell.gates, cell.size, cell.state);
  Activate(cell.activations[0], cell.state, cell.size);
}

// What the family's functions want to know of each kind.
struct CellKind {
  uint32_t gates;
  uint32_t states;  // that a step puts out: h, and of an LSTM c behind it
  size_t functions;
  std::string_view variant;  // the attribute's name
  void (*step)(const Cell&);
};

constexpr CellKind kLstmKind{4, 2, 3, "coupled", StepLstm};
constexpr CellKind kGruKind{3, 1, 2, "resetAfter", StepGru};
constexpr CellKind kRnnKind{1, 1, 1, {}, StepRnn};

constexpr std::string_view kActivationNames[] = {"sigmoid", "tanh", "relu", "hardSigmoid"};
static_assert(std::size(kActivationNames) == kActivations);

constexpr AttributeSpec kWeight{"weight", AttributeKind::kMatrix};
constexpr AttributeSpec kBias{"bias", AttributeKind::kVector, 1, 0, true};
constexpr AttributeSpec kReverse{"reverse", AttributeKind::kFlag};
constexpr AttributeSpec Function(std::string_view name, Activation otherwise) {
  return {name, AttributeKind::kChoice, 1, static_cast<float>(otherwise), true,
          1,    kActivationNames};
}

constexpr AttributeSpec kLstmAttributes[] = {
    kWeight,
    kBias,
    kReverse,
    {"coupled", AttributeKind::kFlag},
    Function("gateFunction", kSigmoid),
    Function("candidateFunction", kTanh),
    Function("outputFunction", kTanh),
};
constexpr AttributeSpec kGruAttributes[] = {
    kWeight,
    kBias,
    kReverse,
    {"resetAfter", AttributeKind::kFlag},
    Function("gateFunction", kSigmoid),
    Function("candidateFunction", kTanh),
};
constexpr AttributeSpec kRnnAttributes[] = {kWeight, kBias, kReverse,
                                            Function("gateFunction", kTanh)};

const CellKind& KindOf(const Node& node) { return *static_cast<const CellKind*>(node.op->details); }

// Steps x sequences x states.
ValueType Infer(const TypedNode& typed) {
  const Node& node = typed.node;
  const CellKind& kind = KindOf(node);
  const Shape& gates = typed.shape();
  if (gates.rank() != 3 || gates[2] == 0 || gates[2] % kind.gates != 0) {
    throw ShapeError(
        node, Text("it takes steps x sequences x ", kind.gates, " gates, not ", Describe(gates)));
  }
  const uint32_t size = gates[2] / kind.gates;
  const Shape state{gates[1], size};
  for (const ValueType& input : typed.inputs.subspan(1)) {
    if (input.shape == state) continue;
    throw ShapeError(
        node, Text("its first state is ", Describe(input.shape), " instead of ", Describe(state)));
  }
  return {ElementType::kFloat32, {gates[0], gates[1], kind.states * size}};
}

WeightUse Use(const TypedNode& typed, const Shape&) {
  const Shape& gates = typed.shape();
  return {.kind = WeightUse::Kind::kVector,
          .rows = gates[2],
          .cols = gates[2] / KindOf(typed.node).gates,
          .repeats = uint64_t{gates[0]} * gates[1]};
}

uint64_t VectorSize(const TypedNode& typed) { return typed.shape()[2]; }

// The parts are steps, each of all sequences.
class CellTask final : public Task {
 public:
  CellTask(const TypedNode& typed, const WeightUse& use)
      : Task(CostsOf(typed.shape(), use)),
        kind_(KindOf(typed.node)),
        steps_(typed.shape()[0]),
        sequences_(typed.shape()[1]),
        size_(static_cast<size_t>(use.cols)),
        reverse_(typed.node.Flag("reverse")),
        variant_(!kind_.variant.empty() && typed.node.Flag(kind_.variant)) {
    const auto attributes = typed.node.op->attributes;
    for (size_t i = 0; i < kind_.functions; ++i) {
      const std::string_view name = attributes[attributes.size() - kind_.functions + i].name;
      activations_[i] = typed.node.Integer(name);
    }
  }

  void Run(const StepData& data, size_t begin, size_t end) const override {
    if (begin == 0) BeginStates(data);
    for (size_t part = begin; part < end; ++part) {
      const size_t step = reverse_ ? steps_ - 1 - part : part;
      for (size_t i = 0; i < sequences_; ++i) RunStep(data, step * sequences_ + i, i);
    }
  }

 private:
  static Costs CostsOf(const Shape& gates, const WeightUse& use) {
    const auto rows = static_cast<double>(use.rows);
    const auto size = use.cols + kColumnSlack;
    return {.work = static_cast<double>(use.repeats) *
                    (rows * (2.0 * static_cast<double>(use.cols) + 64) + 256),
            .scratch = use.rows + gates[1] * 2 * size,
            .parts = {.count = gates[0]}};
  }

  // Of a sequence: h and c, each with readable floats behind it.
  float* StateOf(const StepData& data, size_t sequence) const {
    return data.scratch + kind_.gates * size_ + sequence * 2 * (size_ + kColumnSlack);
  }

  void BeginStates(const StepData& data) const {
    for (size_t i = 0; i < sequences_; ++i) {
      float* state = StateOf(data, i);
      std::fill_n(state, 2 * (size_ + kColumnSlack), 0.0F);
      for (size_t k = 1; k < data.inputs.size(); ++k) {
        std::copy_n(data.inputs[k] + i * size_, size_, state + (k - 1) * (size_ + kColumnSlack));
      }
    }
  }

  void RunStep(const StepData& data, size_t at, size_t sequence) const {
    float* state = StateOf(data, sequence);
    float* memory = state + size_ + kColumnSlack;
    kind_.step({size_, data.inputs[0] + at * kind_.gates * size_, data.scratch, state, memory,
                &data, activations_.data(), variant_});
    float* output = std::copy_n(state, size_, data.output + at * kind_.states * size_);
    if (kind_.states == 2) std::copy_n(memory, size_, output);
  }

  const CellKind& kind_;
  size_t steps_;
  size_t sequences_;
  size_t size_;
  bool reverse_;
  bool variant_;
  std::array<uint32_t, 3> activations_{};
};

std::unique_ptr<Task> Plan(const TypedNode& typed, const Shape& output) {
  return std::make_unique<CellTask>(typed, Use(typed, output));
}

constexpr Operator Row(std::string_view name, std::span<const AttributeSpec> attributes,
                       const CellKind& kind) {
  return {.name = name,
          .version = 5,
          .attributes = attributes,
          .most_inputs = 1 + kind.states,
          .details = &kind,
          .takes_bias = true,
          .infer = Infer,
          .use = Use,
          .vector_size = VectorSize,
          .plan = Plan};
}

}  // namespace

constinit const Operator ops::kLstmCells = Row("lstmCells", kLstmAttributes, kLstmKind);
constinit const Operator ops::kGruCells = Row("gruCells", kGruAttributes, kGruKind);
constinit const Operator ops::kRnnCells = Row("rnnCells", kRnnAttributes, kRnnKind);

}  // namespace lowtropy
