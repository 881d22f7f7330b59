// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace lowtropy {

// Element types of stored arrays; a bool is a byte, 0 or 1. Everything is little-endian, as on
// every supported machine.
enum class DType : uint8_t { kU8, kU16, kU32, kF32, kI32, kBool };

size_t ByteSize(DType type);
std::string_view Name(DType type);  // "U8", …, "BOOL": the names of safetensors

template <class T>
constexpr DType DTypeOf();
template <>
constexpr DType DTypeOf<uint8_t>() {
  return DType::kU8;
}
template <>
constexpr DType DTypeOf<uint16_t>() {
  return DType::kU16;
}
template <>
constexpr DType DTypeOf<uint32_t>() {
  return DType::kU32;
}
template <>
constexpr DType DTypeOf<float>() {
  return DType::kF32;
}
template <>
constexpr DType DTypeOf<int32_t>() {
  return DType::kI32;
}
template <>
constexpr DType DTypeOf<bool>() {
  return DType::kBool;
}

// Uninitialized memory aligned to a cache line (64 bytes). Throws Error(kMemory) that says how much
// was needed when there is none.
std::shared_ptr<std::byte> AllocateBytes(uint64_t bytes);

// An immutable array of one of the DTypes. It shares the memory that it views: either memory of its
// own or a part of something larger, such as a model file. Copies are cheap and view the same
// bytes.
class Array {
 public:
  Array() = default;

  // A view of `size` elements at `data`, which must be aligned for `type` and stay unchanged for as
  // long as `owner` lives.
  Array(DType type, const void* data, size_t size, std::shared_ptr<const void> owner)
      : owner_(std::move(owner)), data_(data), size_(size), type_(type) {}

  template <class T>
  static Array Copy(std::span<const T> values) {
    return CopyBytes(DTypeOf<T>(), values.data(), values.size());
  }

  static Array CopyBytes(DType type, const void* data, size_t size);

  DType type() const { return type_; }
  size_t size() const { return size_; }
  size_t byte_size() const { return size_ * ByteSize(type_); }
  const void* data() const { return data_; }

  // The elements; T must be the type's.
  template <class T>
  std::span<const T> As() const {
    return {static_cast<const T*>(data_), size_};
  }

  // Element `i` of an index array (kU8, kU16 or kU32), widened.
  uint32_t Index(size_t i) const {
    switch (type_) {
      case DType::kU8:
        return static_cast<const uint8_t*>(data_)[i];
      case DType::kU16:
        return static_cast<const uint16_t*>(data_)[i];
      default:
        return static_cast<const uint32_t*>(data_)[i];
    }
  }

 private:
  std::shared_ptr<const void> owner_;
  const void* data_ = nullptr;
  size_t size_ = 0;
  DType type_ = DType::kU8;
};

// Collects indices and stores them at the narrowest of 8, 16 or 32 bits that holds the largest.
// Starts at 8 bits and widens what is there when a larger index comes, so that peak memory stays
// near what is finally stored.
class IndexBuilder {
 public:
  void Reserve(size_t size) { narrow_.reserve(size), reserved_ = size; }

  void Push(uint32_t value) {
    if (value > limit_) Widen(value);
    switch (limit_) {
      case 0xFF:
        return narrow_.push_back(static_cast<uint8_t>(value));
      case 0xFFFF:
        return middle_.push_back(static_cast<uint16_t>(value));
      default:
        return wide_.push_back(value);
    }
  }

  size_t size() const { return narrow_.size() + middle_.size() + wide_.size(); }

  Array Build() &&;

 private:
  void Widen(uint32_t value);

  // Just one of these is in use, as `limit_` tells.
  std::vector<uint8_t> narrow_;
  std::vector<uint16_t> middle_;
  std::vector<uint32_t> wide_;
  uint32_t limit_ = 0xFF;
  size_t reserved_ = 0;
};

// Bytes per index when the largest is `max`: 1, 2 or 4.
constexpr size_t IndexBytes(uint64_t max) { return max <= 0xFF ? 1 : max <= 0xFFFF ? 2 : 4; }

}  // namespace lowtropy
