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

// Stored: `values`, rows x cols float32, row-major. 4 bytes an element; one multiplication and one
// addition each. Wins where the entropy is high and every element differs.
struct Dense {
  static constexpr std::string_view kName = "dense";
  static constexpr std::string_view kNote = "every value";
  static constexpr unsigned kFileVersion = 1;
  static constexpr Feed kFeed = Feed::kRows;
  static constexpr bool kCountsValues = false;

  static std::string Refusal(const Profile&) { return {}; }
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Dense Encode(const RowSource& source, const Profile& profile);
  void DecodeRow(size_t row, std::span<float> out) const;
  bool Validate(std::string* reason) const;
  Walks GetWalks() const { return {}; }

  size_t rows = 0;
  size_t cols = 0;
  Array values;

  static constexpr std::array<ArrayMember<Dense>, 1> kArrays{{{"values", &Dense::values}}};
};

}  // namespace lowtropy
