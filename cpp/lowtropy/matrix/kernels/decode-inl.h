// SPDX-License-Identifier: Apache-2.0
// How kernels see the arrays: typed pointers instead of run-time widths, and palette codes
// unpacked. Included once for each instruction set, see kernels.cc.

#if defined(LOWTROPY_MATRIX_KERNELS_DECODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_MATRIX_KERNELS_DECODE_INL_H_
#undef LOWTROPY_MATRIX_KERNELS_DECODE_INL_H_
#else
#define LOWTROPY_MATRIX_KERNELS_DECODE_INL_H_
#endif

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "lowtropy/base/bits.h"
#include "lowtropy/matrix/formats/packed_codes.h"
#include "lowtropy/matrix/kernels/kernels.h"

// Unrolled, loops that wait for memory are no faster, and 10 KB more are downloaded.
#if defined(__clang__) && !defined(LOWTROPY_ROLLED)
#define LOWTROPY_ROLLED _Pragma("clang loop unroll(disable)")
#elif !defined(LOWTROPY_ROLLED)
#define LOWTROPY_ROLLED
#endif

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Column indices (and codes), read once an element, are typed by template: Cols and Codes are const
// uint8_t*, const uint16_t* or const uint32_t*, or Indices where speed does not matter. Pointers,
// read once a run or a row, are read through Array::Index, whose branch is always predicted: typing
// them as well would triple the code for no measured gain.
struct Indices {
  HWY_INLINE uint32_t operator[](size_t i) const { return array->Index(i); }
  const Array* array;
};

template <class Cols>
struct TypedCsr {
  HWY_INLINE float Value(size_t i) const { return values[i]; }
  HWY_INLINE uint32_t Col(size_t i) const { return col_i[i]; }
  size_t cols;
  const float* values;
  Cols col_i;
  const Array& row_ptr;
};

template <class Codes, class Cols>
struct TypedPcsr {
  HWY_INLINE float Value(size_t i) const { return omega[codes[i]]; }
  HWY_INLINE uint32_t Col(size_t i) const { return col_i[i]; }
  size_t cols;
  const float* omega;
  Codes codes;
  Cols col_i;
  const Array& row_ptr;
};

template <class Cols>
struct TypedCer {
  size_t cols;
  const float* omega;
  Cols col_i;
  const Array& omega_ptr;
  const Array& row_ptr;
};

template <class Cols>
struct TypedCser {
  size_t cols;
  const float* omega;
  Cols col_i;
  const Array& omega_ptr;
  const Array& omega_i;
  const Array& row_ptr;
};

// ---- What the listing formats have in common ----

// The value of all elements that are not listed.
template <class Cols>
HWY_INLINE float Common(const TypedCsr<Cols>&) {
  return 0.0F;
}
template <class Typed>
HWY_INLINE float Common(const Typed& w) {
  return w.omega[0];
}

// Positions in col_i.
struct ColumnRange {
  size_t begin;
  size_t end;
};

// Those of rows [rows.begin, rows.end).
template <class Typed>
HWY_INLINE ColumnRange Listed(const Typed& w, RowRange rows) {
  return {w.row_ptr.Index(rows.begin), w.row_ptr.Index(rows.end)};
}
template <class Cols>
HWY_INLINE ColumnRange Listed(const TypedCer<Cols>& w, RowRange rows) {
  return {w.omega_ptr.Index(w.row_ptr.Index(rows.begin)),
          w.omega_ptr.Index(w.row_ptr.Index(rows.end))};
}
template <class Cols>
HWY_INLINE ColumnRange Listed(const TypedCser<Cols>& w, RowRange rows) {
  return {w.omega_ptr.Index(w.row_ptr.Index(rows.begin)),
          w.omega_ptr.Index(w.row_ptr.Index(rows.end))};
}

// Calls f(value, column) for the listed elements of a row: by column in csr and pcsr, run by run in
// cer and cser.
template <class Typed, class F>
HWY_INLINE void ForEachListed(const Typed& w, size_t row, F&& f) {
  const size_t end = w.row_ptr.Index(row + 1);
  for (size_t i = w.row_ptr.Index(row); i < end; ++i) f(w.Value(i), w.Col(i));
}
template <class Cols, class F>
HWY_INLINE void ForEachListed(const TypedCer<Cols>& w, size_t row, F&& f) {
  const size_t first = w.row_ptr.Index(row);
  const size_t last = w.row_ptr.Index(row + 1);
  uint32_t i = w.omega_ptr.Index(first);
  for (size_t run = first; run < last; ++run) {
    const float value = w.omega[1 + run - first];
    for (const uint32_t end = w.omega_ptr.Index(run + 1); i < end; ++i) f(value, w.col_i[i]);
  }
}
template <class Cols, class F>
HWY_INLINE void ForEachListed(const TypedCser<Cols>& w, size_t row, F&& f) {
  const size_t last = w.row_ptr.Index(row + 1);
  size_t run = w.row_ptr.Index(row);
  uint32_t i = w.omega_ptr.Index(run);
  for (; run < last; ++run) {
    const float value = w.omega[w.omega_i.Index(run)];
    for (const uint32_t end = w.omega_ptr.Index(run + 1); i < end; ++i) f(value, w.col_i[i]);
  }
}

// The first of the ascending col_i[first, last) that is not below `col`.
template <class Cols>
HWY_INLINE size_t FirstFrom(const Cols& col_i, size_t first, size_t last, size_t col) {
  for (size_t count = last - first; count != 0;) {
    const size_t half = count / 2;
    const bool below = col_i[first + half] < col;
    first = below ? first + half + 1 : first;
    count = below ? count - half - 1 : half;
  }
  return first;
}

// The same for columns [begin, end).
template <class Cols, class F>
HWY_INLINE void ForEachBetween(const Cols& col_i, size_t first, size_t last, size_t begin,
                               size_t end, F&& f) {
  for (size_t i = FirstFrom(col_i, first, last, begin); i < last && col_i[i] < end; ++i) f(i);
}
template <class Typed, class F>
HWY_INLINE void ForEachListed(const Typed& w, size_t row, size_t begin, size_t end, F&& f) {
  ForEachBetween(w.col_i, w.row_ptr.Index(row), w.row_ptr.Index(row + 1), begin, end,
                 [&](size_t i) { f(w.Value(i), w.Col(i)); });
}
template <class Cols, class F>
HWY_INLINE void ForEachListed(const TypedCer<Cols>& w, size_t row, size_t begin, size_t end,
                              F&& f) {
  const size_t first = w.row_ptr.Index(row);
  const size_t last = w.row_ptr.Index(row + 1);
  for (size_t run = first; run < last; ++run) {
    ForEachBetween(w.col_i, w.omega_ptr.Index(run), w.omega_ptr.Index(run + 1), begin, end,
                   [&](size_t i) { f(w.omega[1 + run - first], w.col_i[i]); });
  }
}
template <class Cols, class F>
HWY_INLINE void ForEachListed(const TypedCser<Cols>& w, size_t row, size_t begin, size_t end,
                              F&& f) {
  const size_t last = w.row_ptr.Index(row + 1);
  for (size_t run = w.row_ptr.Index(row); run < last; ++run) {
    const float value = w.omega[w.omega_i.Index(run)];
    ForEachBetween(w.col_i, w.omega_ptr.Index(run), w.omega_ptr.Index(run + 1), begin, end,
                   [&](size_t i) { f(value, w.col_i[i]); });
  }
}

// Calls f with the array's elements as const uint8_t*, const uint16_t* or const uint32_t*.
template <class F>
HWY_INLINE void WithIndexType(const Array& array, F&& f) {
  switch (array.type()) {
    case DType::kU8:
      return f(static_cast<const uint8_t*>(array.data()));
    case DType::kU16:
      return f(static_cast<const uint16_t*>(array.data()));
    default:
      return f(static_cast<const uint32_t*>(array.data()));
  }
}

// The matrix with its index arrays as they are given.
template <class Cols>
TypedCsr<Cols> Typed(const Csr& w, Cols col_i) {
  return {w.cols, w.values.As<float>().data(), col_i, w.row_ptr};
}
template <class Codes, class Cols>
TypedPcsr<Codes, Cols> Typed(const Pcsr& w, Codes codes, Cols col_i) {
  return {w.cols, w.omega.As<float>().data(), codes, col_i, w.row_ptr};
}
template <class Cols>
TypedCer<Cols> Typed(const Cer& w, Cols col_i) {
  return {w.cols, w.omega.As<float>().data(), col_i, w.omega_ptr, w.row_ptr};
}
template <class Cols>
TypedCser<Cols> Typed(const Cser& w, Cols col_i) {
  return {w.cols, w.omega.As<float>().data(), col_i, w.omega_ptr, w.omega_i, w.row_ptr};
}

// Formats whose kernels are typed; others are as they are.
template <class Storage>
concept HasColumns = requires(const Storage& w) {
  w.col_i;
};

// Calls f with the matrix typed.
template <class Storage, class F>
void WithTypes(const Storage& w, F&& f) {
  f(w);
}
template <HasColumns Storage, class F>
void WithTypes(const Storage& w, F&& f) {
  WithIndexType(w.col_i, [&](auto col_i) { f(Typed(w, col_i)); });
}
template <class F>
void WithTypes(const Pcsr& w, F&& f) {
  if (w.codes.type() != DType::kU8) {  // more than 256 values: rare, and then small codes are too
    return f(Typed(w, Indices{&w.codes}, Indices{&w.col_i}));
  }
  const uint8_t* codes = w.codes.As<uint8_t>().data();
  WithIndexType(w.col_i, [&](auto col_i) { f(Typed(w, codes, col_i)); });
}

// Calls f with the matrix typed for products with x. `workspace` is of VectorScratch(w) floats.
template <class Storage, class F>
HWY_INLINE void WithInput(const Storage& w, const float* /*x*/, float* /*workspace*/, F&& f) {
  WithTypes(w, f);
}
template <class Storage>
size_t VectorScratch(const Storage&) {
  return 0;
}

// The matrix with its indices untyped.
template <class Storage>
const Storage& Untyped(const Storage& w) {
  return w;
}
template <HasColumns Storage>
auto Untyped(const Storage& w) {
  return Typed(w, Indices{&w.col_i});
}
inline auto Untyped(const Pcsr& w) { return Typed(w, Indices{&w.codes}, Indices{&w.col_i}); }

// ---- Packed codes ----

// Calls f(k, code) for codes [first, first + count) of a string of bits that ends at `end`.
template <size_t kBits, class F>
HWY_INLINE void DecodeBits(const uint8_t* HWY_RESTRICT bytes, const uint8_t* end, size_t first,
                           size_t count, F&& f) {
  constexpr uint64_t kMask = (1U << kBits) - 1;
  uint64_t bit = uint64_t{first} * kBits;
  size_t k = 0;
  // Eight codes and the up to 7 bits before them are at most 63 bits, or 64 where none are before.
  for (; k + 8 <= count; k += 8, bit += 8 * kBits) {
    const uint8_t* from = bytes + static_cast<size_t>(bit / 8);
    if (end - from < 8) break;
    uint64_t window;
    std::memcpy(&window, from, 8);
    window >>= bit % 8;
    for (size_t i = 0; i < 8; ++i) {
      f(k + i, static_cast<uint32_t>((window >> (i * kBits)) & kMask));
    }
  }
  for (; k < count; ++k) f(k, PackedCode(bytes, first + k, kBits));
}

// out[k] = values[code of k] for codes [first, first + count) of `bits` bits. Not inlined: eight
// widths of codes make eight unrolled loops.
inline HWY_NOINLINE void ReadPacked(const uint8_t* bytes, const uint8_t* end, unsigned bits,
                                    size_t first, size_t count, const float* HWY_RESTRICT values,
                                    float* HWY_RESTRICT out) {
  const auto put = [&](size_t k, uint32_t code) { out[k] = values[code]; };
  switch (bits) {
    case 1:
      return DecodeBits<1>(bytes, end, first, count, put);
    case 2:
      return DecodeBits<2>(bytes, end, first, count, put);
    case 3:
      return DecodeBits<3>(bytes, end, first, count, put);
    case 4:
      return DecodeBits<4>(bytes, end, first, count, put);
    case 5:
      return DecodeBits<5>(bytes, end, first, count, put);
    case 6:
      return DecodeBits<6>(bytes, end, first, count, put);
    case 7:
      return DecodeBits<7>(bytes, end, first, count, put);
    default:
      return DecodeBits<8>(bytes, end, first, count, put);
  }
}

// The values of columns [first, first + count) of a row, of formats that feed rows; `first` is a
// multiple of 16.
inline void ReadValues(const Dense& w, size_t row, size_t first, size_t count, float* out) {
  std::copy_n(w.values.As<float>().data() + row * w.cols + first, count, out);
}

inline void ReadValues(const Palette& w, size_t row, size_t first, size_t count, float* out) {
  const float* values = w.omega.As<float>().data();
  if (w.codes.type() != DType::kU8) {
    for (size_t k = 0; k < count; ++k) out[k] = values[w.codes.Index(row * w.cols + first + k)];
    return;
  }
  const std::span<const uint8_t> bytes = w.codes.As<uint8_t>();
  ReadPacked(bytes.data() + row * w.row_bytes(), bytes.data() + bytes.size(), w.bits(), first,
             count, values, out);
}

// ---- Grid ----

// A grid's codes, sixteen at a time, made numbers by few instructions: two bytes that hold a code
// go to each 16-bit lane, where all bits but the code's are cleared. As the low half of a float32
// whose high half is that of 2^23 the lane is 2^23 + code · 2^shift, from which 2^23 + zero ·
// 2^shift is subtracted, exactly. Shifts repeat every eight columns, for then a whole number of
// bytes is over. Extending lanes and converting them, with the zero subtracted before, took 3.5
// times as long.
struct TypedGrid {
  static constexpr size_t kGroup = 16;  // columns, whose codes are in 16 bytes or fewer

  explicit TypedGrid(const Grid& w);

  size_t GroupBytes() const { return 2 * size_t{steps.bits}; }
  size_t Groups() const { return (cols + kGroup - 1) / kGroup; }

  size_t cols;
  Grid::Steps steps;
  const uint8_t* codes;
  const uint8_t* end;
  size_t row_bytes;
  HWY_ALIGN uint8_t bytes[2][16];
  HWY_ALIGN uint16_t mask[8];
  HWY_ALIGN float zero[8];
  HWY_ALIGN float unshift[8];  // 2^-shift
};

inline HWY_NOINLINE TypedGrid::TypedGrid(const Grid& w)
    : cols(w.cols),
      steps(w.steps()),
      codes(w.codes.As<uint8_t>().data()),
      end(codes + w.codes.size()),
      row_bytes(Grid::RowBytes(steps.bits, w.cols)) {
  LOWTROPY_ROLLED
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned bit = i * steps.bits;
    bytes[i / 8][2 * (i % 8)] = static_cast<uint8_t>(bit / 8);
    bytes[i / 8][2 * (i % 8) + 1] = static_cast<uint8_t>(std::min(bit / 8 + 1, 15U));
    const unsigned shift = bit % 8;
    mask[i % 8] = static_cast<uint16_t>(((1U << steps.bits) - 1) << shift);
    zero[i % 8] = static_cast<float>((1U << 23) + (steps.zero << shift));
    unshift[i % 8] = 1 / static_cast<float>(1U << shift);
  }
}

inline TypedGrid Untyped(const Grid& w) { return TypedGrid(w); }

// What a loop over groups keeps in registers.
class GridLoop {
 public:
  using Floats = hwy::HWY_NAMESPACE::Vec128<float>;

  HWY_INLINE explicit GridLoop(const TypedGrid& w)
      : bytes0_(hn::Load(hn::Full128<uint8_t>(), w.bytes[0])),
        bytes1_(hn::Load(hn::Full128<uint8_t>(), w.bytes[1])),
        mask_(hn::Load(hn::Full128<uint16_t>(), w.mask)),
        zero0_(hn::Load(hn::Full128<float>(), w.zero)),
        zero1_(hn::Load(hn::Full128<float>(), w.zero + 4)) {}

  // (code - zero) · 2^shift of the group's columns. Reads 16 bytes.
  HWY_INLINE void Unpack(const uint8_t* group, Floats (&out)[4]) const {
    const hn::Full128<uint16_t> d16;
    const hn::Full128<float> d;
    const auto high = hn::Set(d16, uint16_t{0x4B00});  // of 2^23
    const auto packed = hn::LoadU(hn::Full128<uint8_t>(), group);
    const auto codes0 = hn::And(hn::BitCast(d16, Shuffle(packed, bytes0_)), mask_);
    const auto codes1 = hn::And(hn::BitCast(d16, Shuffle(packed, bytes1_)), mask_);
    out[0] = hn::Sub(hn::BitCast(d, hn::InterleaveLower(d16, codes0, high)), zero0_);
    out[1] = hn::Sub(hn::BitCast(d, hn::InterleaveUpper(d16, codes0, high)), zero1_);
    out[2] = hn::Sub(hn::BitCast(d, hn::InterleaveLower(d16, codes1, high)), zero0_);
    out[3] = hn::Sub(hn::BitCast(d, hn::InterleaveUpper(d16, codes1, high)), zero1_);
  }

 private:
  using Bytes = hwy::HWY_NAMESPACE::Vec128<uint8_t>;

  // Highway has loops for this in WebAssembly, from before all engines had the instruction.
  static HWY_INLINE Bytes Shuffle(Bytes bytes, Bytes from) {
#ifdef __wasm__
    return Bytes{wasm_i8x16_swizzle(bytes.raw, from.raw)};
#else
    return hn::TableLookupBytes(bytes, from);
#endif
  }

  Bytes bytes0_;
  Bytes bytes1_;
  hwy::HWY_NAMESPACE::Vec128<uint16_t> mask_;
  Floats zero0_;
  Floats zero1_;
};

// Writes whole groups: up to kGroup - 1 floats beyond the last column.
inline HWY_NOINLINE void ReadValues(const TypedGrid& w, size_t row, size_t first, size_t count,
                                    float* HWY_RESTRICT out) {
  const hn::Full128<float> d;
  const GridLoop loop(w);
  const auto step = hn::Set(d, w.steps.scale);
  const auto scale0 = hn::Mul(hn::Load(d, w.unshift), step);
  const auto scale1 = hn::Mul(hn::Load(d, w.unshift + 4), step);
  const uint8_t* from = w.codes + row * w.row_bytes + first / 8 * w.steps.bits;
  LOWTROPY_ROLLED
  for (size_t k = 0; k < count; k += TypedGrid::kGroup, from += w.GroupBytes()) {
    uint8_t last[16] = {};
    const uint8_t* group = from;
    if (HWY_UNLIKELY(w.end - from < 16)) {
      std::memcpy(last, from, static_cast<size_t>(w.end - from));
      group = last;
    }
    GridLoop::Floats steps[4];
    loop.Unpack(group, steps);
    hn::StoreU(hn::Mul(steps[0], scale0), d, out + k);
    hn::StoreU(hn::Mul(steps[1], scale1), d, out + k + 4);
    hn::StoreU(hn::Mul(steps[2], scale0), d, out + k + 8);
    hn::StoreU(hn::Mul(steps[3], scale1), d, out + k + 12);
  }
}

// A grid with an input whose elements are times 2^-shift and a power of two that takes the largest
// of them to 2^80: sums of products with code - zero overflow as little as they would have, and
// both shifts and the scale come to a row's sum alone. Exact, unless an element becomes denormal,
// for it is 2^199 times smaller than another: then `scaled` is null.
struct GridInput {
  GridInput(const Grid& w, const float* x, float* workspace);

  TypedGrid grid;
  const float* scaled;  // with zeros up to a whole group
  uint8_t* copy;        // of a row behind which there are no 16 bytes to read
  double scale;         // of sums of products
};

// Of a group 16 floats and up to 16 bytes of the copy, which is 16 bytes longer than its row.
inline size_t VectorScratch(const Grid& w) {
  return ((w.cols + TypedGrid::kGroup - 1) / TypedGrid::kGroup) * 20 + 4;
}

inline HWY_NOINLINE GridInput::GridInput(const Grid& w, const float* x, float* workspace)
    : grid(w), scaled(workspace) {
  const size_t padded = grid.Groups() * TypedGrid::kGroup;
  copy = reinterpret_cast<uint8_t*>(workspace + padded);
  float largest = FLT_MIN;
  LOWTROPY_ROLLED
  for (size_t k = 0; k < grid.cols; ++k) {
    const float size = std::fabs(x[k]);
    if (size > largest && size <= FLT_MAX) largest = size;
  }
  const uint32_t exponent = Bits(largest) & 0x7F800000;
  float power;
  std::memcpy(&power, &exponent, sizeof power);
  const double unit = 0x1p80 / double{power};
  scale = double{grid.steps.scale} / unit;
  std::fill_n(workspace, padded, 0.0F);
  LOWTROPY_ROLLED
  for (size_t k = 0; k < grid.cols; ++k) {
    const auto value = static_cast<float>(double{x[k]} * (unit * double{grid.unshift[k % 8]}));
    if (std::fabs(value) < FLT_MIN && x[k] != 0) scaled = nullptr;
    workspace[k] = value;
  }
}

template <class F>
HWY_INLINE void WithInput(const Grid& w, const float* x, float* workspace, F&& f) {
  f(GridInput(w, x, workspace));
}

inline HWY_NOINLINE float RowProduct(const GridInput& w, size_t row, const float* HWY_RESTRICT x) {
  const hn::Full128<float> d;
  const size_t groups = w.grid.Groups();
  if (w.scaled == nullptr) {
    HWY_ALIGN float values[TypedGrid::kGroup];
    float total = 0;
    for (size_t k = 0; k < w.grid.cols; ++k) {
      const size_t at = k % TypedGrid::kGroup;
      if (at == 0) ReadValues(w.grid, row, k, 1, values);
      total += values[at] * x[k];
    }
    return total;
  }
  const uint8_t* group = w.grid.codes + row * w.grid.row_bytes;
  if (static_cast<size_t>(w.grid.end - group) < groups * w.grid.GroupBytes() + 16) {
    group = static_cast<const uint8_t*>(std::memcpy(w.copy, group, w.grid.row_bytes));
  }
  const GridLoop loop(w.grid);
  auto s0 = hn::Zero(d);
  auto s1 = hn::Zero(d);
  auto s2 = hn::Zero(d);
  auto s3 = hn::Zero(d);
  const float* HWY_RESTRICT in = w.scaled;
  const float* end = in + groups * TypedGrid::kGroup;
  LOWTROPY_ROLLED
  for (; in != end; in += TypedGrid::kGroup, group += w.grid.GroupBytes()) {
    GridLoop::Floats steps[4];
    loop.Unpack(group, steps);
    s0 = hn::MulAdd(steps[0], hn::LoadU(d, in), s0);
    s1 = hn::MulAdd(steps[1], hn::LoadU(d, in + 4), s1);
    s2 = hn::MulAdd(steps[2], hn::LoadU(d, in + 8), s2);
    s3 = hn::MulAdd(steps[3], hn::LoadU(d, in + 12), s3);
  }
  const auto sum = hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
  return static_cast<float>(double{hn::GetLane(sum)} * w.scale);
}

// ---- Mask ----

// The values of listed elements [first, first + count).
inline void ReadValues(const Mask& w, size_t first, size_t count, float* out) {
  const float* values = w.omega.As<float>().data() + 1;
  if (w.codes.type() != DType::kU8) {
    for (size_t k = 0; k < count; ++k) out[k] = values[w.codes.Index(first + k)];
    return;
  }
  const std::span<const uint8_t> bytes = w.codes.As<uint8_t>();
  ReadPacked(bytes.data(), bytes.data() + bytes.size(), w.bits(), first, count, values, out);
}

// Columns of a row whose values are read at a time.
constexpr size_t kMaskChunk = 256;

// 64 bits of a row's mask, from byte `at` on.
HWY_INLINE uint64_t MaskWord(const uint8_t* row, size_t row_bytes, size_t at) {
  uint64_t word = 0;
  if (row_bytes - at >= 8) {
    std::memcpy(&word, row + at, 8);
  } else {
    for (size_t i = at; i < row_bytes; ++i) word |= uint64_t{row[i]} << (8 * (i - at));
  }
  return word;
}

// How many elements of a row are listed in bytes [begin, end) of its mask; `begin` is a multiple of
// 8, and `end` is one or the row's end.
HWY_INLINE size_t CountListed(const uint8_t* row, size_t row_bytes, size_t begin, size_t end) {
  size_t count = 0;
  for (size_t at = begin; at < end; at += 8) {
    count += hwy::PopCount(MaskWord(row, row_bytes, at));
  }
  return count;
}

// Calls f(values, columns, count) for the listed elements of columns [begin, end), up to kMaskChunk
// at a time; `begin` is a multiple of kMaskChunk.
template <class F>
HWY_INLINE void ForEachChunk(const Mask& w, size_t row, size_t begin, size_t end, F&& f) {
  HWY_ALIGN float values[kMaskChunk];
  uint32_t columns[kMaskChunk];
  const uint8_t* bits = w.MaskOf(row);
  const size_t row_bytes = w.row_bytes();
  size_t at = w.row_ptr.Index(row) + CountListed(bits, row_bytes, 0, begin / 8);
  for (size_t first = begin; first < end; first += kMaskChunk) {
    size_t count = 0;
    for (size_t byte = first / 8; byte < std::min(first / 8 + kMaskChunk / 8, row_bytes);
         byte += 8) {
      for (uint64_t word = MaskWord(bits, row_bytes, byte); word != 0; word &= word - 1) {
        columns[count++] =
            static_cast<uint32_t>(8 * byte + hwy::Num0BitsBelowLS1Bit_Nonzero64(word));
      }
    }
    ReadValues(w, at, count, values);
    f(values, columns, count);
    at += count;
  }
}

HWY_INLINE float Common(const Mask& w) { return w.omega.As<float>()[0]; }

template <class F>
HWY_INLINE void ForEachListed(const Mask& w, size_t row, size_t begin, size_t end, F&& f) {
  ForEachChunk(w, row, begin, end, [&](const float* values, const uint32_t* columns, size_t count) {
    for (size_t i = 0; i < count; ++i) f(values[i], columns[i]);
  });
}
template <class F>
HWY_INLINE void ForEachListed(const Mask& w, size_t row, F&& f) {
  ForEachListed(w, row, 0, w.cols, f);
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_MATRIX_KERNELS_DECODE_INL_H_
