// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/compress/fold.h"

#include <cmath>
#include <cstddef>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {

void FoldBatchNorm(const Normalization& norm, std::span<float> weights, std::span<float> bias) {
  const size_t channels = norm.gamma.size();
  const bool fits = norm.beta.size() == channels && norm.mean.size() == channels &&
                    norm.variance.size() == channels && bias.size() == channels && channels != 0 &&
                    weights.size() % channels == 0;
  if (!fits) {
    throw Error(ErrorKind::kShape, Text("A normalization of ", channels,
                                        " channels does not fit to ", weights.size(), " weights."));
  }
  const size_t cols = weights.size() / channels;
  for (size_t c = 0; c < channels; ++c) {
    const double scale = double{norm.gamma[c]} / std::sqrt(double{norm.variance[c]} + norm.epsilon);
    for (float& weight : weights.subspan(c * cols, cols)) {
      weight = static_cast<float>(double{weight} * scale);
    }
    bias[c] = static_cast<float>(double{norm.beta[c]} - double{norm.mean[c]} * scale);
  }
}

}  // namespace lowtropy
