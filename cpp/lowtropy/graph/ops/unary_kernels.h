// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace lowtropy {

// Functions of one float32 value, vector by vector. All know nothing but whole blocks of
// kUnaryBlock values, so that each exists once and the rest of a value is padded by its caller: a
// second loop over single values would double the code of all.
inline constexpr size_t kUnaryBlock = 16;

// `size` is a multiple of kUnaryBlock; `output` may be `input`. `numbers`: the node's attributes.
using UnaryKernel = void (*)(const void* input, size_t size, const float* numbers, void* output);

// Errors are a few units in the last place; NaN gives NaN, infinities and zeros what the limit is.
enum class UnaryFunction : uint8_t {
  kNeg,
  kAbs,
  kSign,
  kExp,
  kLog,
  kSqrt,
  kReciprocal,
  kFloor,
  kCeil,
  kRound,  // half to even
  kSin,
  kCos,
  kTanh,
  kSigmoid,
  kErf,
  kSoftplus,
  kSoftsign,
  kElu,   // numbers: alpha
  kSelu,  // alpha, gamma
  kCelu,  // alpha
  kLeakyRelu,
  kHardSigmoid,  // alpha, beta
  kMish,
  kGelu,             // whether by tanh
  kThresholdedRelu,  // alpha
  kClip,             // least, most
  kSilu,
  kFakeQuantize,  // scale, zero point, least, most
};

UnaryKernel KernelOf(UnaryFunction function);

}  // namespace lowtropy
