// SPDX-License-Identifier: Apache-2.0
#pragma once

// Before loops over elements, one for each of many functions: those that networks spend time in are
// vectors, once and without a test whether values overlap, which they do not but where each element
// is written in its own place; others stay as small as they are written. (All as vectors, with
// these tests and unrolled, functions of two values took twice the WebAssembly.)
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"  // where nothing is optimized
#define LOWTROPY_HOT_LOOP _Pragma("clang loop vectorize(assume_safety) interleave_count(1)")
#define LOWTROPY_SMALL_LOOP _Pragma("clang loop vectorize(disable) unroll(disable)")
#else
#define LOWTROPY_HOT_LOOP
#define LOWTROPY_SMALL_LOOP
#endif
