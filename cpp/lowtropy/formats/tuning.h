// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

// The constants of the time model, in nanoseconds, fitted to medians measured in WebAssembly
// (Node.js 20, one core of an AMD EPYC 9005); `npm run calibrate` measures and fits them anew, on
// an idle machine. Other machines are faster or slower by about the same factor for all kernels;
// only ratios enter a choice.
namespace lowtropy::tuning {

// One column (y = W·x).
struct VectorTimes {
  double row;      // starting and storing a row
  double element;  // an element that is stored (all of them for dense and palette)
  double run;      // a run of cer and cser
};
inline constexpr VectorTimes kDenseVector{10, 0.075, 0};
inline constexpr VectorTimes kPaletteVector{10, 0.43, 0};
inline constexpr VectorTimes kCsrVector{4, 0.25, 0};
inline constexpr VectorTimes kPcsrVector{4, 0.50, 0};
inline constexpr VectorTimes kRunVector{4, 0.50, 3.0};  // cer and cser
inline constexpr VectorTimes kShiftedVector{10, 1.2,
                                            1.2};  // cer, cser, pcsr with Ω[0] other than 0

// Several columns (Y = W·X): a tile is one pass over the row's elements, see column_kernels-inl.h.
struct ColumnTimes {
  double row_tile;        // starting and storing a row of a tile
  double element_tile;    // an element, each time it is met
  double element_column;  // the same, for each column
  double run_tile;        // a run of cer and cser, each time it is met
  double run_column;
};
inline constexpr ColumnTimes kCsrColumns{3, 0.25, 0.046, 0, 0};
inline constexpr ColumnTimes kPcsrColumns{3, 0.35, 0.046, 0, 0};
inline constexpr ColumnTimes kRunColumns{3, 0.25, 0.035, 0.8, 0.046};
inline constexpr ColumnTimes kShiftedColumns{3, 1.5, 0.3, 0.5, 0};
// Dense and palette decode an element once and then use it for all columns.
inline constexpr double kDenseDecode = 0.25;
inline constexpr double kPaletteDecode = 0.6;
inline constexpr double kDenseColumn = 0.07;

// A smaller format is preferred to the fastest one when it is predicted to take at most this factor
// of its time.
inline constexpr double kTimeTolerance = 1.10;

}  // namespace lowtropy::tuning
