// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "lowtropy/base/random.h"

namespace lowtropy {

// Goes through a shard, in a new random order each time it has come to its end. Batches are always
// full: one at the end of an epoch goes on with the next.
class Sampler {
 public:
  // The order depends on `seed`, `stream` and the epoch only.
  Sampler(std::vector<uint32_t> shard, uint64_t seed, uint32_t stream)
      : shard_(std::move(shard)), order_(shard_), seed_(seed), stream_(stream) {
    Shuffle();
  }

  const std::vector<uint32_t>& shard() const { return shard_; }

  void Next(std::span<uint32_t> examples) {
    for (uint32_t& example : examples) {
      if (position_ == order_.size()) {
        ++epoch_;
        position_ = 0;
        Shuffle();
      }
      example = order_[position_++];
    }
  }

  // The state: epochs done, and examples of the current one.
  uint32_t epoch() const { return epoch_; }
  uint32_t position() const { return static_cast<uint32_t>(position_); }
  // `position` is at most the shard's size.
  void Set(uint32_t epoch, uint32_t position) {
    epoch_ = epoch;
    position_ = position;
    Shuffle();
  }

 private:
  void Shuffle() {
    order_.assign(shard_.begin(), shard_.end());
    // Stream 0 of the seed is for initial weights.
    Random random(seed_, ((uint64_t{stream_} + 1) << 32) + epoch_);
    random.Shuffle(&order_);
  }

  std::vector<uint32_t> shard_;
  std::vector<uint32_t> order_;
  uint64_t seed_;
  uint32_t stream_;
  uint32_t epoch_ = 0;
  size_t position_ = 0;
};

}  // namespace lowtropy
