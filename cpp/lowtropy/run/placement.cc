// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/placement.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "lowtropy/base/sort.h"

namespace lowtropy {
namespace {

bool Overlap(const Buffer& a, const Buffer& b) { return a.first <= b.last && b.first <= a.last; }

// `placed` is sorted by offset.
uint64_t FindOffset(const Buffer& buffer, const std::vector<Buffer>& placed) {
  uint64_t best = 0;
  uint64_t best_gap = std::numeric_limits<uint64_t>::max();
  uint64_t end = 0;  // of all buffers so far that are in the way
  for (const Buffer& other : placed) {
    if (!Overlap(buffer, other)) continue;
    const uint64_t gap = other.offset > end ? other.offset - end : 0;
    if (gap >= buffer.size && gap < best_gap) {
      best = end;
      best_gap = gap;
    }
    end = std::max(end, other.offset + other.size);
  }
  return best_gap == std::numeric_limits<uint64_t>::max() ? end : best;
}

}  // namespace

uint64_t Place(std::vector<Buffer>& buffers) {
  std::vector<Buffer*> by_size;
  for (Buffer& buffer : buffers) {
    buffer.size = (buffer.size + kAlignment - 1) / kAlignment * kAlignment;
    if (buffer.size != 0) by_size.push_back(&buffer);
  }
  // Equal ones in their order.
  SortSmall(&by_size, [](const Buffer* a, const Buffer* b) {
    return a->size != b->size ? a->size > b->size : a < b;
  });
  const auto by_offset = [](const Buffer& a, const Buffer& b) { return a.offset < b.offset; };
  std::vector<Buffer> placed;  // copies, side by side: each is looked at for each
  uint64_t total = 0;
  for (Buffer* buffer : by_size) {
    buffer->offset = FindOffset(*buffer, placed);
    total = std::max(total, buffer->offset + buffer->size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), *buffer, by_offset), *buffer);
  }
  return total;
}

}  // namespace lowtropy
