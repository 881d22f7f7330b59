// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace lowtropy {

// A row-major matrix inside something larger: row r starts at data + r · stride.
struct ConstBlock {
  const float* data;
  size_t stride;
};
struct Block {
  float* data;
  size_t stride;
};

// All matrix products of training. C is m x n and k is the length of the sums; a product either
// replaces C or, with `add`, is added to it. None allocates; all take less than 300 KB of stack.
// Sums run in an order that depends on m, n and k only.
struct ProductShape {
  size_t m;
  size_t n;
  size_t k;
  bool add = false;
};

// C = A · B, where A is m x k and B is k x n.
void Multiply(const ProductShape& shape, ConstBlock a, ConstBlock b, Block c);

// C = A · Bᵀ, where A is m x k and B is n x k.
void MultiplyByTransposed(const ProductShape& shape, ConstBlock a, ConstBlock b, Block c);

// C = Aᵀ · B, where A is k x m and B is k x n.
void MultiplyTransposed(const ProductShape& shape, ConstBlock a, ConstBlock b, Block c);

}  // namespace lowtropy
