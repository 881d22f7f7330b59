// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {

// Numbers, texts and arrays one after another as bytes, little-endian: saved states.

class ByteWriter {
 public:
  template <class T>
  void Put(T number) {
    static_assert(std::is_arithmetic_v<T>);
    PutBytes(&number, sizeof number);
  }

  void PutText(const std::string& text) {
    Put(static_cast<uint32_t>(text.size()));
    PutBytes(text.data(), text.size());
  }

  template <class T>
  void PutArray(std::span<const T> values) {
    Put(static_cast<uint64_t>(values.size()));
    PutBytes(values.data(), values.size_bytes());
  }

  std::vector<uint8_t>& bytes() { return bytes_; }

 private:
  void PutBytes(const void* data, size_t size) {
    const auto* first = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }

  std::vector<uint8_t> bytes_;
};

// Reads them back, from bytes that may be anything: throws Error(kFile) with a clause where they
// end too early. Nothing is allocated for what is not there.
class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  template <class T>
  T Get() {
    static_assert(std::is_arithmetic_v<T>);
    T number;
    std::memcpy(&number, Take(sizeof number).data(), sizeof number);
    return number;
  }

  std::string GetText() {
    const std::span<const uint8_t> text = Take(Get<uint32_t>());
    return {text.begin(), text.end()};
  }

  template <class T>
  std::vector<T> GetArray() {
    const auto count = Get<uint64_t>();
    if (count > bytes_.size() / sizeof(T)) Fail();
    const std::span<const uint8_t> bytes = Take(count * sizeof(T));
    std::vector<T> values(static_cast<size_t>(count));
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  void ExpectEnd() const {
    if (!bytes_.empty()) throw Error(ErrorKind::kFile, "there are bytes left over at its end");
  }

 private:
  [[noreturn]] static void Fail() { throw Error(ErrorKind::kFile, "it ends too early"); }

  std::span<const uint8_t> Take(uint64_t count) {
    if (count > bytes_.size()) Fail();
    const auto taken = bytes_.first(static_cast<size_t>(count));
    bytes_ = bytes_.subspan(static_cast<size_t>(count));
    return taken;
  }

  std::span<const uint8_t> bytes_;
};

}  // namespace lowtropy
