// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>

#include "lowtropy/graph/ops/operator.h"

namespace lowtropy {

template <class T, size_t N>
constexpr std::array<Operator, N> MakeRows(const T (&functions)[N], Operator (*row)(const T&)) {
  std::array<Operator, N> rows;
  for (size_t i = 0; i < N; ++i) rows[i] = row(functions[i]);
  return rows;
}

}  // namespace lowtropy

// The rows of all operators, for the table alone: whoever wants one looks it up by name.
namespace lowtropy::ops {

extern const Operator kConv;
extern const Operator kFc;
extern const Operator kRelu;
extern const Operator kHardSwish;
extern const Operator kMaxPool;
extern const Operator kAvgPool;
extern const Operator kGlobalAvgPool;
extern const Operator kLrn;
extern const Operator kBatchNorm;
extern const Operator kAdd;
extern const Operator kConcat;
extern const Operator kFlatten;
extern const Operator kSoftmax;
extern const Operator kDropout;
extern const Operator kEmbedding;
extern const Operator kLstm;
extern const Operator kLstmCells;
extern const Operator kGruCells;
extern const Operator kRnnCells;
extern const Operator kSum;
extern const Operator kMul;
extern const Operator kConstant;
extern const Operator kReshape;
extern const Operator kTranspose;

// Families whose rows are made of tables of functions.
inline constexpr size_t kUnaryCount = 41;
extern const std::array<Operator, kUnaryCount> kUnary;
inline constexpr size_t kBroadcastCount = 19;
extern const std::array<Operator, kBroadcastCount> kBroadcast;
inline constexpr size_t kGatherCount = 5;
extern const std::array<Operator, kGatherCount> kGather;
inline constexpr size_t kReduceCount = 10;
extern const std::array<Operator, kReduceCount> kReduce;
inline constexpr size_t kAlongCount = 4;
extern const std::array<Operator, kAlongCount> kAlong;
extern const Operator kCast;
extern const Operator kMod;
extern const Operator kWhere;
extern const Operator kMatMul;
extern const Operator kLinear;
extern const Operator kLookup;
extern const Operator kLogSoftmax;
extern const Operator kSlice;
extern const Operator kExpand;
extern const Operator kTile;
extern const Operator kDepthToSpace;
extern const Operator kSpaceToDepth;
extern const Operator kPad;
extern const Operator kAttention;
extern const Operator kLayerNorm;
extern const Operator kSuppression;
extern const Operator kRoiAlign;
extern const Operator kFirstRows;

}  // namespace lowtropy::ops
