// SPDX-License-Identifier: Apache-2.0

// What a program of somebody else's begins with: it asks for data, and is told what is wrong with a
// file.

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>

#include "lowtropy/base/array.h"
#include "lowtropy/base/error.h"
#include "lowtropy/io/model_file.h"
#include "lowtropy/learn/data/digits.h"

int main() {
  if (lowtropy::MakeDigits(3, 1) == nullptr) return 1;
  const std::shared_ptr<std::byte> bytes = lowtropy::AllocateBytes(16);
  std::memset(bytes.get(), 0, 16);
  try {
    lowtropy::ReadModel(bytes, 16);
  } catch (const lowtropy::Error& error) {
    std::puts(error.what());
    return 0;
  }
  return 1;
}
