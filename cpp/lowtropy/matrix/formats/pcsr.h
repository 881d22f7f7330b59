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

// Palette CSR. Stored: `omega`, the distinct values, most frequent first (float32); for each
// element other than omega[0], in row order, `codes`, its position in omega, and `colI`, its
// column; `rowPtr`, where each row starts (rows + 1). With up to 256 values and columns 2 bytes an
// element, where csr takes 5; one multiplication and one addition each. Wins where rows hold so
// many distinct values (K per row large) that the runs of cer and cser are short.
struct Pcsr {
  static constexpr std::string_view kName = "pcsr";
  static constexpr std::string_view kNote = "compressed rows of codes";
  static constexpr unsigned kFileVersion = 1;
  static constexpr Feed kFeed = Feed::kLists;

  static std::string Refusal(const Profile&) { return {}; }
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Pcsr Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return omega.As<float>()[0]; }

  // Calls f(column, value) for each listed element of a row, in the order of `colI`.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto values = omega.As<float>();
    for (size_t i = row_ptr.Index(row); i < row_ptr.Index(row + 1); ++i) {
      f(col_i.Index(i), values[codes.Index(i)]);
    }
  }

  bool Validate(std::string* reason) const;
  Walks GetWalks() const { return {}; }

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array codes;
  Array col_i;
  Array row_ptr;

  static constexpr std::array<ArrayMember<Pcsr>, 4> kArrays{{{"omega", &Pcsr::omega},
                                                             {"codes", &Pcsr::codes},
                                                             {"colI", &Pcsr::col_i},
                                                             {"rowPtr", &Pcsr::row_ptr}}};
};

}  // namespace lowtropy
