// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lowtropy/updates/compressor.h"

namespace lowtropy {

// The server's side where it sends every worker the same message: the mean of the workers' updates,
// compressed again with a residual of its own, as sparse ternary compression does
// (arXiv:1903.02891, section V). Of signsgd the vote of the majority; a tie goes as the first
// message that was added has it.
//
// What is added up is of one round, and each sender counts once: a message that a network delivers
// twice, or that somebody repeats, must not outvote the others. Of signsgd a message is one vote,
// whatever step it names.
class Aggregator {
 public:
  Aggregator(Method method, const MethodOptions& options, const Layout& layout);

  // One as it was when saved. Throws Error(kFile) with a sentence. Allocates no more than some
  // times the bytes.
  static std::unique_ptr<Aggregator> Restore(std::span<const uint8_t> bytes);

  // Adds a worker's message. Throws Error with a sentence for what is not a message, or of another
  // method, other tensors or another round (than the one that is given, and than the messages
  // before), for a second one of a sender, and where the sum would overflow; and then changes
  // nothing.
  void Add(std::span<const uint8_t> message, std::optional<uint32_t> round);

  size_t count() const { return senders_.size(); }  // messages since the last Finish

  // The message to all; it stays until the next call. Throws Error(kValue) where none was added,
  // and where the mean does not fit onto the residual; what was added is then forgotten, and the
  // residual as before.
  std::span<const uint8_t> Finish(uint32_t sender, uint32_t round);

  // The whole state as bytes: the residual and the random state, as Compressor's, and what was
  // added.
  std::vector<uint8_t> Save() const;

  const Compressor& compressor() const { return *compressor_; }

 private:
  explicit Aggregator(std::unique_ptr<Compressor> compressor);
  void CheckFits(std::optional<uint32_t> round) const;

  std::unique_ptr<Compressor> compressor_;
  MessageReader reader_;
  // Of the messages since the last Finish. The sum is allocated by the first Add, which came with
  // as much.
  std::vector<float> sum_;
  std::vector<uint32_t> senders_;  // rising
  uint32_t round_ = 0;
};

}  // namespace lowtropy
