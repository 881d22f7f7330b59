// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lowtropy/base/array.h"
#include "lowtropy/base/bits.h"

namespace lowtropy {

// One element of a row.
struct RowEntry {
  uint32_t col;
  float value;
};

class RowSource;

// The parts of diag(s) · C, see row_scales.h. Without rows where a matrix has no scales.
struct RowScaled {
  std::unique_ptr<RowSource> rows;  // C
  Array scales;                     // s, F32
};

// A matrix that can be read row by row, as often as needed: a dense array, or a matrix of any
// format that decodes itself. Conversions go through it, so that none ever holds a dense copy.
class RowSource {
 public:
  virtual ~RowSource() = default;
  virtual size_t rows() const = 0;
  virtual size_t cols() const = 0;

  // Writes row `row` to `out`, which holds cols() values.
  virtual void ReadRow(size_t row, std::span<float> out) const = 0;

  // Where elements are listed row by row: appends those of row `row`, by ascending columns, in time
  // of their number, sets what all others are, and returns true.
  virtual bool ReadEntries(size_t, std::vector<RowEntry>*, float*) const { return false; }

  // Where reading each row takes a walk through all that is stored: the same matrix in a form that
  // does not, for who reads many rows. Null where reading one is quick.
  virtual std::unique_ptr<RowSource> MakeReader() const { return nullptr; }

  // Where it is given as diag(s) · C, and to be held so: both. C may look at what this one does.
  virtual RowScaled TakeApart() const { return {}; }
};

// What loops over the rows of a source read them from.
class RowReader final : public RowSource {
 public:
  explicit RowReader(const RowSource& source)
      : reader_(source.MakeReader()), source_(reader_ ? *reader_ : source) {}
  size_t rows() const override { return source_.rows(); }
  size_t cols() const override { return source_.cols(); }
  void ReadRow(size_t row, std::span<float> out) const override { source_.ReadRow(row, out); }
  bool ReadEntries(size_t row, std::vector<RowEntry>* out, float* unlisted) const override {
    return source_.ReadEntries(row, out, unlisted);
  }
  RowScaled TakeApart() const override { return source_.TakeApart(); }

 private:
  std::unique_ptr<RowSource> reader_;
  const RowSource& source_;
};

// Writes all rows to `out`, row-major.
inline void ReadRows(const RowSource& source, std::span<float> out) {
  const RowReader reader(source);
  const size_t cols = reader.cols();
  for (size_t r = 0; r < reader.rows(); ++r) reader.ReadRow(r, out.subspan(r * cols, cols));
}

// Reads the elements of rows that are other than `common`, bit by bit, by ascending columns. Where
// that is what the source does not list, in time of their number: a few bytes can describe a matrix
// of billions of elements that are all one value.
class EntryReader {
 public:
  EntryReader(const RowSource& source, float common) : source_(source), common_(Bits(common)) {
    float unlisted = 0;
    lists_ = source_.ReadEntries(0, &entries_, &unlisted) && Bits(unlisted) == common_;
    if (!lists_) row_.resize(source.cols());
  }

  // Valid until the next call.
  std::span<const RowEntry> Read(size_t row) {
    entries_.clear();
    if (lists_) {
      float unlisted;
      source_.ReadEntries(row, &entries_, &unlisted);
      return entries_;
    }
    source_.ReadRow(row, row_);
    for (size_t c = 0; c < row_.size(); ++c) {
      if (Bits(row_[c]) != common_) entries_.push_back({static_cast<uint32_t>(c), row_[c]});
    }
    return entries_;
  }

 private:
  RowReader source_;
  uint32_t common_;
  bool lists_;
  std::vector<float> row_;
  std::vector<RowEntry> entries_;
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
