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

val TakeError() {
  const LastError error = std::exchange(last_error(), {});
  if (!error.set) return val::null();
  val object = val::object();
  object.set("kind", error.kind);
  object.set("message", error.message);
  KeepReserve();
  return object;
}

double Failed() { return static_cast<double>(FailedBytes()); }
double Held() { return static_cast<double>(HeldBytes()); }

EMSCRIPTEN_BINDINGS(buffer) {
  KeepReserve();
  emscripten::function("takeError", &TakeError);
  // Not guarded, as they do not allocate, and a guard would forget what they tell.
  emscripten::function("failedBytes", &Failed);
  emscripten::function("heldBytes", &Held);
  emscripten::function("makeBuffer", Guarded<&MakeBuffer>, emscripten::allow_raw_pointers());
  emscripten::class_<Buffer>("Buffer")
      .function("bytes", Guarded<&Bytes>)
      .function("floats", Guarded<&Floats>);
}

}  // namespace
}  // namespace lowtropy::bindings
