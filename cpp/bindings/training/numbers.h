// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emscripten/val.h>

#include <cmath>
#include <limits>
#include <type_traits>

namespace lowtropy::bindings {

// Throws Error(kValue) that names the option.
[[noreturn]] void RefuseNumber(const char* name, double number);

// A number of JavaScript, all of which have 64 bits, as one of C++. Throws Error(kValue) that names
// the option where T cannot hold it: it would wrap around, become infinite, or vanish.
template <class T>
T NumberOf(const emscripten::val& value, const char* name) {
  const auto number = value.as<double>();
  if constexpr (std::is_integral_v<T>) {
    constexpr int kBits = std::numeric_limits<T>::digits;
    if (number >= 0 && number < std::ldexp(1.0, kBits) && number == std::floor(number)) {
      return static_cast<T>(number);
    }
  } else {
    const auto rounded = static_cast<T>(number);
    if (std::isfinite(rounded) && (rounded != 0 || number == 0)) return rounded;
  }
  RefuseNumber(name, number);
}

}  // namespace lowtropy::bindings
