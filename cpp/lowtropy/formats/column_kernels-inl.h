// SPDX-License-Identifier: Apache-2.0
// Y = W · X for several columns. Included once for each instruction set, see kernels.cc.
//
// Two shapes of kernel:
//
// 1. Formats that list elements (csr, pcsr, cer, cser): a tile of up to 7 vectors of columns is
//    held in registers while the row's elements are walked; each element costs one index load, one
//    offset load, one broadcast, and a load, a multiplication and an addition per vector. The tile
//    is the outer loop, so that the part of X that it reads stays in the first-level cache while
//    all rows pass. 7 vectors (28 columns in WebAssembly) amortize the element's overhead and leave
//    9 of 16 registers for operands; 196 = 7 · 28 and 784 = 28 · 28 columns, frequent sizes, have
//    no rest. cer and cser add inputs first and multiply once a run.
//
// 2. Formats that hold every element (dense, palette): a block of kBlockRows rows is decoded once
//    to float32, interleaved by row, and then used for all columns in register tiles of kBlockRows
//    x 2 vectors, so that decoding is paid once and not once a tile.

#if defined(LOWTROPY_FORMATS_COLUMN_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_FORMATS_COLUMN_KERNELS_INL_H_
#undef LOWTROPY_FORMATS_COLUMN_KERNELS_INL_H_
#else
#define LOWTROPY_FORMATS_COLUMN_KERNELS_INL_H_
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

using FloatTag = hn::ScalableTag<float>;
using Vector = hn::Vec<FloatTag>;

HWY_INLINE size_t Lanes() { return hn::Lanes(FloatTag()); }

// The widest tile, in vectors, and the most lanes that a vector has on any target (AVX-512).
constexpr size_t kTileVectors = 7;
constexpr size_t kMaxLanes = 16;

// Maps a tile's columns to the output: pieces of consecutive columns that stay consecutive.
class TileStore {
 public:
  // Columns [first, first + count) of y, held in `vectors` vectors.
  TileStore(const Output& y, size_t first, size_t count, size_t vectors) : y_(y) {
    if (y.run == y.pitch) {
      pieces_[0] = {0, first, count};
      piece_count_ = 1;
      direct_ = count == vectors * Lanes();
      return;
    }
    for (size_t t = 0; t < count;) {
      const size_t in_run = (first + t) % y.pitch;
      const size_t left = std::min(count - t, y.pitch - in_run);
      if (in_run < y.run) {
        pieces_[piece_count_++] = {t, (first + t) / y.pitch * y.run + in_run,
                                   std::min(left, y.run - in_run)};
      }
      t += left;
    }
    direct_ = piece_count_ == 1 && pieces_[0].from == 0 && pieces_[0].count == vectors * Lanes();
  }

  bool empty() const { return piece_count_ == 0; }

  template <size_t kVectors>
  HWY_INLINE void Store(size_t row, const Vector (&acc)[kVectors]) const {
    const FloatTag d;
    float* out = y_.data + row * y_.row_stride;
    if (HWY_LIKELY(direct_)) {
      out += pieces_[0].to;
      for (size_t v = 0; v < kVectors; ++v) hn::StoreU(acc[v], d, out + v * Lanes());
      return;
    }
    HWY_ALIGN float tile[kTileVectors * kMaxLanes];
    for (size_t v = 0; v < kVectors; ++v) hn::Store(acc[v], d, tile + v * Lanes());
    for (size_t p = 0; p < piece_count_; ++p) {
      const Piece& piece = pieces_[p];
      for (size_t i = 0; i < piece.count; ++i) out[piece.to + i] = tile[piece.from + i];
    }
  }

  // The inverse: what is stored already; dropped columns are arbitrary.
  template <size_t kVectors>
  HWY_INLINE void Load(size_t row, Vector (&acc)[kVectors]) const {
    const FloatTag d;
    const float* out = y_.data + row * y_.row_stride;
    if (HWY_LIKELY(direct_)) {
      out += pieces_[0].to;
      for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::LoadU(d, out + v * Lanes());
      return;
    }
    HWY_ALIGN float tile[kTileVectors * kMaxLanes] = {};
    for (size_t p = 0; p < piece_count_; ++p) {
      const Piece& piece = pieces_[p];
      for (size_t i = 0; i < piece.count; ++i) tile[piece.from + i] = out[piece.to + i];
    }
    for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Load(d, tile + v * Lanes());
  }

 private:
  struct Piece {
    size_t from;  // lane in the tile
    size_t to;    // element of the output row
    size_t count;
  };
  const Output& y_;
  Piece pieces_[kTileVectors * kMaxLanes];  // at most one a column
  size_t piece_count_ = 0;
  bool direct_ = false;  // one piece that fills all vectors
};

template <size_t kVectors>
HWY_INLINE void Zero(Vector (&acc)[kVectors]) {
  for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Zero(FloatTag());
}

template <size_t kVectors>
HWY_INLINE void Finish(const Epilogue& e, size_t row, Vector (&acc)[kVectors]) {
  const FloatTag d;
  if (e.scale != nullptr) {
    const Vector scale = hn::Set(d, e.scale[row]);
    for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Mul(acc[v], scale);
  }
  if (e.bias != nullptr) {
    const Vector bias = hn::Set(d, e.bias[row]);
    for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Add(acc[v], bias);
  }
  if (e.relu) {
    for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Max(acc[v], hn::Zero(d));
  }
}

template <size_t kVectors>
HWY_INLINE void AddProduct(float weight, const float* HWY_RESTRICT x, Vector (&acc)[kVectors]) {
  const FloatTag d;
  const Vector w = hn::Set(d, weight);
  for (size_t v = 0; v < kVectors; ++v) {
    acc[v] = hn::MulAdd(w, hn::LoadU(d, x + v * Lanes()), acc[v]);
  }
}

// Σ weight · x over the elements [begin, end) of a format that lists them one by one.
template <size_t kVectors, class Elements>
HWY_INLINE void AddElements(const Elements& w, size_t begin, size_t end, const float* base,
                            const uint32_t* HWY_RESTRICT offset, Vector (&acc)[kVectors]) {
  for (size_t i = begin; i < end; ++i) {
    AddProduct<kVectors>(w.Value(i), base + offset[w.Col(i)], acc);
  }
}

// One run of cer and cser: the inputs at its columns are added, then multiplied once.
template <size_t kVectors, class ColT>
HWY_INLINE void AddRun(float value, const ColT* HWY_RESTRICT col_i, size_t begin, size_t end,
                       const float* base, const uint32_t* HWY_RESTRICT offset,
                       Vector (&acc)[kVectors]) {
  const FloatTag d;
  if (end - begin == 1) return AddProduct<kVectors>(value, base + offset[col_i[begin]], acc);
  Vector sum[kVectors];
  const float* first = base + offset[col_i[begin]];
  for (size_t v = 0; v < kVectors; ++v) sum[v] = hn::LoadU(d, first + v * Lanes());
  for (size_t i = begin + 1; i < end; ++i) {
    const float* x = base + offset[col_i[i]];
    for (size_t v = 0; v < kVectors; ++v) {
      sum[v] = hn::Add(sum[v], hn::LoadU(d, x + v * Lanes()));
    }
  }
  const Vector w = hn::Set(d, value);
  for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::MulAdd(w, sum[v], acc[v]);
}

// A row of each format, added to a tile. The format's arrays come typed: see TypedCsr and its kin.
template <size_t kVectors, class ColT>
HWY_INLINE void AddRow(const TypedCsr<ColT>& w, size_t row, const float* base,
                       const uint32_t* offset, Vector (&acc)[kVectors]) {
  AddElements<kVectors>(w, w.row_ptr.Index(row), w.row_ptr.Index(row + 1), base, offset, acc);
}

template <size_t kVectors, class CodeT, class ColT>
HWY_INLINE void AddRow(const TypedPcsr<CodeT, ColT>& w, size_t row, const float* base,
                       const uint32_t* offset, Vector (&acc)[kVectors]) {
  AddElements<kVectors>(w, w.row_ptr.Index(row), w.row_ptr.Index(row + 1), base, offset, acc);
}

template <size_t kVectors, class ColT>
HWY_INLINE void AddRow(const TypedCer<ColT>& w, size_t row, const float* base,
                       const uint32_t* offset, Vector (&acc)[kVectors]) {
  const size_t first = w.row_ptr.Index(row);
  const size_t last = w.row_ptr.Index(row + 1);
  uint32_t begin = w.omega_ptr.Index(first);
  for (size_t run = first; run < last; ++run) {
    const uint32_t end = w.omega_ptr.Index(run + 1);
    if (begin == end) continue;
    AddRun<kVectors>(w.omega[1 + run - first], w.col_i, begin, end, base, offset, acc);
    begin = end;
  }
}

template <size_t kVectors, class ColT>
HWY_INLINE void AddRow(const TypedCser<ColT>& w, size_t row, const float* base,
                       const uint32_t* offset, Vector (&acc)[kVectors]) {
  const size_t last = w.row_ptr.Index(row + 1);
  size_t run = w.row_ptr.Index(row);
  uint32_t begin = w.omega_ptr.Index(run);
  for (; run < last; ++run) {
    const uint32_t end = w.omega_ptr.Index(run + 1);
    AddRun<kVectors>(w.omega[w.omega_i.Index(run)], w.col_i, begin, end, base, offset, acc);
    begin = end;
  }
}

template <size_t kVectors, class Typed>
HWY_NOINLINE void ListedTile(const Typed& w, RowRange rows, const float* base,
                             const uint32_t* HWY_RESTRICT offset, const TileStore& store,
                             const Epilogue& epilogue) {
  for (size_t r = rows.begin; r < rows.end; ++r) {
    Vector acc[kVectors];
    Zero(acc);
    AddRow<kVectors>(w, r, base, offset, acc);
    Finish(epilogue, r, acc);
    store.Store(r, acc);
  }
}

// Walks the tiles of a listing format: as many of 7 vectors as fit, then 4, 2 and 1.
template <class Typed>
void ListedProduct(const Typed& w, RowRange rows, const Columns& x, const Output& y,
                   const Epilogue& epilogue) {
  for (size_t j = 0; j < x.count;) {
    const size_t left = (x.count - j + Lanes() - 1) / Lanes();
    const size_t vectors = left >= 7 ? 7 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    const size_t count = std::min(vectors * Lanes(), x.count - j);
    const TileStore store(y, j, count, vectors);
    const float* base = x.data + j;
    j += count;
    if (store.empty()) continue;
    switch (vectors) {
      case 7:
        ListedTile<7>(w, rows, base, x.offset, store, epilogue);
        break;
      case 4:
        ListedTile<4>(w, rows, base, x.offset, store, epilogue);
        break;
      case 2:
        ListedTile<2>(w, rows, base, x.offset, store, epilogue);
        break;
      default:
        ListedTile<1>(w, rows, base, x.offset, store, epilogue);
    }
  }
}

// Rows decoded together, and columns of W decoded at a time: 6 x 2 vectors of sums, 2 of inputs and
// one broadcast fill 15 of 16 registers; 6 x 512 floats (12 KB) leave room in a 32 KB cache.
constexpr size_t kBlockRows = 6;
constexpr size_t kBlockCols = 512;

// One part of W, decoded: element (r, k) at values[k * kBlockRows + r].
struct DecodedBlock {
  const float* values;
  size_t first_row;
  size_t first_col;
  size_t cols;
  bool first;  // starts the sums
  bool last;   // ends them
};

template <size_t kRows, size_t kVectors>
HWY_NOINLINE void DecodedTile(const DecodedBlock& block, const float* base,
                              const uint32_t* HWY_RESTRICT offset, const TileStore& store,
                              const Epilogue& epilogue) {
  const FloatTag d;
  Vector acc[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r) {
    if (block.first) {
      Zero(acc[r]);
    } else {
      store.Load(block.first_row + r, acc[r]);
    }
  }
  const float* HWY_RESTRICT weights = block.values;
  for (size_t k = 0; k < block.cols; ++k, weights += kBlockRows) {
    const float* x = base + offset[block.first_col + k];
    Vector in[kVectors];
    for (size_t v = 0; v < kVectors; ++v) in[v] = hn::LoadU(d, x + v * Lanes());
    for (size_t r = 0; r < kRows; ++r) {
      const Vector w = hn::Set(d, weights[r]);
      for (size_t v = 0; v < kVectors; ++v) acc[r][v] = hn::MulAdd(w, in[v], acc[r][v]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) {
    if (block.last) Finish(epilogue, block.first_row + r, acc[r]);
    store.Store(block.first_row + r, acc[r]);
  }
}

template <size_t kRows>
void DecodedColumns(const DecodedBlock& block, const Columns& x, const Output& y,
                    const Epilogue& epilogue) {
  for (size_t j = 0; j < x.count;) {
    const size_t vectors = x.count - j > Lanes() ? 2 : 1;
    const size_t count = std::min(vectors * Lanes(), x.count - j);
    const TileStore store(y, j, count, vectors);
    const float* base = x.data + j;
    j += count;
    if (store.empty()) continue;
    if (vectors == 2) {
      DecodedTile<kRows, 2>(block, base, x.offset, store, epilogue);
    } else {
      DecodedTile<kRows, 1>(block, base, x.offset, store, epilogue);
    }
  }
}

// `decode(row, first_col, count, out)` writes out[k * kBlockRows] = W[row, first_col + k].
template <class Decode>
void DecodedProduct(size_t cols, RowRange rows, const Columns& x, const Output& y,
                    const Epilogue& epilogue, Decode&& decode) {
  HWY_ALIGN float values[kBlockRows * kBlockCols];
  for (size_t r = rows.begin; r < rows.end;) {
    const size_t left = rows.end - r;
    const size_t block_rows = left >= kBlockRows ? kBlockRows : left >= 2 ? 2 : 1;
    for (size_t c = 0; c < cols; c += kBlockCols) {
      const size_t block_cols = std::min(kBlockCols, cols - c);
      for (size_t i = 0; i < block_rows; ++i) decode(r + i, c, block_cols, values + i);
      const DecodedBlock block{values, r, c, block_cols, c == 0, c + block_cols == cols};
      switch (block_rows) {
        case kBlockRows:
          DecodedColumns<kBlockRows>(block, x, y, epilogue);
          break;
        case 2:
          DecodedColumns<2>(block, x, y, epilogue);
          break;
        default:
          DecodedColumns<1>(block, x, y, epilogue);
      }
    }
    r += block_rows;
  }
}

inline void ColumnProduct(const Dense& w, RowRange rows, const Columns& x, const Output& y,
                          const Epilogue& epilogue) {
  const float* values = w.values.As<float>().data();
  DecodedProduct(w.cols, rows, x, y, epilogue,
                 [&](size_t row, size_t first, size_t count, float* HWY_RESTRICT out) {
                   const float* HWY_RESTRICT from = values + row * w.cols + first;
                   for (size_t k = 0; k < count; ++k) out[k * kBlockRows] = from[k];
                 });
}

inline void ColumnProduct(const Palette& w, RowRange rows, const Columns& x, const Output& y,
                          const Epilogue& epilogue) {
  const float* omega = w.omega.As<float>().data();
  DecodedProduct(w.cols, rows, x, y, epilogue,
                 [&](size_t row, size_t first, size_t count, float* HWY_RESTRICT out) {
                   DecodeCodes(w, row, first, count,
                               [&](size_t k, uint32_t code) { out[k * kBlockRows] = omega[code]; });
                 });
}

template <class Storage>
void ColumnProduct(const Storage& w, RowRange rows, const Columns& x, const Output& y,
                   const Epilogue& epilogue) {
  WithTypes(w, [&](const auto& typed) { ListedProduct(typed, rows, x, y, epilogue); });
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_FORMATS_COLUMN_KERNELS_INL_H_
