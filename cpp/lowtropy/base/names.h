// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace lowtropy {

inline constexpr size_t kMaxNameBytes = 256;
inline constexpr size_t kMaxTensorNameBytes = 128;

// 1 to kMaxNameBytes bytes of UTF-8 without control characters: what names of nodes and values are.
bool IsName(std::string_view name);

// 1 to kMaxTensorNameBytes characters of A-Z a-z 0-9 _ . / -: what names of tensors are.
bool IsTensorName(std::string_view name);

}  // namespace lowtropy
