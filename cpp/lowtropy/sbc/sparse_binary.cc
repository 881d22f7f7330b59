// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/sbc/sparse_binary.h"

#include <algorithm>
#include <cmath>

namespace lowtropy {

size_t KeptCount(double sparsity, size_t size) {
  const double rounded = std::round(sparsity * static_cast<double>(size));
  return std::clamp(static_cast<size_t>(rounded), size_t{1}, size);
}

void SparseBinaryCompressor::Compress(std::span<float> accumulated, size_t k,
                                      SparseBinaryUpdate* update) {
  selector_.FindCuts(accumulated, k);
  const double top = selector_.LargestMean(accumulated);
  const double bottom = -selector_.SmallestMean(accumulated);
  update->size = accumulated.size();
  if (top >= bottom) {
    update->value = static_cast<float>(top);
    selector_.TakeLargest(accumulated, &update->positions);
  } else {
    update->value = static_cast<float>(-bottom);
    selector_.TakeSmallest(accumulated, &update->positions);
  }
  ApplyUpdate(*update, -1.0F, accumulated);
}

void ApplyUpdate(const SparseBinaryUpdate& update, float scale, std::span<float> weights) {
  const float step = scale * update.value;
  for (const uint32_t position : update.positions) weights[position] += step;
}

}  // namespace lowtropy
