// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace lowtropy {

// A trained batch normalization, a value a channel in each.
struct Normalization {
  std::span<const float> gamma;
  std::span<const float> beta;
  std::span<const float> mean;
  std::span<const float> variance;  // from 0 on
  double epsilon;                   // above 0
};

// Makes one layer of a product and the normalization behind it. (W · x - mean) · scale + beta, with
// scale = gamma / sqrt(variance + epsilon), is the product with the rows scale · W and the bias
// beta - mean · scale: changes `weights`, a row a channel, row-major, and writes `bias`, a value a
// channel. In float64, each result rounded once. Throws Error(kShape) where sizes do not fit.
void FoldBatchNorm(const Normalization& norm, std::span<float> weights, std::span<float> bias);

}  // namespace lowtropy
