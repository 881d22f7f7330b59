// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "lowtropy/graph/graph.h"
#include "lowtropy/run/demand.h"
#include "lowtropy/run/executor.h"

namespace lowtropy {

// Puts a network together, from nothing or from another one whose weights change their formats,
// within limits: no matrix is encoded where all would take too much.
class NetworkBuilder {
 public:
  // What is given, for the limits: of a graph, the dense float32 weights that are added; of a
  // network, its weights as it holds them. Throw the errors of CheckGraph and CheckDemand.
  NetworkBuilder(Graph graph, const Limits& limits);
  NetworkBuilder(const Network& start, const Limits& limits);

  // Without a format, in the one that Choose picks for the weight's products. Throw the errors of
  // Matrix::From, Error(kLimit), and Error(kValue) where there is no matrix of that name to recode.
  void AddMatrix(const std::string& name, const RowSource& source, std::optional<Format> format);
  void Recode(const std::string& name, std::optional<Format> format);
  // Float32, or what the constant takes whose value it is; there are no more bytes than its
  // elements.
  void AddVector(const std::string& name, std::span<const uint8_t> bytes);

  // Throws the errors of Executor.
  Executor Build() const;

 private:
  Limits LimitsNow() const;
  DType TypeOfVector(const std::string& name) const;
  void Replace(uint64_t before, uint64_t after);
  // `replaced`: bytes that it takes now.
  Matrix Encode(const std::string& name, const RowSource& source, std::optional<Format> format,
                uint64_t replaced);

  Network network_;
  Limits limits_;
  uint64_t given_ = 0;  // bytes
  Demand demand_;       // as it is now
  std::map<std::string, uint64_t> columns_;
};

}  // namespace lowtropy
