// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emscripten/val.h>

#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "lowtropy/base/error.h"

namespace lowtropy::bindings {

// The error of the last guarded call, for `takeError`. C++ exceptions must not leave a bound
// function: what an engine makes of them differs, and none gives their message to JavaScript.
struct LastError {
  bool set = false;
  int kind = 0;  // ErrorKind, or kUnexpected
  std::string message;
};
inline LastError& last_error() {
  static LastError error;
  return error;
}
inline constexpr int kUnexpected = -1;

// Calls f and returns its result; if it throws, keeps the error and returns an empty result. The
// caller in JavaScript looks at `takeError` after every call (web/lib/core/module.js).
template <class F>
auto Guard(F&& f) -> decltype(f()) {
  using Result = decltype(f());
  try {
    return std::forward<F>(f)();
  } catch (const Error& error) {
    last_error() = {true, static_cast<int>(error.kind()), error.what()};
  } catch (const std::bad_alloc&) {
    last_error() = {true, static_cast<int>(ErrorKind::kMemory), "Out of memory."};
  } catch (const std::exception& error) {
    last_error() = {true, kUnexpected, error.what()};
  }
  if constexpr (std::is_same_v<Result, emscripten::val>) {
    return emscripten::val::null();
  } else if constexpr (!std::is_void_v<Result>) {
    return Result{};
  }
}

}  // namespace lowtropy::bindings
