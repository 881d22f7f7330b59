// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace lowtropy {

struct LossSum {
  double loss = 0;     // nats, summed over the rows
  size_t correct = 0;  // rows whose largest output is the label's, the first of equal ones
};

// Softmax cross-entropy, -log(exp(x[label]) / Σ exp(x[i])), of rows of `classes` outputs. If asked,
// writes the gradient of its mean over the rows. Outputs that are NaN give a loss of NaN.
LossSum SoftmaxCrossEntropy(const float* outputs, const uint32_t* labels, size_t rows,
                            size_t classes, float* gradient);

}  // namespace lowtropy
