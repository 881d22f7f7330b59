// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/sources/codebook.h"

#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {

CodebookSource::CodebookSource(size_t rows, size_t cols, std::span<const float> codebook,
                               Array codes)
    : TensorSource(rows, cols), codebook_(codebook), codes_(std::move(codes)) {
  CheckAllFinite("Value", codebook_);
  CheckBytes("The codes", uint64_t{size()} * ByteSize(codes_.type()), codes_.byte_size());
  for (size_t i = 0; i < codes_.size(); ++i) {
    if (codes_.Index(i) < codebook_.size()) continue;
    throw Error(ErrorKind::kValue,
                Text("The code at row ", i / cols, ", column ", i % cols, " is ", codes_.Index(i),
                     ", and the codebook has ", codebook_.size(), " values."));
  }
}

void CodebookSource::ReadRow(size_t row, std::span<float> out) const {
  const size_t first = row * cols();
  for (size_t c = 0; c < out.size(); ++c) out[c] = codebook_[codes_.Index(first + c)];
}

}  // namespace lowtropy
