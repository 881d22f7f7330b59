// SPDX-License-Identifier: Apache-2.0
// Y = W · X for several columns. Included once for each instruction set, see kernels.cc.
//
// Whatever the format, the product is that of one of two unpacked forms of W:
//
// 1. Lists (see unpack-inl.h): the elements other than 0. Each costs two loads, then a load, a
//    multiplication and an addition for every vector of the tile.
//
//      for each group of rows whose lists fit into kListWords:             list them
//        for each tile of columns:
//          for each block of columns of W:                                 pack that part of X
//            for each row of the group:                                    add to its tile of Y
//
// 2. Dense blocks: every element, for matrices of few zeros, or whose most frequent value is none.
//
//      for each group of kBlockRows rows, each block of kBlockCols columns: unpack them
//        for each tile of columns:                                         pack that part of X
//          for each kDenseRows rows of the group:                          add to their tile of Y
//
// Packed, a part of X is contiguous and stays in a first-level cache of 32 KB while all rows of the
// group pass over it; unpacked weights stream from the second. Reading X where it lies, as shifted
// views of an image, spares the copy, but rows that are a power of two apart then evict each other:
// half the speed.
//
// Tiles of 7 vectors of lists and of 2 x 4 or 1 x 4 of dense weights are what V8 keeps in
// registers. With more than 8 sums in its loop it stores one of them every time: 6 x 2, which
// XNNPACK uses, takes 1.7 times as long an element.

#if defined(LOWTROPY_MATRIX_KERNELS_COLUMN_KERNELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_MATRIX_KERNELS_COLUMN_KERNELS_INL_H_
#undef LOWTROPY_MATRIX_KERNELS_COLUMN_KERNELS_INL_H_
#else
#define LOWTROPY_MATRIX_KERNELS_COLUMN_KERNELS_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/epilogue-inl.h"
#include "lowtropy/matrix/kernels/kernels.h"
#include "lowtropy/matrix/kernels/unpack-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Floats of a part of X in the workspace.
HWY_INLINE size_t TileFloats() {
  return std::max(kBlockCols, size_t{1} << kSparseBlockBits) * TileStride();
}

// Columns [first, first + count) of X, as pieces that are contiguous in every row.
class Packer {
 public:
  Packer(const Columns& x, size_t first, size_t count) : x_(x), count_(count) {
    const size_t width = x.width == x.pitch ? x.count : x.width;
    for (size_t t = 0; t < count;) {
      const size_t in_run = (first + t) % width;
      const size_t length = std::min(count - t, width - in_run);
      pieces_[piece_count_++] = {t, (first + t) / width * x.pitch + in_run, length};
      t += length;
    }
  }

  // Writes rows [begin, end) of X. Lanes behind the last column become 0, for what lies there might
  // be numbers that are slow to compute with. Returns whether all are finite; where they are huge,
  // perhaps not although they are.
  bool Pack(size_t begin, size_t end, float* HWY_RESTRICT out) const {
    bool finite = true;
    for (size_t p = 0; p < piece_count_; ++p) finite &= CopyPiece(pieces_[p], begin, end, out);
    const size_t padded = (count_ + Lanes() - 1) / Lanes() * Lanes();
    if (count_ == padded) return finite;
    LOWTROPY_ROLLED
    for (size_t k = begin; k < end; ++k, out += TileStride()) {
      std::fill(out + count_, out + padded, 0.0F);
    }
    return finite;
  }

 private:
  struct Piece {
    size_t to;    // column of the tile
    size_t from;  // float of a row of X
    size_t count;
  };

  bool CopyPiece(const Piece& piece, size_t begin, size_t end, float* out) const {
    switch (piece.count < Lanes() ? 0 : (piece.count + Lanes() - 1) / Lanes()) {
      case 0:
        return CopyVectors<0>(piece, begin, end, out);
      case 1:
        return CopyVectors<1>(piece, begin, end, out);
      case 2:
        return CopyVectors<2>(piece, begin, end, out);
      case 3:
        return CopyVectors<3>(piece, begin, end, out);
      case 4:
        return CopyVectors<4>(piece, begin, end, out);
      case 5:
        return CopyVectors<5>(piece, begin, end, out);
      case 6:
        return CopyVectors<6>(piece, begin, end, out);
      default:
        return CopyVectors<kTileVectors>(piece, begin, end, out);
    }
  }

  // The last vector ends where the piece does, and overlaps the one before. Sums tell of what is
  // not finite, as they stay so: an addition beside each load and store takes no time.
  template <size_t kVectors>
  HWY_NOINLINE bool CopyVectors(const Piece& piece, size_t begin, size_t end,
                                float* HWY_RESTRICT out) const {
    const FloatTag d;
    const float* HWY_RESTRICT data = x_.data + piece.from;
    const size_t count = piece.count;
    out += piece.to;
    if constexpr (kVectors == 0) {
      float sum = 0;
      LOWTROPY_ROLLED
      for (size_t k = begin; k < end; ++k, out += TileStride()) {
        const float* row = data + x_.offset[k];
        LOWTROPY_ROLLED
        for (size_t i = 0; i < count; ++i) sum += out[i] = row[i];
      }
      return sum - sum == 0;
    } else {
      Vector sums[kVectors];
      for (size_t v = 0; v < kVectors; ++v) sums[v] = hn::Zero(d);
      LOWTROPY_ROLLED
      for (size_t k = begin; k < end; ++k, out += TileStride()) {
        const float* row = data + x_.offset[k];
        for (size_t v = 0; v < kVectors; ++v) {
          const size_t at = v + 1 < kVectors ? v * Lanes() : count - Lanes();
          const Vector in = hn::LoadU(d, row + at);
          hn::StoreU(in, d, out + at);
          sums[v] = hn::Add(sums[v], in);
        }
      }
      for (size_t v = 1; v < kVectors; ++v) sums[0] = hn::Add(sums[0], sums[v]);
      return hn::AllTrue(d, hn::Eq(hn::Sub(sums[0], sums[0]), hn::Zero(d)));
    }
  }

  const Columns& x_;
  size_t count_;
  Piece pieces_[kTileVectors * kMaxLanes];  // at most one a column
  size_t piece_count_ = 0;
};

// Where the sums of a tile go, and what is done to them.
struct TileTarget {
  float* data;  // the tile's first column of row 0 of W
  size_t row_stride;
  size_t last_lanes;  // columns in the tile's last vector
  bool first;         // the sums start here
  bool last;          // the sums end here
  const Epilogue* epilogue;
};

template <size_t kVectors>
HWY_INLINE void Begin(const TileTarget& y, size_t row, Vector (&acc)[kVectors]) {
  const FloatTag d;
  if (y.first) {
    for (size_t v = 0; v < kVectors; ++v) acc[v] = hn::Zero(d);
    return;
  }
  const float* from = y.data + row * y.row_stride;
  for (size_t v = 0; v + 1 < kVectors; ++v) acc[v] = hn::LoadU(d, from + v * Lanes());
  from += (kVectors - 1) * Lanes();
  if (y.last_lanes == Lanes()) {
    acc[kVectors - 1] = hn::LoadU(d, from);
    return;
  }
  HWY_ALIGN float lanes[kMaxLanes] = {};
  for (size_t i = 0; i < y.last_lanes; ++i) lanes[i] = from[i];
  acc[kVectors - 1] = hn::Load(d, lanes);
}

template <size_t kVectors>
HWY_INLINE void End(const TileTarget& y, size_t row, Vector (&acc)[kVectors]) {
  const FloatTag d;
  if (y.last) ApplyEpilogue(*y.epilogue, row, acc);
  float* to = y.data + row * y.row_stride;
  for (size_t v = 0; v + 1 < kVectors; ++v) hn::StoreU(acc[v], d, to + v * Lanes());
  to += (kVectors - 1) * Lanes();
  if (y.last_lanes == Lanes()) {
    hn::StoreU(acc[kVectors - 1], d, to);
    return;
  }
  HWY_ALIGN float lanes[kMaxLanes];
  hn::Store(acc[kVectors - 1], d, lanes);
  for (size_t i = 0; i < y.last_lanes; ++i) to[i] = lanes[i];
}

// ---- Lists ----

// Adds block `block` of every row of the group to its tile.
template <size_t kVectors>
HWY_NOINLINE void ListTile(const RowLists& lists, size_t block, const float* tile,
                           const TileTarget& y) {
  const FloatTag d;
  const auto* bytes = reinterpret_cast<const uint8_t*>(tile);
  for (size_t r = 0; r < lists.rows; ++r) {
    const float* value = lists.values + lists.Begin(r, block);
    const float* end = lists.values + lists.End(r, block);
    const uint16_t* offset = lists.offsets + lists.Begin(r, block);
    Vector acc[kVectors];
    Begin(y, lists.first_row + r, acc);
    for (; value != end; ++value, ++offset) {
      const auto* x = reinterpret_cast<const float*>(bytes + *offset);
      const Vector w = hn::Set(d, *value);
      for (size_t v = 0; v < kVectors; ++v) {
        acc[v] = hn::MulAdd(w, hn::LoadU(d, x + v * Lanes()), acc[v]);
      }
    }
    End(y, lists.first_row + r, acc);
  }
}

inline void MultiplyTile(const RowLists& lists, size_t block, size_t vectors, const float* tile,
                         const TileTarget& y) {
  switch (vectors) {
    case 7:
      return ListTile<7>(lists, block, tile, y);
    case 6:
      return ListTile<6>(lists, block, tile, y);
    case 5:
      return ListTile<5>(lists, block, tile, y);
    case 4:
      return ListTile<4>(lists, block, tile, y);
    case 3:
      return ListTile<3>(lists, block, tile, y);
    case 2:
      return ListTile<2>(lists, block, tile, y);
    default:
      return ListTile<1>(lists, block, tile, y);
  }
}

// ---- Dense ----

template <size_t kRows, size_t kVectors>
HWY_NOINLINE void DenseTile(const float* HWY_RESTRICT weights, size_t cols, size_t row,
                            const float* HWY_RESTRICT x, const TileTarget& y) {
  const FloatTag d;
  Vector acc[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r) Begin(y, row + r, acc[r]);
  for (size_t k = 0; k < cols; ++k, weights += kRows, x += TileStride()) {
    Vector in[kVectors];
    for (size_t v = 0; v < kVectors; ++v) in[v] = hn::LoadU(d, x + v * Lanes());
    for (size_t r = 0; r < kRows; ++r) {
      const Vector w = hn::Set(d, weights[r]);
      for (size_t v = 0; v < kVectors; ++v) acc[r][v] = hn::MulAdd(w, in[v], acc[r][v]);
    }
  }
  for (size_t r = 0; r < kRows; ++r) End(y, row + r, acc[r]);
}

template <size_t kVectors>
void MultiplyDense(const DenseBlock& w, const float* tile, const TileTarget& y) {
  size_t r = 0;
  for (; r + kDenseRows <= w.rows; r += kDenseRows) {
    DenseTile<kDenseRows, kVectors>(w.values + r * kBlockCols, w.cols, w.first_row + r, tile, y);
  }
  for (; r < w.rows; ++r) {
    DenseTile<1, kVectors>(w.values + r * kBlockCols, w.cols, w.first_row + r, tile, y);
  }
}

inline void MultiplyTile(const DenseBlock& w, size_t vectors, const float* tile,
                         const TileTarget& y) {
  switch (vectors) {
    case 4:
      return MultiplyDense<4>(w, tile, y);
    case 3:
      return MultiplyDense<3>(w, tile, y);
    case 2:
      return MultiplyDense<2>(w, tile, y);
    default:
      return MultiplyDense<1>(w, tile, y);
  }
}

// ---- Both ----

// Calls f(packer, vectors, target) for each tile of up to `most` vectors; all are about as wide,
// for narrow ones take nearly as long.
template <class F>
HWY_INLINE void ForEachTile(const Columns& x, const Output& y, const Epilogue& epilogue,
                            size_t most, F&& f) {
  for (size_t j = 0; j < x.count;) {
    const size_t left = (x.count - j + Lanes() - 1) / Lanes();
    const size_t tiles = (left + most - 1) / most;
    const size_t vectors = (left + tiles - 1) / tiles;
    const size_t count = std::min(vectors * Lanes(), x.count - j);
    const TileTarget target{.data = y.data + j,
                            .row_stride = y.row_stride,
                            .last_lanes = count - (vectors - 1) * Lanes(),
                            .first = true,
                            .last = true,
                            .epilogue = &epilogue};
    f(Packer(x, j, count), vectors, target);
    j += count;
  }
}

// Returns whether all of X is finite (see Pack); if not, Y is not what it should be.
inline HWY_NOINLINE bool MultiplyLists(const RowLists& w, const Columns& x, const Output& y,
                                       const Epilogue& epilogue, float* tile) {
  bool finite = true;
  ForEachTile(x, y, epilogue, RowLists::kVectors,
              [&](const Packer& packer, size_t vectors, TileTarget target) {
                for (size_t block = 0; block < w.blocks; ++block) {
                  const size_t first = block * w.block_cols;
                  finite &= packer.Pack(first, std::min(first + w.block_cols, w.cols), tile);
                  target.first = block == 0;
                  target.last = block + 1 == w.blocks;
                  MultiplyTile(w, block, vectors, tile, target);
                }
              });
  return finite;
}

inline HWY_NOINLINE void MultiplyBlock(const DenseBlock& w, size_t first_col, size_t cols,
                                       const Columns& x, const Output& y, const Epilogue& epilogue,
                                       float* tile) {
  ForEachTile(x, y, epilogue, DenseBlock::kVectors,
              [&](const Packer& packer, size_t vectors, TileTarget target) {
                packer.Pack(first_col, first_col + w.cols, tile);
                target.first = first_col == 0;
                target.last = first_col + w.cols == cols;
                MultiplyTile(w, vectors, tile, target);
              });
}

template <class Storage>
void DenseColumnProduct(const Storage& w, RowRange rows, const Columns& x, const Output& y,
                        const Epilogue& epilogue, float* workspace) {
  float* unpacked = workspace + TileFloats();
  for (size_t r = rows.begin; r < rows.end; r += kBlockRows) {
    const RowRange group{r, std::min(rows.end, r + kBlockRows)};
    for (size_t first = 0; first < w.cols; first += kBlockCols) {
      const size_t count = std::min(kBlockCols, w.cols - first);
      const DenseBlock block = DenseBlock::Of(Untyped(w), group, first, count, unpacked);
      MultiplyBlock(block, first, w.cols, x, y, epilogue, workspace);
    }
  }
}

template <class Storage>
inline constexpr bool kHasLists =
    Storage::kFeed == Feed::kLists || Storage::kFeed == Feed::kRowsOrLists;

template <class Storage>
void ColumnProduct(const Storage& w, RowRange rows, const Columns& x, const Output& y,
                   const Epilogue& epilogue, float* workspace) {
  DenseColumnProduct(w, rows, x, y, epilogue, workspace);
}

// Lists leave zeros out, so where X holds what is not finite their products are made again, with
// all elements.
template <class Storage>
requires kHasLists<Storage>
void ColumnProduct(const Storage& w, RowRange rows, const Columns& x, const Output& y,
                   const Epilogue& epilogue, float* workspace) {
  const double share = ListedShare(Untyped(w), w.cols, rows);
  if (share > 1) return DenseColumnProduct(w, rows, x, y, epilogue, workspace);
  const unsigned block_bits = share < kSparseShare ? kSparseBlockBits : kListBlockBits;
  auto* words = reinterpret_cast<uint32_t*>(workspace + TileFloats());
  for (size_t r = rows.begin; r < rows.end;) {
    const RowLists lists = RowLists::Place(Untyped(w), w.cols, {r, rows.end}, block_bits, words);
    const ListWriter out{lists.blocks, block_bits, lists.values, lists.offsets};
    WithTypes(w, [&](const auto& typed) {
      ListRows(typed, {r, r + lists.rows}, out, lists.starts);
    });
    if (!MultiplyLists(lists, x, y, epilogue, workspace)) {
      return DenseColumnProduct(w, {r, rows.end}, x, y, epilogue, workspace);
    }
    r += lists.rows;
  }
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_MATRIX_KERNELS_COLUMN_KERNELS_INL_H_
