// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/formats/array_member.h"
#include "lowtropy/matrix/formats/prediction.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/matrix/row_source.h"

namespace lowtropy {

struct Pcsr;

// For products with one column of matrices of few values: a block of columns at a time, all
// products of a value and an input are put into a table, and each element is then one addition of a
// table's entry.
//
// Stored: `omega`, the distinct values, most frequent first (float32). Columns are cut into blocks
// of B = 2^w. The element at column b·B + j with the value omega[v] other than omega[0] has the
// index v·B + j in block b. Two indices are a unit; where a row has an odd number of elements in a
// block, a 0 stands before them, which is no element's index. The rows of a block that have
// elements are sorted by their number of units, larger ones first, so that loops of one length
// follow each other: with rows in their own order every loop's end is predicted wrongly.
//   `classes`: for each block the pairs (units, how many rows), then a 0;
//   `rowI`: these rows, block by block, class by class, ascending in a class;
//   `codes`: the indices of each of these rows, ascending; two in three bytes (U8), the first in
//   the low 12 bits of 24, or one in 16 or 32 bits (U16, U32). In 16 bits indices of 13 are stored
//   times four: as offsets, in bytes, in a table of floats, of which a product has one to compute
//   less.
//
// With c the bits of K - 1, at least 1: w = 12 - c, or 13 - c where more than a sixth of the
// elements is listed, for which wide indices are faster; at least 4, but no more than 32 - c.
// Indices are packed where they have 12 bits. About 14 bits an element.
struct Blocks {
  static constexpr std::string_view kName = "blocks";
  static constexpr std::string_view kNote = "tables of products";
  static constexpr unsigned kFileVersion = 2;
  static constexpr Feed kFeed = Feed::kTables;

  static std::string Refusal(const Profile&) { return {}; }
  static void Count(const Profile& profile, Counter& counter);
  static Prediction Predict(const Profile& profile);
  static Blocks Encode(const RowSource& source, const Profile& profile);
  // Walks all blocks: use ToPcsr() to read many rows.
  void DecodeRow(size_t row, std::span<float> out) const;
  bool Validate(std::string* reason) const;
  Walks GetWalks() const;
  Pcsr ToPcsr() const;

  // The bits of w; of an index: 12 (packed), 16 or 32; and how many zeros its low ones are.
  struct Layout {
    unsigned block_bits;
    unsigned index_bits;
    unsigned shift;
  };
  static Layout LayoutOf(uint64_t distinct, uint64_t listed, uint64_t elements);

  // A product's table has at most 2^13 floats, 32 KB; where it would need more, for there are too
  // many values, it is multiplied without one.
  static constexpr unsigned kTableBits = 13;
  static bool HasTable(uint64_t distinct, const Layout& layout) {
    return distinct <= (uint64_t{1} << kTableBits) >> layout.block_bits;
  }

  Layout layout() const { return LayoutOf(omega.size(), codes.type() != DType::kU8); }

  uint32_t IndexAt(size_t i) const;
  // How many indices `codes` holds, with those that fill up a unit.
  size_t index_count() const;

  // Calls f(block, row, first index, units) for the rows of all blocks, in the order of `rowI`.
  template <class F>
  void ForEachList(F&& f) const {
    size_t at = 0;
    size_t list = 0;
    size_t index = 0;
    for (size_t block = 0; at < classes.size(); ++block, ++at) {
      for (; classes.Index(at) != 0; at += 2) {
        const uint32_t units = classes.Index(at);
        for (uint32_t n = classes.Index(at + 1); n != 0; --n, index += 2 * size_t{units}) {
          f(block, row_i.Index(list++), index, units);
        }
      }
    }
  }

  size_t rows = 0;
  size_t cols = 0;
  Array omega;
  Array codes;
  Array row_i;
  Array classes;

  static constexpr std::array<ArrayMember<Blocks>, 4> kArrays{{{"omega", &Blocks::omega},
                                                               {"codes", &Blocks::codes},
                                                               {"rowI", &Blocks::row_i},
                                                               {"classes", &Blocks::classes}}};

 private:
  static Layout LayoutOf(uint64_t distinct, bool wide);
};

}  // namespace lowtropy
