// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/rounds/worker.h"

#include <utility>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

Layout LayoutOf(const Trainer& trainer) {
  std::vector<NamedSize> tensors;
  for (const TensorInfo& tensor : trainer.tensors()) tensors.push_back({tensor.name, tensor.size});
  return Layout(std::move(tensors));
}

}  // namespace

Worker::Worker(Trainer trainer) : trainer_(std::move(trainer)), layout_(LayoutOf(trainer_)) {}

std::span<const uint8_t> Worker::Encode(uint32_t sender, uint32_t round, Compressor* compressor) {
  if (compressor->layout() != layout_) {
    throw Error(ErrorKind::kShape, "The compressor is for other tensors than the trainer's.");
  }
  trainer_.Movement(compressor->input());
  const std::span<const uint8_t> message = compressor->Encode(sender, round);
  trainer_.EndRound();
  compressor->MaskMomentum(trainer_.momentum());
  return message;
}

void Worker::Apply(std::span<const uint8_t> message, float scale) {
  reader_.Decode(message);
  reader_.CheckLayout(layout_);
  reader_.Apply(layout_, scale, trainer_.weights());
}

}  // namespace lowtropy
