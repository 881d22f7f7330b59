// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lowtropy/matrix/kernels/kernels.h"

namespace lowtropy {

// One row of weights times shifted views of one channel: a depthwise convolution. There is no
// product that X could be packed for, as each value is used by one row only; so sums stay in
// registers while all taps pass by, and X is read where it lies, from the first cache.
//
// Element (y, x) of the output is Σ weights[t] · data[offset[t] + y · pitch + x] over the taps;
// kColumnSlack floats after the last one must be readable.
struct Taps {
  const float* data;
  const uint32_t* offset;
  const float* weights;
  size_t count;
  size_t rows;  // of the output
  size_t width;
  size_t pitch;
};

// The epilogue is that of `row`. The output, of rows x width, overlaps nothing else.
void MultiplyTaps(const Taps& taps, const Epilogue& epilogue, size_t row, float* output);

// out[i] = from[2 · i] for `count` floats.
void TakeEverySecond(const float* from, size_t count, float* out);

// As std::copy_n, without a call for the few floats of a small image's row.
void CopyFloats(const float* from, size_t count, float* out);

}  // namespace lowtropy
