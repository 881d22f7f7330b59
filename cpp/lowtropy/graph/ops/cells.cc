// SPDX-License-Identifier: Apache-2.0
// lstmCells, gruCells and rnnCells: what recurrent cells do from step to step, for sequences side
// by side, as ONNX defines it. The first input, steps x sequences x gates, is what the values
// themselves add to the gates; the products with the state, and all that follows, are done here.
#include <algorithm>
#include <array>
#include <cmath>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/loops.h"
#include "lowtropy/graph/ops/table.h"
#include "lowtropy/math/elementary.h"

namespace lowtropy {
namespace {

// What a gate's sum goes through.
enum Activation : uint32_t {
  kSigmoid,
  kTanh,
  kRelu,
  kHardSigmoid,
  kAffine,
  kLeakyRelu,
  kThresholdedRelu,
  kScaledTanh,
  kElu,
  kSoftsign,
  kSoftplus,
  kActivations
};

struct CellFunction {
  uint32_t activation;
  float alpha;
  float beta;
};

// Loops over floats side by side, of which compilers turn those that networks have into SIMD.
void Activate(const CellFunction& function, float* x, size_t size) {
  const float alpha = function.alpha;
  const float beta = function.beta;
  const auto each = [&](auto map) {
    LOWTROPY_SMALL_LOOP
    for (size_t i = 0; i < size; ++i) x[i] = map(x[i]);
  };
  switch (function.activation) {
    case kSigmoid:
      for (size_t i = 0; i < size; ++i) x[i] = Sigmoid(x[i]);
      return;
    case kTanh:
      for (size_t i = 0; i < size; ++i) x[i] = Tanh(x[i]);
      return;
    case kRelu:
      for (size_t i = 0; i < size; ++i) x[i] = std::max(x[i], 0.0F);
      return;
    case kHardSigmoid:
      return each([&](float v) { return std::clamp(alpha * v + beta, 0.0F, 1.0F); });
    case kAffine:
      return each([&](float v) { return alpha * v + beta; });
    case kLeakyRelu:
      return each([&](float v) { return v < 0 ? alpha * v : v; });
    case kThresholdedRelu:
      return each([&](float v) { return v < alpha ? 0.0F : v; });
    case kScaledTanh:
      return each([&](float v) { return alpha * Tanh(beta * v); });
    case kElu:
      return each([&](float v) { return v < 0 ? alpha * (Exp(v) - 1.0F) : v; });
    case kSoftsign:
      return each([&](float v) { return v / (1.0F + std::abs(v)); });
    default:
      // log(1 + e^v), where e^v is never large.
      return each([&](float v) { return std::max(v, 0.0F) + std::log1p(Exp(-std::abs(v))); });
  }
}

void Clamp(float bound, float* x, size_t size) {
  for (size_t i = 0; i < size; ++i) x[i] = std::clamp(x[i], -bound, bound);
}

// One sequence at one step. Of a state of H values, and of as many in each gate.
struct Cell {
  size_t size;           // H
  const float* input;    // of all gates
  float* gates;          // scratch for as many
  float* state;          // h, with kColumnSlack readable floats behind it
  float* memory;         // c of an LSTM; of a GRU scratch with kColumnSlack floats behind it
  const StepData* data;  // for products with the weight
  const CellFunction* functions;
  float clip;             // what sums of gates are kept within; 0 for no bound
  const float* peephole;  // what the memory of an LSTM adds to the gates i, o, f; or null
  bool variant;           // the one flag of the kind

  // The products of some gates with `x`, and what the input adds.
  void Multiply(size_t first, size_t count, const float* x) const {
    MultiplyVector(*data->weight, {first * size, (first + count) * size}, x, gates, data->epilogue,
                   data->vector_workspace);
  }
  void AddInput(size_t first, size_t count) const {
    for (size_t i = first * size; i < (first + count) * size; ++i) gates[i] += input[i];
  }
  // What the memory adds to some gates, the first of which is `first`.
  void AddMemory(size_t first, size_t count) const {
    if (peephole == nullptr) return;
    for (size_t gate = first; gate < first + count; ++gate) {
      for (size_t i = gate * size; i < (gate + 1) * size; ++i) {
        gates[i] += peephole[i] * memory[i - gate * size];
      }
    }
  }
  // The gates from `first` on, through one of the functions.
  void Activate(size_t function, size_t first, size_t count) const {
    float* const x = gate(first);
    if (clip != 0) Clamp(clip, x, count * size);
    lowtropy::Activate(functions[function], x, count * size);
  }
  float* gate(size_t index) const { return gates + index * size; }
};

// Gates i, o, f, c. With the variant the cell forgets as much as it takes in. What the memory adds
// to the gate o is of this step, to the others of the one before.
void StepLstm(const Cell& cell) {
  const size_t n = cell.size;
  cell.Multiply(0, 4, cell.state);
  cell.AddInput(0, 4);
  const float* in = cell.gate(0);
  const float* out = cell.gate(1);
  float* forget = cell.gate(2);
  const float* candidate = cell.gate(3);
  cell.AddMemory(0, 1);
  cell.AddMemory(2, 1);
  // Where `out` waits for nothing, the three are done at once.
  const bool waits = cell.peephole != nullptr;
  cell.Activate(0, 0, waits ? 1 : 3);
  if (waits) cell.Activate(0, 2, 1);
  cell.Activate(1, 3, 1);
  if (cell.variant) {
    for (size_t i = 0; i < n; ++i) forget[i] = 1.0F - in[i];
  }
  for (size_t i = 0; i < n; ++i) {
    cell.memory[i] = forget[i] * cell.memory[i] + in[i] * candidate[i];
  }
  if (waits) {
    cell.AddMemory(1, 1);
    cell.Activate(0, 1, 1);
  }
  std::copy_n(cell.memory, n, cell.state);
  lowtropy::Activate(cell.functions[2], cell.state, n);
  for (size_t i = 0; i < n; ++i) cell.state[i] *= out[i];
}

// Gates z, r, h. With the variant the state is reset after its product ("linear before reset").
void StepGru(const Cell& cell) {
  const size_t n = cell.size;
  const float* update = cell.gate(0);
  const float* reset = cell.gate(1);
  float* candidate = cell.gate(2);
  cell.Multiply(0, cell.variant ? 3 : 2, cell.state);
  cell.AddInput(0, 2);
  cell.Activate(0, 0, 2);
  if (cell.variant) {
    for (size_t i = 0; i < n; ++i) candidate[i] *= reset[i];
  } else {
    for (size_t i = 0; i < n; ++i) cell.memory[i] = reset[i] * cell.state[i];
    cell.Multiply(2, 1, cell.memory);
  }
  cell.AddInput(2, 1);
  cell.Activate(1, 2, 1);
  for (size_t i = 0; i < n; ++i) {
    cell.state[i] = candidate[i] + update[i] * (cell.state[i] - candidate[i]);
  }
}

void StepRnn(const Cell& cell) {
  cell.Multiply(0, 1, cell.state);
  cell.AddInput(0, 1);
  cell.Activate(0, 0, 1);
  std::copy_n(cell.gates, cell.size, cell.state);
}

// What the family's functions want to know of each kind.
struct CellKind {
  uint32_t gates;
  uint32_t states;  // that a step puts out: h, and of an LSTM c behind it
  size_t functions;
  size_t peepholes;          // gates that the memory may add to
  std::string_view variant;  // the attribute's name
  void (*step)(const Cell&);
};

constexpr CellKind kLstmKind{4, 2, 3, 3, "coupled", StepLstm};
constexpr CellKind kGruKind{3, 1, 2, 0, "resetAfter", StepGru};
constexpr CellKind kRnnKind{1, 1, 1, 0, {}, StepRnn};

constexpr std::string_view kActivationNames[] = {
    "sigmoid",         "tanh",       "relu", "hardSigmoid", "affine",  "leakyRelu",
    "thresholdedRelu", "scaledTanh", "elu",  "softsign",    "softplus"};
static_assert(std::size(kActivationNames) == kActivations);

constexpr AttributeSpec kWeight{"weight", AttributeKind::kMatrix};
constexpr AttributeSpec kBias{"bias", AttributeKind::kVector, 1, 0, true};
constexpr AttributeSpec kReverse{"reverse", AttributeKind::kFlag};
constexpr AttributeSpec kClip{"clip", AttributeKind::kNumber, 1, 0, true};

// Each function has three attributes, which come last: what it is, and two numbers, which are by
// default those of a hardSigmoid.
constexpr size_t kOfFunction = 3;
constexpr AttributeSpec Choice(std::string_view name, Activation otherwise) {
  return {name, AttributeKind::kChoice, 1, static_cast<float>(otherwise), true,
          1,    kActivationNames};
}
constexpr AttributeSpec Alpha(std::string_view name) {
  return {name, AttributeKind::kNumber, 1, 0.2F, true};
}
constexpr AttributeSpec Beta(std::string_view name) {
  return {name, AttributeKind::kNumber, 1, 0.5F, true};
}

constexpr AttributeSpec kLstmCellAttributes[] = {
    kWeight,
    kBias,
    kReverse,
    {"coupled", AttributeKind::kFlag},
    kClip,
    Choice("gateFunction", kSigmoid),
    Alpha("gateAlpha"),
    Beta("gateBeta"),
    Choice("candidateFunction", kTanh),
    Alpha("candidateAlpha"),
    Beta("candidateBeta"),
    Choice("outputFunction", kTanh),
    Alpha("outputAlpha"),
    Beta("outputBeta"),
};
constexpr AttributeSpec kGruCellAttributes[] = {
    kWeight,
    kBias,
    kReverse,
    {"resetAfter", AttributeKind::kFlag},
    kClip,
    Choice("gateFunction", kSigmoid),
    Alpha("gateAlpha"),
    Beta("gateBeta"),
    Choice("candidateFunction", kTanh),
    Alpha("candidateAlpha"),
    Beta("candidateBeta"),
};
constexpr AttributeSpec kRnnCellAttributes[] = {
    kWeight,          kBias, kReverse, kClip, Choice("gateFunction", kTanh), Alpha("gateAlpha"),
    Beta("gateBeta"),
};

const CellKind& KindOf(const Node& node) { return *static_cast<const CellKind*>(node.op->details); }

// Steps x sequences x states.
ValueType InferCells(const TypedNode& typed) {
  const Node& node = typed.node;
  const CellKind& kind = KindOf(node);
  const Shape& gates = typed.shape();
  if (gates.rank() != 3 || gates[2] == 0 || gates[2] % kind.gates != 0) {
    throw ShapeError(
        node, Text("it takes steps x sequences x ", kind.gates, " gates, not ", Describe(gates)));
  }
  const uint32_t size = gates[2] / kind.gates;
  const Shape state{gates[1], size};
  const Shape peephole{static_cast<uint32_t>(kind.peepholes) * size};
  for (size_t i = 1; i < typed.inputs.size(); ++i) {
    const Shape& wanted = i <= kind.states ? state : peephole;
    if (typed.inputs[i].shape == wanted) continue;
    throw ShapeError(node, Text("its ", i <= kind.states ? "first state is " : "peephole is ",
                                Describe(typed.inputs[i].shape), " instead of ", Describe(wanted)));
  }
  return {ElementType::kFloat32, {gates[0], gates[1], kind.states * size}};
}

WeightUse UseOfCells(const TypedNode& typed, const Shape&) {
  const Shape& gates = typed.shape();
  return {.kind = WeightUse::Kind::kVector,
          .rows = gates[2],
          .cols = gates[2] / KindOf(typed.node).gates,
          .repeats = uint64_t{gates[0]} * gates[1]};
}

uint64_t VectorSize(const TypedNode& typed) { return typed.shape()[2]; }

void CheckCells(const Node& node, std::span<const Range>) {
  if (node.Number("clip") < 0) throw NodeError(ErrorKind::kValue, node, "its clip is below 0");
}

// The parts are steps, each of all sequences.
class CellTask final : public Task {
 public:
  CellTask(const TypedNode& typed, const WeightUse& use)
      : Task(CostsOf(typed.shape(), use)),
        kind_(KindOf(typed.node)),
        steps_(typed.shape()[0]),
        sequences_(typed.shape()[1]),
        size_(static_cast<size_t>(use.cols)),
        has_peephole_(typed.inputs.size() > 1 + kind_.states),
        clip_(typed.node.Number("clip")),
        reverse_(typed.node.Flag("reverse")),
        variant_(!kind_.variant.empty() && typed.node.Flag(kind_.variant)) {
    const auto attributes = std::span(typed.node.attributes).last(kOfFunction * kind_.functions);
    for (size_t i = 0; i < kind_.functions; ++i) {
      const auto one = attributes.subspan(kOfFunction * i, kOfFunction);
      functions_[i] = {one[0].integers[0], one[1].number, one[2].number};
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
      for (size_t k = 1; k < std::min(data.inputs.size(), 1 + size_t{kind_.states}); ++k) {
        std::copy_n(data.inputs[k] + i * size_, size_, state + (k - 1) * (size_ + kColumnSlack));
      }
    }
  }

  void RunStep(const StepData& data, size_t at, size_t sequence) const {
    float* state = StateOf(data, sequence);
    float* memory = state + size_ + kColumnSlack;
    kind_.step({size_, data.inputs[0] + at * kind_.gates * size_, data.scratch, state, memory,
                &data, functions_.data(), clip_,
                has_peephole_ ? data.inputs[1 + kind_.states] : nullptr, variant_});
    float* output = std::copy_n(state, size_, data.output + at * kind_.states * size_);
    if (kind_.states == 2) std::copy_n(memory, size_, output);
  }

  const CellKind& kind_;
  size_t steps_;
  size_t sequences_;
  size_t size_;
  bool has_peephole_;
  float clip_;
  bool reverse_;
  bool variant_;
  std::array<CellFunction, 3> functions_{};
};

std::unique_ptr<Task> PlanCells(const TypedNode& typed, const Shape& output) {
  return std::make_unique<CellTask>(typed, UseOfCells(typed, output));
}

constexpr Operator CellRow(std::string_view name, std::span<const AttributeSpec> attributes,
                           const CellKind& kind) {
  return {.name = name,
          .version = 5,
          .attributes = attributes,
          .most_inputs = 1 + kind.states + (kind.peepholes != 0 ? 1U : 0U),
          .details = &kind,
          .takes_bias = true,
          .infer = InferCells,
          .use = UseOfCells,
          .vector_size = VectorSize,
          .check = CheckCells,
          .plan = PlanCells};
}

}  // namespace

constinit const Operator ops::kLstmCells = CellRow("lstmCells", kLstmCellAttributes, kLstmKind);
constinit const Operator ops::kGruCells = CellRow("gruCells", kGruCellAttributes, kGruKind);
constinit const Operator ops::kRnnCells = CellRow("rnnCells", kRnnCellAttributes, kRnnKind);

}  // namespace lowtropy
