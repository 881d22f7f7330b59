// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/format.h"

namespace lowtropy {

std::string_view Name(Format format) {
  switch (format) {
    case Format::kDense:
      return "dense";
    case Format::kCsr:
      return "csr";
    case Format::kCer:
      return "cer";
    case Format::kCser:
      return "cser";
    case Format::kPalette:
      return "palette";
    case Format::kPcsr:
      return "pcsr";
    case Format::kMask:
      return "mask";
    case Format::kBlocks:
      return "blocks";
  }
  return "?";
}

std::optional<Format> ParseFormat(std::string_view name) {
  for (Format format : kFormats) {
    if (Name(format) == name) return format;
  }
  return std::nullopt;
}

}  // namespace lowtropy
