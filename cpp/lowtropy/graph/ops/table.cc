// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/table.h"

#include <array>

namespace lowtropy {
namespace {

// In the order of FORMAT.md: first those of versions 1 to 4.
constexpr const Operator* kSingles[] = {
    &ops::kConv,         &ops::kFc,           &ops::kEmbedding, &ops::kLstm,
    &ops::kRelu,         &ops::kMaxPool,      &ops::kAvgPool,   &ops::kGlobalAvgPool,
    &ops::kLrn,          &ops::kBatchNorm,    &ops::kAdd,       &ops::kConcat,
    &ops::kFlatten,      &ops::kSoftmax,      &ops::kDropout,   &ops::kHardSwish,
    &ops::kSum,          &ops::kMul,          &ops::kConstant,  &ops::kReshape,
    &ops::kTranspose,    &ops::kCast,         &ops::kMod,       &ops::kWhere,
    &ops::kLogSoftmax,   &ops::kSlice,        &ops::kExpand,    &ops::kTile,
    &ops::kDepthToSpace, &ops::kSpaceToDepth, &ops::kPad,       &ops::kLstmCells,
    &ops::kGruCells,     &ops::kRnnCells,     &ops::kMatMul,    &ops::kLinear,
    &ops::kLookup,       &ops::kAttention,    &ops::kLayerNorm, &ops::kSuppression,
    &ops::kRoiAlign,     &ops::kFirstRows,
};
constexpr std::span<const Operator> kFamilies[] = {ops::kUnary, ops::kBroadcast, ops::kGather,
                                                   ops::kReduce, ops::kAlong};

constexpr size_t CountAll() {
  size_t count = std::size(kSingles);
  for (const std::span<const Operator> family : kFamilies) count += family.size();
  return count;
}

constexpr std::array<const Operator*, CountAll()> ListAll() {
  std::array<const Operator*, CountAll()> all{};
  size_t count = 0;
  for (const Operator* op : kSingles) all[count++] = op;
  for (const std::span<const Operator> family : kFamilies) {
    for (const Operator& op : family) all[count++] = &op;
  }
  return all;
}

constexpr std::array<const Operator*, CountAll()> kOperators = ListAll();

}  // namespace

std::span<const Operator* const> Operators() { return kOperators; }

const Operator* FindOperator(std::string_view name) {
  for (const Operator* op : kOperators) {
    if (op->name == name) return op;
  }
  return nullptr;
}

}  // namespace lowtropy
