// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace lowtropy {

// A matrix that can be read row by row, as often as needed: a dense array, or a matrix of any
// format that decodes itself. Conversions go through it, so that none ever holds a dense copy.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual size_t rows() const = 0;
  virtual size_t cols() const = 0;

  // Writes row `row` to `out`, which holds cols() values.
  virtual void ReadRow(size_t row, std::span<float> out) const = 0;
};

// Row-major values that somebody else owns.
class DenseView final : public RowSource {
 public:
  DenseView(const float* values, size_t rows, size_t cols)
      : values_(values), rows_(rows), cols_(cols) {}
  size_t rows() const override { return rows_; }
  size_t cols() const override { return cols_; }
  void ReadRow(size_t row, std::span<float> out) const override {
    const float* from = values_ + row * cols_;
    for (size_t j = 0; j < cols_; ++j) out[j] = from[j];
  }

 private:
  const float* values_;
  size_t rows_;
  size_t cols_;
};

}  // namespace lowtropy
