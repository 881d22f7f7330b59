// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lowtropy/graph/ops/operator.h"

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
extern const Operator kSum;
extern const Operator kMul;
extern const Operator kConstant;
extern const Operator kReshape;
extern const Operator kTranspose;

}  // namespace lowtropy::ops
