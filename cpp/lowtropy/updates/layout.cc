// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/layout.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "lowtropy/base/checked.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {

Layout::Layout(std::vector<NamedSize> tensors) : tensors_(std::move(tensors)) {
  if (tensors_.empty()) throw Error(ErrorKind::kValue, "An update needs at least one tensor.");
  if (tensors_.size() > kMostTensors) {
    throw Error(ErrorKind::kValue, Text("An update has at most ", kMostTensors, " tensors, not ",
                                        tensors_.size(), "."));
  }
  std::sort(tensors_.begin(), tensors_.end(),
            [](const NamedSize& a, const NamedSize& b) { return a.name < b.name; });
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const auto& [name, size] = tensors_[i];
    if (name.empty() || name.find('\0') != std::string::npos) {
      throw Error(ErrorKind::kValue, "A tensor's name is empty or holds a zero byte.");
    }
    if (i > 0 && name == tensors_[i - 1].name) {
      throw Error(ErrorKind::kValue, "There are two tensors called \"" + name + "\".");
    }
    if (size == 0 || size > UINT32_MAX) {
      throw Error(ErrorKind::kShape, Text("Tensor \"", name, "\" must have from 1 to 4294967295 ",
                                          "elements, not ", size, "."));
    }
    if (size > kMostFloats - total_) {
      throw Error(ErrorKind::kMemory, "The tensors up to \"" + name +
                                          "\" have more elements than memory has room for.");
    }
    offsets_.push_back(total_);
    total_ += size;
    id_ = Crc32(name.c_str(), name.size() + 1, id_);
  }
}

}  // namespace lowtropy
