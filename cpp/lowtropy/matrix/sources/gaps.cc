// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/sources/gaps.h"

#include <algorithm>
#include <cstddef>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

constexpr size_t kAnchorStride = 32;

void CheckNarrow(const char* what, const NarrowCodes& codes, size_t count) {
  if (codes.bits != 4 && codes.bits != 8) {
    throw Error(ErrorKind::kShape, Text(what, " have 4 or 8 bits, not ", codes.bits, "."));
  }
  CheckBytes(what, codes.bits == 8 ? count : (uint64_t{count} + 1) / 2, codes.bytes.size());
}

}  // namespace

GapSource::GapSource(size_t rows, size_t cols, std::span<const float> codebook, NarrowCodes codes,
                     NarrowCodes gaps, size_t entries)
    : TensorSource(rows, cols), codebook_(codebook), codes_(codes), gaps_(gaps), entries_(entries) {
  CheckAllFinite("Value", codebook_);
  CheckNarrow("The codes", codes_, entries_);
  CheckNarrow("The gaps", gaps_, entries_);
  anchors_.reserve(entries_ / kAnchorStride + 1);
  uint64_t next = 0;  // the position after that of the last entry
  for (size_t i = 0; i < entries_; ++i) {
    if (codes_[i] >= codebook_.size()) {
      throw Error(ErrorKind::kValue,
                  Text("Entry ", i, " of ", entries_, " has the code ", codes_[i],
                       ", and the codebook has ", codebook_.size(), " values."));
    }
    const uint64_t position = next + gaps_[i];
    if (position >= size()) {
      throw Error(ErrorKind::kValue, Text("Entry ", i, " of ", entries_, " is at position ",
                                          position, " of a matrix of ", rows, " x ", cols, "."));
    }
    if (i % kAnchorStride == 0) anchors_.push_back(static_cast<uint32_t>(position));
    next = position + 1;
  }
}

void GapSource::ReadRow(size_t row, std::span<float> out) const {
  std::vector<RowEntry> entries;
  float unlisted;
  ReadEntries(row, &entries, &unlisted);
  std::fill(out.begin(), out.end(), unlisted);
  for (const auto& [col, value] : entries) out[col] = value;
}

bool GapSource::ReadEntries(size_t row, std::vector<RowEntry>* out, float* unlisted) const {
  *unlisted = 0;
  if (entries_ == 0) return true;
  const uint64_t begin = uint64_t{row} * cols();
  const uint64_t end = begin + cols();
  // From the last anchor that is not behind the row's begin, or the first one.
  const auto after = std::upper_bound(anchors_.begin(), anchors_.end(), begin);
  const auto anchor =
      static_cast<size_t>(std::max<std::ptrdiff_t>(after - anchors_.begin() - 1, 0));
  uint64_t position = anchors_[anchor];
  for (size_t i = anchor * kAnchorStride; position < end; position += gaps_[i] + 1) {
    const float value = codebook_[codes_[i]];
    if (position >= begin && Bits(value) != 0) {
      out->push_back({static_cast<uint32_t>(position - begin), value});
    }
    if (++i == entries_) break;
  }
  return true;
}

}  // namespace lowtropy
