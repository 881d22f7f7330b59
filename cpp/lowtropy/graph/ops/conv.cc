// SPDX-License-Identifier: Apache-2.0
// conv: the weight times every window of the input, plus bias.
#include <algorithm>

#include "lowtropy/graph/ops/convolution.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

constexpr AttributeSpec kAttributes[] = {
    {"weight", AttributeKind::kMatrix},           {"bias", AttributeKind::kVector, 1, 0, true},
    {"outChannels", AttributeKind::kInteger},     {"kernel", AttributeKind::kIntegers, 2, 1},
    {"stride", AttributeKind::kIntegers, 2, 1},   {"pad", AttributeKind::kIntegers, 4, 0},
    {"dilation", AttributeKind::kIntegers, 2, 1}, {"groups", AttributeKind::kInteger, 1, 1},
};

ValueType Infer(const TypedNode& typed) {
  const Node& node = typed.node;
  const ImageBatch images = ImagesOf(typed);
  try {
    return ImagesLike(typed, ConvolutionShape(WindowOf(node), node.Integer("groups"),
                                              node.Integer("outChannels"), images.each));
  } catch (const Error& error) {
    throw NodeError(error.kind(), node, error.what());
  }
}

WeightUse Use(const TypedNode& typed, const Shape& output) {
  const Node& node = typed.node;
  const auto [count, each] = ImagesOf(typed);
  const Window window = WindowOf(node);
  const uint32_t groups = node.Integer("groups");
  return {.kind = WeightUse::Kind::kColumns,
          .rows = node.Integer("outChannels"),
          .cols = uint64_t{each.channels / groups} * window.kernel[0] * window.kernel[1],
          .count = output.Product(output.rank() - 2, output.rank()),
          .repeats = count,
          .groups = groups};
}

uint64_t VectorSize(const TypedNode& typed) { return typed.node.Integer("outChannels"); }

// Each row of W is unpacked for all columns, and each column of X packed for some hundred rows.
double WorkOf(const Convolution& convolution, uint32_t groups, const ImageShape& in) {
  const ImageShape& out = convolution.output();
  const auto cols = static_cast<double>(convolution.offset_count());
  const double pixels = double{1} * out.height * out.width;
  const double rows = out.channels;
  return rows * cols * (pixels + 16) + 16 * cols * pixels * (groups + rows / 512) +
         4 * static_cast<double>(in.size() + out.size()) + 10000.0 * groups;
}

// The parts are rows of the output, by groups, by images.
class ConvTask final : public Task {
 public:
  ConvTask(const Convolution& convolution, uint32_t groups, const ImageBatch& images)
      : Task(CostsOf(convolution, groups, images)),
        convolution_(convolution),
        in_size_(static_cast<size_t>(images.each.size())) {}

  void Prepare() override { convolution_.BuildOffsets(); }

  void Run(const StepData& data, size_t begin, size_t end) const override {
    const ImageShape& out = convolution_.output();
    const size_t rows = convolution_.part_count();  // of one image
    for (size_t count = 0; begin < end; begin += count) {
      const size_t image = begin / rows;
      const size_t part = begin % rows;
      const float* input = data.inputs[0] + image * in_size_;
      if (part == 0) convolution_.Begin(input, data.scratch);
      const size_t first_row = part % out.height;
      count = std::min(end - begin, out.height - first_row);
      convolution_.RunPart({part / out.height, first_row, count}, *data.weight, input,
                           data.output + image * static_cast<size_t>(out.size()), data.scratch,
                           data.epilogue);
    }
  }

 private:
  static Costs CostsOf(const Convolution& convolution, uint32_t groups, const ImageBatch& images) {
    // Each time unpacks the weights anew, which is to take little beside its products.
    constexpr size_t kLeastPixels = 64;
    return {.work = static_cast<double>(images.count) * WorkOf(convolution, groups, images.each),
            .scratch = convolution.workspace_size(),
            .table_bytes = convolution.table_bytes(),
            .parts = {.count = static_cast<size_t>(images.count) * convolution.part_count(),
                      .least = kLeastPixels / convolution.output().width + 1}};
  }

  Convolution convolution_;
  size_t in_size_;
};

std::unique_ptr<Task> Plan(const TypedNode& typed, const Shape&) {
  const Node& node = typed.node;
  const ImageBatch images = ImagesOf(typed);
  const uint32_t groups = node.Integer("groups");
  try {
    return std::make_unique<ConvTask>(
        Convolution(WindowOf(node), groups, node.Integer("outChannels"), images.each), groups,
        images);
  } catch (const Error& error) {
    throw NodeError(error.kind(), node, error.what());
  }
}

}  // namespace

constinit const Operator ops::kConv{.name = "conv",
                                    .attributes = kAttributes,
                                    .takes_scale = true,
                                    .takes_bounds = true,
                                    .takes_bias = true,
                                    .infer = Infer,
                                    .use = Use,
                                    .vector_size = VectorSize,
                                    .plan = Plan};

}  // namespace lowtropy
