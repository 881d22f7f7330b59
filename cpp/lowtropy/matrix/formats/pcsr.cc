// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/pcsr.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {

void Pcsr::Count(const Profile& p, Counter& c) {
  c.Omega(p.listed);
  c.Indices("codes", p.listed, p.max_listed_code);
  c.Indices("colI", p.listed, p.max_listed_col);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.listed);
  c.Input(p.listed);
  c.Arithmetic(p.listed, p.listed - p.rows_listed);
  c.Decomposition();
}

Prediction Pcsr::Predict(const Profile& p) {
  constexpr ListingTimes kTimes{.vector = {3, 0.56}, .lists = {0, 1.0}, .shifted = {0, 1.8}};
  return kTimes.Of(p, 0);
}

Pcsr Pcsr::Encode(const RowSource& source, const Profile& profile) {
  EntryReader reader(source, profile.values.omega()[0]);
  IndexBuilder codes;
  IndexBuilder col_i;
  IndexBuilder row_ptr;
  codes.Reserve(static_cast<size_t>(profile.listed));
  col_i.Reserve(static_cast<size_t>(profile.listed));
  row_ptr.Push(0);
  for (size_t r = 0; r < profile.rows; ++r) {
    for (const auto& [col, value] : reader.Read(r)) {
      codes.Push(profile.values.Code(value));
      col_i.Push(col);
    }
    row_ptr.Push(static_cast<uint32_t>(col_i.size()));
  }
  return {profile.rows,
          profile.cols,
          Array::Copy<float>(profile.values.omega()),
          std::move(codes).Build(),
          std::move(col_i).Build(),
          std::move(row_ptr).Build()};
}

bool Pcsr::Validate(std::string* reason) const {
  if (!CheckOmega(omega, reason) || !CheckIndices("colI", col_i, cols - 1, reason) ||
      !CheckIndices("codes", codes, omega.size() - 1, reason) ||
      !CheckSize("codes", codes, col_i.size(), reason) ||
      !CheckPointers("rowPtr", row_ptr, uint64_t{rows} + 1, col_i.size(), reason) ||
      !CheckAscending("colI", col_i, row_ptr, reason)) {
    return false;
  }
  std::vector<uint64_t> counts(omega.size(), 0);
  for (size_t i = 0; i < codes.size(); ++i) ++counts[codes.Index(i)];
  if (counts[0] != 0) return Fail(reason, "codes lists the most frequent value");
  counts[0] = uint64_t{rows} * cols - col_i.size();
  return CheckFrequencies(omega, counts, reason);
}

}  // namespace lowtropy
