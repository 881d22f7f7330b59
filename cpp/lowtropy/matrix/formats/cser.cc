// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/cser.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/listed.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {

void Cser::Count(const Profile& p, Counter& c) {
  c.Omega(p.present_runs);
  c.Indices("colI", p.listed, p.max_listed_col);
  c.Indices("omegaPtr", p.present_runs + 1, p.listed);
  c.Indices("omegaI", p.present_runs, p.max_listed_code);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.present_runs);
  c.Input(p.listed);
  c.Arithmetic(p.present_runs, p.listed - p.rows_listed);
  c.Decomposition();
}

Prediction Cser::Predict(const Profile& p) { return kRunTimes.Of(p, p.present_runs); }

Walks Cser::GetWalks() const {
  if (background() == 0.0F) return {};
  return {.columns = 128.0 * static_cast<double>(omega_ptr.size())};  // each run is looked for
}

Cser Cser::Encode(const RowSource& source, const Profile& profile) {
  EntryReader reader(source, profile.values.omega()[0]);
  std::vector<Listed> runs;
  IndexBuilder col_i;
  IndexBuilder omega_ptr;
  IndexBuilder omega_i;
  IndexBuilder row_ptr;
  col_i.Reserve(static_cast<size_t>(profile.listed));
  omega_ptr.Reserve(static_cast<size_t>(profile.present_runs) + 1);
  omega_i.Reserve(static_cast<size_t>(profile.present_runs));
  omega_ptr.Push(0);
  row_ptr.Push(0);
  for (size_t r = 0; r < profile.rows; ++r) {
    ListRuns(reader.Read(r), profile.values, &runs);
    for (size_t i = 0; i < runs.size(); ++i) {
      col_i.Push(runs[i].col);
      if (i + 1 < runs.size() && runs[i + 1].code == runs[i].code) continue;
      omega_i.Push(runs[i].code);
      omega_ptr.Push(static_cast<uint32_t>(col_i.size()));
    }
    row_ptr.Push(static_cast<uint32_t>(omega_i.size()));
  }
  return {profile.rows,
          profile.cols,
          Array::Copy<float>(profile.values.omega()),
          std::move(col_i).Build(),
          std::move(omega_ptr).Build(),
          std::move(omega_i).Build(),
          std::move(row_ptr).Build()};
}

bool Cser::Validate(std::string* reason) const {
  if (!CheckOmega(omega, reason) || !CheckIndices("colI", col_i, cols - 1, reason) ||
      !CheckIndices("omegaI", omega_i, omega.size() - 1, reason) ||
      !CheckPointers("omegaPtr", omega_ptr, uint64_t{omega_i.size()} + 1, col_i.size(), reason) ||
      !CheckPointers("rowPtr", row_ptr, uint64_t{rows} + 1, omega_i.size(), reason) ||
      !CheckAscending("omegaI", omega_i, row_ptr, reason) ||
      !CheckAscending("colI", col_i, omega_ptr, reason)) {
    return false;
  }
  std::vector<uint64_t> counts(omega.size(), 0);
  for (size_t run = 0; run < omega_i.size(); ++run) {
    const uint32_t length = omega_ptr.Index(run + 1) - omega_ptr.Index(run);
    const std::string name = Text("run ", run);
    if (length == 0) return Fail(reason, name + " is empty");
    if (omega_i.Index(run) == 0) return Fail(reason, name + " lists the most frequent value");
    counts[omega_i.Index(run)] += length;
  }
  ColumnCheck columns(cols, col_i);
  for (size_t r = 0; r < rows; ++r) {
    const uint32_t begin = omega_ptr.Index(row_ptr.Index(r));
    const uint32_t end = omega_ptr.Index(row_ptr.Index(r + 1));
    if (!columns.Distinct(r, begin, end, reason)) return false;
  }
  counts[0] = uint64_t{rows} * cols - col_i.size();
  return CheckFrequencies(omega, counts, reason);
}

}  // namespace lowtropy
