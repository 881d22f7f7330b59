// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

// In the order of FORMAT.md.
constexpr const Operator* kOperators[] = {
    &ops::kConv,      &ops::kFc,      &ops::kEmbedding,     &ops::kLstm,     &ops::kRelu,
    &ops::kMaxPool,   &ops::kAvgPool, &ops::kGlobalAvgPool, &ops::kLrn,      &ops::kBatchNorm,
    &ops::kAdd,       &ops::kConcat,  &ops::kFlatten,       &ops::kSoftmax,  &ops::kDropout,
    &ops::kHardSwish, &ops::kSum,     &ops::kMul,           &ops::kConstant, &ops::kReshape,
    &ops::kTranspose,
};

}  // namespace

std::span<const Operator* const> Operators() { return kOperators; }

const Operator* FindOperator(std::string_view name) {
  for (const Operator* op : kOperators) {
    if (op->name == name) return op;
  }
  return nullptr;
}

}  // namespace lowtropy
