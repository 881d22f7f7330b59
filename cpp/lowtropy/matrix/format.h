// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lowtropy {

// How a matrix is held. `dense` and `csr` are the baselines, `cer` and `cser` the formats of
// arXiv:1805.10692, the others those that win where these do not.
enum class Format : uint8_t { kDense, kCsr, kCer, kCser, kPalette, kPcsr, kMask, kBlocks };

inline constexpr std::array kFormats{Format::kDense, Format::kCsr,     Format::kCer,
                                     Format::kCser,  Format::kPalette, Format::kPcsr,
                                     Format::kMask,  Format::kBlocks};

std::string_view Name(Format format);  // "dense", "csr", …
std::optional<Format> ParseFormat(std::string_view name);

}  // namespace lowtropy
