// SPDX-License-Identifier: Apache-2.0
//
// Convolution as a product with the input's windows, unfolded into a matrix with a column for each
// pixel of the output (im2col). Not for the whole batch at once but for a few examples, so that the
// matrix stays in the cache, and unfolded again for the backward pass rather than kept: it is
// kernel² times the size of the input.
#include <algorithm>
#include <cmath>
#include <string>

#include "lowtropy/base/text.h"
#include "lowtropy/learn/layers/gemm.h"
#include "lowtropy/learn/layers/layers.h"
#include "lowtropy/math/sums.h"

namespace lowtropy {
namespace {

// Floats of an unfolded tile: 256 KB.
constexpr size_t kTileFloats = size_t{1} << 16;

class Convolution : public Layer {
 public:
  explicit Convolution(const ConvolutionSettings& settings) : s_(settings) {}

  LayerSettings Settings() const override {
    return {.op = "conv",
            .outputs = s_.outputs,
            .kernel = s_.kernel,
            .stride = s_.stride,
            .pad = s_.pad};
  }

  ValueShape Configure(std::span<const ValueShape> inputs) override {
    in_ = inputs[0];
    if (in_.arrangement != Arrangement::kPlanes) {
      Refuse("A convolution takes planes, not rows.");
    }
    if (std::min(in_.height, in_.width) + 2 * s_.pad < s_.kernel) {
      Refuse(Text("A convolution of ", s_.kernel, " x ", s_.kernel, " does not fit into ",
                  in_.height, " x ", in_.width, " pixels."));
    }
    out_ = in_;
    out_.channels = s_.outputs;
    out_.height = (in_.height + 2 * s_.pad - s_.kernel) / s_.stride + 1;
    out_.width = (in_.width + 2 * s_.pad - s_.kernel) / s_.stride + 1;
    columns_ = CheckedProduct({in_.channels, s_.kernel, s_.kernel});
    AddParameter("weight", {s_.outputs, columns_},
                 std::sqrt(3.0F * s_.gain / static_cast<float>(columns_)));
    if (s_.bias) AddParameter("bias", {s_.outputs}, 0);
    return out_;
  }

  size_t ScratchSize(size_t examples) const override {
    return CheckedProduct({columns_, TileExamples(examples), out_.area()});
  }

  void Forward(const Pass& pass) override {
    const size_t pixels = pass.examples * out_.area();
    for (size_t o = 0; o < s_.outputs; ++o) {
      std::fill_n(pass.y + o * pixels, pixels, s_.bias ? Values(1)[o] : 0.0F);
    }
    ForTiles(pass.examples, [&](size_t first, size_t count) {
      const size_t n = count * out_.area();
      Unfold(pass, first, count);
      Multiply({s_.outputs, n, columns_, true}, {Values(0), columns_}, {pass.scratch, n},
               {pass.y + first * out_.area(), pixels});
    });
  }

  void Backward(const Pass& pass) override {
    const size_t pixels = pass.examples * out_.area();
    if (s_.bias) SumPlanes(pass.dy, pixels);
    if (pass.dx != nullptr) std::fill_n(pass.dx, pass.examples * in_.size(), 0.0F);
    ForTiles(pass.examples, [&](size_t first, size_t count) {
      const size_t n = count * out_.area();
      const ConstBlock dy{pass.dy + first * out_.area(), pixels};
      Unfold(pass, first, count);
      MultiplyByTransposed({s_.outputs, columns_, n, first > 0}, dy, {pass.scratch, n},
                           {Gradients(0), columns_});
      if (pass.dx == nullptr) return;
      MultiplyTransposed({columns_, n, s_.outputs}, {Values(0), columns_}, dy, {pass.scratch, n});
      Fold(pass, first, count);
    });
  }

 private:
  size_t TileExamples(size_t examples) const {
    const size_t fit = kTileFloats / CheckedProduct({columns_, out_.area()});
    return std::clamp<size_t>(fit, 1, examples);
  }

  template <class F>
  void ForTiles(size_t examples, const F& work) const {
    const size_t tile = TileExamples(examples);
    for (size_t first = 0; first < examples; first += tile) {
      work(first, std::min(tile, examples - first));
    }
  }

  // The outputs x, as a range, whose window has its column j inside the input.
  struct Range {
    size_t begin, end;
  };
  Range Inside(size_t j) const {
    const size_t begin = j >= s_.pad ? 0 : (s_.pad - j + s_.stride - 1) / s_.stride;
    const size_t reach = in_.width + s_.pad;  // x · stride + j must stay below it
    const size_t end = j >= reach ? 0 : std::min(out_.width, (reach - j - 1) / s_.stride + 1);
    return begin < end ? Range{begin, end} : Range{0, 0};
  }

  // Calls line(columns, plane, range) for every line of every part of the unfolded matrix:
  // `columns` is its offset in the matrix, `plane` that of output 0's pixel in the input, and
  // `range` the outputs whose pixel is there.
  template <class F>
  void ForLines(size_t examples, size_t first, size_t count, const F& line) const {
    size_t to = 0;
    for (size_t c = 0; c < in_.channels; ++c) {
      for (size_t i = 0; i < s_.kernel; ++i) {
        for (size_t j = 0; j < s_.kernel; ++j) {
          const Range range = Inside(j);
          for (size_t e = first; e < first + count; ++e) {
            const size_t plane = (c * examples + e) * in_.area();
            for (size_t y = 0; y < out_.height; ++y, to += out_.width) {
              const size_t row = y * s_.stride + i - s_.pad;  // wraps around above the input
              if (row < in_.height && range.end > 0) {
                line(to, plane + row * in_.width + j - s_.pad, range);
              } else {
                line(to, 0, Range{0, 0});
              }
            }
          }
        }
      }
    }
  }

  void Unfold(const Pass& pass, size_t first, size_t count) const {
    ForLines(pass.examples, first, count, [&](size_t to, size_t from, Range range) {
      float* line = pass.scratch + to;
      std::fill_n(line, range.begin, 0.0F);
      if (s_.stride == 1) {
        std::copy_n(pass.x + (from + range.begin), range.end - range.begin, line + range.begin);
      } else {
        for (size_t x = range.begin; x < range.end; ++x) {
          line[x] = pass.x[from + x * s_.stride];
        }
      }
      std::fill(line + range.end, line + out_.width, 0.0F);
    });
  }

  // The reverse: adds every pixel of the unfolded matrix to where it came from.
  void Fold(const Pass& pass, size_t first, size_t count) const {
    ForLines(pass.examples, first, count, [&](size_t from, size_t to, Range range) {
      const float* line = pass.scratch + from;
      if (s_.stride == 1) {
        float* target = pass.dx + (to + range.begin);
        line += range.begin;
        for (size_t x = 0; x < range.end - range.begin; ++x) target[x] += line[x];
      } else {
        for (size_t x = range.begin; x < range.end; ++x) pass.dx[to + x * s_.stride] += line[x];
      }
    });
  }

  void SumPlanes(const float* dy, size_t pixels) const {
    for (size_t o = 0; o < s_.outputs; ++o) {
      Gradients(1)[o] = SumFloats(dy + o * pixels, pixels);
    }
  }

  ConvolutionSettings s_;
  ValueShape in_;
  ValueShape out_;
  size_t columns_ = 0;  // of the weight: a window's pixels
};

}  // namespace

LayerPtr MakeConvolution(const ConvolutionSettings& settings) {
  return std::make_unique<Convolution>(settings);
}

}  // namespace lowtropy
