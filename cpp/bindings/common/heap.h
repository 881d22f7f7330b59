// SPDX-License-Identifier: Apache-2.0
// What happens where the heap has no room left.
#pragma once

#include <cstdint>

namespace lowtropy::bindings {

// Keeps some memory back, if it is not kept already and there is any, to be let go at the moment
// when an allocation fails: the error, its sentence and the values in which Embind carries it to
// JavaScript are allocated, too. Called when the module starts and after each failure; not before
// each call, for the heap may grow here, and views of it that JavaScript has would be dead. Where
// it cannot be had back, errors have no sentence of their own.
void KeepReserve();

// While there is one, C++ is at work within a guard, and a failed allocation throws std::bad_alloc.
// Elsewhere, where Embind converts what goes in and out, nobody would catch that: it throws an
// error of JavaScript's.
class WithinGuard {
 public:
  WithinGuard();
  ~WithinGuard();
  WithinGuard(const WithinGuard&) = delete;
  WithinGuard& operator=(const WithinGuard&) = delete;
};

// Bytes that are in use now, the allocator's own headers among them. Walks all of the heap.
uint64_t HeldBytes();

// The largest allocation that failed since the last bound function began, in bytes, which is then
// forgotten; 0 where none did.
uint64_t TakeFailedBytes();

}  // namespace lowtropy::bindings
