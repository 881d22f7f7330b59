// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "lowtropy/matrix/format.h"
#include "lowtropy/matrix/profile.h"

namespace lowtropy {

// Whether a matrix can be held in the format: not all formats hold all.
inline bool Holds(Format format, const RowSource& source) {
  return BytesOf(format, Profile::Of(source)) != kNotHeld;
}

}  // namespace lowtropy
