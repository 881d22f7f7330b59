// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/prediction.h"

namespace lowtropy {
namespace {

// `element` is for all elements, and those that are listed come on top.
constexpr VectorTimes kShiftedRow{40, 0.9, 0, 0.15};

}  // namespace

Prediction ListingTimes::Of(const Profile& p, uint64_t runs) const {
  const auto listed = static_cast<double>(p.listed);
  if (p.values.omega()[0] != 0.0F) {
    return {kShiftedRow.Of(p, p.listed), listed, Prediction::kNever, shifted.Of(p, p.listed, runs)};
  }
  return {vector.Of(p, p.listed, runs), listed, lists.Of(p, p.listed, runs), Prediction::kNever};
}

}  // namespace lowtropy
