// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/csr.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {
namespace {

bool IsZero(float value) { return Bits(value) == 0; }

}  // namespace

void Csr::Count(const Profile& p, Counter& c) {
  c.Floats("values", p.nnz);
  c.Indices("colI", p.nnz, p.max_nonzero_col);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.nnz);
  c.Input(p.nnz);
  c.Arithmetic(p.nnz, p.nnz - p.rows_nonzero);
}

Prediction Csr::Predict(const Profile& p) {
  constexpr VectorTimes kVector{5, 0.26};
  constexpr UnpackTimes kLists{0, 0.7};
  return {kVector.Of(p, p.nnz), static_cast<double>(p.nnz), kLists.Of(p, p.nnz),
          Prediction::kNever};
}

Csr Csr::Encode(const RowSource& source, const Profile& profile) {
  EntryReader reader(source, 0.0F);
  std::vector<float> values;
  IndexBuilder col_i;
  IndexBuilder row_ptr;
  values.reserve(static_cast<size_t>(profile.nnz));
  col_i.Reserve(static_cast<size_t>(profile.nnz));
  row_ptr.Push(0);
  for (size_t r = 0; r < profile.rows; ++r) {
    for (const auto& [col, value] : reader.Read(r)) {
      values.push_back(value);
      col_i.Push(col);
    }
    row_ptr.Push(static_cast<uint32_t>(values.size()));
  }
  return {profile.rows, profile.cols, Array::Copy<float>(values), std::move(col_i).Build(),
          std::move(row_ptr).Build()};
}

bool Csr::Validate(std::string* reason) const {
  if (!CheckFinite("values", values, reason) || !CheckSize("colI", col_i, values.size(), reason) ||
      !CheckIndices("colI", col_i, cols - 1, reason) ||
      !CheckPointers("rowPtr", row_ptr, uint64_t{rows} + 1, values.size(), reason)) {
    return false;
  }
  const auto stored = values.As<float>();
  for (size_t i = 0; i < stored.size(); ++i) {
    if (IsZero(stored[i])) return Fail(reason, Text("values[", i, "] is zero"));
  }
  return CheckAscending("colI", col_i, row_ptr, reason);
}

}  // namespace lowtropy
