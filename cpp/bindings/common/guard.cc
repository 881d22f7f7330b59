// SPDX-License-Identifier: Apache-2.0
#include "common/guard.h"

#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy::bindings {
namespace {

// `what`: a sentence that says what was asked for; what is in use is added.
void KeepMemoryError(std::string what) {
  if (what.ends_with('.')) what.pop_back();
  last_error() = {static_cast<int>(ErrorKind::kMemory),
                  Text(what, "; ", HeldBytes(), " bytes are in use.")};
}

void KeepCurrent() {
  try {
    throw;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kMemory) return KeepMemoryError(error.what());
    last_error() = {static_cast<int>(error.kind()), error.what()};
  } catch (const std::bad_alloc&) {
    KeepMemoryError(Text("Out of memory: ", TakeFailedBytes(), " bytes were needed in one piece."));
  } catch (const std::length_error&) {
    KeepMemoryError("Out of memory: more was needed in one piece than 32 bits address.");
  } catch (const std::exception& error) {
    last_error() = {LastError::kUnexpected, error.what()};
  } catch (...) {
    last_error() = {LastError::kUnexpected, "Something that is no exception was thrown."};
  }
}

}  // namespace

LastError& last_error() {
  static LastError error;
  return error;
}

void KeepError() noexcept {
  try {
    KeepCurrent();
  } catch (...) {  // there is no memory for the sentence
    last_error().kind = static_cast<int>(ErrorKind::kMemory);
    last_error().message.clear();
  }
}

}  // namespace lowtropy::bindings
