// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/sources/integers.h"

#include <algorithm>
#include <cstring>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

size_t ByteSize(IntegerType type) {
  switch (type) {
    case IntegerType::kI8:
    case IntegerType::kU8:
      return 1;
    case IntegerType::kI16:
    case IntegerType::kU16:
      return 2;
    case IntegerType::kI32:
      return 4;
  }
  return 0;
}

template <class T>
void Differences(const std::byte* from, int64_t zero, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T integer;
    std::memcpy(&integer, from + i * sizeof integer, sizeof integer);
    out[i] = static_cast<float>(integer - zero);
  }
}

// Writes out.size() differences from element `first` on.
void ReadDifferences(const Integers& integers, size_t first, int32_t zero, std::span<float> out) {
  const std::byte* from = integers.bytes.data() + first * ByteSize(integers.type);
  switch (integers.type) {
    case IntegerType::kI8:
      return Differences<int8_t>(from, zero, out);
    case IntegerType::kU8:
      return Differences<uint8_t>(from, zero, out);
    case IntegerType::kI16:
      return Differences<int16_t>(from, zero, out);
    case IntegerType::kU16:
      return Differences<uint16_t>(from, zero, out);
    case IntegerType::kI32:
      return Differences<int32_t>(from, zero, out);
  }
}

}  // namespace

IntegerSource::IntegerSource(size_t rows, size_t cols, Integers integers,
                             const Quantization& quantization)
    : TensorSource(rows, cols),
      integers_(integers),
      quantization_(quantization),
      block_(quantization.block == 0 ? cols : quantization.block),
      scales_of_row_((cols - 1) / block_ + 1) {
  const auto& [scales, zero_points, block] = quantization_;
  const uint64_t bytes = uint64_t{size()} * ByteSize(integers.type);
  if (integers.bytes.size() != bytes) {
    throw Error(ErrorKind::kShape,
                Text("The integers of a matrix of ", rows, " x ", cols, " take ", bytes,
                     " bytes, but there are ", integers.bytes.size(), "."));
  }
  const size_t needed = rows * scales_of_row_;
  if (scales.size() == 1) {
    scales_of_row_ = 0;
    block_ = cols;
  } else if (scales.size() != needed) {
    throw Error(ErrorKind::kShape, Text("A matrix of ", rows, " x ", cols, " needs 1 scale or ",
                                        needed, ", but there are ", scales.size(), "."));
  }
  if (!zero_points.empty() && zero_points.size() != scales.size()) {
    throw Error(ErrorKind::kShape, Text("There are ", scales.size(), " scales and ",
                                        zero_points.size(), " zero points."));
  }
  CheckAllFinite("Scale", scales);
}

void IntegerSource::ReadRow(size_t row, std::span<float> out) const {
  size_t index = row * scales_of_row_;
  for (size_t begin = 0; begin < out.size(); begin += block_, ++index) {
    const auto part = out.subspan(begin, std::min(block_, out.size() - begin));
    const int32_t zero = quantization_.zero_points.empty() ? 0 : quantization_.zero_points[index];
    ReadDifferences(integers_, row * cols() + begin, zero, part);
    for (float& value : part) value *= quantization_.scales[index];
  }
}

}  // namespace lowtropy
