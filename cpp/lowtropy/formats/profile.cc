// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/profile.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/formats/blocks.h"

namespace lowtropy {
namespace {

void CheckShape(const RowSource& source) {
  if (HasStorableShape(source.rows(), source.cols())) return;
  throw Error(ErrorKind::kShape, "A matrix needs 1 to " + std::to_string(kMaxElements) +
                                     " elements, but this one is " + std::to_string(source.rows()) +
                                     " x " + std::to_string(source.cols()) + ".");
}

void CheckFinite(float value, size_t row, size_t col) {
  if (std::isfinite(value)) return;
  const char* what = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  throw Error(ErrorKind::kValue, "The matrix holds " + std::string(what) + " at row " +
                                     std::to_string(row) + ", column " + std::to_string(col) +
                                     "; only finite values can be stored.");
}

void CountValues(const RowSource& source, std::vector<float>& row, Profile* profile) {
  for (size_t r = 0; r < source.rows(); ++r) {
    source.ReadRow(r, row);
    for (size_t c = 0; c < row.size(); ++c) {
      CheckFinite(row[c], r, c);
      profile->values.Count(row[c]);
    }
  }
  profile->values.Rank();
}

// Counts what `blocks` would hold, row by row.
class BlockCounter {
 public:
  explicit BlockCounter(Profile* profile)
      : p_(*profile),
        bits_(Blocks::LayoutOf(p_.values.size(), Total() - p_.values.counts()[0], Total())
                  .block_bits),
        stride_((size_t{1} << bits_) / 2 + 1),
        in_block_(((p_.cols - 1) >> bits_) + 1, 0),
        class_rows_(in_block_.size() * stride_, 0) {}

  void Add(uint32_t col) { ++in_block_[col >> bits_]; }

  void EndRow() {
    for (size_t b = 0; b < in_block_.size(); ++b) {
      if (in_block_[b] == 0) continue;
      const uint32_t units = (in_block_[b] + 1) / 2;
      in_block_[b] = 0;
      ++p_.block_lists;
      p_.block_units += units;
      ++class_rows_[b * stride_ + units];
    }
  }

  void End() {
    p_.block_class_sizes = in_block_.size();
    for (size_t i = 0; i < class_rows_.size(); ++i) {
      if (class_rows_[i] == 0) continue;
      p_.block_class_sizes += 2;
      const auto units = static_cast<uint32_t>(i % stride_);
      p_.block_max_class = std::max({p_.block_max_class, units, class_rows_[i]});
    }
  }

 private:
  uint64_t Total() const { return uint64_t{p_.rows} * p_.cols; }

  Profile& p_;
  unsigned bits_;
  size_t stride_;
  std::vector<uint32_t> in_block_;    // elements of the row so far, by block
  std::vector<uint32_t> class_rows_;  // rows by block and number of units
};

// Adds one row; `seen[code]` is the last row, plus one, in which a code occurred.
void CountRow(const std::vector<float>& row, size_t row_number, std::vector<size_t>& seen,
              BlockCounter* blocks, Profile* profile) {
  uint32_t highest = 0;
  bool nonzero = false;
  for (size_t c = 0; c < row.size(); ++c) {
    const auto col = static_cast<uint32_t>(c);
    if (Bits(row[c]) != 0) {
      ++profile->nnz;
      nonzero = true;
      profile->max_nonzero_col = std::max(profile->max_nonzero_col, col);
    }
    const uint32_t code = profile->values.Code(row[c]);
    if (code != 0) {
      ++profile->listed;
      profile->max_listed_col = std::max(profile->max_listed_col, col);
      highest = std::max(highest, code);
      blocks->Add(col);
    }
    if (seen[code] == row_number + 1) continue;
    seen[code] = row_number + 1;
    ++profile->distinct_in_rows;
    if (code != 0) ++profile->present_runs;
  }
  profile->rows_nonzero += nonzero ? 1 : 0;
  profile->rows_listed += highest != 0 ? 1 : 0;
  profile->pointer_runs += highest;
  profile->max_listed_code = std::max(profile->max_listed_code, highest);
  if (highest != 0) profile->max_listed_row = static_cast<uint32_t>(row_number);
  blocks->EndRow();
}

}  // namespace

Profile Profile::Of(const RowSource& source) {
  CheckShape(source);
  Profile profile;
  profile.rows = source.rows();
  profile.cols = source.cols();
  std::vector<float> row(source.cols());
  CountValues(source, row, &profile);
  std::vector<size_t> seen(profile.values.size(), 0);
  BlockCounter blocks(&profile);
  for (size_t r = 0; r < source.rows(); ++r) {
    source.ReadRow(r, row);
    CountRow(row, r, seen, &blocks, &profile);
  }
  blocks.End();
  return profile;
}

Stats Profile::GetStats() const {
  Stats stats;
  const double elements = static_cast<double>(rows) * static_cast<double>(cols);
  for (uint64_t count : values.counts()) {
    const double p = static_cast<double>(count) / elements;
    stats.entropy -= p * std::log2(p);
  }
  stats.entropy = std::max(stats.entropy, 0.0);  // -1·log2(1) is -0
  stats.p0 = static_cast<double>(values.counts()[0]) / elements;
  stats.distinct = values.size();
  stats.distinct_per_row = static_cast<double>(distinct_in_rows) / static_cast<double>(rows);
  stats.nnz = nnz;
  return stats;
}

}  // namespace lowtropy
