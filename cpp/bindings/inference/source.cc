// SPDX-License-Identifier: Apache-2.0
// The ways in which web/lib hands weights over. Sizes of all buffers are checked, here and by the
// sources, but that of dense values.
#include "inference/source.h"

#include <emscripten/bind.h>

#include <utility>

#include "common/buffer.h"
#include "common/guard.h"
#include "lowtropy/base/array.h"
#include "lowtropy/matrix/sources/codebook.h"
#include "lowtropy/matrix/sources/gaps.h"
#include "lowtropy/matrix/sources/integers.h"

namespace lowtropy::bindings {
namespace {

template <class Kind>
Source* Keep(std::vector<std::shared_ptr<std::byte>> memory, Kind&& source) {
  return new Source{std::move(memory), std::make_unique<Kind>(std::move(source))};
}

Source* MakeDense(uint32_t rows, uint32_t cols, const Buffer& values) {
  return Keep({values.memory}, DenseView(values.Floats().data(), rows, cols));
}

// `code_bytes`: 1, 2 or 4.
Source* MakeCodebook(uint32_t rows, uint32_t cols, const Buffer& codebook, const Buffer& codes,
                     uint32_t code_bytes) {
  const DType type = code_bytes == 1 ? DType::kU8 : code_bytes == 2 ? DType::kU16 : DType::kU32;
  const auto count = static_cast<size_t>(codes.size / code_bytes);
  return Keep({codebook.memory},
              CodebookSource(rows, cols, codebook.Floats(),
                             Array(type, codes.memory.get(), count, codes.memory)));
}

Source* MakeGaps(uint32_t rows, uint32_t cols, const Buffer& codebook, uint32_t entries,
                 const Buffer& codes, uint32_t code_bits, const Buffer& gaps, uint32_t gap_bits) {
  return Keep({codebook.memory, codes.memory, gaps.memory},
              GapSource(rows, cols, codebook.Floats(), {code_bits, codes.Bytes()},
                        {gap_bits, gaps.Bytes()}, entries));
}

// `type`: an IntegerType. Zero points may be empty.
Source* MakeIntegers(uint32_t rows, uint32_t cols, const Buffer& integers, uint32_t type,
                     const Buffer& scales, const Buffer& zero_points, uint32_t block) {
  const Quantization quantization{scales.Floats(),
                                  {reinterpret_cast<const int32_t*>(zero_points.memory.get()),
                                   static_cast<size_t>(zero_points.size / sizeof(int32_t))},
                                  block};
  return Keep(
      {integers.memory, scales.memory, zero_points.memory},
      IntegerSource(rows, cols, {static_cast<IntegerType>(type), std::as_bytes(integers.Bytes())},
                    quantization));
}

EMSCRIPTEN_BINDINGS(source) {
  using emscripten::allow_raw_pointers;
  emscripten::function("makeDenseSource", Guarded<&MakeDense>, allow_raw_pointers());
  emscripten::function("makeCodebookSource", Guarded<&MakeCodebook>, allow_raw_pointers());
  emscripten::function("makeGapSource", Guarded<&MakeGaps>, allow_raw_pointers());
  emscripten::function("makeIntegerSource", Guarded<&MakeIntegers>, allow_raw_pointers());
  emscripten::class_<Source>("Source");
}

}  // namespace
}  // namespace lowtropy::bindings
