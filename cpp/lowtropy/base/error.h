// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace lowtropy {

// What went wrong, in the coarse classes that a caller can act upon. `web/lib/core/errors.js` holds
// one JavaScript class for each.
enum class ErrorKind {
  kShape,        // arguments whose sizes do not fit each other
  kValue,        // a value that is not allowed: NaN, infinity, an unknown name
  kFile,         // bytes from outside that are not what they claim to be
  kMemory,       // an allocation that the machine refused; the message says how much was asked for
  kUnsupported,  // well-formed, but beyond what this library does
  kLimit,        // more memory or work than a limit allows; the message says the sum and the limit
};

// The only exception that the library throws on purpose. `what()` is one sentence for a person.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace lowtropy
