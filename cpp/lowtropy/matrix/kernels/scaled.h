// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "lowtropy/matrix/kernels/kernels.h"

namespace lowtropy {

// Products with diag(s) · C are those of C, which do with s what they do with the epilogue's scale.
// Where there is one besides, it and what comes after it are done to the results: a second scale in
// every kernel would be 2 KB more WebAssembly.

// What the products of C are to do.
Epilogue ScaledEpilogue(const Matrix& w, const Epilogue& asked);

// What is left then of what was asked, for `count` columns.
void FinishScaled(const Matrix& w, RowRange rows, const Output& y, size_t count,
                  const Epilogue& asked);

}  // namespace lowtropy
