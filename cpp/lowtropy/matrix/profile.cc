// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/profile.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/blocks.h"
#include "lowtropy/matrix/row_scales.h"

namespace lowtropy {
namespace {

void CheckFinite(float value, size_t row, size_t col) {
  if (std::isfinite(value)) return;
  const char* what = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  throw Error(ErrorKind::kValue, Text("The matrix holds ", what, " at row ", row, ", column ", col,
                                      "; only finite values can be stored."));
}

void CountValues(const RowSource& source, Profile* profile) {
  ValueTable& values = profile->values;
  std::vector<RowEntry> entries;
  float unlisted = 0;
  if (source.ReadEntries(0, &entries, &unlisted)) {
    uint64_t others = profile->elements();
    for (size_t r = 0; r < profile->rows; ++r) {
      entries.clear();
      source.ReadEntries(r, &entries, &unlisted);
      for (const RowEntry& entry : entries) values.Count(entry.value);
      others -= entries.size();
    }
    if (others != 0) values.Count(unlisted, others);
  } else {
    std::vector<float> row(profile->cols);
    for (size_t r = 0; r < profile->rows; ++r) {
      source.ReadRow(r, row);
      for (size_t c = 0; c < row.size(); ++c) {
        CheckFinite(row[c], r, c);
        values.Count(row[c]);
      }
    }
  }
  values.Rank();
}

// Counts what `blocks` would hold, row by row.
class BlockCounter {
 public:
  explicit BlockCounter(Profile* profile)
      : p_(*profile),
        bits_(
            Blocks::LayoutOf(p_.values.size(), p_.elements() - p_.values.counts()[0], p_.elements())
                .block_bits),
        stride_((size_t{1} << bits_) / 2 + 1),
        blocks_(((p_.cols - 1) >> bits_) + 1),
        class_rows_(blocks_ * stride_, 0) {}

  void AddRow(std::span<const RowEntry> listed) {
    for (size_t i = 0; i < listed.size();) {
      const uint32_t block = listed[i].col >> bits_;
      const size_t first = i;
      while (i < listed.size() && listed[i].col >> bits_ == block) ++i;
      const size_t units = (i - first + 1) / 2;
      ++p_.block_lists;
      p_.block_units += units;
      ++class_rows_[block * stride_ + units];
    }
  }

  void End() {
    p_.block_class_sizes = blocks_;
    for (size_t i = 0; i < class_rows_.size(); ++i) {
      if (class_rows_[i] == 0) continue;
      p_.block_class_sizes += 2;
      const auto units = static_cast<uint32_t>(i % stride_);
      p_.block_max_class = std::max({p_.block_max_class, units, class_rows_[i]});
    }
  }

 private:
  Profile& p_;
  unsigned bits_;
  size_t stride_;
  size_t blocks_;
  std::vector<uint32_t> class_rows_;  // rows by block and number of units
};

// The last column of a row that is not listed; none where all are.
std::optional<uint32_t> LastUnlisted(std::span<const RowEntry> listed, size_t cols) {
  size_t col = cols;
  for (size_t i = listed.size(); i-- > 0 && listed[i].col + 1 == col;) --col;
  if (col == 0) return std::nullopt;
  return static_cast<uint32_t>(col - 1);
}

// Adds a row by its listed elements; `seen[code]` is the last row, plus one, in which a code
// occurred.
void CountRow(std::span<const RowEntry> listed, size_t row_number, std::vector<size_t>& seen,
              Profile* profile) {
  uint32_t highest = 0;
  uint64_t nonzero = 0;
  for (const auto& [col, value] : listed) {
    if (Bits(value) != 0) {
      ++nonzero;
      profile->max_nonzero_col = std::max(profile->max_nonzero_col, col);
    }
    const uint32_t code = profile->values.Code(value);
    highest = std::max(highest, code);
    if (seen[code] == row_number + 1) continue;
    seen[code] = row_number + 1;
    ++profile->present_runs;
    ++profile->distinct_in_rows;
  }
  if (const auto unlisted = LastUnlisted(listed, profile->cols)) {
    ++profile->distinct_in_rows;
    if (Bits(profile->values.omega()[0]) != 0) {
      nonzero += profile->cols - listed.size();
      profile->max_nonzero_col = std::max(profile->max_nonzero_col, *unlisted);
    }
  }
  profile->nnz += nonzero;
  profile->rows_nonzero += nonzero != 0 ? 1 : 0;
  profile->pointer_runs += highest;
  if (listed.empty()) return;
  profile->listed += listed.size();
  profile->rows_listed += 1;
  profile->max_listed_col = std::max(profile->max_listed_col, listed.back().col);
  profile->max_listed_code = std::max(profile->max_listed_code, highest);
  profile->max_listed_row = static_cast<uint32_t>(row_number);
}

Profile ShapeOf(const Unscaled& unscaled) {
  Profile profile;
  profile.rows = unscaled.rows().rows();
  profile.cols = unscaled.rows().cols();
  profile.scaled = unscaled.scales().size() != 0;
  return profile;
}

}  // namespace

void CheckShape(uint64_t rows, uint64_t cols) {
  if (HasStorableShape(rows, cols)) return;
  throw Error(ErrorKind::kShape, Text("A matrix needs 1 to ", kMaxElements,
                                      " elements, but this one is ", rows, " x ", cols, "."));
}

Profile Profile::OfShape(const RowSource& from) {
  CheckShape(from.rows(), from.cols());
  const Unscaled unscaled(from);
  const RowReader source(unscaled.rows());
  Profile profile = ShapeOf(unscaled);
  std::vector<float> row(profile.cols);
  for (size_t r = 0; r < profile.rows; ++r) {
    source.ReadRow(r, row);
    for (size_t c = 0; c < row.size(); ++c) CheckFinite(row[c], r, c);
  }
  return profile;
}

Profile Profile::Of(const RowSource& from) {
  CheckShape(from.rows(), from.cols());
  const Unscaled unscaled(from);
  const RowReader source(unscaled.rows());
  Profile profile = ShapeOf(unscaled);
  CountValues(source, &profile);
  std::vector<size_t> seen(profile.values.size(), 0);
  EntryReader reader(source, profile.values.omega()[0]);
  BlockCounter blocks(&profile);
  for (size_t r = 0; r < profile.rows; ++r) {
    const std::span<const RowEntry> listed = reader.Read(r);
    CountRow(listed, r, seen, &profile);
    blocks.AddRow(listed);
  }
  blocks.End();
  return profile;
}

Stats Profile::GetStats() const {
  Stats stats;
  const auto elements_count = static_cast<double>(elements());
  for (uint64_t count : values.counts()) {
    const double p = static_cast<double>(count) / elements_count;
    stats.entropy -= p * std::log2(p);
  }
  stats.entropy = std::max(stats.entropy, 0.0);  // -1·log2(1) is -0
  stats.p0 = static_cast<double>(values.counts()[0]) / elements_count;
  stats.distinct = values.size();
  stats.distinct_per_row = static_cast<double>(distinct_in_rows) / static_cast<double>(rows);
  stats.nnz = nnz;
  return stats;
}

}  // namespace lowtropy
