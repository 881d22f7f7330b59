// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/dense.h"

#include <algorithm>
#include <memory>

#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {

void Dense::Count(const Profile& p, Counter& c) {
  c.Floats("values", p.elements());
  c.Input(p.elements());
  c.Arithmetic(p.elements(), p.elements() - p.rows);
}

Prediction Dense::Predict(const Profile& p) {
  constexpr VectorTimes kVector{5, 0.076};
  return {kVector.Of(p, p.elements()), 0, Prediction::kNever, 0};
}

Dense Dense::Encode(const RowSource& source, const Profile& profile) {
  const uint64_t elements = uint64_t{profile.rows} * profile.cols;
  const std::shared_ptr<std::byte> memory = AllocateBytes(elements * sizeof(float));
  auto* values = reinterpret_cast<float*>(memory.get());
  ReadRows(source, {values, static_cast<size_t>(elements)});
  return {profile.rows, profile.cols,
          Array(DType::kF32, values, static_cast<size_t>(elements), memory)};
}

void Dense::DecodeRow(size_t row, std::span<float> out) const {
  const auto from = values.As<float>().subspan(row * cols, cols);
  std::copy(from.begin(), from.end(), out.begin());
}

bool Dense::Validate(std::string* reason) const {
  return CheckSize("values", values, uint64_t{rows} * cols, reason) &&
         CheckFinite("values", values, reason);
}

}  // namespace lowtropy
