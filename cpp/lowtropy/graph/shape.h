// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "lowtropy/base/array.h"

namespace lowtropy {

inline constexpr size_t kMaxRank = 8;
inline constexpr uint64_t kMaxValueSize = uint64_t{1} << 31;  // of one value

// The dimensions of a value, row-major, the last one contiguous. One without any is a number.
class Shape {
 public:
  Shape() = default;
  // Both take at most kMaxRank dimensions.
  Shape(std::initializer_list<uint32_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const uint32_t> dims) : rank_(dims.size()) {
    std::copy(dims.begin(), dims.end(), dims_.begin());
  }

  // There must be fewer than kMaxRank.
  void Append(uint32_t dim) { dims_[rank_++] = dim; }

  size_t rank() const { return rank_; }
  uint32_t operator[](size_t axis) const { return dims_[axis]; }
  uint32_t& operator[](size_t axis) { return dims_[axis]; }
  std::span<const uint32_t> dims() const { return {dims_.data(), rank_}; }
  std::span<uint32_t> dims() { return {dims_.data(), rank_}; }

  // The number of elements, or more than kMaxValueSize when it is larger than that.
  uint64_t size() const { return Product(0, rank_); }
  // The same of the dimensions from `begin` to before `end`.
  uint64_t Product(size_t begin, size_t end) const;

  bool operator==(const Shape&) const = default;

 private:
  std::array<uint32_t, kMaxRank> dims_{};  // 0 from rank_ on
  size_t rank_ = 0;
};

// "3 x 224 x 224", as messages say it.
std::string Describe(const Shape& shape);

// One image, or what kernels take for one: channels, one after the other, of rows of pixels.
struct ImageShape {
  uint32_t channels = 0;
  uint32_t height = 0;
  uint32_t width = 0;

  uint64_t size() const { return uint64_t{channels} * height * width; }
  operator Shape() const { return {channels, height, width}; }
  bool operator==(const ImageShape&) const = default;
};

// What elements of a value are, as in memory: int32 in two's complement; a bool is a byte, 0 or 1.
enum class ElementType : uint8_t { kFloat32, kInt32, kBool };
inline constexpr std::array<std::string_view, 3> kElementTypeNames{"float32", "int32", "bool"};

constexpr std::string_view Name(ElementType type) {
  return kElementTypeNames[static_cast<size_t>(type)];
}
constexpr DType DTypeOf(ElementType type) {
  constexpr DType kTypes[] = {DType::kF32, DType::kI32, DType::kBool};
  return kTypes[static_cast<size_t>(type)];
}
constexpr size_t ByteSize(ElementType type) { return type == ElementType::kBool ? 1 : 4; }

// What is known of a value before there is one.
struct ValueType {
  ElementType type = ElementType::kFloat32;
  Shape shape;
  bool operator==(const ValueType&) const = default;

  uint64_t bytes() const { return shape.size() * ByteSize(type); }
  uint64_t floats() const { return (bytes() + 3) / 4; }  // that it takes the place of
};

}  // namespace lowtropy
