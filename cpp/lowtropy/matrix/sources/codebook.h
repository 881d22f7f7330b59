// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/sources/tensor_source.h"

namespace lowtropy {

// A codebook and a code for each element: w = codebook[code].
class CodebookSource final : public TensorSource {
 public:
  // `codes`: rows x cols indices (kU8, kU16 or kU32), row-major. Values of the codebook need
  // neither be different nor occur.
  CodebookSource(size_t rows, size_t cols, std::span<const float> codebook, Array codes);

  void ReadRow(size_t row, std::span<float> out) const override;

 private:
  std::span<const float> codebook_;
  Array codes_;
};

}  // namespace lowtropy
