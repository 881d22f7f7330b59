// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/cer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/listed.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {

std::string Cer::Refusal(const Profile& p) {
  if (p.pointer_runs < kMaxElements) return {};
  return Text("CER would need ", p.pointer_runs,
              " run pointers for this matrix, more than 32-bit row pointers can address.");
}

void Cer::Count(const Profile& p, Counter& c) {
  c.Omega(p.present_runs);
  c.Indices("colI", p.listed, p.max_listed_col);
  c.Indices("omegaPtr", p.pointer_runs + 1, p.listed);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.pointer_runs);
  c.Input(p.listed);
  c.Arithmetic(p.present_runs, p.listed - p.rows_listed);
  c.Decomposition();
}

Prediction Cer::Predict(const Profile& p) { return kRunTimes.Of(p, p.pointer_runs); }

Walks Cer::GetWalks() const {
  if (background() == 0.0F) return {};
  return {.columns = 128.0 * static_cast<double>(omega_ptr.size())};  // each run is looked for
}

Cer Cer::Encode(const RowSource& source, const Profile& profile) {
  EntryReader reader(source, profile.values.omega()[0]);
  std::vector<Listed> runs;
  IndexBuilder col_i;
  IndexBuilder omega_ptr;
  IndexBuilder row_ptr;
  col_i.Reserve(static_cast<size_t>(profile.listed));
  omega_ptr.Reserve(static_cast<size_t>(profile.pointer_runs) + 1);
  omega_ptr.Push(0);
  row_ptr.Push(0);
  for (size_t r = 0; r < profile.rows; ++r) {
    ListRuns(reader.Read(r), profile.values, &runs);
    uint32_t code = 1;
    for (const Listed& element : runs) {
      for (; code < element.code; ++code) omega_ptr.Push(static_cast<uint32_t>(col_i.size()));
      col_i.Push(element.col);
    }
    if (!runs.empty()) omega_ptr.Push(static_cast<uint32_t>(col_i.size()));
    row_ptr.Push(static_cast<uint32_t>(omega_ptr.size() - 1));
  }
  return {profile.rows,
          profile.cols,
          Array::Copy<float>(profile.values.omega()),
          std::move(col_i).Build(),
          std::move(omega_ptr).Build(),
          std::move(row_ptr).Build()};
}

bool Cer::Validate(std::string* reason) const {
  if (!CheckOmega(omega, reason)) return false;
  if (omega_ptr.size() == 0) return Fail(reason, "omegaPtr is empty");
  const size_t runs = omega_ptr.size() - 1;
  if (!CheckIndices("colI", col_i, cols - 1, reason) ||
      !CheckPointers("omegaPtr", omega_ptr, omega_ptr.size(), col_i.size(), reason) ||
      !CheckPointers("rowPtr", row_ptr, uint64_t{rows} + 1, runs, reason) ||
      !CheckAscending("colI", col_i, omega_ptr, reason)) {
    return false;
  }
  std::vector<uint64_t> counts(omega.size(), 0);
  ColumnCheck columns(cols, col_i);
  for (size_t r = 0; r < rows; ++r) {
    const size_t first = row_ptr.Index(r);
    const size_t last = row_ptr.Index(r + 1);
    if (last - first >= omega.size()) {
      return Fail(reason, Text("omega has too few values for the runs of row ", r));
    }
    if (last > first && omega_ptr.Index(last) == omega_ptr.Index(last - 1)) {
      return Fail(reason, Text("the last run of row ", r, " is empty"));
    }
    for (size_t run = first; run < last; ++run) {
      counts[1 + run - first] += omega_ptr.Index(run + 1) - omega_ptr.Index(run);
    }
    if (!columns.Distinct(r, omega_ptr.Index(first), omega_ptr.Index(last), reason)) {
      return false;
    }
  }
  counts[0] = uint64_t{rows} * cols - col_i.size();
  return CheckFrequencies(omega, counts, reason);
}

}  // namespace lowtropy
