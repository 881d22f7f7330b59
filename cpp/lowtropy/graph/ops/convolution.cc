// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/convolution.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/direct.h"

namespace lowtropy {
namespace {

// Far beyond any use, and small enough that no product below overflows.
constexpr uint64_t kMaxPadded = uint64_t{1} << 24;  // rows or columns with padding

// Output positions along one axis.
uint64_t OutputSize(uint64_t in, uint64_t pad, uint64_t kernel, uint64_t dilation, uint64_t stride,
                    const char* axis) {
  const uint64_t reach = (kernel - 1) * dilation + 1;
  if (in + pad > kMaxPadded) {
    throw Error(ErrorKind::kShape, Text("the input has ", in + pad, " ", axis,
                                        " with its padding, more than ", kMaxPadded));
  }
  if (in + pad < reach) {
    throw Error(ErrorKind::kShape, Text("the kernel reaches over ", reach, " ", axis,
                                        " of an input that has ", in + pad, " with its padding"));
  }
  return (in + pad - reach) / stride + 1;
}

// Which phase (remainder by the stride) of which step a padded coordinate belongs to.
struct Split {
  size_t phase;
  size_t step;
};
Split SplitBy(size_t stride, size_t coordinate) {
  return {coordinate % stride, coordinate / stride};
}

// The phases that some tap reads, in rising order: a 1x1 kernel of stride 2 needs one of two. In
// time of the taps, for a stride can be far more; they come back to the first phase after a period.
std::vector<uint32_t> UsedPhases(uint32_t kernel, uint32_t dilation, uint32_t stride) {
  const uint32_t period = stride / std::gcd(dilation, stride);
  std::vector<uint32_t> phases;
  for (uint64_t k = 0; k < std::min(kernel, period); ++k) {
    phases.push_back(static_cast<uint32_t>(k * dilation % stride));
  }
  std::sort(phases.begin(), phases.end());
  return phases;
}

size_t IndexOf(const std::vector<uint32_t>& phases, size_t phase) {
  return static_cast<size_t>(std::lower_bound(phases.begin(), phases.end(), phase) -
                             phases.begin());
}

}  // namespace

ImageShape ConvolutionShape(const Window& window, uint32_t groups, uint32_t out_channels,
                            const ImageShape& input) {
  const auto& w = window;
  for (uint32_t n :
       {w.kernel[0], w.kernel[1], w.stride[0], w.stride[1], w.dilation[0], w.dilation[1]}) {
    if (n == 0 || n > kMaxWindow) {
      throw Error(ErrorKind::kShape,
                  Text("kernel, stride and dilation must be 1 to ", kMaxWindow, ", not ", n));
    }
  }
  if (groups == 0 || out_channels == 0) {
    throw Error(ErrorKind::kShape, "groups and outChannels must be at least 1");
  }
  if (input.channels % groups != 0 || out_channels % groups != 0) {
    throw Error(ErrorKind::kShape, Text(groups, " groups do not divide ", input.channels,
                                        " input and ", out_channels, " output channels"));
  }
  const uint64_t height = OutputSize(input.height, uint64_t{w.pad[0]} + w.pad[2], w.kernel[0],
                                     w.dilation[0], w.stride[0], "rows");
  const uint64_t width = OutputSize(input.width, uint64_t{w.pad[1]} + w.pad[3], w.kernel[1],
                                    w.dilation[1], w.stride[1], "columns");
  return {out_channels, static_cast<uint32_t>(height), static_cast<uint32_t>(width)};
}

Convolution::Convolution(const Window& window, uint32_t groups, uint32_t out_channels,
                         const ImageShape& input)
    : window_(window),
      groups_(groups),
      out_channels_(out_channels),
      input_(input),
      output_(ConvolutionShape(window, groups, out_channels, input)),
      row_phases_(UsedPhases(window.kernel[0], window.dilation[0], window.stride[0])),
      col_phases_(UsedPhases(window.kernel[1], window.dilation[1], window.stride[1])) {
  const auto& w = window_;
  in_place_ = w.pad == std::array<uint32_t, 4>{} && w.stride == std::array<uint32_t, 2>{1, 1};
  // A plane ends where the last tap of the last output row and column does.
  plane_height_ =
      in_place_ ? input.height : output_.height + (w.kernel[0] - 1) * w.dilation[0] / w.stride[0];
  plane_width_ =
      in_place_ ? input.width : output_.width + (w.kernel[1] - 1) * w.dilation[1] / w.stride[1];
  const uint64_t channel =
      uint64_t{plane_height_} * plane_width_ * row_phases_.size() * col_phases_.size();
  const uint64_t floats = channel > kMaxElements ? channel : channel * input.channels;
  if (floats > std::numeric_limits<uint32_t>::max() / sizeof(float) - kColumnSlack) {
    // The shapes are in order: it is memory that no limit can grant, for offsets have 32 bits.
    throw Error(ErrorKind::kLimit, Text("the padded input would take ", floats * 4,
                                        " bytes, and at most 4 GB can be had"));
  }
  channel_size_ = static_cast<size_t>(channel);
  offset_count_ = uint64_t{input.channels / groups} * w.kernel[0] * w.kernel[1];
  // Rows that share a channel share its packed parts in a product, but few do not make up for them.
  constexpr uint32_t kFewRows = 4;
  direct_ = input.channels == groups && out_channels / groups <= kFewRows;
  columns_workspace_ =
      direct_ ? static_cast<size_t>((offset_count_ + 15) / 16 * 16)
              : ColumnsWorkspace(out_channels / groups, static_cast<size_t>(offset_count_));
  const uint64_t kept = direct_ ? channel : floats;
  workspace_size_ = columns_workspace_ + (in_place_ ? 0 : static_cast<size_t>(kept) + kColumnSlack);
}

// Column (c, i, j) of W reads the padded image at row oh·stride + i·dilation and column
// ow·stride + j·dilation, which is output position (oh, ow) of plane (phase of i, phase of j),
// shifted by whole steps.
void Convolution::BuildOffsets() {
  const auto& w = window_;
  const size_t plane_size = plane_height_ * plane_width_;
  std::vector<size_t> across;  // the part of a column's offset that j makes
  for (size_t j = 0; j < w.kernel[1]; ++j) {
    const Split col = SplitBy(w.stride[1], j * w.dilation[1]);
    across.push_back(IndexOf(col_phases_, col.phase) * plane_size + col.step);
  }
  offsets_.resize(static_cast<size_t>(offset_count_));
  uint32_t* to = offsets_.data();
  for (size_t c = 0; c < input_.channels / groups_; ++c) {
    for (size_t i = 0; i < w.kernel[0]; ++i) {
      const Split row = SplitBy(w.stride[0], i * w.dilation[0]);
      const size_t start = c * channel_size_ + row.step * plane_width_ +
                           IndexOf(row_phases_, row.phase) * col_phases_.size() * plane_size;
      for (const size_t offset : across) *to++ = static_cast<uint32_t>(start + offset);
    }
  }
}

// Every plane element of these rows is written: zero outside the image.
void Convolution::PadAndSplit(const float* channel, RowRange rows, float* planes) const {
  for (size_t row_phase : row_phases_) {
    for (size_t col_phase : col_phases_) {
      for (size_t step = rows.begin; step < rows.end; ++step) {
        // In padded coordinates; unsigned wrap-around puts the padding above the image past its
        // end.
        const size_t row = row_phase + step * window_.stride[0] - window_.pad[0];
        SplitRow(row < input_.height ? channel + row * input_.width : nullptr, col_phase,
                 planes + step * plane_width_);
      }
      planes += plane_height_ * plane_width_;
    }
  }
}

// One row of a plane: every stride-th element of an image row, from padded column `phase` on.
void Convolution::SplitRow(const float* image_row, size_t phase, float* out) const {
  const size_t stride = window_.stride[1];
  const size_t pad = window_.pad[1];
  if (image_row == nullptr) {
    std::fill_n(out, plane_width_, 0.0F);
    return;
  }
  const size_t begin =
      std::min(plane_width_, phase >= pad ? 0 : (pad - phase + stride - 1) / stride);
  const size_t last = input_.width + pad;  // padded column just past the image
  const size_t end =
      std::clamp(phase >= last ? 0 : (last - phase + stride - 1) / stride, begin, plane_width_);
  if (begin != 0) std::fill(out, out + begin, 0.0F);
  const float* from = image_row + (phase + begin * stride - pad);
  if (stride == 1) {
    CopyFloats(from, end - begin, out + begin);
  } else if (stride == 2) {
    TakeEverySecond(from, end - begin, out + begin);
  } else {
    for (size_t i = begin; i < end; ++i, from += stride) out[i] = *from;
  }
  if (end != plane_width_) std::fill(out + end, out + plane_width_, 0.0F);
}

void Convolution::Run(const Matrix& weight, const float* input, float* output, float* workspace,
                      const Epilogue& epilogue) const {
  Begin(input, workspace);
  for (size_t g = 0; g < groups_; ++g) {
    RunPart({g, 0, output_.height}, weight, input, output, workspace, epilogue);
  }
}

void Convolution::Begin(const float* input, float* workspace) const {
  if (in_place_ || direct_) return;
  float* planes = workspace + columns_workspace_;
  for (size_t c = 0; c < input_.channels; ++c, planes += channel_size_) {
    PadAndSplit(input + c * input_.height * input_.width, {0, plane_height_}, planes);
  }
}

void Convolution::RunPart(const Part& part, const Matrix& weight, const float* input, float* output,
                          float* workspace, const Epilogue& epilogue) const {
  if (direct_) return RunDirect(part, weight, input, output, workspace, epilogue);
  const float* planes = in_place_ ? input : workspace + columns_workspace_;
  const size_t group_rows = out_channels_ / groups_;
  const size_t group_floats = input_.channels / groups_ * channel_size_;
  const Columns x{.data = planes + part.group * group_floats + part.first_row * plane_width_,
                  .offset = offsets_.data(),
                  .count = part.rows * output_.width,
                  .width = output_.width,
                  .pitch = plane_width_};
  const Output y{output + part.first_row * output_.width, size_t{output_.height} * output_.width};
  MultiplyColumns(weight, {part.group * group_rows, (part.group + 1) * group_rows}, x, y, epilogue,
                  workspace);
}

// A channel at a time, so that its planes stay in the first cache.
void Convolution::RunDirect(const Part& part, const Matrix& weight, const float* input,
                            float* output, float* workspace, const Epilogue& epilogue) const {
  const float* planes = input + part.group * input_.height * input_.width;
  if (!in_place_) {
    float* split = workspace + columns_workspace_;
    const size_t reach = plane_height_ - output_.height;  // beyond the last row
    PadAndSplit(planes, {part.first_row, part.first_row + part.rows + reach}, split);
    planes = split;
  }
  const auto taps = static_cast<size_t>(offset_count_);
  const size_t rows = out_channels_ / groups_;
  for (size_t row = part.group * rows; row < (part.group + 1) * rows; ++row) {
    weight.ReadRow(row, {workspace, taps});
    const Taps x{.data = planes + part.first_row * plane_width_,
                 .offset = offsets_.data(),
                 .weights = workspace,
                 .count = taps,
                 .rows = part.rows,
                 .width = output_.width,
                 .pitch = plane_width_};
    MultiplyTaps(x, epilogue, row,
                 output + (row * output_.height + part.first_row) * output_.width);
  }
}

}  // namespace lowtropy
