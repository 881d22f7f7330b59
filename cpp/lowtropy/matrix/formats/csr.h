// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/formats/array_member.h"
#include "lowtropy/matrix/formats/prediction.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

// Compressed sparse rows. Stored: `values`, the elements other than +0.0 in row order (float32);
// `colI`, their columns; `rowPtr`, where each row starts (rows + 1). 5 to 8 bytes a nonzero; one
// multiplication and one addition each. The baseline that knows zeros but not repeated values.
struct Csr {
  static constexpr std::string_view kName = "csr";
  static constexpr std::string_view kNote = "compressed rows";
  static constexpr unsigned kFileVersion = 1;
  static constexpr Feed kFeed = Feed::kLists;

  static std::string Refusal(const Profile&) { return {}; }
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Csr Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return 0.0F; }

  // Calls f(column, value) for each listed element of a row, in the order of `colI`.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto stored = values.As<float>();
    for (size_t i = row_ptr.Index(row); i < row_ptr.Index(row + 1); ++i) {
      f(col_i.Index(i), stored[i]);
    }
  }

  bool Validate(std::string* reason) const;
  Walks GetWalks() const { return {}; }

  size_t rows = 0;
  size_t cols = 0;
  Array values;
  Array col_i;
  Array row_ptr;

  static constexpr std::array<ArrayMember<Csr>, 3> kArrays{
      {{"values", &Csr::values}, {"colI", &Csr::col_i}, {"rowPtr", &Csr::row_ptr}}};
};

}  // namespace lowtropy
