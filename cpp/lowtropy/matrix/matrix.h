// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/format.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

struct NamedArray {
  std::string_view name;  // a literal when it comes from Matrix::Arrays()
  Array array;
};

// An immutable float32 matrix in one of the formats, or diag(s) · C with C in one (row_scales.h):
// then its rows and entries are those of diag(s) · C, and its profile is that of C. Copies are
// cheap: they share the arrays.
class Matrix final : public RowSource {
 public:
  // Lossless, bit by bit, with the scales of the source where it has some. The errors are those of
  // Profile::Of, and Error(kUnsupported) where the format does not hold such a matrix. The second
  // form spares the two passes when the profile is there already.
  static Matrix From(const RowSource& source, Format format);
  static Matrix From(const RowSource& source, Format format, const Profile& profile);

  // Takes arrays from outside. Throws Error(kFile) unless they are just the format's arrays and
  // Validate() accepts them, so that the result can be used unchecked.
  static Matrix FromArrays(Format format, uint64_t rows, uint64_t cols,
                           std::span<const NamedArray> arrays);

  explicit Matrix(AnyFormat storage, Array scales = {})
      : storage_(std::move(storage)), scales_(std::move(scales)) {}

  Format format() const;
  size_t rows() const override;
  size_t cols() const override;

  // The same matrix in another format; a cheap copy when it is in that one already.
  Matrix To(Format format) const;

  Profile GetProfile() const;

  void ReadRow(size_t row, std::span<float> out) const override;
  bool ReadEntries(size_t row, std::vector<RowEntry>* out, float* unlisted) const override;
  // Of blocks, which walk all that they hold for each row.
  std::unique_ptr<RowSource> MakeReader() const override;
  RowScaled TakeApart() const override;
  std::vector<float> ToDense() const;  // rows x cols, row-major

  // The arrays as stored, in the order of the format's documentation, and s where there is one.
  std::vector<NamedArray> Arrays() const;
  uint64_t ByteLength() const;  // of all arrays

  // True when every invariant of the format holds; else `reason` says which one does not, and
  // where. Kernels rely on these invariants without checking.
  bool Validate(std::string* reason) const;

  const AnyFormat& storage() const { return storage_; }  // of C, where it is scaled
  bool scaled() const { return scales_.size() != 0; }
  // One a row, or null.
  const float* row_scales() const { return scaled() ? scales_.As<float>().data() : nullptr; }

 private:
  struct Sink;
  bool ListRow(size_t row, Sink* sink) const;

  AnyFormat storage_;
  Array scales_;  // empty where there are none
};

}  // namespace lowtropy
