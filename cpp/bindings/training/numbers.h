// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emscripten/val.h>

#include <string>
#include <type_traits>

#include "lowtropy/base/error.h"

namespace lowtropy::bindings {

// A number of JavaScript, all of which have 64 bits, as one of C++. Throws Error(kValue) that names
// the option where T cannot hold it: it would wrap around, become infinite, or vanish.
template <class T>
T NumberOf(const emscripten::val& value, const char* name) {
  const auto number = value.as<double>();
  // Above the largest of 64 bits the conversion back is rounded, but then 2^64 comes in no option.
  const auto converted = static_cast<T>(number);
  bool holds = static_cast<double>(converted) == number;
  if constexpr (std::is_floating_point_v<T>) {
    // Rounded, but not to an infinity, nor to 0.
    holds = number - number == 0 && converted - converted == 0 && (converted != 0 || number == 0);
  }
  if (holds) return converted;
  throw Error(ErrorKind::kValue,
              std::string("The option \"") + name + "\" cannot be " + std::to_string(number) + ".");
}

}  // namespace lowtropy::bindings
