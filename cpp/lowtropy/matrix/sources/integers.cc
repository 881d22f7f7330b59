// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/sources/integers.h"

#include <cstring>
#include <memory>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/row_scales.h"

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
int64_t Load(const std::byte* from) {
  T integer;
  std::memcpy(&integer, from, sizeof integer);
  return integer;
}

int64_t LoadInteger(IntegerType type, const std::byte* from) {
  switch (type) {
    case IntegerType::kI8:
      return Load<int8_t>(from);
    case IntegerType::kU8:
      return Load<uint8_t>(from);
    case IntegerType::kI16:
      return Load<int16_t>(from);
    case IntegerType::kU16:
      return Load<uint16_t>(from);
    case IntegerType::kI32:
      return Load<int32_t>(from);
  }
  return 0;
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
  CheckBytes("The integers", uint64_t{size()} * ByteSize(integers.type), integers.bytes.size());
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
  const size_t width = ByteSize(integers_.type);
  const std::byte* from = integers_.bytes.data() + row * cols() * width;
  for (size_t c = 0; c < out.size(); ++c, from += width) {
    const size_t index = row * scales_of_row_ + c / block_;
    const int64_t zero = quantization_.zero_points.empty() ? 0 : quantization_.zero_points[index];
    out[c] = static_cast<float>(LoadInteger(integers_.type, from) - zero);
    if (!apart_) out[c] *= quantization_.scales[index];
  }
}

RowScaled IntegerSource::TakeApart() const {
  if (apart_ || scales_of_row_ != 1) return {};
  // All that C can hold but 0.
  const float bounds[] = {1, 0x1p32F};
  const Array scales = Array::Copy<float>(quantization_.scales);
  if (!CheckRowScales(scales, rows(), bounds, nullptr)) return {};
  auto unscaled = std::make_unique<IntegerSource>(*this);
  unscaled->apart_ = true;
  return {std::move(unscaled), scales};
}

}  // namespace lowtropy
