// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/builder.h"

#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/matrix/choose/choose.h"
#include "lowtropy/run/plan.h"

namespace lowtropy {

NetworkBuilder::NetworkBuilder(Graph graph, const Limits& limits)
    : NetworkBuilder(Network{std::move(graph), {}, {}}, limits) {}

NetworkBuilder::NetworkBuilder(const Network& start, const Limits& limits)
    : network_(start), limits_(limits), given_(WeightBytes(start)) {
  CheckGraph(network_.graph);
  demand_ = MakePlan(network_.graph, limits, given_).demand;
  columns_ = CountColumns(network_.graph);
}

Limits NetworkBuilder::LimitsNow() const { return {MaxMemory(limits_, given_), limits_.max_work}; }

void NetworkBuilder::Replace(uint64_t before, uint64_t after) {
  Demand demand = demand_;
  demand.memory += after - before;
  CheckDemand(demand, MaxMemory(limits_, given_), limits_.max_work);
  demand_.memory = demand.memory;
}

Matrix NetworkBuilder::Encode(const std::string& name, const RowSource& source,
                              std::optional<Format> format, uint64_t replaced) {
  const auto found = columns_.find(name);
  const size_t count = found == columns_.end() ? 1 : static_cast<size_t>(found->second);
  try {
    const Encoder encoder(source, format, count);
    Replace(replaced, encoder.bytes());
    return encoder.Encode();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUnsupported) throw;
    throw Error(error.kind(), Text("The weight ", Quote(name), ": ", error.what()));
  }
}

void NetworkBuilder::AddMatrix(const std::string& name, const RowSource& source,
                               std::optional<Format> format) {
  given_ += uint64_t{source.rows()} * source.cols() * sizeof(float);
  network_.matrices.emplace(name, Encode(name, source, format, 0));
}

void NetworkBuilder::Recode(const std::string& name, std::optional<Format> format) {
  const auto found = network_.matrices.find(name);
  if (found == network_.matrices.end()) {
    throw Error(ErrorKind::kValue, "The network has no matrix \"" + name + "\".");
  }
  Matrix& matrix = found->second;
  if (format == matrix.format()) return;
  matrix = Encode(name, matrix, format, matrix.ByteLength());
}

DType NetworkBuilder::TypeOfVector(const std::string& name) const {
  for (const Node& node : network_.graph.nodes) {
    if (node.op->is_constant && node["value"].tensor == name) {
      return DTypeOf(node.op->infer({node, {}}).type);
    }
  }
  return DType::kF32;
}

void NetworkBuilder::AddVector(const std::string& name, std::span<const uint8_t> bytes) {
  given_ += bytes.size();
  Replace(0, bytes.size());
  const DType type = TypeOfVector(name);
  network_.vectors.emplace(name,
                           Array::CopyBytes(type, bytes.data(), bytes.size() / ByteSize(type)));
}

Executor NetworkBuilder::Build() const { return Executor(network_, LimitsNow()); }

}  // namespace lowtropy
