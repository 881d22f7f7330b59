// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/image_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lowtropy/graph/ops/row_kernels.h"
#include "lowtropy/graph/ops/wide_windows.h"
#include "lowtropy/matrix/kernels/kernels.h"  // kColumnSlack

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/graph/ops/image_kernels.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/highway.h"
#include "lowtropy/graph/ops/vectors-inl.h"
#include "lowtropy/matrix/kernels/epilogue-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void ScaleShiftKernel(const ImageShape& shape, const float* input, const float* scale,
                      const float* bias, const Bounds& bounds, float* output) {
  const size_t pixels = size_t{shape.height} * shape.width;
  for (size_t c = 0; c < shape.channels; ++c) {
    const float* x = input + c * pixels;
    float* y = output + c * pixels;
    ForEachVector(pixels, [&](auto d, size_t i) HWY_ATTR {
      const auto v = hn::MulAdd(hn::LoadU(d, x + i), hn::Set(d, scale[c]), hn::Set(d, bias[c]));
      hn::StoreU(Within(d, bounds, v), d, y + i);
    });
  }
}

// ---- Pools ----
//
// In two passes over one row of scratch: down the rows of the window, where neighbouring lanes are
// neighbouring floats, then across. The second pass reads each float once a tap, and strides of 2,
// nearly all that there are, by de-interleaving loads.

struct MaxReduction {
  static constexpr Fold kFold = Fold::kMax;
  static constexpr float kIdentity = -std::numeric_limits<float>::infinity();
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::Max(a, b);
  }
};

struct SumReduction {
  static constexpr Fold kFold = Fold::kSum;
  static constexpr float kIdentity = 0.0F;
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::Add(a, b);
  }
};

// out[i] = the reduction of column i over `rows` rows.
template <class Reduction>
void ReduceRows(const float* first, size_t rows, size_t width, float* out) {
  const Reduction reduce;
  ForEachVector(width, [&](auto d, size_t i) HWY_ATTR {
    auto v = hn::LoadU(d, first + i);
    for (size_t r = 1; r < rows; ++r) v = reduce(v, hn::LoadU(d, first + r * width + i));
    hn::StoreU(v, d, out + i);
  });
}

template <class Reduction>
void Slide(const float* row, size_t kernel, size_t stride, size_t begin, size_t count, float* out) {
  const Reduction reduce;
  const hn::CappedTag<float, 1> one;
  for (size_t x = begin; x < count; ++x) {
    auto v = hn::LoadU(one, row + x * stride);
    for (size_t j = 1; j < kernel; ++j) v = reduce(v, hn::LoadU(one, row + x * stride + j));
    hn::StoreU(v, one, out + x);
  }
}

template <class Reduction>
void SlideBy1(const float* row, size_t kernel, size_t count, float* out) {
  const Reduction reduce;
  ForEachVector(count, [&](auto d, size_t x) HWY_ATTR {
    auto v = hn::LoadU(d, row + x);
    for (size_t j = 1; j < kernel; ++j) v = reduce(v, hn::LoadU(d, row + x + j));
    hn::StoreU(v, d, out + x);
  });
}

// Reads up to 2 floats past the last window.
template <class Reduction>
void SlideBy2(const float* row, size_t kernel, size_t count, float* out) {
  const Reduction reduce;
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  size_t x = 0;
  for (; x + lanes <= count; x += lanes) {
    V v = hn::Set(d, Reduction::kIdentity);
    for (size_t j = 0; j < kernel; j += 2) {
      V even;
      V odd;
      hn::LoadInterleaved2(d, row + 2 * x + j, even, odd);
      v = reduce(v, even);
      if (j + 1 < kernel) v = reduce(v, odd);
    }
    hn::StoreU(v, d, out + x);
  }
  Slide<Reduction>(row, kernel, 2, x, count, out);
}

// Reduces every window; `row` is scratch for one padded row, and for wide windows behind it. Calls
// finish(oy, its floats) after each output row.
template <class Reduction, class Finish>
void Pool(const Pooling& pooling, const float* input, float* output, float* row,
          const Finish& finish) {
  const ImageShape& in = pooling.input;
  const ImageShape& out = pooling.output;
  const auto& [kernel, stride, dilation, pad] = pooling.window;
  const size_t reach = size_t{out.width - 1} * stride[1] + kernel[1];
  const bool wide[] = {IsWide(kernel[0], stride[0]), IsWide(kernel[1], stride[1])};
  float* across = row + std::max(reach, size_t{pad[1]} + in.width) + kColumnSlack;
  float* down = across + (wide[1] ? WideWindows::Scratch(1, kernel[1], reach) : 0);
  std::fill_n(row, pad[1], Reduction::kIdentity);
  if (reach > pad[1] + in.width) {
    std::fill(row + pad[1] + in.width, row + reach, Reduction::kIdentity);
  }
  for (size_t c = 0; c < in.channels; ++c, input += size_t{in.height} * in.width) {
    WideWindows rows(Reduction::kFold, {input, in.width, pad[0], size_t{pad[0]} + in.height},
                     kernel[0], stride[0], down);
    for (size_t oy = 0; oy < out.height; ++oy, output += out.width) {
      if (wide[0]) {
        std::copy_n(rows.Next(), in.width, row + pad[1]);
      } else {
        const size_t start = oy * stride[0];  // in padded rows
        const size_t first = std::max<size_t>(start, pad[0]) - pad[0];
        const size_t last = std::min<size_t>(start + kernel[0] - pad[0], in.height);
        ReduceRows<Reduction>(input + first * in.width, last - first, in.width, row + pad[1]);
      }
      if (wide[1]) {
        WideWindows taps(Reduction::kFold, {row, 1, 0, reach}, kernel[1], stride[1], across);
        for (size_t x = 0; x < out.width; ++x) output[x] = *taps.Next();
      } else if (stride[1] == 1) {
        SlideBy1<Reduction>(row, kernel[1], out.width, output);
      } else if (stride[1] == 2) {
        SlideBy2<Reduction>(row, kernel[1], out.width, output);
      } else {
        Slide<Reduction>(row, kernel[1], stride[1], 0, out.width, output);
      }
      finish(oy, output);
    }
  }
}

void MaxPoolKernel(const Pooling& pooling, const float* input, float* output, float* scratch) {
  Pool<MaxReduction>(pooling, input, output, scratch, [](size_t, float*) {});
}

// How many positions of window `o` the mean divides by, along one axis.
HWY_INLINE size_t Extent(const Pooling& pooling, size_t axis, size_t size, size_t o) {
  const Window& window = pooling.window;
  const size_t before = window.pad[axis];
  const size_t start = o * window.stride[axis];
  const size_t end = start + window.kernel[axis];
  if (pooling.count_pad) return std::min(end, size + before + window.pad[axis + 2]) - start;
  return std::min(end, size + before) - std::max(start, before);
}

void AvgPoolKernel(const Pooling& pooling, const float* input, float* output, float* scratch) {
  const size_t width = pooling.output.width;
  float* extents = scratch;
  for (size_t x = 0; x < width; ++x) {
    extents[x] = static_cast<float>(Extent(pooling, 1, pooling.input.width, x));
  }
  const auto divide = [&](size_t oy, float* row) {
    const auto rows = static_cast<float>(Extent(pooling, 0, pooling.input.height, oy));
    for (size_t x = 0; x < width; ++x) row[x] /= rows * extents[x];
  };
  Pool<SumReduction>(pooling, input, output, scratch + width, divide);
}

void GlobalAvgPoolKernel(const ImageShape& shape, const float* input, float* output) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const size_t pixels = size_t{shape.height} * shape.width;
  for (size_t c = 0; c < shape.channels; ++c, input += pixels) {
    auto sums = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= pixels; i += lanes) sums = hn::Add(sums, hn::LoadU(d, input + i));
    float sum = hn::GetLane(hn::SumOfLanes(d, sums));
    for (; i < pixels; ++i) sum += input[i];
    output[c] = sum / static_cast<float>(pixels);
  }
}

// ---- LRN ----

// Channels before and after its own that a window has. What is beyond all channels is cut off, as
// far as that does not move it.
struct LrnReach {
  size_t before;
  size_t after;
  size_t size() const { return before + 1 + after; }
};
inline LrnReach ReachOf(const Lrn& lrn, const ImageShape& shape) {
  const size_t before = (lrn.size - 1) / 2;
  const size_t most = shape.channels - 1;
  return {std::min(before, most), std::min(lrn.size - 1 - before, most)};
}

// x · base^-0.75, by square roots: several times as fast as pow.
template <class D, class V>
HWY_INLINE V DivideByThreeQuarterPower(D, V x, V base) {
  const V root = hn::Sqrt(base);
  return hn::Div(x, hn::Mul(root, hn::Sqrt(root)));
}

template <class D, class V>
HWY_INLINE V DivideByPower(D d, V x, V base, float exponent) {
  HWY_ALIGN float lanes[hn::MaxLanes(D())];
  hn::StoreU(base, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = std::pow(lanes[i], -exponent);
  return hn::Mul(x, hn::LoadU(d, lanes));
}

// The squares of one channel's windows from channel `first` to `last`, each pixel's, are added up;
// or, where `sums` has them already, taken from there.
void LrnChannel(const Lrn& lrn, size_t pixels, const float* input, size_t c, size_t first,
                size_t last, const float* sums, float* output) {
  const float weight = lrn.alpha / static_cast<float>(lrn.size);
  ForEachVector(pixels, [&](auto d, size_t i) HWY_ATTR {
    auto sum = hn::Zero(d);
    if (sums != nullptr) {
      sum = hn::LoadU(d, sums + i);
    } else {
      for (size_t n = first; n <= last; ++n) {
        const auto v = hn::LoadU(d, input + n * pixels + i);
        sum = hn::MulAdd(v, v, sum);
      }
    }
    const auto x = hn::LoadU(d, input + c * pixels + i);
    const auto base = hn::MulAdd(sum, hn::Set(d, weight), hn::Set(d, lrn.k));
    const auto y = lrn.beta == 0.75F ? DivideByThreeQuarterPower(d, x, base)
                                     : DivideByPower(d, x, base, lrn.beta);
    hn::StoreU(y, d, output + c * pixels + i);
  });
}

void LrnKernel(const Lrn& lrn, const ImageShape& shape, const float* input, float* output,
               float* scratch) {
  const size_t pixels = size_t{shape.height} * shape.width;
  const LrnReach reach = ReachOf(lrn, shape);
  const size_t channels = shape.channels;
  const bool wide = IsWide(reach.size(), 1);
  WideWindows windows(Fold::kSquares, {input, pixels, reach.before, reach.before + channels},
                      reach.size(), 1, scratch);
  for (size_t c = 0; c < channels; ++c) {
    const size_t last = std::min(c + reach.after, channels - 1);
    LrnChannel(lrn, pixels, input, c, c - std::min(c, reach.before), last,
               wide ? windows.Next() : nullptr, output);
  }
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(ScaleShiftKernel);
HWY_EXPORT(MaxPoolKernel);
HWY_EXPORT(AvgPoolKernel);
HWY_EXPORT(GlobalAvgPoolKernel);
HWY_EXPORT(LrnKernel);

}  // namespace

void ScaleShift(const ImageShape& shape, const float* input, const float* scale, const float* bias,
                const Bounds& bounds, float* output) {
  HWY_DYNAMIC_DISPATCH(ScaleShiftKernel)(shape, input, scale, bias, bounds, output);
}

uint64_t PoolScratch(const Pooling& pooling) {
  const Window& window = pooling.window;
  const uint64_t reach = uint64_t{pooling.output.width - 1} * window.stride[1] + window.kernel[1];
  const uint64_t row = std::max(reach, uint64_t{window.pad[1]} + pooling.input.width);
  uint64_t size = pooling.output.width + row + kColumnSlack;
  if (IsWide(window.kernel[1], window.stride[1]))
    size += WideWindows::Scratch(1, window.kernel[1], reach);
  if (IsWide(window.kernel[0], window.stride[0])) {
    size += WideWindows::Scratch(pooling.input.width, window.kernel[0], pooling.input.height);
  }
  return size;
}

double PoolWork(const Pooling& pooling) {
  const Window& window = pooling.window;
  const double height = pooling.output.height;
  const double width = pooling.output.width;
  const double in_height = pooling.input.height;
  const double reach = (width - 1) * window.stride[1] + window.kernel[1];
  // Down, of whole rows, and across.
  const double rows = IsWide(window.kernel[0], window.stride[0])
                          ? 16 * (height + in_height)
                          : height * std::min<double>(window.kernel[0], in_height);
  const double taps = IsWide(window.kernel[1], window.stride[1])
                          ? 64 * (reach + width)
                          : width * window.kernel[1] * (window.stride[1] > 2 ? 8 : 2);
  return pooling.output.channels * (rows * pooling.input.width + height * taps);
}

void MaxPool(const Pooling& pooling, const float* input, float* output, float* scratch) {
  HWY_DYNAMIC_DISPATCH(MaxPoolKernel)(pooling, input, output, scratch);
}

void AvgPool(const Pooling& pooling, const float* input, float* output, float* scratch) {
  HWY_DYNAMIC_DISPATCH(AvgPoolKernel)(pooling, input, output, scratch);
}

void GlobalAvgPool(const ImageShape& shape, const float* input, float* output) {
  HWY_DYNAMIC_DISPATCH(GlobalAvgPoolKernel)(shape, input, output);
}

void LocalResponseNorm(const Lrn& lrn, const ImageShape& shape, const float* input, float* output,
                       float* scratch) {
  HWY_DYNAMIC_DISPATCH(LrnKernel)(lrn, shape, input, output, scratch);
}

uint64_t LrnScratch(const Lrn& lrn, const ImageShape& shape) {
  const uint64_t size = HWY_STATIC_DISPATCH(ReachOf)(lrn, shape).size();
  const uint64_t pixels = uint64_t{shape.height} * shape.width;
  return IsWide(size, 1) ? WideWindows::Scratch(pixels, size, shape.channels) : 0;
}

double LrnWork(const Lrn& lrn, const ImageShape& shape) {
  const size_t size = HWY_STATIC_DISPATCH(ReachOf)(lrn, shape).size();
  const double adding = IsWide(size, 1) ? 32 : static_cast<double>(size);
  return static_cast<double>(shape.size()) * (adding + (lrn.beta == 0.75F ? 8 : 128));
}

void Softmax(const ImageShape& shape, const float* input, float* output) {
  const size_t pixels = size_t{shape.height} * shape.width;
  const size_t size = shape.channels * pixels;
  if (pixels == 1) {
    if (output != input) std::copy_n(input, size, output);
    return SoftmaxRows(1, size, output);
  }
  for (size_t p = 0; p < pixels; ++p) {
    float max = input[p];
    for (size_t i = p; i < size; i += pixels) max = std::max(max, input[i]);
    double sum = 0;  // float would lose small probabilities among many thousands of classes
    for (size_t i = p; i < size; i += pixels) {
      output[i] = std::exp(input[i] - max);
      sum += static_cast<double>(output[i]);
    }
    const auto factor = static_cast<float>(1.0 / sum);
    for (size_t i = p; i < size; i += pixels) output[i] *= factor;
  }
}

void LogSoftmax(const ImageShape& shape, const float* input, float* output) {
  const size_t pixels = size_t{shape.height} * shape.width;
  const size_t size = shape.channels * pixels;
  for (size_t p = 0; p < pixels; ++p) {
    float max = input[p];
    for (size_t i = p; i < size; i += pixels) max = std::max(max, input[i]);
    double sum = 0;
    for (size_t i = p; i < size; i += pixels) sum += static_cast<double>(std::exp(input[i] - max));
    const double log = std::log(sum);
    for (size_t i = p; i < size; i += pixels) {
      const float above = input[i] - max;
      output[i] = static_cast<float>(static_cast<double>(above) - log);
    }
  }
}

}  // namespace lowtropy
#endif  // HWY_ONCE
