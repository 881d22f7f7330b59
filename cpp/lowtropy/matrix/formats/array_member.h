// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "lowtropy/base/array.h"

namespace lowtropy {

// One of the arrays of a format, which is called so in files and where arrays are listed.
template <class Storage>
struct ArrayMember {
  std::string_view name;
  Array Storage::*array;
};

}  // namespace lowtropy
