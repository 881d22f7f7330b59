// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace lowtropy {

// Windows of all networks in use are small, and are best folded anew each time. A graph can ask for
// ones of tens of thousands of elements, which overlap: these are folded by blocks as wide as the
// window, which then is the end of one and the start of the next. Three operations an element
// whatever the width (van Herk 1992; Gil and Werman 1993), and none that is undone: a sliding sum
// would keep the rounding errors of large values that have left it.

// Where windows overlap so much that blocks take fewer operations.
constexpr bool IsWide(uint64_t kernel, uint64_t stride) {
  return kernel > 64 && stride < kernel / 8;
}

enum class Fold { kMax, kSum, kSquares };

// Windows of `kernel` elements, `stride` apart, from 0 on, over a sequence of elements of `width`
// floats each, one after the other. `data` is element `begin`; before it and from `end` on there is
// nothing.
class WideWindows {
 public:
  struct Sequence {
    const float* data;
    size_t width;
    size_t begin;
    size_t end;
  };
  // Floats of scratch, which stays in use.
  static uint64_t Scratch(uint64_t width, uint64_t kernel, uint64_t elements) {
    return width * (2 + (kernel < elements ? kernel : elements));
  }
  WideWindows(Fold fold, const Sequence& sequence, size_t kernel, size_t stride, float* scratch)
      : fold_(fold), sequence_(sequence), kernel_(kernel), stride_(stride), scratch_(scratch) {}

  // The folds of the next window: of each of the `width` floats of its elements. Valid until the
  // next call.
  const float* Next();

 private:
  size_t Clip(size_t at) const;
  void EnterBlock(size_t block_end);
  void Take(size_t at, float* to) const;
  void Join(const float* from, float* to) const;

  Fold fold_;
  Sequence sequence_;
  size_t kernel_;
  size_t stride_;
  float* scratch_;  // what the window has of the next block, the result, and folds from each of
                    // this block's elements to its end
  size_t start_ = 0;
  size_t block_end_ = 0;
  size_t first_ = 0;  // elements of this block
  size_t last_ = 0;
  size_t next_ = 0;  // to be taken from the next block
};

}  // namespace lowtropy
