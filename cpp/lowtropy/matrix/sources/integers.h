// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lowtropy/matrix/sources/tensor_source.h"

namespace lowtropy {

enum class IntegerType : uint8_t { kI8, kU8, kI16, kU16, kI32 };

// Integers as they lie in memory or in a file, little-endian and aligned or not.
struct Integers {
  IntegerType type;
  std::span<const std::byte> bytes;
};

// What integers stand for: w = scale · (integer − zero), where the difference and then the product
// are rounded to float32, as by ONNX's DequantizeLinear.
struct Quantization {
  // One for all, one a row, or, where `block` is not 0, one for each `block` columns of each row,
  // row-major, of which the last may be of fewer.
  std::span<const float> scales;
  std::span<const int32_t> zero_points = {};  // as many, or none: then they are 0
  size_t block = 0;
};

// Quantized integers, rows x cols, row-major. Profile::Of finds products that are too large for
// float32, and says where.
class IntegerSource final : public TensorSource {
 public:
  IntegerSource(size_t rows, size_t cols, Integers integers, const Quantization& quantization);

  void ReadRow(size_t row, std::span<float> out) const override;
  // Scales of rows that can be held apart (row_scales.h): then C holds integer − zero point.
  RowScaled TakeApart() const override;

 private:
  Integers integers_;
  Quantization quantization_;
  size_t block_;          // columns that share a scale
  size_t scales_of_row_;  // 0: all rows share one
  bool apart_ = false;    // without scales
};

}  // namespace lowtropy
