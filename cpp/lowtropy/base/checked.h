// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace lowtropy {

// Products and sums of sizes that come from outside: from data sets, files and options. A size_t
// has 32 bits in WebAssembly, where the weights of a layer on large images would wrap around to a
// few.

// Floats that memory can have room for in one piece, as differences of pointers are signed.
inline constexpr size_t kMostFloats = PTRDIFF_MAX / sizeof(float);

// The product of all factors. Throws Error(kMemory) with a sentence that names them if it is more
// than kMostFloats.
size_t CheckedProduct(std::initializer_list<size_t> factors);

// The same of a sum.
size_t CheckedSum(size_t a, size_t b);

}  // namespace lowtropy
