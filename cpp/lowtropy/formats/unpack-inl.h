// SPDX-License-Identifier: Apache-2.0
// Rows of any format, unpacked for the products with several columns: column_kernels-inl.h says
// what for. Included once for each instruction set, see kernels.cc.

#if defined(LOWTROPY_FORMATS_UNPACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_FORMATS_UNPACK_INL_H_
#undef LOWTROPY_FORMATS_UNPACK_INL_H_
#else
#define LOWTROPY_FORMATS_UNPACK_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "lowtropy/formats/decode-inl.h"
#include "lowtropy/formats/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Rows of a packed tile of X, which are columns of W: 28 KB in tiles of 28 columns, which a
// first-level cache of 32 KB holds. Where fewer than a fifth of the elements are listed, four times
// as many: the rest of a row takes less time than starting it, and its tile of Y, more often.
constexpr unsigned kBlockBits = 8;  // powers of two: dividing by them takes no division
constexpr unsigned kSparseBlockBits = 10;
constexpr size_t kBlockCols = size_t{1} << kBlockBits;
constexpr double kSparseShare = 0.2;

constexpr size_t kTileVectors = 7;  // of a packed tile's rows, at most
constexpr size_t kMaxLanes = 16;    // of any target (AVX-512)

// Lists that are made together: 4 MB. The more rows, the less often X is packed; lists are read
// from end to end, which no cache is needed for.
constexpr size_t kListWords = size_t{1} << 20;

// Dense rows that are unpacked together: 512 KB, so that they stay in a second-level cache.
constexpr size_t kBlockRows = 512;

// Dense rows that are used together, interleaved element by element.
constexpr size_t kDenseRows = 2;

// Palettes take less time as lists where at most this share of the elements is other than 0.
constexpr double kMaxListedShare = 0.7;

using FloatTag = hn::ScalableTag<float>;
using Vector = hn::Vec<FloatTag>;
HWY_INLINE size_t Lanes() { return hn::Lanes(FloatTag()); }
HWY_INLINE size_t TileStride() { return kTileVectors * Lanes(); }  // floats

// ---- Lists ----

// Elements of one row that a list of it may take.
template <class Typed>
HWY_INLINE size_t MostListed(const Typed& w, size_t cols, size_t row) {
  if constexpr (kListsElements<Typed>) {
    const ColumnRange listed = Listed(w, {row, row + 1});
    return listed.end - listed.begin;
  } else {
    return cols + 1;  // see ListRow
  }
}

struct Element {
  float value;
  uint32_t offset;  // of its row of the packed tile, in bytes
};

// The listed elements of consecutive rows: row by row and in each row by blocks of
// block_cols columns; in a block in any order.
struct RowLists {
  static constexpr size_t kVectors = kTileVectors;

  // As many of the rows as fit into kListWords words, at least one.
  template <class Typed>
  static RowLists Of(const Typed& w, size_t cols, RowRange range, unsigned block_bits,
                     uint32_t* words);

  const Element* Begin(size_t row, size_t block) const {
    return elements + starts[row * blocks + block];
  }
  const Element* End(size_t row, size_t block) const { return Begin(row, block + 1); }

  size_t first_row;
  size_t rows;
  size_t cols;
  size_t block_cols;
  size_t blocks;
  const uint32_t* starts;  // rows · blocks + 1
  const Element* elements;
};

// Writes one row's part of RowLists.
class ListWriter {
 public:
  ListWriter(Element* elements, size_t block_count, unsigned block_bits)
      : blocks(block_count), elements_(elements), block_bits_(block_bits) {}

  HWY_INLINE uint32_t BlockOf(uint32_t col) const { return col >> block_bits_; }
  HWY_INLINE uint32_t block_cols() const { return uint32_t{1} << block_bits_; }

  HWY_INLINE void Add(size_t at, float value, uint32_t col) const {
    elements_[at] = {value, (col & (block_cols() - 1)) * stride_};
  }

  const size_t blocks;

 private:
  Element* elements_;
  unsigned block_bits_;
  uint32_t stride_ = static_cast<uint32_t>(TileStride() * sizeof(float));
};

// Elements come by ascending column: each block's end is looked for, and its elements are copied
// without a look at their columns.
template <class Typed>
HWY_INLINE uint32_t ListSortedRow(const Typed& w, size_t row, uint32_t at, const ListWriter& out,
                                  uint32_t* starts) {
  const ColumnRange listed = Listed(w, {row, row + 1});
  size_t begin = listed.begin;
  for (size_t block = 0; block < out.blocks; ++block) {
    starts[block] = at;
    const size_t end =
        FirstFrom(w.col_i, begin, listed.end, (block + 1) * size_t{out.block_cols()});
    for (size_t i = begin; i < end; ++i) {
      out.Add(at + (i - begin), w.Value(i), w.Col(i));
    }
    at += static_cast<uint32_t>(end - begin);
    begin = end;
  }
  return at;
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

inline uint32_t ListRow(const Mask& w, size_t row, uint32_t at, const ListWriter& out,
                        uint32_t* starts) {
  size_t chunk = 0;
  const size_t chunks_per_block = out.block_cols() / kMaskChunk;
  ForEachChunk(w, row, 0, w.cols, [&](const float* values, const uint32_t* columns, size_t count) {
    if (chunk % chunks_per_block == 0) starts[chunk / chunks_per_block] = at;
    for (size_t i = 0; i < count; ++i) out.Add(at + i, values[i], columns[i]);
    at += static_cast<uint32_t>(count);
    ++chunk;
  });
  return at;
}

// Elements come run by run: they are counted by block before they are placed.
template <class Runs>
HWY_INLINE uint32_t ListRuns(const Runs& w, size_t row, uint32_t at, const ListWriter& out,
                             uint32_t* starts) {
  std::fill_n(starts, out.blocks, 0);
  const ColumnRange listed = Listed(w, {row, row + 1});
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
    const size_t end = std::min<size_t>((b + 1) * size_t{out.block_cols()}, w.cols);
    for (size_t first = b * out.block_cols(); first < end; first += kBlockCols) {
      const size_t count = std::min(kBlockCols, end - first);
      ReadValues(w, row, first, count, values);
      for (size_t k = 0; k < count; ++k) {
        out.Add(at, values[k], static_cast<uint32_t>(first + k));
        at += values[k] != 0.0F ? 1 : 0;
      }
    }
  }
  return at;
}

// Never listed, see ListedShare.
inline uint32_t ListRow(const Dense&, size_t, uint32_t at, const ListWriter&, uint32_t*) {
  return at;
}
inline uint32_t ListRow(const Blocks&, size_t, uint32_t at, const ListWriter&, uint32_t*) {
  return at;
}

template <class Typed>
HWY_NOINLINE RowLists RowLists::Of(const Typed& w, size_t cols, RowRange range, unsigned block_bits,
                                   uint32_t* words) {
  const size_t block_cols = size_t{1} << block_bits;
  const size_t blocks = (cols + block_cols - 1) / block_cols;
  size_t rows = 0;
  for (size_t used = 4; range.begin + rows < range.end; ++rows) {
    used += blocks + 2 * MostListed(w, cols, range.begin + rows);
    if (rows != 0 && used > kListWords) break;
  }
  uint32_t* starts = words;
  auto* elements = reinterpret_cast<Element*>(words + (rows * blocks + 2) / 2 * 2);
  const ListWriter out(elements, blocks, block_bits);
  uint32_t at = 0;
  for (size_t r = 0; r < rows; ++r) {
    at = ListRow(w, range.begin + r, at, out, starts + r * blocks);
  }
  starts[rows * blocks] = at;
  return {.first_row = range.begin,
          .rows = rows,
          .cols = cols,
          .block_cols = block_cols,
          .blocks = blocks,
          .starts = starts,
          .elements = elements};
}

// ---- Dense ----

// Columns [first_col, first_col + cols) of consecutive rows: column k of rows r to r + kDenseRows -
// 1 at values[r · kBlockCols + k · kDenseRows], and rows that are left over one by one.
struct DenseBlock {
  static constexpr size_t kVectors = 4;

  template <class Typed>
  static DenseBlock Of(const Typed& w, RowRange range, size_t first_col, size_t cols,
                       float* values);

  size_t first_row;
  size_t rows;
  size_t cols;
  const float* values;
};

// Columns [first, first + count) of a row; `first` is a multiple of 8.
inline void ReadPart(const Dense& w, size_t row, size_t first, size_t count, float* out) {
  std::copy_n(w.values.As<float>().data() + row * w.cols + first, count, out);
}

inline void ReadPart(const Palette& w, size_t row, size_t first, size_t count, float* out) {
  ReadValues(w, row, first, count, out);
}

template <class Typed>
void ReadPart(const Typed& w, size_t row, size_t first, size_t count, float* HWY_RESTRICT out) {
  std::fill_n(out, count, Common(w));
  ForEachListed(w, row, first, first + count,
                [&](float value, uint32_t col) { out[col - first] = value; });
}

// Two rows are read one after the other and then interleaved: writing elements apart was slower,
// and every format's loops were there twice.
template <class Typed>
void FillDense(const Typed& w, RowRange range, size_t first_col, size_t cols, float* values) {
  static_assert(kDenseRows == 2);
  const FloatTag d;
  HWY_ALIGN float even[kBlockCols + kMaxLanes];
  HWY_ALIGN float odd[kBlockCols + kMaxLanes];
  size_t r = range.begin;
  for (; r + 2 <= range.end; r += 2, values += 2 * kBlockCols) {
    ReadPart(w, r, first_col, cols, even);
    ReadPart(w, r + 1, first_col, cols, odd);
    for (size_t k = 0; k + Lanes() <= cols; k += Lanes()) {
      hn::StoreInterleaved2(hn::Load(d, even + k), hn::Load(d, odd + k), d, values + 2 * k);
    }
    for (size_t k = cols / Lanes() * Lanes(); k < cols; ++k) {
      values[2 * k] = even[k];
      values[2 * k + 1] = odd[k];
    }
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
  const uint64_t longest = (cols + kBlockCols - 1) / kBlockCols + 2 * uint64_t{cols} + 8;
  const uint64_t lists = std::min(std::max<uint64_t>(kListWords, longest) + 4, rows * longest);
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

inline double ListedShare(const Dense&, size_t, RowRange) { return kNotListed; }
inline double ListedShare(const Blocks&, size_t, RowRange) { return kNotListed; }

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

#endif  // LOWTROPY_FORMATS_UNPACK_INL_H_
