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

// Compressed entropy row (arXiv:1805.10692, section III). Stored: `omega`, the distinct values Ω,
// most frequent first (float32); and for each row a run of columns for each of Ω[1], Ω[2], … up to
// the last one that the row holds: `colI`, all runs' columns, ascending within a run; `omegaPtr`,
// where each run ends in colI, after a leading 0 (an absent value repeats the pointer); `rowPtr`,
// where each row starts in omegaPtr (rows + 1).
//
// One multiplication a run and one addition an element. Wins over cser where most rows hold the
// same few values, so that few runs are empty and the values need no naming; rows of many rare
// values (k̄ near K, K large) fill omegaPtr with repeated pointers.
struct Cer {
  static constexpr std::string_view kName = "cer";
  static constexpr std::string_view kNote = "compressed entropy rows";
  static constexpr unsigned kFileVersion = 1;
  static constexpr Feed kFeed = Feed::kLists;

  // More than 2^32 - 1 run pointers cannot be addressed.
  static std::string Refusal(const Profile& profile);
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Cer Encode(const RowSource& source, const Profile& profile);

  // What is not listed is this.
  float background() const { return omega.As<float>()[0]; }

  // Calls f(column, value) for each listed element of a row, in the order of `colI`.
  template <class F>
  void ForEachEntry(size_t row, F& f) const {
    const auto values = omega.As<float>();
    const size_t first = row_ptr.Index(row);
    const size_t last = row_ptr.Index(row + 1);
    for (size_t run = first; run < last; ++run) {
      const float value = values[1 + run - first];
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
  Array row_ptr;

  static constexpr std::array<ArrayMember<Cer>, 4> kArrays{{{"omega", &Cer::omega},
                                                            {"colI", &Cer::col_i},
                                                            {"omegaPtr", &Cer::omega_ptr},
                                                            {"rowPtr", &Cer::row_ptr}}};
};

}  // namespace lowtropy
