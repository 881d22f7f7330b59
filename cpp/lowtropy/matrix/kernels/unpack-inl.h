// SPDX-License-Identifier: Apache-2.0
// Rows of any format, unpacked for the products with several columns: column_kernels-inl.h says
// what for. Included once for each instruction set, see kernels.cc.

#if defined(LOWTROPY_MATRIX_KERNELS_UNPACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_MATRIX_KERNELS_UNPACK_INL_H_
#undef LOWTROPY_MATRIX_KERNELS_UNPACK_INL_H_
#else
#define LOWTROPY_MATRIX_KERNELS_UNPACK_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/decode-inl.h"
#include "lowtropy/matrix/kernels/kernels.h"
#include "lowtropy/matrix/kernels/shape.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using kernels::kBlockCols;
using kernels::kBlockRows;
using kernels::kMaxListedShare;
using kernels::kSparseShare;

constexpr size_t kTileVectors = kernels::kListVectors;  // of a packed tile's rows, at most
constexpr size_t kMaxLanes = 16;                        // of any target (AVX-512)

// Lists that are made together: 4 MB. The more rows, the less often X is packed; lists are read
// from end to end, which no cache is needed for.
constexpr size_t kListWords = size_t{1} << 20;

constexpr size_t kMostLanes = hn::MaxLanes(hn::ScalableTag<float>());
constexpr unsigned kListBlockBits = std::bit_width(kernels::ListCols(kMostLanes)) - 1;
constexpr unsigned kSparseBlockBits = std::bit_width(kernels::SparseCols(kMostLanes)) - 1;

// Dense rows that are used together, interleaved element by element.
constexpr size_t kDenseRows = 2;

using FloatTag = hn::ScalableTag<float>;
using Vector = hn::Vec<FloatTag>;
HWY_INLINE size_t Lanes() { return hn::Lanes(FloatTag()); }
HWY_INLINE size_t TileStride() { return kTileVectors * Lanes(); }  // floats

// ---- Lists ----

// Elements of one row that a list of it may take.
template <class Typed>
HWY_INLINE size_t MostListed(const Typed& w, size_t, size_t row) {
  const ColumnRange listed = Listed(w, {row, row + 1});
  return listed.end - listed.begin;
}
HWY_INLINE size_t MostListed(const Palette&, size_t cols, size_t) {
  return cols + 1;  // see ListRow
}

// The listed elements of consecutive rows: row by row and in each row by blocks of
// block_cols columns; in a block in any order.
struct RowLists {
  static constexpr size_t kVectors = kTileVectors;

  // Places for as many of the rows as fit into kListWords words, at least one; see ListRows. Takes
  // the matrix untyped, of which there are fewer kinds: this is not what takes time.
  template <class Untyped>
  static RowLists Place(const Untyped& w, size_t cols, RowRange range, unsigned block_bits,
                        uint32_t* words);

  size_t Begin(size_t row, size_t block) const { return starts[row * blocks + block]; }
  size_t End(size_t row, size_t block) const { return Begin(row, block + 1); }

  size_t first_row;
  size_t rows;
  size_t cols;
  size_t block_cols;
  size_t blocks;
  uint32_t* starts;  // rows · blocks + 1
  float* values;
  uint16_t* offsets;  // of rows of the packed tile, in bytes
};

// Writes rows of RowLists.
struct ListWriter {
  HWY_INLINE size_t BlockOf(size_t col) const { return col >> block_bits; }
  HWY_INLINE size_t block_cols() const { return size_t{1} << block_bits; }
  HWY_INLINE uint16_t OffsetOf(size_t col) const {
    return static_cast<uint16_t>((col & (block_cols() - 1)) * TileStride() * sizeof(float));
  }

  HWY_INLINE void Add(size_t at, float value, size_t col) const {
    values[at] = value;
    offsets[at] = OffsetOf(col);
  }

  size_t blocks;
  unsigned block_bits;
  float* values;
  uint16_t* offsets;
};

template <class Cols>
HWY_NOINLINE void WriteOffsets(Cols col_i, ColumnRange listed, const ListWriter& out, size_t at) {
  uint16_t* HWY_RESTRICT offsets = out.offsets + at;
  LOWTROPY_ROLLED
  for (size_t i = listed.begin; i < listed.end; ++i) *offsets++ = out.OffsetOf(col_i[i]);
}

// Elements come by ascending column: each block's end is looked for, and its elements are copied
// without a look at their columns.
template <class Typed>
HWY_INLINE uint32_t ListSortedRow(const Typed& w, size_t row, uint32_t at, const ListWriter& out,
                                  uint32_t* starts) {
  const ColumnRange listed = Listed(w, {row, row + 1});
  const size_t count = listed.end - listed.begin;
  float* HWY_RESTRICT values = out.values + at;
  LOWTROPY_ROLLED
  for (size_t i = 0; i < count; ++i) values[i] = w.Value(listed.begin + i);
  WriteOffsets(w.col_i, listed, out, at);
  size_t begin = listed.begin;
  for (size_t block = 0; block < out.blocks; ++block) {
    starts[block] = at + static_cast<uint32_t>(begin - listed.begin);
    begin = FirstFrom(w.col_i, begin, listed.end, (block + 1) * out.block_cols());
  }
  return at + static_cast<uint32_t>(count);
}

template <class Cols>
uint32_t ListRow(const TypedCsr<Cols>& w, size_t row, uint32_t at, const ListWriter& out,
                 uint32_t* starts) {
  return ListSortedRow(w, row, at, out, starts);
}

template <class Codes, class Cols>
uint32_t ListRow(const TypedPcsr<Codes, Cols>& w, size_t row, uint32_t at, const ListWriter& out,
                 uint32_t* starts) {
  return ListSortedRow(w, row, at, out, starts);
}

// For each byte of a mask, the offsets of its listed columns in a tile.
struct ByteOffsets {
  static constexpr size_t kBits = 8;

  ByteOffsets() {
    LOWTROPY_ROLLED
    for (size_t byte = 0; byte < 256; ++byte) {
      size_t count = 0;
      LOWTROPY_ROLLED
      for (size_t bit = 0; bit < kBits; ++bit) {
        offsets[byte][count] = static_cast<uint16_t>(bit * TileStride() * sizeof(float));
        count += byte >> bit & 1;
      }
    }
  }

  HWY_ALIGN uint16_t offsets[256][kBits];
};

// All that a byte of the mask may list is written, and what follows over what it does not.
inline uint32_t ListMaskRow(const Mask& w, size_t row, uint32_t at, const ListWriter& out,
                            const ByteOffsets& table, uint32_t* starts) {
  const hn::CappedTag<uint16_t, ByteOffsets::kBits> d;
  const uint8_t* mask = w.MaskOf(row);
  const size_t block_bytes = out.block_cols() / 8;
  const uint32_t first = at;
  for (size_t block = 0; block < out.blocks; ++block) {
    starts[block] = at;
    const size_t begin = block * block_bytes;
    const size_t end = std::min(begin + block_bytes, w.row_bytes());
    LOWTROPY_ROLLED
    for (size_t byte = begin; byte < end; ++byte) {
      const auto base = hn::Set(d, out.OffsetOf(8 * byte));
      for (size_t i = 0; i < ByteOffsets::kBits; i += hn::Lanes(d)) {
        const auto offsets = hn::Load(d, table.offsets[mask[byte]] + i);
        hn::StoreU(hn::Add(base, offsets), d, out.offsets + at + i);
      }
      at += static_cast<uint32_t>(hwy::PopCount(mask[byte]));
    }
  }
  ReadValues(w, w.row_ptr.Index(row), at - first, out.values + first);
  return at;
}

// Elements come run by run: they are counted by block before they are placed.
template <class Runs>
HWY_INLINE uint32_t ListRuns(const Runs& w, size_t row, uint32_t at, const ListWriter& out,
                             uint32_t* starts) {
  std::fill_n(starts, out.blocks, 0);
  const ColumnRange listed = Listed(w, {row, row + 1});
  LOWTROPY_ROLLED
  for (size_t i = listed.begin; i < listed.end; ++i) ++starts[out.BlockOf(w.col_i[i])];
  for (size_t b = 0; b < out.blocks; ++b) {
    at += starts[b];
    starts[b] = at;
  }
  // From the ends down, so that starts[] holds the starts afterwards.
  ForEachListed(
      w, row, [&](float value, uint32_t col) { out.Add(--starts[out.BlockOf(col)], value, col); });
  return at;
}

template <class Cols>
uint32_t ListRow(const TypedCer<Cols>& w, size_t row, uint32_t at, const ListWriter& out,
                 uint32_t* starts) {
  return ListRuns(w, row, at, out, starts);
}

template <class Cols>
uint32_t ListRow(const TypedCser<Cols>& w, size_t row, uint32_t at, const ListWriter& out,
                 uint32_t* starts) {
  return ListRuns(w, row, at, out, starts);
}

// Every element is written, and the next one over it if it is 0: no branch that would often be
// predicted wrongly.
inline uint32_t ListRow(const Palette& w, size_t row, uint32_t at, const ListWriter& out,
                        uint32_t* starts) {
  HWY_ALIGN float values[kBlockCols];
  for (size_t b = 0; b < out.blocks; ++b) {
    starts[b] = at;
    const size_t end = std::min((b + 1) * out.block_cols(), w.cols);
    for (size_t first = b * out.block_cols(); first < end; first += kBlockCols) {
      const size_t count = std::min(kBlockCols, end - first);
      ReadValues(w, row, first, count, values);
      LOWTROPY_ROLLED
      for (size_t k = 0; k < count; ++k) {
        out.Add(at, values[k], first + k);
        at += values[k] != 0.0F ? 1 : 0;
      }
    }
  }
  return at;
}

template <class Typed>
HWY_NOINLINE void ListRows(const Typed& w, RowRange rows, const ListWriter& out, uint32_t* starts) {
  uint32_t at = 0;
  for (size_t r = rows.begin; r < rows.end; ++r, starts += out.blocks) {
    at = ListRow(w, r, at, out, starts);
  }
  *starts = at;
}
inline void ListRows(const Mask& w, RowRange rows, const ListWriter& out, uint32_t* starts) {
  const ByteOffsets table;
  uint32_t at = 0;
  for (size_t r = rows.begin; r < rows.end; ++r, starts += out.blocks) {
    at = ListMaskRow(w, r, at, out, table, starts);
  }
  *starts = at;
}

// Words for lists of `elements` elements: values, and half as many of offsets, with room behind
// them for what ListMaskRow writes.
constexpr uint64_t ListWords(uint64_t elements) {
  return elements + elements / 2 + 1 + ByteOffsets::kBits / 2;
}

template <class Untyped>
HWY_NOINLINE RowLists RowLists::Place(const Untyped& w, size_t cols, RowRange range,
                                      unsigned block_bits, uint32_t* words) {
  const size_t block_cols = size_t{1} << block_bits;
  const size_t blocks = (cols + block_cols - 1) / block_cols;
  size_t rows = 0;
  size_t elements = 0;
  for (; range.begin + rows < range.end; ++rows) {
    const size_t more = MostListed(w, cols, range.begin + rows);
    if (rows != 0 && (rows + 1) * blocks + 1 + ListWords(elements + more) > kListWords) break;
    elements += more;
  }
  uint32_t* starts = words;
  auto* values = reinterpret_cast<float*>(starts + rows * blocks + 1);
  auto* offsets = reinterpret_cast<uint16_t*>(values + elements);
  return {.first_row = range.begin,
          .rows = rows,
          .cols = cols,
          .block_cols = block_cols,
          .blocks = blocks,
          .starts = starts,
          .values = values,
          .offsets = offsets};
}

// ---- Dense ----

// Columns [first_col, first_col + cols) of consecutive rows: column k of rows r to r + kDenseRows -
// 1 at values[r · kBlockCols + k · kDenseRows], and rows that are left over one by one.
struct DenseBlock {
  static constexpr size_t kVectors = kernels::kDenseVectors;

  template <class Typed>
  static DenseBlock Of(const Typed& w, RowRange range, size_t first_col, size_t cols,
                       float* values);

  size_t first_row;
  size_t rows;
  size_t cols;
  const float* values;
};

// Columns [first, first + count) of a row; `first` is a multiple of kBlockCols.
template <class Typed>
void ReadPart(const Typed& w, size_t row, size_t first, size_t count, float* HWY_RESTRICT out) {
  if constexpr (requires { ReadValues(w, row, first, count, out); }) {
    ReadValues(w, row, first, count, out);
  } else {
    std::fill_n(out, count, Common(w));
    ForEachListed(w, row, first, first + count,
                  [&](float value, uint32_t col) { out[col - first] = value; });
  }
}

// Columns k of both rows side by side.
inline HWY_NOINLINE void Interleave(const float* HWY_RESTRICT even, const float* HWY_RESTRICT odd,
                                    size_t cols, float* HWY_RESTRICT out) {
  const FloatTag d;
  size_t k = 0;
  for (; k + Lanes() <= cols; k += Lanes()) {
    hn::StoreInterleaved2(hn::Load(d, even + k), hn::Load(d, odd + k), d, out + 2 * k);
  }
  for (; k < cols; ++k) {
    out[2 * k] = even[k];
    out[2 * k + 1] = odd[k];
  }
}

// Two rows are read one after the other and then interleaved: writing elements apart was slower,
// and every format's loops were there twice.
template <class Typed>
void FillDense(const Typed& w, RowRange range, size_t first_col, size_t cols, float* values) {
  static_assert(kDenseRows == 2);
  HWY_ALIGN float even[kBlockCols];
  HWY_ALIGN float odd[kBlockCols];
  size_t r = range.begin;
  for (; r + 2 <= range.end; r += 2, values += 2 * kBlockCols) {
    ReadPart(w, r, first_col, cols, even);
    ReadPart(w, r + 1, first_col, cols, odd);
    Interleave(even, odd, cols, values);
  }
  if (r < range.end) ReadPart(w, r, first_col, cols, values);
}

// All lists are walked for each block: `blocks` is for products with one column.
inline void FillDense(const Blocks& w, RowRange range, size_t first_col, size_t cols,
                      float* values) {
  const float* omega = w.omega.As<float>().data();
  const unsigned bits = w.layout().block_bits;
  const size_t rows = range.end - range.begin;
  const size_t whole = rows / kDenseRows * kDenseRows;
  std::fill_n(values, rows * kBlockCols, omega[0]);
  w.ForEachList([&](size_t block, uint32_t row, size_t first, uint32_t units) {
    const size_t begin = block << bits;
    const size_t end = begin + (size_t{1} << bits);
    const size_t r = row - range.begin;
    if (end <= first_col || begin >= first_col + cols || r >= rows) return;
    float* to = r < whole ? values + r / kDenseRows * kDenseRows * kBlockCols + r % kDenseRows
                          : values + r * kBlockCols;
    const size_t stride = r < whole ? kDenseRows : 1;
    for (size_t i = first; i < first + 2 * size_t{units}; ++i) {
      const uint32_t index = w.IndexAt(i);
      const size_t k = begin + (index & ((uint32_t{1} << bits) - 1)) - first_col;
      if (index != 0 && k < cols) to[k * stride] = omega[index >> bits];
    }
  });
}

template <class Typed>
HWY_NOINLINE DenseBlock DenseBlock::Of(const Typed& w, RowRange range, size_t first_col,
                                       size_t cols, float* values) {
  FillDense(w, range, first_col, cols, values);
  return {
      .first_row = range.begin, .rows = range.end - range.begin, .cols = cols, .values = values};
}

// Words of 32 bits for what is unpacked at a time, as lists or as a dense block.
inline size_t UnpackedWords(size_t rows, size_t cols) {
  const uint64_t blocks = (uint64_t{cols} >> kListBlockBits) + 1;
  const uint64_t longest = blocks + 1 + ListWords(uint64_t{cols} + 1);
  const uint64_t lists = std::min(std::max<uint64_t>(kListWords, longest), rows * longest);
  const uint64_t dense = std::min(rows, kBlockRows) * uint64_t{kBlockCols};
  return static_cast<size_t>(std::max(lists, dense));
}

// ---- Which of the two ----

// The share of the elements that lists would hold; more than 1 where the product cannot go through
// lists, for unlisted elements are not zeros, or should not. Where a format lists nearly
// everything, its lists still take less time than finding the elements of each dense block.
inline constexpr double kNotListed = 2;

template <class Typed>
double ListedShare(const Typed& w, size_t cols, RowRange rows) {
  if (Common(w) != 0.0F) return kNotListed;
  const ColumnRange listed = Listed(w, rows);
  return static_cast<double>(listed.end - listed.begin) /
         (static_cast<double>(rows.end - rows.begin) * static_cast<double>(cols));
}

// Judged by its first row, for the count is nowhere.
inline double ListedShare(const Palette& w, size_t cols, RowRange rows) {
  if (w.omega.As<float>()[0] != 0.0F) return kNotListed;
  size_t listed = 0;
  for (size_t c = 0; c < cols; ++c) listed += w.Code(rows.begin, c) != 0 ? 1 : 0;
  const double share = static_cast<double>(listed) / static_cast<double>(cols);
  return share <= kMaxListedShare ? share : kNotListed;
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_MATRIX_KERNELS_UNPACK_INL_H_
