// SPDX-License-Identifier: Apache-2.0
//
// Not in the header, where they would become part of every layer, some kilobytes in all.
#include "lowtropy/learn/layers/layer.h"

#include "lowtropy/base/error.h"

namespace lowtropy {

void Layer::AddParameter(const char* name, std::initializer_list<size_t> sizes, float bound,
                         float value) {
  parameters_.push_back({name, CheckedProduct(sizes), bound, value, nullptr, nullptr});
}

void Layer::Refuse(const std::string& sentence) { throw Error(ErrorKind::kShape, sentence); }

void Layer::Refuse(const char* sentence) { Refuse(std::string(sentence)); }

}  // namespace lowtropy
