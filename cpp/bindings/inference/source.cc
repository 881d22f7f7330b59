// SPDX-License-Identifier: Apache-2.0
// The ways in which web/lib hands weights over. Sizes of all buffers are checked, here and by the
// sources, but that of dense values. Buffers must outlive what is made of them.
#include <emscripten/bind.h>

#include <cstdint>

#include "common/buffer.h"
#include "common/guard.h"
#include "lowtropy/base/array.h"
#include "lowtropy/matrix/sources/codebook.h"
#include "lowtropy/matrix/sources/gaps.h"
#include "lowtropy/matrix/sources/integers.h"

namespace lowtropy::bindings {
namespace {

// In the order of KINDS of web/lib/core/weights.js.
enum class Kind : uint32_t { kDense, kCodebook, kGaps, kIntegers };

// All kinds in one function, for each costs a kilobyte; buffers that a kind does not have are
// empty.
//
//            table     codes      others       count          code_type     other_bits
// dense      values
// codebook   codebook  codes                                  bytes of each
// gaps       codebook  codes      gaps         of both        bits          bits
// integers   scales    integers   zero points  of each block  IntegerType
RowSource* MakeSource(uint32_t kind, uint32_t rows, uint32_t cols, const Buffer& table,
                      const Buffer& codes, const Buffer& others, uint32_t count, uint32_t code_type,
                      uint32_t other_bits) {
  switch (static_cast<Kind>(kind)) {
    case Kind::kDense:
      return new DenseView(table.Floats().data(), rows, cols);
    case Kind::kCodebook: {
      const DType type = code_type == 1 ? DType::kU8 : code_type == 2 ? DType::kU16 : DType::kU32;
      const Array array(type, codes.memory.get(), static_cast<size_t>(codes.size / code_type),
                        codes.memory);
      return new CodebookSource(rows, cols, table.Floats(), array);
    }
    case Kind::kGaps:
      return new GapSource(rows, cols, table.Floats(), NarrowCodes{code_type, codes.Bytes()},
                           NarrowCodes{other_bits, others.Bytes()}, count);
    case Kind::kIntegers: {
      const Integers integers{static_cast<IntegerType>(code_type), std::as_bytes(codes.Bytes())};
      const auto* zero_points = reinterpret_cast<const int32_t*>(others.memory.get());
      const Quantization quantization{
          table.Floats(), {zero_points, static_cast<size_t>(others.size / sizeof(int32_t))}, count};
      return new IntegerSource(rows, cols, integers, quantization);
    }
  }
  return nullptr;
}

EMSCRIPTEN_BINDINGS(source) {
  emscripten::function("makeSource", Guarded<&MakeSource>, emscripten::allow_raw_pointers());
  emscripten::class_<RowSource>("Source");
}

}  // namespace
}  // namespace lowtropy::bindings
