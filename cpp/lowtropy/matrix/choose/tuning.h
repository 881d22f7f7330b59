// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

// The constants of the time model, in nanoseconds, fitted to medians measured in WebAssembly
// (Node.js 20, one core of an AMD EPYC 9005); `npm run calibrate` measures and fits them anew, on
// an idle machine. Other machines are faster or slower by about the same factor for all kernels;
// only ratios enter a choice.
namespace lowtropy::tuning {

// A byte of a matrix whose product has one column, on top of the following: it is read just once,
// and from main memory, for the weights of a network do not stay in caches from run to run. What is
// measured otherwise are kernels, with their weights in a cache.
inline constexpr double kByte = 0.03;

// One column (y = W·x).
struct VectorTimes {
  double row;      // starting and storing a row
  double element;  // an element that is stored (all of them for dense and palette)
  double run;      // a run of cer and cser
  double bit = 0;  // an element of mask's bitmap, listed or not
};
inline constexpr VectorTimes kDenseVector{5, 0.076, 0};
inline constexpr VectorTimes kPaletteVector{20, 0.53, 0};
inline constexpr VectorTimes kCsrVector{5, 0.26, 0};
inline constexpr VectorTimes kPcsrVector{3, 0.56, 0};
inline constexpr VectorTimes kMaskVector{20, 1.2, 0, 0.25};
inline constexpr VectorTimes kRunVector{40, 0.38, 5.4};  // cer and cser
// blocks.
struct TableTimes {
  double row;
  double list;  // a row of a block
  double index;
};
inline constexpr TableTimes kPackedTable{1, 0.6, 0.22};
inline constexpr TableTimes kWideTable{1, 0.6, 0.185};
inline constexpr double kTableEntry = 0.1;

// Where a row's unlisted elements are no zeros it is unpacked and multiplied as a dense one:
// `element` is for all of them, `listed` comes on top.
struct ShiftedTimes {
  double row;
  double element;
  double listed;
};
inline constexpr ShiftedTimes kShiftedVector{40, 0.15, 0.9};

// Several columns (Y = W·X): weights are unpacked, as lists or as dense blocks, a tile of X is
// packed and they are multiplied, see column_kernels-inl.h.
struct UnpackTimes {
  double element;  // of the matrix
  double listed;   // an element that the format lists
  double run;      // a run of cer and cser
};
inline constexpr UnpackTimes kListCsr{0, 0.7, 0};
inline constexpr UnpackTimes kListPcsr{0, 1.0, 0};
inline constexpr UnpackTimes kListMask{0.1, 0.8, 0};
inline constexpr UnpackTimes kListRuns{0, 2.7, 3.0};
inline constexpr UnpackTimes kListPalette{1.5, 0, 0};
inline constexpr UnpackTimes kBlockDense{0, 0, 0};
inline constexpr UnpackTimes kBlockPalette{0.48, 0, 0};
inline constexpr UnpackTimes kBlockShiftedPcsr{0, 1.8, 0};   // and mask
inline constexpr UnpackTimes kBlockShiftedRuns{0, 14, 1.0};  // cer and cser

struct ProductTimes {
  double row_tile;        // starting and storing a row of a tile, for each block of columns
  double element_tile;    // an element, each time it is met
  double element_vector;  // the same, for each vector of 4 columns
  double pack_tile;       // packing a row of X, for each tile
};
inline constexpr ProductTimes kLists{0, 0, 0.22, 7};
inline constexpr ProductTimes kDenseBlocks{0, 0.7, 0, 5};

// A smaller format is preferred to the fastest one when it is predicted to take at most this factor
// of its time.
inline constexpr double kTimeTolerance = 1.05;
// A smaller one still may take (size of that one / its size) to this power times longer: 8 % for a
// fifth of the size. (With 0.2, 15 % for half the size, 512×4608·196 at 10 % was taken in mask, 7 %
// slower than csr; with 0 VGG-16 would be dense.)
inline constexpr double kSizeWorth = 0.05;
// In a product with one column, which is a small part of a network's time and often most of its
// bytes, size counts as much as time: 2.1 times as long for half the size. (With 0.2 VGG-16 was 2.2
// times smaller than dense instead of 4.6, for 4 % less time.)
inline constexpr double kVectorSizeWorth = 1.1;

// Who compresses a model wants it small: a format may take this many times as long as dense for
// each time that it is smaller.
inline constexpr double kDenseTolerance = 1.5;

}  // namespace lowtropy::tuning
