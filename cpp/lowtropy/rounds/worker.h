// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "lowtropy/learn/trainer.h"
#include "lowtropy/updates/compressor.h"
#include "lowtropy/updates/layout.h"
#include "lowtropy/updates/message.h"

namespace lowtropy {

// One worker's side of the rounds in which several learn together (arXiv:1805.08768, Algorithm 1).
// A round is, on each worker:
//
//   worker.BeginRound();                       the weights before, W
//   worker.trainer().Step(n);                  n local steps: the communication delay
//   worker.Encode(sender, round, &compressor)  the message of residual + W after - W; W is back
//   worker.Apply(message, scale)               each message of the round, the own one, too
//
// Nobody's weights move but by Apply: workers that begin with the same weights and apply the same
// messages in the same order have the same weights afterwards, bit for bit. Where a message gets
// lost, Compressor::TakeBack puts what it held back into the residual, for the next one.
class Worker {
 public:
  explicit Worker(Trainer trainer);

  Trainer& trainer() { return trainer_; }
  const Trainer& trainer() const { return trainer_; }
  const Layout& layout() const { return layout_; }  // of the weights

  void BeginRound() { trainer_.BeginRound(); }

  // Ends the round's local part. The message stays until the compressor's next one. Where the
  // compressor is to mask the momentum, the optimizer's is cleared at what was sent. Throws
  // Error(kShape) for a compressor of another layout, and Error(kValue) before BeginRound and for
  // weights that have become NaN or infinite; then nothing has changed.
  std::span<const uint8_t> Encode(uint32_t sender, uint32_t round, Compressor* compressor);

  // weights += scale · message. Throws as MessageReader's Decode, CheckLayout and Apply, and then
  // the weights are as they were.
  void Apply(std::span<const uint8_t> message, float scale);

 private:
  Trainer trainer_;
  Layout layout_;
  MessageReader reader_;
};

}  // namespace lowtropy
