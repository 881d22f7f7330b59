// SPDX-License-Identifier: Apache-2.0
// What happens where the heap has no room left.
#pragma once

#include <cstdint>

namespace lowtropy::bindings {

// Keeps some memory back, if it is not kept already and there is any, to be let go at the moment
// when an allocation fails: the error, its sentence and the values in which Embind carries it to
// JavaScript are allocated, too. Called when the module starts and after each failure; not before
// each call, for the heap may grow here, and views of it that JavaScript has would be dead.
void KeepReserve();

// At the beginning of each bound function: none of its allocations has failed yet.
void ForgetFailures();

// Bytes that are in use now, the allocator's own headers among them. Walks all of the heap.
uint64_t HeldBytes();

// The largest allocation that failed since the last bound function began, in bytes; 0 where none
// did.
uint64_t FailedBytes();

}  // namespace lowtropy::bindings
