// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/validation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/value_table.h"

namespace lowtropy {
namespace {

template <class T>
uint32_t Largest(const Array& array) {
  const auto values = array.As<T>();
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

uint32_t LargestIndex(const Array& array) {
  switch (array.type()) {
    case DType::kU8:
      return Largest<uint8_t>(array);
    case DType::kU16:
      return Largest<uint16_t>(array);
    default:
      return Largest<uint32_t>(array);
  }
}

}  // namespace

bool Fail(std::string* reason, std::string text) {
  if (reason != nullptr) *reason = std::move(text);
  return false;
}

bool CheckSize(std::string_view name, const Array& array, uint64_t size, std::string* reason) {
  if (array.size() == size) return true;
  return Fail(reason, Text(name, " has ", array.size(), " elements where ", size, " are needed"));
}

bool CheckFinite(std::string_view name, const Array& array, std::string* reason) {
  if (array.type() != DType::kF32) {
    return Fail(reason, Text(name, " is ", Name(array.type()), " where F32 is needed"));
  }
  const auto values = array.As<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      return Fail(reason, Text(name, "[", i, "] is not finite"));
    }
  }
  return true;
}

bool CheckIndices(std::string_view name, const Array& array, uint64_t max, std::string* reason) {
  if (array.type() == DType::kF32) {
    return Fail(reason, Text(name, " is F32 where an index type is needed"));
  }
  const uint32_t largest = LargestIndex(array);
  if (array.size() != 0 && largest > max) {
    return Fail(reason, Text(name, " holds ", largest, ", beyond the last one allowed, ", max));
  }
  if (IndexBytes(largest) != ByteSize(array.type())) {
    return Fail(reason, Text(name, " is ", Name(array.type()), " though its largest element, ",
                             largest, ", needs just ", 8 * IndexBytes(largest), " bits"));
  }
  return true;
}

bool CheckPointers(std::string_view name, const Array& array, uint64_t size, uint64_t end,
                   std::string* reason) {
  if (!CheckSize(name, array, size, reason) || !CheckIndices(name, array, end, reason)) {
    return false;
  }
  if (array.Index(0) != 0) return Fail(reason, Text(name, " does not start at 0"));
  for (size_t i = 1; i < array.size(); ++i) {
    if (array.Index(i) < array.Index(i - 1)) {
      return Fail(reason, Text(name, " falls at ", i));
    }
  }
  if (array.Index(array.size() - 1) != end) {
    return Fail(reason,
                Text(name, " ends at ", array.Index(array.size() - 1), " instead of ", end));
  }
  return true;
}

bool CheckAscending(std::string_view name, const Array& array, const Array& pointers,
                    std::string* reason) {
  for (size_t span = 0; span + 1 < pointers.size(); ++span) {
    for (size_t i = size_t{pointers.Index(span)} + 1; i < pointers.Index(span + 1); ++i) {
      if (array.Index(i) <= array.Index(i - 1)) {
        return Fail(reason, Text(name, " does not rise at ", i));
      }
    }
  }
  return true;
}

ColumnCheck::ColumnCheck(size_t cols, const Array& col_i) : col_i_(col_i) {
  if (cols / 16 <= col_i.size()) last_row_.assign(cols, 0);
}

bool ColumnCheck::Distinct(size_t row, size_t begin, size_t end, std::string* reason) {
  const auto fail = [&](uint32_t col) {
    return Fail(reason, Text("row ", row, " lists column ", col, " twice"));
  };
  if (last_row_.empty()) {
    sorted_.clear();
    for (size_t i = begin; i < end; ++i) sorted_.push_back(col_i_.Index(i));
    std::sort(sorted_.begin(), sorted_.end());
    const auto twice = std::adjacent_find(sorted_.begin(), sorted_.end());
    return twice == sorted_.end() || fail(*twice);
  }
  for (size_t i = begin; i < end; ++i) {
    const uint32_t col = col_i_.Index(i);
    if (last_row_[col] == row + 1) return fail(col);
    last_row_[col] = static_cast<uint32_t>(row + 1);
  }
  return true;
}

bool CheckOmega(const Array& omega, std::string* reason) {
  if (omega.size() == 0) return Fail(reason, "omega is empty");
  if (!CheckFinite("omega", omega, reason)) return false;
  std::vector<uint32_t> bits;
  bits.reserve(omega.size());
  for (float value : omega.As<float>()) bits.push_back(Bits(value));
  std::sort(bits.begin(), bits.end());
  if (std::adjacent_find(bits.begin(), bits.end()) != bits.end()) {
    return Fail(reason, "omega holds a value twice");
  }
  return true;
}

bool CheckFrequencies(const Array& omega, std::span<const uint64_t> counts, std::string* reason) {
  const auto values = omega.As<float>();
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) {
      return Fail(reason, Text("omega[", i, "] does not occur in the matrix"));
    }
    if (i > 0 && counts[i] > counts[i - 1]) {
      return Fail(reason, Text("omega[", i, "] occurs more often than the one before"));
    }
    if (i > 0 && counts[i] == counts[i - 1] && !PrecedesInOmega(values[i - 1], values[i])) {
      return Fail(
          reason,
          Text("omega[", i, "] occurs as often as the one before, which is not the smaller one"));
    }
  }
  return true;
}

}  // namespace lowtropy
