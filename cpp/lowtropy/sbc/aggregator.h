// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lowtropy/sbc/compressor.h"

namespace lowtropy {

// The server's side where it sends every worker the same message: the mean of the workers' updates,
// compressed again with a residual of its own, as sparse ternary compression does
// (arXiv:1903.02891, section V). Of signsgd the vote of the majority; a tie goes as the first
// message that was added has it.
class Aggregator {
 public:
  Aggregator(Method method, const MethodOptions& options, const Layout& layout);

  // One as it was when saved. Throws Error(kFile) with a sentence.
  static std::unique_ptr<Aggregator> Restore(std::span<const uint8_t> bytes);

  // Adds a worker's message. Throws Error with a sentence for what is not a message, or of another
  // method, other tensors or another round (where one is given), and then changes nothing.
  void Add(std::span<const uint8_t> message, std::optional<uint32_t> round);

  size_t count() const { return count_; }  // messages since the last Finish

  // The message to all; it stays until the next call. Throws Error(kValue) where none was added,
  // and where the mean is not finite; what was added is then forgotten, and the residual as before.
  std::span<const uint8_t> Finish(uint32_t sender, uint32_t round);

  // The residual and the random state, as Compressor's; messages that were added are not saved.
  std::vector<uint8_t> Save() const { return compressor_->Save(); }

  const Compressor& compressor() const { return *compressor_; }

 private:
  explicit Aggregator(std::unique_ptr<Compressor> compressor);

  std::unique_ptr<Compressor> compressor_;
  MessageReader reader_;
  std::vector<float> sum_;
  size_t count_ = 0;
};

}  // namespace lowtropy
