// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

// How often operator new, in any of its forms, has been called so far: allocation_test.cc replaces
// them for the whole program.
size_t Allocations();

// How many bytes those calls have asked for.
size_t AllocatedBytes();
