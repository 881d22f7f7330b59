// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

#include "lowtropy/matrix/profile.h"

namespace lowtropy {

// What kernels are given of a matrix.
enum class Feed : uint8_t {
  kRows,         // any part of a row, decoded to floats
  kRowsOrLists,  // that, or the elements other than 0 where these are few
  kLists,        // the elements other than a common value, row by row; where that is not 0, rows
  kTables,       // the elements by blocks of columns, for tables of products
};

// A format's part of the time model, in nanoseconds; choose/ makes a prediction of it. The
// constants, which stand with each format, are fitted to medians measured in WebAssembly (Node.js
// 20, one core of an AMD EPYC 9005) with weights in a cache: `npm run calibrate` measures and fits
// them anew, on an idle machine. Other machines are faster or slower by about the same factor for
// all kernels; only ratios enter a choice.
struct Prediction {
  // Of what works but is not meant to be used, so that nothing was measured.
  static constexpr double kNever = std::numeric_limits<double>::infinity();

  double vector;  // a product with one column
  // Products with several columns go through lists of elements or through dense blocks:
  double listed;  // how many elements the lists have
  double lists;   // unpacking them
  double blocks;  // unpacking all elements
};

// One column (y = W·x).
struct VectorTimes {
  double row;      // starting and storing a row
  double element;  // an element that is stored (all of them for dense and palette)
  double run = 0;  // a run of cer and cser
  double bit = 0;  // an element of mask's bitmap, listed or not

  double Of(const Profile& p, uint64_t elements, uint64_t runs = 0) const {
    return row * static_cast<double>(p.rows) + element * static_cast<double>(elements) +
           run * static_cast<double>(runs) + bit * static_cast<double>(p.elements());
  }
};

// Unpacking weights for several columns (Y = W·X).
struct UnpackTimes {
  double element;  // of the matrix
  double listed;   // an element that the format lists
  double run = 0;  // a run of cer and cser

  double Of(const Profile& p, uint64_t listed_elements, uint64_t runs = 0) const {
    return element * static_cast<double>(p.elements()) +
           listed * static_cast<double>(listed_elements) + run * static_cast<double>(runs);
  }
};

// Of a format that lists the elements other than the most frequent value, in so many runs. Where
// that value is not 0 a row is unpacked and multiplied as a dense one: `shifted` is for that.
struct ListingTimes {
  VectorTimes vector;
  UnpackTimes lists;
  UnpackTimes shifted;

  Prediction Of(const Profile& p, uint64_t runs) const;
};

// Of cer and cser, whose kernels are the same.
inline constexpr ListingTimes kRunTimes{
    .vector = {40, 0.38, 5.4}, .lists = {0, 2.7, 3.0}, .shifted = {0, 14, 1.0}};

// What products take beyond the multiply-adds of the dense matrix, in such, because a format's
// arrays are walked more often than once: limits count it.
struct Walks {
  double columns = 0;  // for each block of columns, where there are several right-hand sides
  double blocks = 0;   // for each block of rows and columns there
  double vector = 0;   // for each pass of a product with one column
  double row = 0;      // for each row that is looked up
};

}  // namespace lowtropy
