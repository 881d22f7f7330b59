// SPDX-License-Identifier: Apache-2.0
// Memory and errors, for all the other bindings.
#include "common/buffer.h"

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <utility>

#include "common/guard.h"

namespace lowtropy::bindings {
namespace {

using emscripten::val;

Buffer* MakeBuffer(double bytes) { return new Buffer(static_cast<uint64_t>(bytes)); }

// Views die when the heap grows: they are used at once and never kept.
val Bytes(const Buffer& buffer) {
  return val(emscripten::typed_memory_view(static_cast<size_t>(buffer.size),
                                           reinterpret_cast<uint8_t*>(buffer.memory.get())));
}
val Floats(const Buffer& buffer) {
  const std::span<float> floats = buffer.Floats();
  return val(emscripten::typed_memory_view(floats.size(), floats.data()));
}

// The ErrorKind of the last error, in the order of its names, kUnexpected or kNone; then there is
// none any more, but its message stays until the next call.
int TakeError() {
  const int kind = std::exchange(last_error().kind, LastError::kNone);
  if (kind != LastError::kNone) KeepReserve();
  return kind;
}

// A view of UTF-8, for a text would have to be allocated.
val ErrorMessage() {
  const std::string& message = last_error().message;
  return val(emscripten::typed_memory_view(message.size(),
                                           reinterpret_cast<const uint8_t*>(message.data())));
}

double TakeFailed() { return static_cast<double>(TakeFailedBytes()); }
double Held() { return static_cast<double>(HeldBytes()); }

EMSCRIPTEN_BINDINGS(buffer) {
  KeepReserve();
  // Not guarded: they tell of what a guard has found, and do not allocate.
  emscripten::function("takeError", &TakeError);
  emscripten::function("errorMessage", &ErrorMessage);
  emscripten::function("takeFailedBytes", &TakeFailed);
  emscripten::function("heldBytes", &Held);
  emscripten::function("makeBuffer", Guarded<&MakeBuffer>, emscripten::allow_raw_pointers());
  emscripten::class_<Buffer>("Buffer")
      .function("bytes", Guarded<&Bytes>)
      .function("floats", Guarded<&Floats>);
}

}  // namespace
}  // namespace lowtropy::bindings
