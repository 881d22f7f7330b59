// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/base/checked.h"

#include <algorithm>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

[[noreturn]] void RefuseSize(const std::string& numbers) {
  throw Error(ErrorKind::kMemory, numbers + " numbers are more than memory has room for.");
}

}  // namespace

size_t CheckedProduct(std::initializer_list<size_t> factors) {
  if (std::find(factors.begin(), factors.end(), size_t{0}) != factors.end()) return 0;
  size_t product = 1;
  bool fits = true;
  for (const size_t factor : factors) {
    fits = fits && product <= kMostFloats / factor;
    if (fits) product *= factor;
  }
  if (fits) return product;
  std::string names;
  for (const size_t factor : factors) {
    names += Text((names.empty() ? "" : " x "), factor);
  }
  RefuseSize(names);
}

size_t CheckedSum(size_t a, size_t b) {
  if (a <= kMostFloats && b <= kMostFloats - a) return a + b;
  RefuseSize(Text(a, " and ", b));
}

}  // namespace lowtropy
