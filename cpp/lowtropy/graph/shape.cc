// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/shape.h"

#include "lowtropy/base/text.h"

namespace lowtropy {

uint64_t Shape::Product(size_t begin, size_t end) const {
  uint64_t product = 1;
  for (size_t axis = begin; axis < end; ++axis) {
    const uint64_t dim = dims_[axis];
    if (dim != 0 && product > kMaxValueSize / dim) return kMaxValueSize + 1;
    product *= dim;
  }
  return product;
}

std::string Describe(const Shape& shape) {
  if (shape.rank() == 0) return "a number";
  std::string text;
  for (const uint32_t dim : shape.dims()) text += Text(text.empty() ? "" : " x ", dim);
  return text;
}

}  // namespace lowtropy
