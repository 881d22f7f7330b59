// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/base/array.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {

size_t ByteSize(DType type) {
  switch (type) {
    case DType::kU8:
    case DType::kBool:
      return 1;
    case DType::kU16:
      return 2;
    case DType::kU32:
    case DType::kF32:
    case DType::kI32:
      return 4;
  }
  return 0;
}

std::string_view Name(DType type) {
  switch (type) {
    case DType::kU8:
      return "U8";
    case DType::kU16:
      return "U16";
    case DType::kU32:
      return "U32";
    case DType::kF32:
      return "F32";
    case DType::kI32:
      return "I32";
    case DType::kBool:
      return "BOOL";
  }
  return "?";
}

std::shared_ptr<std::byte> AllocateBytes(uint64_t bytes) {
  constexpr std::align_val_t kCacheLine{64};
  void* memory = nullptr;
  // Half the address space is what one piece can have, as differences of pointers are signed.
  if (bytes <= static_cast<uint64_t>(std::numeric_limits<std::ptrdiff_t>::max()) - 64) {
    memory = ::operator new(static_cast<size_t>(bytes), kCacheLine, std::nothrow);
  }
  if (memory == nullptr) {
    throw Error(ErrorKind::kMemory,
                Text("Out of memory: ", bytes, " bytes were needed in one piece."));
  }
  return {static_cast<std::byte*>(memory),
          [](std::byte* p) { ::operator delete (p, std::align_val_t{64}); }};
}

Array Array::CopyBytes(DType type, const void* data, size_t size) {
  const uint64_t bytes = uint64_t{size} * ByteSize(type);
  std::shared_ptr<std::byte> memory = AllocateBytes(bytes);
  if (bytes != 0) std::memcpy(memory.get(), data, static_cast<size_t>(bytes));
  const void* start = memory.get();
  return Array(type, start, size, std::move(memory));
}

void IndexBuilder::Widen(uint32_t value) {
  if (value <= 0xFFFF) {
    middle_.reserve(reserved_);
    middle_.assign(narrow_.begin(), narrow_.end());
    limit_ = 0xFFFF;
  } else {
    wide_.reserve(reserved_);
    if (limit_ == 0xFF) {
      wide_.assign(narrow_.begin(), narrow_.end());
    } else {
      wide_.assign(middle_.begin(), middle_.end());
    }
    std::vector<uint16_t>().swap(middle_);
    limit_ = 0xFFFFFFFF;
  }
  std::vector<uint8_t>().swap(narrow_);
}

Array IndexBuilder::Build() && {
  switch (limit_) {
    case 0xFF:
      return Array::Copy<uint8_t>(narrow_);
    case 0xFFFF:
      return Array::Copy<uint16_t>(middle_);
    default:
      return Array::Copy<uint32_t>(wide_);
  }
}

}  // namespace lowtropy
