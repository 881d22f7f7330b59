// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/profile.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"

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

// Adds one row; `seen[code]` is the last row, plus one, in which a code occurred.
void CountRow(const std::vector<float>& row, size_t row_number, std::vector<size_t>& seen,
              Profile* profile) {
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
  for (size_t r = 0; r < source.rows(); ++r) {
    source.ReadRow(r, row);
    CountRow(row, r, seen, &profile);
  }
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
