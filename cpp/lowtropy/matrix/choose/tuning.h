// SPDX-License-Identifier: Apache-2.0
#pragma once

// What all formats share of the time model, in nanoseconds, and how `auto` weighs size and time.
// What differs by format stands with each, see formats/prediction.h, which says how all were
// fitted.
namespace lowtropy::tuning {

// A byte of a matrix whose product has one column, on top of the following: it is read just once,
// and from main memory, for the weights of a network do not stay in caches from run to run. What is
// measured otherwise are kernels, with their weights in a cache.
inline constexpr double kByte = 0.03;

// Several columns (Y = W·X): weights are unpacked, as lists or as dense blocks, a tile of X is
// packed and they are multiplied, see column_kernels-inl.h.
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
