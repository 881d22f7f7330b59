// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/graph.h"

#include <utility>

namespace lowtropy {
namespace {

constexpr std::array<std::pair<Op, std::string_view>, 15> kNames{{
    {Op::kConv, "conv"},
    {Op::kFc, "fc"},
    {Op::kRelu, "relu"},
    {Op::kMaxPool, "maxpool"},
    {Op::kAvgPool, "avgpool"},
    {Op::kGlobalAvgPool, "globalavgpool"},
    {Op::kLrn, "lrn"},
    {Op::kBatchNorm, "batchnorm"},
    {Op::kAdd, "add"},
    {Op::kConcat, "concat"},
    {Op::kFlatten, "flatten"},
    {Op::kSoftmax, "softmax"},
    {Op::kDropout, "dropout"},
    {Op::kEmbedding, "embedding"},
    {Op::kLstm, "lstm"},
}};

}  // namespace

std::string_view Name(Op op) {
  for (const auto& [known, name] : kNames) {
    if (known == op) return name;
  }
  return "?";
}

std::optional<Op> ParseOp(std::string_view name) {
  for (const auto& [op, known] : kNames) {
    if (known == name) return op;
  }
  return std::nullopt;
}

bool HasWeight(Op op) {
  return op == Op::kConv || op == Op::kFc || op == Op::kEmbedding || op == Op::kLstm;
}

}  // namespace lowtropy
