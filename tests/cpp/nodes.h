// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/graph/topology.h"
#include "lowtropy/run/executor.h"
#include "runs.h"

namespace lowtropy {

// Networks of a few nodes, and values of any rank, by arithmetic of indices.

inline Node MakeNode(std::string_view op, const std::string& name,
                     std::vector<std::string> inputs) {
  Node node(*FindOperator(op));
  node.name = node.output = name;
  node.inputs = std::move(inputs);
  return node;
}

inline Network MakeNetwork(std::vector<GraphInput> inputs, std::vector<Node> nodes,
                           std::vector<std::string> outputs) {
  return {{.name = "",
           .inputs = std::move(inputs),
           .outputs = std::move(outputs),
           .nodes = std::move(nodes)},
          {},
          {}};
}

// The indices of element `at` of a shape.
inline std::vector<uint32_t> IndicesOf(const Shape& shape, size_t at) {
  std::vector<uint32_t> indices(shape.rank());
  for (size_t axis = shape.rank(); axis-- > 0; at /= shape[axis]) {
    indices[axis] = static_cast<uint32_t>(at % shape[axis]);
  }
  return indices;
}

inline size_t PlaceOf(const Shape& shape, const std::vector<uint32_t>& indices) {
  size_t at = 0;
  for (size_t axis = 0; axis < shape.rank(); ++axis) at = at * shape[axis] + indices[axis];
  return at;
}

inline Shape RandomShape(std::mt19937& random, size_t most) {
  Shape shape;
  for (size_t rank = random() % (most + 1); shape.rank() < rank;) {
    shape.Append(static_cast<uint32_t>(1 + random() % 4));
  }
  return shape;
}

// A shape that fits to `shape`: dimensions are missing from its front, or 1 here and there.
inline Shape Narrower(std::mt19937& random, const Shape& shape) {
  const size_t missing = random() % 3 == 0 ? random() % (shape.rank() + 1) : 0;
  Shape narrower;
  for (size_t axis = missing; axis < shape.rank(); ++axis) {
    narrower.Append(random() % 3 == 0 ? 1 : shape[axis]);
  }
  return narrower;
}

// As often as `to` has elements there.
template <class T>
std::vector<T> Broadcast(const std::vector<T>& values, const Shape& from, const Shape& to) {
  std::vector<T> all(static_cast<size_t>(to.size()));
  for (size_t i = 0; i < all.size(); ++i) {
    const std::vector<uint32_t> indices = IndicesOf(to, i);
    std::vector<uint32_t> own(indices.end() - static_cast<std::ptrdiff_t>(from.rank()),
                              indices.end());
    for (size_t axis = 0; axis < own.size(); ++axis) own[axis] %= from[axis];
    all[i] = values[PlaceOf(from, own)];
  }
  return all;
}

inline void ExpectRefused(const std::function<void()>& work, const std::string& message) {
  try {
    work();
    ADD_FAILURE() << "Accepted; expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), message);
  }
}

// The type of what the node makes of inputs of these.
inline ValueType TypeOf(const Node& node, const std::vector<ValueType>& inputs) {
  return InferType(node, inputs);
}

// A value that a node is given, of any type.
struct Given {
  Given(const Shape& shape, const std::vector<float>& values)
      : Given({ElementType::kFloat32, shape}, values.data(), values.size() * 4) {}
  Given(const Shape& shape, const std::vector<int32_t>& values)
      : Given({ElementType::kInt32, shape}, values.data(), values.size() * 4) {}
  Given(const Shape& shape, const std::vector<uint8_t>& values)
      : Given({ElementType::kBool, shape}, values.data(), values.size()) {}

  ValueType type;
  std::vector<std::byte> bytes;

 private:
  Given(const ValueType& of, const void* data, size_t size) : type(of), bytes(size) {
    EXPECT_EQ(of.bytes(), size);
    if (size != 0) std::memcpy(bytes.data(), data, size);
  }
};

// What the node, whose inputs are named here, makes of them.
template <class T>
std::vector<T> RunNode(Node node, const std::vector<Given>& given, Shape* shape = nullptr) {
  std::vector<GraphInput> inputs;
  node.inputs.clear();
  for (const Given& value : given) {
    node.inputs.push_back("input " + std::to_string(inputs.size()));
    inputs.push_back({node.inputs.back(), value.type, {}});
  }
  Executor executor(MakeNetwork(std::move(inputs), {node}, {node.output}));
  for (size_t i = 0; i < given.size(); ++i) {
    std::copy(given[i].bytes.begin(), given[i].bytes.end(), executor.Input(i).begin());
  }
  RunAll(executor);
  if (shape != nullptr) *shape = executor.output_types()[0].shape;
  return OutputOf<T>(executor, 0);
}

}  // namespace lowtropy
