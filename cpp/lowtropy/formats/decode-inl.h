// SPDX-License-Identifier: Apache-2.0
// How kernels see the arrays: typed pointers instead of run-time widths, and palette codes
// unpacked. Included once for each instruction set, see kernels.cc.

#if defined(LOWTROPY_FORMATS_DECODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LOWTROPY_FORMATS_DECODE_INL_H_
#undef LOWTROPY_FORMATS_DECODE_INL_H_
#else
#define LOWTROPY_FORMATS_DECODE_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"
#include "lowtropy/formats/matrix.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {

// Column indices (and codes), read once an element, are typed by template; pointers, read once a
// run or a row, are read through Array::Index, whose branch is always predicted: typing them as
// well would triple the code for no measured gain.
template <class ColT>
struct TypedCsr {
  HWY_INLINE float Value(size_t i) const { return values[i]; }
  HWY_INLINE uint32_t Col(size_t i) const { return col_i[i]; }
  const float* values;
  const ColT* col_i;
  const Array& row_ptr;
};

template <class CodeT, class ColT>
struct TypedPcsr {
  HWY_INLINE float Value(size_t i) const { return omega[codes[i]]; }
  HWY_INLINE uint32_t Col(size_t i) const { return col_i[i]; }
  const float* omega;
  const CodeT* codes;
  const ColT* col_i;
  const Array& row_ptr;
};

template <class ColT>
struct TypedCer {
  const float* omega;
  const ColT* col_i;
  const Array& omega_ptr;
  const Array& row_ptr;
};

template <class ColT>
struct TypedCser {
  const float* omega;
  const ColT* col_i;
  const Array& omega_ptr;
  const Array& omega_i;
  const Array& row_ptr;
};

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

template <class F>
void WithTypes(const Csr& w, F&& f) {
  WithIndexType(w.col_i, [&]<class ColT>(const ColT* col_i) {
    f(TypedCsr<ColT>{w.values.As<float>().data(), col_i, w.row_ptr});
  });
}

template <class F>
void WithTypes(const Pcsr& w, F&& f) {
  WithIndexType(w.codes, [&]<class CodeT>(const CodeT* codes) {
    WithIndexType(w.col_i, [&]<class ColT>(const ColT* col_i) {
      f(TypedPcsr<CodeT, ColT>{w.omega.As<float>().data(), codes, col_i, w.row_ptr});
    });
  });
}

template <class F>
void WithTypes(const Cer& w, F&& f) {
  WithIndexType(w.col_i, [&]<class ColT>(const ColT* col_i) {
    f(TypedCer<ColT>{w.omega.As<float>().data(), col_i, w.omega_ptr, w.row_ptr});
  });
}

template <class F>
void WithTypes(const Cser& w, F&& f) {
  WithIndexType(w.col_i, [&]<class ColT>(const ColT* col_i) {
    f(TypedCser<ColT>{w.omega.As<float>().data(), col_i, w.omega_ptr, w.omega_i, w.row_ptr});
  });
}

// Eight codes of kBits bits fill kBits bytes: they are read as one little-endian number.
template <size_t kBits, class F>
HWY_INLINE void DecodePacked(const uint8_t* HWY_RESTRICT bytes, size_t count, F&& f) {
  constexpr uint64_t kMask = (1U << kBits) - 1;
  size_t k = 0;
  for (; k + 8 <= count; k += 8, bytes += kBits) {
    uint64_t window = 0;
    std::memcpy(&window, bytes, kBits);
    for (size_t i = 0; i < 8; ++i) {
      f(k + i, static_cast<uint32_t>((window >> (i * kBits)) & kMask));
    }
  }
  if (k == count) return;
  uint64_t window = 0;
  std::memcpy(&window, bytes, ((count - k) * kBits + 7) / 8);
  for (size_t i = 0; k + i < count; ++i) {
    f(k + i, static_cast<uint32_t>((window >> (i * kBits)) & kMask));
  }
}

// Calls f(k, code) for the codes of columns [first, first + count); `first` must be a multiple of
// 8, where packed codes start on a byte.
template <class F>
HWY_INLINE void DecodeCodes(const Palette& w, size_t row, size_t first, size_t count, F&& f) {
  if (w.codes.type() != DType::kU8) {
    for (size_t k = 0; k < count; ++k) f(k, w.codes.Index(row * w.cols + first + k));
    return;
  }
  const unsigned bits = w.bits();
  const uint8_t* bytes = w.codes.As<uint8_t>().data() + row * w.row_bytes() + first / 8 * bits;
  switch (bits) {
    case 1:
      return DecodePacked<1>(bytes, count, f);
    case 2:
      return DecodePacked<2>(bytes, count, f);
    case 3:
      return DecodePacked<3>(bytes, count, f);
    case 4:
      return DecodePacked<4>(bytes, count, f);
    case 5:
      return DecodePacked<5>(bytes, count, f);
    case 6:
      return DecodePacked<6>(bytes, count, f);
    case 7:
      return DecodePacked<7>(bytes, count, f);
    default:
      return DecodePacked<8>(bytes, count, f);
  }
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LOWTROPY_FORMATS_DECODE_INL_H_
