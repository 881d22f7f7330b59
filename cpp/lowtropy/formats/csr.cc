// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/csr.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/formats/validation.h"

namespace lowtropy {
namespace {

bool IsZero(float value) { return Bits(value) == 0; }

}  // namespace

Csr Csr::Encode(const RowSource& source, const Profile& profile) {
  std::vector<float> row(profile.cols);
  std::vector<float> values;
  IndexBuilder col_i;
  IndexBuilder row_ptr;
  values.reserve(static_cast<size_t>(profile.nnz));
  col_i.Reserve(static_cast<size_t>(profile.nnz));
  row_ptr.Push(0);
  for (size_t r = 0; r < profile.rows; ++r) {
    source.ReadRow(r, row);
    for (size_t c = 0; c < row.size(); ++c) {
      if (IsZero(row[c])) continue;
      values.push_back(row[c]);
      col_i.Push(static_cast<uint32_t>(c));
    }
    row_ptr.Push(static_cast<uint32_t>(values.size()));
  }
  return {profile.rows, profile.cols, Array::Copy<float>(values), std::move(col_i).Build(),
          std::move(row_ptr).Build()};
}

void Csr::DecodeRow(size_t row, std::span<float> out) const {
  std::fill(out.begin(), out.end(), 0.0F);
  const auto stored = values.As<float>();
  for (size_t i = row_ptr.Index(row); i < row_ptr.Index(row + 1); ++i) {
    out[col_i.Index(i)] = stored[i];
  }
}

bool Csr::Validate(std::string* reason) const {
  if (!CheckFinite("values", values, reason) || !CheckSize("colI", col_i, values.size(), reason) ||
      !CheckIndices("colI", col_i, cols - 1, reason) ||
      !CheckPointers("rowPtr", row_ptr, uint64_t{rows} + 1, values.size(), reason)) {
    return false;
  }
  const auto stored = values.As<float>();
  for (size_t i = 0; i < stored.size(); ++i) {
    if (IsZero(stored[i])) return Fail(reason, "values[" + std::to_string(i) + "] is zero");
  }
  return CheckAscending("colI", col_i, row_ptr, reason);
}

}  // namespace lowtropy
