// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/layers/loss.h"

#include <algorithm>
#include <cmath>

#include "lowtropy/math/elementary.h"

namespace lowtropy {

LossSum SoftmaxCrossEntropy(const float* outputs, const uint32_t* labels, size_t rows,
                            size_t classes, float* gradient) {
  LossSum total;
  const float share = 1.0F / static_cast<float>(rows);
  for (size_t r = 0; r < rows; ++r) {
    const float* x = outputs + r * classes;
    const uint32_t label = labels[r];
    const float* largest = std::max_element(x, x + classes);
    float sum = 0;
    for (size_t i = 0; i < classes; ++i) sum += Exp(x[i] - *largest);
    total.loss += std::log(static_cast<double>(sum)) - (static_cast<double>(x[label]) - *largest);
    if (largest - x == static_cast<ptrdiff_t>(label)) ++total.correct;
    if (gradient == nullptr) continue;
    float* d = gradient + r * classes;
    const float scale = share / sum;
    for (size_t i = 0; i < classes; ++i) d[i] = Exp(x[i] - *largest) * scale;
    d[label] -= share;
  }
  return total;
}

}  // namespace lowtropy
