// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emscripten/val.h>

#include <cstddef>
#include <optional>
#include <string>

#include "lowtropy/matrix/choose/choose.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/matrix.h"
#include "lowtropy/matrix/profile.h"

namespace lowtropy::bindings {

// The library's records as the plain objects of web/lib.
emscripten::val DescribeStats(const Stats& stats);
emscripten::val DescribeCost(const Cost& cost);
emscripten::val DescribeChoice(const Choice& choice);

// A format by name; none for "auto". Throws Error(kValue) for a name that is neither.
std::optional<Format> FormatNamed(const std::string& name);

// In a format by name, where "auto" is what Choose picks for products with `columns` columns. Throw
// as FormatNamed does. Recode shares the arrays of a matrix that is held that
// way already.
Matrix EncodeAs(const RowSource& source, const std::string& format, size_t columns);
Matrix Recode(const Matrix& matrix, const std::string& format, size_t columns);

}  // namespace lowtropy::bindings
