// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lowtropy {

// The product of two dense values, row-major: c = a · b, of m x k and k x n. Reads up to
// kColumnSlack floats behind a and b, writes none behind c, allocates nothing; c overlaps neither.
struct Product {
  size_t m;
  size_t k;
  size_t n;
};
void MultiplyDense(const Product& product, const float* a, const float* b, float* c);

}  // namespace lowtropy
