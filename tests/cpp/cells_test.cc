// SPDX-License-Identifier: Apache-2.0
// lstmCells, gruCells and rnnCells against the equations of ONNX in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "forged_model.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/run/builder.h"
#include "nodes.h"

namespace lowtropy {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

// ---- The equations ----

struct Function {
  uint32_t choice = 0;  // in the order of FORMAT.md
  float alpha = 0.2F;
  float beta = 0.5F;
};

constexpr uint32_t kFunctions = 11;

double Apply(const Function& function, double x) {
  const double alpha = double{function.alpha};
  const double beta = double{function.beta};
  switch (function.choice) {
    case 0:
      return 1 / (1 + std::exp(-x));
    case 1:
      return std::tanh(x);
    case 2:
      return std::max(x, 0.0);
    case 3:
      return std::min(std::max(alpha * x + beta, 0.0), 1.0);
    case 4:
      return alpha * x + beta;
    case 5:
      return x < 0 ? alpha * x : x;
    case 6:
      return x < alpha ? 0 : x;
    case 7:
      return alpha * std::tanh(beta * x);
    case 8:
      return x < 0 ? alpha * std::expm1(x) : x;
    case 9:
      return x / (1 + std::abs(x));
    default:
      return std::log1p(std::exp(x));
  }
}

struct Kind {
  std::string op;
  size_t gates;
  size_t states;
  std::vector<std::string> functions;  // the attributes' names before "Function"
  std::string variant;
};

const Kind kLstm{"lstmCells", 4, 2, {"gate", "candidate", "output"}, "coupled"};
const Kind kGru{"gruCells", 3, 1, {"gate", "candidate"}, "resetAfter"};
const Kind kRnn{"rnnCells", 1, 1, {"gate"}, ""};

struct Cells : Kind {
  explicit Cells(const Kind& kind) : Kind(kind) {}

  uint32_t steps = 1;
  uint32_t sequences = 1;
  uint32_t size = 1;
  Floats weight;
  Floats bias;  // or none
  Floats input;
  std::vector<Floats> begin;  // of each state, or none
  Floats peephole;            // or none
  std::vector<Function> chosen;
  float clip = 0;
  bool reverse = false;
  bool varies = false;
};

// One sequence at one step, in the letters of ONNX.
class Step {
 public:
  Step(const Cells& cells, size_t step, size_t sequence)
      : cells_(cells),
        size_(cells.size),
        x_(cells.input.data() + (step * cells.sequences + sequence) * cells.gates * size_) {}

  void Run(Doubles& h, Doubles& c) const {
    const Doubles before = h;
    if (cells_.op == "lstmCells") return Lstm(before, h, c);
    if (cells_.op == "gruCells") return Gru(before, h);
    for (size_t j = 0; j < size_; ++j) h[j] = F(0, x_[j] + Product(0, j, before));
  }

 private:
  // The row of a gate times the state, plus the bias of that product.
  double Product(size_t gate, size_t j, const Doubles& h) const {
    const size_t row = gate * size_ + j;
    double sum = cells_.bias.empty() ? 0 : double{cells_.bias[row]};
    for (size_t k = 0; k < size_; ++k) sum += double{cells_.weight[row * size_ + k]} * h[k];
    return sum;
  }
  double Input(size_t gate, size_t j) const { return double{x_[gate * size_ + j]}; }
  double F(size_t function, double x) const {
    const double clip = double{cells_.clip};
    return Apply(cells_.chosen[function], clip == 0 ? x : std::clamp(x, -clip, clip));
  }
  double P(size_t gate, size_t j) const {
    return cells_.peephole.empty() ? 0 : double{cells_.peephole[gate * size_ + j]};
  }

  void Lstm(const Doubles& before, Doubles& h, Doubles& c) const {
    for (size_t j = 0; j < size_; ++j) {
      const auto sum = [&](size_t gate) { return Input(gate, j) + Product(gate, j, before); };
      const double i = F(0, sum(0) + P(0, j) * c[j]);
      const double f = cells_.varies ? 1 - i : F(0, sum(2) + P(2, j) * c[j]);
      c[j] = f * c[j] + i * F(1, sum(3));
      const double o = F(0, sum(1) + P(1, j) * c[j]);
      h[j] = o * Apply(cells_.chosen[2], c[j]);
    }
  }

  void Gru(const Doubles& before, Doubles& h) const {
    Doubles reset(size_);
    Doubles r(size_);
    for (size_t j = 0; j < size_; ++j) {
      r[j] = F(0, Input(1, j) + Product(1, j, before));
      reset[j] = r[j] * before[j];
    }
    for (size_t j = 0; j < size_; ++j) {
      const double z = F(0, Input(0, j) + Product(0, j, before));
      const double product = cells_.varies ? r[j] * Product(2, j, before) : Product(2, j, reset);
      h[j] = (1 - z) * F(1, Input(2, j) + product) + z * before[j];
    }
  }

  const Cells& cells_;
  size_t size_;
  const float* x_;
};

Doubles ExpectedCells(const Cells& cells) {
  const size_t width = cells.states * cells.size;
  Doubles all(size_t{cells.steps} * cells.sequences * width);
  for (size_t sequence = 0; sequence < cells.sequences; ++sequence) {
    std::vector<Doubles> states(2, Doubles(cells.size));
    for (size_t k = 0; k < cells.begin.size(); ++k) {
      for (size_t j = 0; j < cells.size; ++j) {
        states[k][j] = double{cells.begin[k][sequence * cells.size + j]};
      }
    }
    for (size_t t = 0; t < cells.steps; ++t) {
      const size_t step = cells.reverse ? cells.steps - 1 - t : t;
      Step(cells, step, sequence).Run(states[0], states[1]);
      double* const to = all.data() + (step * cells.sequences + sequence) * width;
      for (size_t k = 0; k < cells.states; ++k) {
        std::copy(states[k].begin(), states[k].end(), to + k * cells.size);
      }
    }
  }
  return all;
}

// ---- As networks ----

Node NodeOf(const Cells& cells) {
  Node node = MakeNode(cells.op, "y", {});
  node["weight"].tensor = "w";
  if (!cells.bias.empty()) node["bias"].tensor = "b";
  node["reverse"].integers = {cells.reverse};
  node["clip"].number = cells.clip;
  if (!cells.variant.empty()) node[cells.variant].integers = {cells.varies};
  for (size_t i = 0; i < cells.functions.size(); ++i) {
    const std::string& name = cells.functions[i];
    node[name + "Function"].integers = {cells.chosen[i].choice};
    node[name + "Alpha"].number = cells.chosen[i].alpha;
    node[name + "Beta"].number = cells.chosen[i].beta;
  }
  return node;
}

struct Value {
  Shape shape;
  Floats floats;
};

std::vector<Value> ValuesOf(const Cells& cells) {
  std::vector<Value> values{
      {{cells.steps, cells.sequences, static_cast<uint32_t>(cells.gates) * cells.size},
       cells.input}};
  for (const Floats& state : cells.begin) {
    values.push_back({{cells.sequences, cells.size}, state});
  }
  if (!cells.peephole.empty()) values.push_back({{3 * cells.size}, cells.peephole});
  return values;
}

Network NetworkOf(const Cells& cells, Format format) {
  Node node = NodeOf(cells);
  std::vector<GraphInput> inputs;
  for (const Value& value : ValuesOf(cells)) {
    node.inputs.push_back("input" + std::to_string(inputs.size()));
    inputs.push_back({node.inputs.back(), {ElementType::kFloat32, value.shape}, {}});
  }
  Network network = MakeNetwork(std::move(inputs), {node}, {"y"});
  const DenseView view(cells.weight.data(), cells.gates * cells.size, cells.size);
  network.matrices.emplace("w", Matrix::From(view, format));
  if (!cells.bias.empty()) network.vectors.emplace("b", Array::Copy<float>(cells.bias));
  return network;
}

Floats RunCells(const Cells& cells, Format format, double work = 1e30) {
  Executor executor(NetworkOf(cells, format));
  const std::vector<Value> values = ValuesOf(cells);
  for (size_t i = 0; i < values.size(); ++i) Fill(executor, i, values[i].floats);
  executor.Start();
  while (!executor.Advance(work)) {
  }
  EXPECT_EQ(
      executor.output_types()[0].shape,
      (Shape{cells.steps, cells.sequences, static_cast<uint32_t>(cells.states) * cells.size}));
  return OutputOf<float>(executor, 0);
}

void ExpectRight(const Cells& cells, Format format) {
  const Floats actual = RunCells(cells, format);
  const Doubles expected = ExpectedCells(cells);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    // Relu and its like let states grow.
    ASSERT_NEAR(double{actual[i]}, expected[i], 2e-5 * std::max(1.0, std::abs(expected[i]))) << i;
  }
}

// ---- Drawn ones ----

struct Drawer {
  explicit Drawer(uint32_t seed) : random(seed) {}

  uint32_t Number(uint32_t least, uint32_t most) {
    return least + static_cast<uint32_t>(random() % (most - least + 1));
  }
  bool Coin() { return random() % 2 == 0; }
  Floats Uniform(size_t count, float most) {
    std::uniform_real_distribution<float> uniform(-most, most);
    Floats floats(count);
    for (float& value : floats) value = uniform(random);
    return floats;
  }
  // Few values, so that all formats hold them, and small: nothing is to grow much.
  Floats Weights(size_t count) {
    Floats floats(count);
    for (float& value : floats) value = static_cast<float>(random() % 5) * 0.125F - 0.25F;
    return floats;
  }
  Cells Draw(const Kind& kind) {
    Cells cells(kind);
    cells.steps = Number(1, 6);
    cells.sequences = Number(1, 4);
    cells.size = Number(1, 9);
    const size_t gates = cells.gates * cells.size;
    cells.weight = Weights(gates * cells.size);
    cells.input = Uniform(gates * cells.steps * cells.sequences, 2);
    if (Coin()) cells.bias = Uniform(gates, 1);
    const bool sees = cells.op == "lstmCells" && Coin();
    if (sees || Coin()) {
      cells.begin.assign(cells.states, {});
      for (Floats& state : cells.begin) state = Uniform(size_t{cells.sequences} * cells.size, 1);
    }
    if (sees) cells.peephole = Uniform(size_t{3} * cells.size, 1);
    if (Coin()) cells.clip = 0.75F;
    cells.reverse = Coin();
    cells.varies = !cells.variant.empty() && Coin();
    cells.chosen.assign(cells.functions.size(), {});
    for (Function& function : cells.chosen) {
      // The linear ones would let states grow without end.
      function = {Number(0, kFunctions - 1), 0.3F, 0.4F};
    }
    return cells;
  }

  std::mt19937 random;
};

TEST(CellsTest, DrawnOnesAreThoseOfTheEquations) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Drawer drawer(seed);
    for (const Kind& kind : {kLstm, kGru, kRnn}) {
      SCOPED_TRACE(kind.op);
      ExpectRight(drawer.Draw(kind), kFormats[seed % kFormats.size()]);
    }
  }
}

// A middling one of the kind, whose functions are the usual ones.
Cells Usual(const Kind& kind) {
  Drawer drawer(5);
  Cells cells(kind);
  cells.steps = 4;
  cells.sequences = 3;
  cells.size = 7;
  cells.weight = drawer.Weights(cells.gates * 7 * 7);
  cells.bias = drawer.Uniform(cells.gates * 7, 1);
  cells.input = drawer.Uniform(cells.gates * 7 * 12, 2);
  cells.chosen.assign(cells.functions.size(), {1});
  if (cells.functions.size() > 1) cells.chosen[0] = {0};
  return cells;
}

TEST(CellsTest, EveryFunctionInEveryPlace) {
  for (const Kind& kind : {kLstm, kGru, kRnn}) {
    for (size_t place = 0; place < kind.functions.size(); ++place) {
      for (uint32_t function = 0; function < kFunctions; ++function) {
        SCOPED_TRACE(kind.op + " " + kind.functions[place] + " " + std::to_string(function));
        Cells cells = Usual(kind);
        cells.chosen[place] = {function, 0.35F, 0.45F};
        ExpectRight(cells, Format::kDense);
      }
    }
  }
}

TEST(CellsTest, AllFormats) {
  for (const Kind& kind : {kLstm, kGru, kRnn}) {
    for (const Format format : kFormats) {
      SCOPED_TRACE(kind.op + " " + std::string(Name(format)));
      ExpectRight(Usual(kind), format);
    }
  }
}

TEST(CellsTest, PiecesGiveTheSameBits) {
  for (const Kind& kind : {kLstm, kGru, kRnn}) {
    for (const bool reverse : {false, true}) {
      Cells cells = Usual(kind);
      cells.reverse = reverse;
      EXPECT_EQ(RunCells(cells, Format::kCser, 1), RunCells(cells, Format::kCser))
          << kind.op << reverse;
    }
  }
}

// Gates far out are all or nothing, not NaN.
TEST(CellsTest, Saturates) {
  for (const Kind& kind : {kLstm, kGru, kRnn}) {
    for (const float far : {1e4F, -1e4F, 3e38F, -3e38F}) {
      SCOPED_TRACE(kind.op + " " + std::to_string(far));
      Cells cells = Usual(kind);
      std::fill(cells.input.begin(), cells.input.end(), far);
      ExpectRight(cells, Format::kDense);
    }
  }
}

// ---- What does not fit ----

std::string MessageOf(Node node, const std::vector<Shape>& shapes) {
  std::vector<ValueType> types;
  for (const Shape& shape : shapes) {
    types.push_back({ElementType::kFloat32, shape});
    node.inputs.push_back("x" + std::to_string(node.inputs.size()));
  }
  try {
    TypeOf(node, types);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(CellsTest, Refusals) {
  const std::string lstm = "The lstmCells node \"y\": ";
  const Node node = MakeNode("lstmCells", "y", {});
  EXPECT_EQ(MessageOf(node, {{5, 2, 7}}),
            lstm + "it takes steps x sequences x 4 gates, not 5 x 2 x 7.");
  EXPECT_EQ(MessageOf(node, {{5, 8}}), lstm + "it takes steps x sequences x 4 gates, not 5 x 8.");
  EXPECT_EQ(MessageOf(node, {{5, 2, 8}, {2, 2}, {1, 2}}),
            lstm + "its first state is 1 x 2 instead of 2 x 2.");
  EXPECT_EQ(MessageOf(node, {{5, 2, 8}, {2, 2}, {2, 2}, {8}}),
            lstm + "its peephole is 8 instead of 6.");
  EXPECT_EQ(MessageOf(node, {{5, 2, 8}, {2, 2}, {2, 2}, {6}}), "");
  EXPECT_EQ(MessageOf(MakeNode("gruCells", "y", {}), {{5, 2, 8}}),
            "The gruCells node \"y\": it takes steps x sequences x 3 gates, not 5 x 2 x 8.");
  ExpectRefused(
      [] {
        Cells cells = Usual(kRnn);
        cells.clip = -1;
        CheckNetwork(NetworkOf(cells, Format::kDense));
      },
      "The rnnCells node \"y\": its clip is below 0.");
}

TEST(CellsTest, TellsItsProducts) {
  const LayerInfo layer = ListLayers(NetworkOf(Usual(kLstm), Format::kDense).graph).at(0);
  EXPECT_EQ(layer.rows, 28U);
  EXPECT_EQ(layer.cols, 7U);
  EXPECT_EQ(layer.count, 1U);
  EXPECT_EQ(layer.repeats, 12U);
  EXPECT_EQ(layer.macs, uint64_t{12} * 28 * 7);
}

// ---- In files ----

// Of 2 gates, one of which is scaled, with all that can be left out.
Cells GoldenCells() {
  Cells cells(kRnn);
  cells.weight = {0.5F};
  cells.bias = {0.25F};
  cells.input = {1};
  cells.chosen = {{5, 0.125F, 0.5F}};
  cells.clip = 1.5F;
  cells.reverse = true;
  return cells;
}

TEST(CellsTest, GoldenNode) {
  const std::string file = forged::Write(NetworkOf(GoldenCells(), Format::kDense));
  EXPECT_NE(file.find(R"({\"op\":\"rnnCells\",\"name\":\"y\",\"inputs\":[\"input0\"],)"
                      R"(\"output\":\"y\",\"weight\":\"w\",\"bias\":\"b\",\"reverse\":true,)"
                      R"(\"clip\":1.5,\"gateFunction\":\"leakyRelu\",\"gateAlpha\":0.125}]})"),
            file.npos)
      << file;
  EXPECT_NE(file.find(R"("version":"5")"), file.npos);
  EXPECT_EQ(forged::Write(forged::Read(file)), file);
}

TEST(CellsTest, FilesKeepAllThatIsDrawn) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Drawer drawer(seed);
    for (const Kind& kind : {kLstm, kGru, kRnn}) {
      const Network network = NetworkOf(drawer.Draw(kind), Format::kDense);
      const std::string file = forged::Write(network);
      const Network read = forged::Read(file);
      EXPECT_EQ(read.graph.nodes[0].attributes, network.graph.nodes[0].attributes);
      EXPECT_EQ(forged::Write(read), file);
    }
  }
}

TEST(CellsTest, ForgedKeysAreRefused) {
  const std::string file = forged::Write(NetworkOf(GoldenCells(), Format::kDense));
  const auto message = [&](std::string_view from, std::string_view to) -> std::string {
    forged::Model model = forged::Split(file);
    const size_t at = model.header.find(from);
    if (at == model.header.npos) return "not there";
    model.header.replace(at, from.size(), to);
    try {
      forged::Read(forged::Join(model));
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("leakyRelu", "softsine"), "Byte 204 of the graph: there is no such choice.");
  EXPECT_NE(message(R"(\"clip\":1.5)", R"(\"clip\":-1.5)").find("its clip is below 0"),
            std::string::npos);
  EXPECT_NE(message(R"(\"clip\":1.5)", R"(\"clip\":0)"), "");
  EXPECT_NE(message(R"(\"gateAlpha\":0.125)", R"(\"gateAlpha\":0.2)"), "");
}

}  // namespace
}  // namespace lowtropy
