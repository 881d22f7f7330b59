// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {

// Kernels of operators without a matrix, on images as they lie in memory: C x H x W, row-major.
// None allocates, none checks: shapes are those of InferTypes. Pointers need no alignment; inputs
// are followed by kColumnSlack readable floats. ScaleShift, Softmax and LogSoftmax may write over
// their input; the others may not.

// y = x · scale[c] + bias[c], then within the bounds: batch normalization at inference time.
void ScaleShift(const ImageShape& shape, const float* input, const float* scale, const float* bias,
                const Bounds& bounds, float* output);

// A pool over windows. Padding never counts in a maximum; in a mean it counts as zeros if
// `count_pad` (then the divisor is the window clipped to the padded input, as in Caffe), else not
// at all.
struct Pooling {
  Window window;
  ImageShape input;
  ImageShape output;
  bool count_pad = false;
};

// Floats of scratch that MaxPool and AvgPool need.
uint64_t PoolScratch(const Pooling& pooling);

// About how many elementary operations they take (see demand.h).
double PoolWork(const Pooling& pooling);

void MaxPool(const Pooling& pooling, const float* input, float* output, float* scratch);
void AvgPool(const Pooling& pooling, const float* input, float* output, float* scratch);

// The mean of each channel: C floats.
void GlobalAvgPool(const ImageShape& shape, const float* input, float* output);

// Krizhevsky et al. 2012, section 3.3, with alpha divided by `size` as in Caffe and ONNX:
// y[c] = x[c] / (k + alpha / size · Σ x[i]²)^beta, over channels i from c - ⌊(size - 1) / 2⌋ to
// c + ⌈(size - 1) / 2⌉ that exist.
struct Lrn {
  uint32_t size;
  float alpha;
  float beta;
  float k;
};
void LocalResponseNorm(const Lrn& lrn, const ImageShape& shape, const float* input, float* output,
                       float* scratch);

// As of pools.
uint64_t LrnScratch(const Lrn& lrn, const ImageShape& shape);
double LrnWork(const Lrn& lrn, const ImageShape& shape);

// exp(x[c]) / Σ exp(x[i]) over the channels of each pixel, without overflow.
void Softmax(const ImageShape& shape, const float* input, float* output);
// Its logarithm, exact where that is far below 0.
void LogSoftmax(const ImageShape& shape, const float* input, float* output);

}  // namespace lowtropy
