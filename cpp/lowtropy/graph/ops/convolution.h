// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {

// One convolution, planned for one input shape: Y = W · X where X is never built. The input is
// copied once into a zero-padded image (not at all when there is no padding and the stride is 1),
// split into stride x stride phase planes, so that neighbouring outputs read neighbouring floats
// whatever the stride; a table of offsets, one a column of W, then points at each tap's shifted
// view of it. Where a channel has few rows of W, as in depthwise convolutions, there is no product
// (see direct.h), and channels are padded one after the other.
class Convolution {
 public:
  // `window`, `groups` and `input` must be consistent (see ConvolutionShape); out_channels divides
  // by groups. The table is not built yet, so that its size can be looked at before.
  Convolution(const Window& window, uint32_t groups, uint32_t out_channels,
              const ImageShape& input);

  const ImageShape& output() const { return output_; }

  // Elements of the table: columns of W. What it takes in bytes is four times that.
  uint64_t offset_count() const { return offset_count_; }

  // Bytes of the table, and of what it takes to plan the phases.
  uint64_t table_bytes() const {
    constexpr uint64_t kPhaseBytes = 16;  // and time that is worth as much
    return offset_count_ * sizeof(uint32_t) +
           kPhaseBytes * (row_phases_.size() + col_phases_.size());
  }
  void BuildOffsets();

  // Floats of scratch that Run needs.
  size_t workspace_size() const { return workspace_size_; }

  // A run in parts, such as a page wants between which it can breathe: each is a number of rows of
  // the output in one group. What a part computes does not depend on the others, nor on how many
  // rows it has. After BuildOffsets.
  struct Part {
    size_t group;
    size_t first_row;
    size_t rows;
  };

  // Rows of all groups, the smallest parts that there are.
  size_t part_count() const { return size_t{groups_} * output_.height; }

  // All parts, after BuildOffsets. input: C x H x W, followed by kColumnSlack readable floats.
  // output: out_channels x OH x OW. workspace: workspace_size() floats, aligned to 8 bytes, that
  // overlap neither. Allocates nothing.
  void Run(const Matrix& weight, const float* input, float* output, float* workspace,
           const Epilogue& epilogue) const;

  // What Run does, with the same arguments: first this,
  void Begin(const float* input, float* workspace) const;
  // then each of the parts.
  void RunPart(const Part& part, const Matrix& weight, const float* input, float* output,
               float* workspace, const Epilogue& epilogue) const;

 private:
  void PadAndSplit(const float* channel, RowRange rows, float* planes) const;
  void SplitRow(const float* image_row, size_t phase, float* out) const;
  void RunDirect(const Part& part, const Matrix& weight, const float* input, float* output,
                 float* workspace, const Epilogue& epilogue) const;

  Window window_;
  uint32_t groups_;
  uint32_t out_channels_;
  ImageShape input_;
  ImageShape output_;
  std::vector<uint32_t>
      row_phases_;  // phases that are kept; planes lie channel by channel, then by
  std::vector<uint32_t> col_phases_;  // row phase and column phase
  size_t plane_height_ = 0;           // of one phase plane
  size_t plane_width_ = 0;
  size_t channel_size_ = 0;       // floats of all planes of one channel
  size_t columns_workspace_ = 0;  // what products need of the workspace; planes lie behind it
  size_t workspace_size_ = 0;
  uint64_t offset_count_ = 0;
  bool in_place_ = false;          // no padding, stride 1: the input serves as it is
  bool direct_ = false;            // each channel on its own: see direct.h
  std::vector<uint32_t> offsets_;  // of each column of W, from the output's first pixel
};

// The output's shape. Throws Error(kShape) with a clause that names what does not fit.
ImageShape ConvolutionShape(const Window& window, uint32_t groups, uint32_t out_channels,
                            const ImageShape& input);

}  // namespace lowtropy
