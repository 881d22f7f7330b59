// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace lowtropy {

struct NamedSize {
  std::string name;
  size_t size = 0;  // elements

  bool operator==(const NamedSize&) const = default;
};

// More than networks have; a message can name a tensor in 7 bits, and what each of them takes in
// memory must not be left to who wrote it.
inline constexpr size_t kMostTensors = 65536;

// The tensors of an update: their names and sizes. They lie in one flat array of floats, one after
// another without gaps, in the bytewise order of their names, and messages list them in that order.
class Layout {
 public:
  Layout() = default;

  // In any order. Throws Error(kValue) for no tensors, for more than kMostTensors and for names
  // that are empty or there twice, Error(kShape) for sizes of 0 or above 2^32 - 1, Error(kMemory)
  // for more than can be addressed.
  explicit Layout(std::vector<NamedSize> tensors);

  size_t count() const { return tensors_.size(); }
  const std::string& name(size_t tensor) const { return tensors_[tensor].name; }
  size_t size(size_t tensor) const { return tensors_[tensor].size; }
  size_t offset(size_t tensor) const { return offsets_[tensor]; }  // in the flat array
  size_t total() const { return total_; }                          // elements of all

  // CRC-32 over the names, each with a zero byte behind it: tells whether two sides speak of the
  // same tensors, without the bytes of the names.
  uint32_t id() const { return id_; }

  // Whether the tensors have the same names and sizes.
  bool operator==(const Layout& other) const { return tensors_ == other.tensors_; }

 private:
  std::vector<NamedSize> tensors_;
  std::vector<size_t> offsets_;
  size_t total_ = 0;
  uint32_t id_ = 0;
};

}  // namespace lowtropy
