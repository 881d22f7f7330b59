// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emscripten/val.h>

#include <cstdint>
#include <span>

#include "lowtropy/updates/layout.h"
#include "lowtropy/updates/method.h"

namespace lowtropy::bindings {

// Of an array of {name, size}.
Layout LayoutOf(const emscripten::val& tensors);

// Of an object whose fields are those of MethodOptions in camel case; what is missing is the
// default.
MethodOptions OptionsOf(const emscripten::val& options);

// A Uint8Array of its own.
emscripten::val CopyOf(std::span<const uint8_t> bytes);

}  // namespace lowtropy::bindings
