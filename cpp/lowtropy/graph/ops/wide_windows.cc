// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/wide_windows.h"

#include <algorithm>
#include <limits>

namespace lowtropy {

size_t WideWindows::Clip(size_t at) const { return std::clamp(at, sequence_.begin, sequence_.end); }

void WideWindows::Join(const float* from, float* to) const {
  for (size_t i = 0; i < sequence_.width; ++i) {
    to[i] = fold_ == Fold::kMax ? std::max(to[i], from[i]) : to[i] + from[i];
  }
}

void WideWindows::Take(size_t at, float* to) const {
  const float* from = sequence_.data + (at - sequence_.begin) * sequence_.width;
  if (fold_ != Fold::kSquares) return Join(from, to);
  for (size_t i = 0; i < sequence_.width; ++i) to[i] += from[i] * from[i];
}

void WideWindows::EnterBlock(size_t block_end) {
  const size_t width = sequence_.width;
  const float nothing = fold_ == Fold::kMax ? -std::numeric_limits<float>::infinity() : 0.0F;
  block_end_ = block_end;
  first_ = Clip(block_end - kernel_);
  last_ = next_ = Clip(block_end);
  std::fill_n(scratch_, width, nothing);
  for (size_t at = last_; at-- > first_;) {
    float* fold = scratch_ + (2 + at - first_) * width;
    if (at + 1 == last_) {
      std::fill_n(fold, width, nothing);
    } else {
      std::copy_n(fold + width, width, fold);
    }
    Take(at, fold);
  }
}

const float* WideWindows::Next() {
  const size_t width = sequence_.width;
  float* result = scratch_ + width;
  if (start_ >= block_end_) EnterBlock(start_ / kernel_ * kernel_ + kernel_);
  for (const size_t end = Clip(start_ + kernel_); next_ < end; ++next_) Take(next_, scratch_);
  std::copy_n(scratch_, width, result);
  const size_t at = std::max(start_, first_);
  if (at < last_) Join(scratch_ + (2 + at - first_) * width, result);
  start_ += stride_;
  return result;
}

}  // namespace lowtropy
