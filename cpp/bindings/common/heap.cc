// SPDX-License-Identifier: Apache-2.0
#include "common/heap.h"

#include <emscripten/emscripten.h>
#include <errno.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

// Emscripten's allocator by other names, for those who replace malloc.
extern "C" void* emscripten_builtin_malloc(size_t bytes);
extern "C" void* emscripten_builtin_memalign(size_t alignment, size_t bytes);

EM_JS(void, ThrowOutOfMemory, (), { throw new RangeError('out of memory'); });

namespace lowtropy::bindings {
namespace {

// Enough for an error and for a list of small values; next to nothing of 4 GB.
constexpr size_t kReserveBytes = size_t{1} << 16;

void* reserve = nullptr;
size_t failed_bytes = 0;
int guards = 0;

void NoteFailure(size_t bytes) {
  failed_bytes = std::max(failed_bytes, bytes);
  free(std::exchange(reserve, nullptr));
}

}  // namespace

void KeepReserve() {
  if (reserve == nullptr) reserve = emscripten_builtin_malloc(kReserveBytes);
}

WithinGuard::WithinGuard() {
  if (guards++ == 0) failed_bytes = 0;
}
WithinGuard::~WithinGuard() { --guards; }

uint64_t HeldBytes() { return static_cast<uint32_t>(mallinfo().uordblks); }

uint64_t TakeFailedBytes() { return std::exchange(failed_bytes, 0); }

}  // namespace lowtropy::bindings

// Replaces the allocator's, for all of the module and for Embind's JavaScript. It throws where
// there is no memory: Embind writes a text to wherever malloc says, without a look, and that would
// be address 0. Nothing in these modules would rather have a null pointer.
extern "C" void* malloc(size_t bytes) {
  if (void* const memory = emscripten_builtin_malloc(bytes)) return memory;
  lowtropy::bindings::NoteFailure(bytes);
  if (lowtropy::bindings::guards == 0) ThrowOutOfMemory();
  throw std::bad_alloc();
}

// Under operator new with an alignment, which looks at the answer, and under exceptions.
extern "C" int posix_memalign(void** memory, size_t alignment, size_t bytes) {
  void* const found = emscripten_builtin_memalign(alignment, bytes);
  if (found == nullptr) {
    lowtropy::bindings::NoteFailure(bytes);
    return ENOMEM;
  }
  *memory = found;
  return 0;
}
