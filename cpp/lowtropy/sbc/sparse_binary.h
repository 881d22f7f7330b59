// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/sbc/select.h"

namespace lowtropy {

// One tensor's update after sparsification and binarization: `value` at `positions`, 0 elsewhere.
struct SparseBinaryUpdate {
  size_t size = 0;  // N, elements of the tensor
  float value = 0;  // μ⁺, or -μ⁻
  std::vector<uint32_t> positions;
};

// k = max(1, round(p · N)) for a sparsity p in (0, 1] and N ≥ 1.
size_t KeptCount(double sparsity, size_t size);

// Sparse binary compression of single tensors (arXiv:1805.08768, Algorithm 2).
//
// top is the k largest entries, bottom the k smallest; μ⁺ is the mean of top and μ⁻ that of
// -bottom. The larger of the two is sent, with its positions: at least one of them is never below
// 0, for μ⁺ ≥ mean(ΔW) ≥ -μ⁻. Where fewer than k entries are positive the others of top count with
// their sign. Equal means send top; ties among entries go to the lower position.
class SparseBinaryCompressor {
 public:
  // `accumulated`: the residual plus the new update. It becomes the new residual: what is sent is
  // subtracted. Throws Error(kValue) with a clause for NaN and infinities, and then changes
  // nothing. Needs 1 ≤ k ≤ accumulated.size(). Allocates only where `update` or its own histograms
  // were never as large.
  void Compress(std::span<float> accumulated, size_t k, SparseBinaryUpdate* update);

 private:
  Selector selector_;
};

// weights[i] += scale · value at the positions; the positions must lie within.
void ApplyUpdate(const SparseBinaryUpdate& update, float scale, std::span<float> weights);

}  // namespace lowtropy
