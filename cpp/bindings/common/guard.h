// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <emscripten/val.h>

#include <string>
#include <type_traits>
#include <utility>

#include "common/heap.h"

namespace lowtropy::bindings {

// The error of the last guarded call, for JavaScript to take. C++ exceptions must not leave a bound
// function: what an engine makes of them differs, and none gives their message to JavaScript.
struct LastError {
  int kind = kNone;     // ErrorKind, or one of these
  std::string message;  // empty where there was no memory for one
  static constexpr int kUnexpected = -1;
  static constexpr int kNone = -2;
};
LastError& last_error();

// Makes the last error of the exception that is being handled.
void KeepError() noexcept;

// Calls f and returns its result; if it throws, keeps the error and returns an empty result. After
// every call JavaScript looks for it (web/lib/core/guard.js).
template <class F>
auto Guard(F&& f) -> decltype(f()) {
  using Result = decltype(f());
  const WithinGuard within;
  try {
    return std::forward<F>(f)();
  } catch (...) {
    KeepError();
  }
  if constexpr (std::is_same_v<Result, emscripten::val>) {
    return emscripten::val::null();
  } else if constexpr (!std::is_void_v<Result>) {
    return Result{};
  }
}

template <auto F, class Type = decltype(F)>
struct GuardedCall;
template <auto F, class Result, class... Args>
struct GuardedCall<F, Result (*)(Args...)> {
  static Result Call(Args... args) {
    return Guard([&]() -> Result { return F(std::forward<Args>(args)...); });
  }
};
template <auto F, class Result, class Class, class... Args>
struct GuardedCall<F, Result (Class::*)(Args...) const> {
  static Result Call(const Class& self, Args... args) {
    return Guard([&]() -> Result { return (self.*F)(std::forward<Args>(args)...); });
  }
};

// The function or member function F, guarded. Nothing is bound in any other way, which
// tests/node/core/guard.test.js looks after.
template <auto F>
inline constexpr auto Guarded = &GuardedCall<F>::Call;

}  // namespace lowtropy::bindings
