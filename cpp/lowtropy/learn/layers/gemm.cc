// SPDX-License-Identifier: Apache-2.0
//
// Eigen's products, the only place where they are compiled: each use of one elsewhere would add
// some 10 KB to what a page downloads.
//
// They are called for tiles, so that the copies that Eigen makes of both operands (m·k and k·n
// floats) always fit on the stack and nothing is allocated. That costs nothing: 24 to 33 GFLOP/s as
// WebAssembly on a core of an EPYC 9005, with tiles or without. And the tiles are no longer than
// what Eigen would leave in one piece with 16 KB of cache. So sums run in one order, and x86-64
// without FMA and WebAssembly give the same bits.

// 256 KB: a tile of A and one of B, on the 1 MB that a WebAssembly module has.
#define EIGEN_STACK_ALLOCATION_LIMIT (1 << 18)
#define EIGEN_DONT_PARALLELIZE

// Emscripten's SSE is that of a 32-bit machine, for which Eigen would use blocks of 4 x 4 instead
// of 12 x 4 sums. Engines run on machines with 16 registers and more.
#ifdef __EMSCRIPTEN__
#define EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS 16
#endif

#include "lowtropy/learn/layers/gemm.h"

#include <Eigen/Core>
#include <algorithm>

namespace lowtropy {
namespace {

constexpr size_t kTileM = 64;
constexpr size_t kTileN = 192;
constexpr size_t kTileK = 240;

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;

auto View(ConstBlock block, size_t row, size_t column, size_t rows, size_t columns) {
  return Eigen::Map<const RowMajor, 0, Stride>(
      block.data + row * block.stride + column, static_cast<Eigen::Index>(rows),
      static_cast<Eigen::Index>(columns), Stride(static_cast<Eigen::Index>(block.stride)));
}

auto View(Block block, size_t row, size_t column, size_t rows, size_t columns) {
  return Eigen::Map<RowMajor, 0, Stride>(
      block.data + row * block.stride + column, static_cast<Eigen::Index>(rows),
      static_cast<Eigen::Index>(columns), Stride(static_cast<Eigen::Index>(block.stride)));
}

void Clear(const ProductShape& shape, Block c) {
  for (size_t i = 0; i < shape.m; ++i) std::fill_n(c.data + i * c.stride, shape.n, 0.0F);
}

struct Tile {
  size_t i, j, l;  // where it starts in m, n, k
  size_t m, n, k;  // its size
};

// Calls product(tile) for every tile. Those of one part of C follow each other along k.
template <class F>
void ForTiles(const ProductShape& shape, Block c, const F& product) {
  if (!shape.add) Clear(shape, c);
  for (size_t i = 0; i < shape.m; i += kTileM) {
    const size_t m = std::min(kTileM, shape.m - i);
    for (size_t j = 0; j < shape.n; j += kTileN) {
      const size_t n = std::min(kTileN, shape.n - j);
      for (size_t l = 0; l < shape.k; l += kTileK) {
        product(Tile{i, j, l, m, n, std::min(kTileK, shape.k - l)});
      }
    }
  }
}

}  // namespace

void Multiply(const ProductShape& shape, ConstBlock a, ConstBlock b, Block c) {
  ForTiles(shape, c, [&](const Tile& t) {
    View(c, t.i, t.j, t.m, t.n).noalias() += View(a, t.i, t.l, t.m, t.k) *  //
                                             View(b, t.l, t.j, t.k, t.n);
  });
}

void MultiplyByTransposed(const ProductShape& shape, ConstBlock a, ConstBlock b, Block c) {
  ForTiles(shape, c, [&](const Tile& t) {
    View(c, t.i, t.j, t.m, t.n).noalias() += View(a, t.i, t.l, t.m, t.k) *  //
                                             View(b, t.j, t.l, t.n, t.k).transpose();
  });
}

void MultiplyTransposed(const ProductShape& shape, ConstBlock a, ConstBlock b, Block c) {
  ForTiles(shape, c, [&](const Tile& t) {
    View(c, t.i, t.j, t.m, t.n).noalias() += View(a, t.l, t.i, t.k, t.m).transpose() *  //
                                             View(b, t.l, t.j, t.k, t.n);
  });
}

}  // namespace lowtropy
