// SPDX-License-Identifier: Apache-2.0
// y = W · x for `blocks`. Included once for each instruction set, see kernels.cc.
//
// The products of a block's inputs with all values fill a table of 16 or 32 KB, of K · B floats;
// then an element is an index, a load and an addition, and a third of the bytes of csr's. Bound by
// the loads, of which those from all over a table that fills most of the first cache take most of
// the time: more sums at once (V8 spills eight), sums of pairs, longer loops and loops unrolled for
// each number of units were no faster.

#if defined(LOWTROPY_MATRIX_KERNELS_TABLE_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_MATRIX_KERNELS_TABLE_KERNEL_INL_H_
#undef LOWTROPY_MATRIX_KERNELS_TABLE_KERNEL_INL_H_
#else
#define LOWTROPY_MATRIX_KERNELS_TABLE_KERNEL_INL_H_
#endif

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "lowtropy/matrix/kernels/kernels.h"
#include "lowtropy/matrix/kernels/vector_kernels-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A product's table: entry 0 is 0, entry v · B + j the product of value v and input j of the block.
#if defined(__wasm__) && !defined(__wasm_atomics__)
// Without threads there is room for just one, whose address is part of the loads: an addition less
// an element, and a tenth of the time or more. (The compiler makes it so only where the sum
// provably does not wrap around, which of a variable's address it cannot know: by hand, then. In a
// workspace nothing was as fast: the plain addition, a shift and an addition in one instruction
// with two units a load.) With threads, and natively, it is in the workspace.
extern "C" {
extern float lowtropy_table[size_t{1} << Blocks::kTableBits];
HWY_ALIGN float lowtropy_table[size_t{1} << Blocks::kTableBits];
}

struct Table {
  static constexpr size_t kWorkspace = 0;
  explicit Table(float*) {}

  HWY_INLINE float At(size_t byte_offset) const {
    float entry;
    // The compiler does not see that it reads what Fill() wrote: nothing may be moved past it.
    asm volatile("local.get %1\n\tf32.load lowtropy_table\n\tlocal.set %0"
                 : "=r"(entry)
                 : "r"(byte_offset)
                 : "memory");
    return entry;
  }

  float* const entries = lowtropy_table;
};
#else
struct Table {
  static constexpr size_t kWorkspace = size_t{1} << Blocks::kTableBits;
  explicit Table(float* workspace) : entries(workspace) {}

  HWY_INLINE float At(size_t byte_offset) const {
    return *reinterpret_cast<const float*>(reinterpret_cast<const char*>(entries) + byte_offset);
  }

  float* const entries;
};
#endif

// `count` inputs of a block of 2^bits, and the values but the first.
inline HWY_NOINLINE void FillTable(std::span<const float> omega, unsigned bits, const float* x,
                                   size_t count, Table table) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  table.entries[0] = 0.0F;
  for (size_t v = 1; v < omega.size(); ++v) {
    float* row = table.entries + (v << bits);
    const auto value = hn::Set(d, omega[v]);
    size_t j = 0;
    for (; j + lanes <= count; j += lanes)
      hn::StoreU(hn::Mul(value, hn::LoadU(d, x + j)), d, row + j);
    for (; j < count; ++j) row[j] = omega[v] * x[j];
  }
}

// The sum of a row's entries: `units` pairs of indices of 12 bits, each in 3 bytes. Reads one byte
// beyond them.
HWY_INLINE float SumPacked(Table table, const uint8_t* at, uint32_t units) {
  float s0 = 0;
  float s1 = 0;
  float s2 = 0;
  float s3 = 0;
  const uint8_t* end = at + 3 * size_t{units};
  const auto load = [](const uint8_t* from) {
    uint32_t pair;
    std::memcpy(&pair, from, 4);
    return pair;
  };
  if (units % 2 != 0) {  // the same for a whole class: predicted
    const uint32_t pair = load(at);
    s0 = table.At((pair << 2) & 0x3FFC);
    s1 = table.At((pair >> 10) & 0x3FFC);
    at += 3;
  }
  for (; at != end; at += 6) {
    const uint32_t first = load(at);
    const uint32_t second = load(at + 3);
    s0 += table.At((first << 2) & 0x3FFC);
    s1 += table.At((first >> 10) & 0x3FFC);
    s2 += table.At((second << 2) & 0x3FFC);
    s3 += table.At((second >> 10) & 0x3FFC);
  }
  return (s0 + s1) + (s2 + s3);
}

// The same for units of two indices of 16 bits, times four each; two units a load (7 % faster than
// an index a load, which has to be multiplied).
HWY_INLINE float SumWide(Table table, const uint16_t* at, uint32_t units) {
  float s0 = 0;
  float s1 = 0;
  float s2 = 0;
  float s3 = 0;
  const uint16_t* end = at + 2 * size_t{units};
  const auto add_two_units = [&](const uint16_t* from) HWY_ATTR {
    uint64_t four;
    std::memcpy(&four, from, 8);
    const auto first = static_cast<uint32_t>(four);
    const auto second = static_cast<uint32_t>(four >> 32);
    s0 += table.At(first & 0xFFFF);
    s1 += table.At(first >> 16);
    s2 += table.At(second & 0xFFFF);
    s3 += table.At(second >> 16);
  };
  if (units % 2 != 0) {
    s0 = table.At(at[0]);
    s1 = table.At(at[1]);
    at += 2;
  }
  if (units % 4 >= 2) {
    add_two_units(at);
    at += 4;
  }
  for (; at != end; at += 8) {
    add_two_units(at);
    add_two_units(at + 4);
  }
  return (s0 + s1) + (s2 + s3);
}

// One class: `count` lists of `units` units, of `stride` codes each, for these rows.
template <auto kSum, class Codes, class RowI>
HWY_INLINE void AddClass(Table table, const Codes* HWY_RESTRICT codes, const RowI* HWY_RESTRICT row,
                         uint32_t count, uint32_t units, size_t stride, float* HWY_RESTRICT y) {
  for (const RowI* end = row + count; row != end; ++row, codes += stride) {
    y[*row] += kSum(table, codes, units);
  }
}

template <class RowI>
HWY_NOINLINE void AddRows(Table table, const uint8_t* codes, const RowI* row, uint32_t count,
                          uint32_t units, float* y) {
  AddClass<SumPacked>(table, codes, row, count, units, 3 * size_t{units}, y);
}

template <class RowI>
HWY_NOINLINE void AddRows(Table table, const uint16_t* codes, const RowI* row, uint32_t count,
                          uint32_t units, float* y) {
  AddClass<SumWide>(table, codes, row, count, units, 2 * size_t{units}, y);
}

// The last list of a matrix whose indices are packed, behind which there may be no byte to read.
inline HWY_NOINLINE void AddLast(Table table, const Blocks& w, uint32_t units, float* y) {
  const size_t row = w.row_i.Index(w.row_i.size() - 1);
  const size_t end = w.index_count();
  for (size_t i = end - 2 * size_t{units}; i < end; ++i) y[row] += table.entries[w.IndexAt(i)];
}

inline HWY_NOINLINE void AddTables(const Blocks& w, const float* x, float* y, Table table) {
  const unsigned bits = w.layout().block_bits;
  const bool packed = w.codes.type() == DType::kU8;
  size_t list = 0;  // that is next, and its first index
  size_t index = 0;
  const auto add = [&](const auto* codes, uint32_t count, uint32_t units) HWY_ATTR {
    WithIndexType(w.row_i, [&](const auto* row_i)
                               HWY_ATTR { AddRows(table, codes, row_i + list, count, units, y); });
  };
  size_t at = 0;
  for (size_t first = 0; at < w.classes.size(); first += size_t{1} << bits, ++at) {
    FillTable(w.omega.As<float>(), bits, x + first, std::min(size_t{1} << bits, w.cols - first),
              table);
    for (; w.classes.Index(at) != 0; at += 2) {
      const uint32_t units = w.classes.Index(at);
      const uint32_t count = w.classes.Index(at + 1);
      if (packed) {
        const bool last = list + count == w.row_i.size();
        add(w.codes.As<uint8_t>().data() + index / 2 * 3, last ? count - 1 : count, units);
        if (last) AddLast(table, w, units, y);
      } else {
        add(w.codes.As<uint16_t>().data() + index, count, units);
      }
      list += count;
      index += 2 * size_t{units} * count;
    }
  }
}

// Any rows, any number of values, a most frequent one other than 0, or inputs that are not finite:
// block by block with all elements. Not by the decomposition, see ShiftedRowProduct.
inline HWY_NOINLINE void AddDenseBlocks(const Blocks& w, RowRange rows, const float* x, bool finite,
                                        float* y) {
  constexpr size_t kRows = 32768;  // whose lists are marked at a time
  const float* omega = w.omega.As<float>().data();
  const bool unlisted_count = omega[0] != 0.0F || !finite;
  const unsigned bits = w.layout().block_bits;
  const size_t width = size_t{1} << bits;
  HWY_ALIGN float values[size_t{1} << 12];
  for (size_t begin = rows.begin; begin < rows.end; begin += kRows) {
    const size_t end = std::min(begin + kRows, rows.end);
    std::bitset<kRows> listed;
    size_t current = 0;
    const auto finish = [&](size_t block) {  // rows without a list in it
      if (unlisted_count) {
        const size_t count = std::min(width, w.cols - block * width);
        std::fill_n(values, count, omega[0]);
        const float sum = DotProduct(values, x + block * width, count);
        for (size_t r = begin; r < end; ++r) y[r] += listed[r - begin] ? 0.0F : sum;
      }
      listed.reset();
    };
    w.ForEachList([&](size_t block, uint32_t row, size_t first, uint32_t units) {
      for (; current < block; ++current) finish(current);
      if (row < begin || row >= end) return;
      listed.set(row - begin);
      const size_t count = std::min(width, w.cols - block * width);
      std::fill_n(values, count, omega[0]);
      for (size_t i = first; i < first + 2 * size_t{units}; ++i) {
        const uint32_t index = w.IndexAt(i);
        if (index != 0) values[index & (width - 1)] = omega[index >> bits];
      }
      y[row] += DotProduct(values, x + block * width, count);
    });
    for (; current * width < w.cols; ++current) finish(current);
  }
}

inline size_t VectorScratch(const Blocks&) { return Table::kWorkspace; }

inline void VectorProduct(const Blocks& w, RowRange rows, const float* x, float* y,
                          float* workspace) {
  std::fill(y + rows.begin, y + rows.end, 0.0F);
  const bool fits = Blocks::HasTable(w.omega.size(), w.layout());
  const bool finite = AllFinite(x, w.cols);
  if (fits && finite && w.omega.As<float>()[0] == 0.0F && rows.end - rows.begin == w.rows) {
    AddTables(w, x, y, Table(workspace));
  } else {
    AddDenseBlocks(w, rows, x, finite, y);
  }
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_MATRIX_KERNELS_TABLE_KERNEL_INL_H_
