// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lowtropy/matrix/format.h"
#include "lowtropy/matrix/matrix.h"
#include "lowtropy/matrix/profile.h"

namespace lowtropy {

struct Candidate {
  Format format;
  uint64_t bytes;      // kNotHeld where it does not hold the matrix
  double nanoseconds;  // predicted, for one product; infinity where the format is not meant for it
};

// What `auto` picks for a matrix, and why.
struct Choice {
  Format format;
  std::string reason;                                 // one sentence for a person
  std::array<Candidate, kFormats.size()> candidates;  // in the order of kFormats
};

// The predicted time of one product with `columns` columns, by the constants of tuning.h and of the
// formats. Infinity where the format does not hold the matrix, or is not meant to be used, so that
// there is no kernel of its own and no prediction: blocks, but for products with one column of
// matrices whose most frequent value is 0 and whose tables are small.
double PredictNanoseconds(Format format, const Profile& profile, size_t columns);

// A format that is n times smaller than dense may take tuning::kDenseTolerance · n times as long.
// Of these it is the smallest among those predicted to take at most tuning::kTimeTolerance times as
// long as the fastest, or one that is smaller still and worth its time: tuning::kSizeWorth and
// kVectorSizeWorth; dense where there is none. `columns` is how many right-hand sides a product
// has: 1 for a vector, the output's pixels for a convolution, 0 where there is no product because
// rows are only looked up, and then the smallest wins.
Choice Choose(const Profile& profile, size_t columns);

// A format by name, or none for "auto". Throws Error(kValue) for a name that is neither.
std::optional<Format> ParseFormatOrAuto(std::string_view name);

// How a matrix will be held: in the format that is given, or in what Choose picks for products with
// `columns` columns. Tells its size before it is built. The source must outlive it.
class Encoder {
 public:
  // Throws the errors of Matrix::From.
  Encoder(const RowSource& source, std::optional<Format> format, size_t columns);

  Format format() const { return format_; }
  uint64_t bytes() const { return bytes_; }
  Matrix Encode() const { return Matrix::From(source_, format_, profile_); }

 private:
  RowReader source_;
  Profile profile_;
  Format format_;
  uint64_t bytes_;
};

Matrix Encode(const RowSource& source, std::optional<Format> format, size_t columns);
// Shares the arrays of a matrix that is held that way already.
Matrix Recode(const Matrix& matrix, std::optional<Format> format, size_t columns);

}  // namespace lowtropy
