// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

// The sizes and thresholds of the kernels for several columns, which column_kernels-inl.h and
// unpack-inl.h explain. They stand here, apart from the code that is compiled for each instruction
// set, for the time model, limits and scripts/bench/calibrate.js depend on them as well.
namespace lowtropy::kernels {

// Columns of W that a dense block has, which are rows of a packed tile of X.
inline constexpr size_t kBlockCols = 256;

// Dense rows that are unpacked together: 512 KB, so that they stay in a second-level cache.
inline constexpr size_t kBlockRows = 512;

// Vectors of a tile of X, at most: of lists and of dense blocks.
inline constexpr size_t kListVectors = 7;
inline constexpr size_t kDenseVectors = 4;

// Columns of W that a list's block has, which are rows of a packed tile of X: 28 KB with vectors of
// 4 lanes, which a first-level cache of 32 KB holds, and half as many for each doubling of these.
// Powers of two, for dividing by them takes no division; and offsets in a tile fit into 16 bits.
inline constexpr size_t kListCols = 256;
constexpr size_t ListCols(size_t lanes) {
  return lanes <= 4 ? kListCols : lanes <= 8 ? kListCols / 2 : kListCols / 4;
}

// Where fewer than this share of the elements is listed, blocks are twice as wide: the rest of a
// row takes less time than starting it, and its tile of Y, more often.
inline constexpr double kSparseShare = 0.2;
constexpr size_t SparseCols(size_t lanes) { return 2 * ListCols(lanes); }

// Formats that can be unpacked as either take less time as lists where at most this share of the
// elements is other than 0.
inline constexpr double kMaxListedShare = 0.7;

}  // namespace lowtropy::kernels
