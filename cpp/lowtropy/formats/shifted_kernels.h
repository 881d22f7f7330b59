// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include "lowtropy/formats/kernels.h"

namespace lowtropy {

// Formats that do not store the elements equal to Ω[0].
template <class Storage>
inline constexpr bool kOmitsMostFrequent =
    std::is_same_v<Storage, Cer> || std::is_same_v<Storage, Cser> || std::is_same_v<Storage, Pcsr>;

// The products of kernels.h for cer, cser and pcsr matrices whose Ω[0] is not 0, by the
// decomposition of arXiv:1805.10692, section III: W = Ω[0]·1 + (W - Ω[0]·1), hence y[r] = Ω[0]·Σx +
// Σ over listed elements of (w - Ω[0])·x.
//
// In float64 throughout: where a row holds few Ω[0] the two sums nearly cancel, and float32 sums
// would break the error bound. Where they cancel so far that float64 might break it too (a row of
// zeros, inputs that are 0 wherever the row holds Ω[0]) the row is computed again without the
// decomposition. Plain loops, a quarter of the speed of the float32 kernels; `auto` knows.
void ShiftedMultiplyVector(const Matrix& w, RowRange rows, const float* x, float* y,
                           const Epilogue& epilogue);
void ShiftedMultiplyColumns(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                            const Epilogue& epilogue);

}  // namespace lowtropy
