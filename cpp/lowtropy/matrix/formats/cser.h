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

// Compressed shared elements row (arXiv:1805.10692, section III). As cer, but only runs that exist
// are kept, and `omegaI` names the value of each: `omega` (float32, most frequent first); `colI`,
// all runs' columns, ascending within a run; `omegaPtr`, where each run ends in colI, after a
// leading 0; `omegaI`, each run's position in omega, ascending within a row; `rowPtr`, where each
// row starts in omegaI (rows + 1).
//
// One multiplication a run and one addition an element. Wins over cer where rows hold different
// values each, so that cer's repeated pointers would cost more than naming the runs.
struct Cser {
  static constexpr std::string_view kName = "cser";
  static constexpr std::string_view kNote = "compressed shared elements";
  static constexpr unsigned kFileVersion = 1;
  static constexpr Feed kFeed = Feed::kLists;

  static std::string Refusal(const Profile&) { return {}; }
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Cser Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return omega.As<float>()[0]; }

  // Calls f(column, value) for each listed element of a row, in the order of `colI`.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto values = omega.As<float>();
    for (size_t run = row_ptr.Index(row); run < row_ptr.Index(row + 1); ++run) {
      const float value = values[omega_i.Index(run)];
      for (size_t i = omega_ptr.Index(run); i < omega_ptr.Index(run + 1); ++i) {
        f(col_i.Index(i), value);
      }
    }
  }

  bool Validate(std::string* reason) const;
  Walks GetWalks() const;

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array col_i;
  Array omega_ptr;
  Array omega_i;
  Array row_ptr;

  static constexpr std::array<ArrayMember<Cser>, 5> kArrays{{{"omega", &Cser::omega},
                                                             {"colI", &Cser::col_i},
                                                             {"omegaPtr", &Cser::omega_ptr},
                                                             {"omegaI", &Cser::omega_i},
                                                             {"rowPtr", &Cser::row_ptr}}};
};

}  // namespace lowtropy
