// SPDX-License-Identifier: Apache-2.0
//
// A trainer as bytes: a Head, then as float32 the weights, the optimizer's state, the running
// statistics and, within a round, the weights at its beginning; then the CRC-32 of all that.
// Little-endian, as all supported machines. Version 1 had the head up to `steps` and no rounds.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "lowtropy/base/checked.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/learn/trainer.h"

namespace lowtropy {
namespace {

constexpr uint32_t kMagic = 0x5254544C;  // "LTTR"
constexpr uint32_t kVersion = 2;

// The fields up to `position` must be those of the trainer that restores.
struct Head {
  uint32_t magic = kMagic;
  uint32_t version = kVersion;
  uint32_t tensors = 0;  // CRC-32 of their names and sizes
  uint32_t optimizer = 0;
  uint32_t batch = 0;
  uint32_t stream = 0;
  uint64_t seed = 0;
  uint64_t examples = 0;    // of the data set
  uint32_t shard_size = 0;  // examples
  uint32_t shard = 0;       // CRC-32
  uint32_t epoch = 0;
  uint32_t position = 0;
  uint64_t steps = 0;
  uint64_t schedule_step = 0;
  uint64_t in_round = 0;  // 0 or 1
};
static_assert(sizeof(Head) == 80, "The head must have no gaps, for they would be saved.");
constexpr size_t kHeadSizeOfVersion1 = offsetof(Head, schedule_step);

uint32_t TensorsChecksum(const std::vector<TensorInfo>& tensors) {
  uint32_t crc = 0;
  for (const TensorInfo& tensor : tensors) {
    const std::string text = Text(tensor.name, " ", tensor.size, "\n");
    crc = Crc32(text.data(), text.size(), crc);
  }
  return crc;
}

Head MakeHead(const TrainerOptions& options, const Net& net, const Dataset& data,
              const Optimizer& optimizer, const Sampler& sampler) {
  const std::vector<uint32_t>& shard = sampler.shard();
  return {.tensors = TensorsChecksum(net.tensors()),
          .optimizer = static_cast<uint32_t>(options.optimizer.kind),
          .batch = options.batch,
          .stream = options.stream,
          .seed = options.seed,
          .examples = data.size(),
          .shard_size = static_cast<uint32_t>(shard.size()),
          .shard = Crc32(shard.data(), shard.size() * sizeof(uint32_t)),
          .epoch = sampler.epoch(),
          .position = sampler.position(),
          .steps = optimizer.steps(),
          .schedule_step = optimizer.schedule_step()};
}

void Check(bool good, const std::string& what) {
  if (!good) throw Error(ErrorKind::kFile, "The saved trainer " + what);
}

void CheckSameTrainer(const Head& saved, const Head& own) {
  Check(saved.tensors == own.tensors, "has another model, or one for other data.");
  Check(saved.optimizer == own.optimizer, "has another optimizer.");
  Check(saved.batch == own.batch,
        Text("has batches of ", saved.batch, " examples, not of ", own.batch, "."));
  Check(saved.seed == own.seed && saved.stream == own.stream, "has another seed or stream.");
  Check(saved.examples == own.examples && saved.shard_size == own.shard_size &&
            saved.shard == own.shard,
        "learns from other examples.");
  Check(saved.position <= own.shard_size, "is at an example that its shard does not have.");
  Check(saved.steps <= kMostSteps && saved.schedule_step <= kMostSteps,
        "has made more steps than are counted.");
  Check(saved.in_round <= 1, "is neither in a round nor between two.");
}

}  // namespace

size_t Trainer::SavedFloats(bool in_round) const {
  const size_t weights = net_->weights().size();
  const size_t state = CheckedSum(optimizer_.StateSize(), net_->StateSize());
  return CheckedSum(CheckedSum(weights, state), in_round ? weights : 0);
}

std::vector<uint8_t> Trainer::Save() const {
  Head head = MakeHead(options_, *net_, *data_, optimizer_, sampler_);
  head.in_round = in_round_ ? 1 : 0;
  std::vector<float> floats(SavedFloats(in_round_));
  float* to = std::copy(net_->weights().begin(), net_->weights().end(), floats.data());
  optimizer_.CopyState(to);
  to += optimizer_.StateSize();
  net_->CopyState(to);
  to += net_->StateSize();
  if (in_round_) std::copy(start_.begin(), start_.end(), to);
  const size_t size = sizeof head + floats.size() * sizeof(float);
  std::vector<uint8_t> bytes(size + sizeof(uint32_t));
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + sizeof head, floats.data(), floats.size() * sizeof(float));
  const uint32_t checksum = Crc32(bytes.data(), size);
  std::memcpy(bytes.data() + size, &checksum, sizeof checksum);
  return bytes;
}

void Trainer::Restore(std::span<const uint8_t> bytes) {
  Head head;
  uint32_t checksum = 0;
  Check(bytes.size() >= kHeadSizeOfVersion1 + sizeof checksum, "is too short.");
  const size_t size = bytes.size() - sizeof checksum;
  std::memcpy(&head, bytes.data(), kHeadSizeOfVersion1);
  Check(head.magic == kMagic, "does not begin as one.");
  Check(head.version == 1 || head.version == kVersion,
        Text("has version ", head.version, ", which is not known here."));
  std::memcpy(&checksum, bytes.data() + size, sizeof checksum);
  Check(checksum == Crc32(bytes.data(), size), "is damaged: its checksum is wrong.");
  const size_t head_size = head.version == 1 ? kHeadSizeOfVersion1 : sizeof head;
  Check(size >= head_size, "is too short.");
  std::memcpy(&head, bytes.data(), head_size);
  if (head.version == 1) head.schedule_step = head.steps;
  CheckSameTrainer(head, MakeHead(options_, *net_, *data_, optimizer_, sampler_));
  const bool in_round = head.in_round != 0;
  Check(size == head_size + uint64_t{SavedFloats(in_round)} * sizeof(float),
        "has a length that is not its model's.");
  std::vector<float> floats(SavedFloats(in_round));
  std::memcpy(floats.data(), bytes.data() + head_size, floats.size() * sizeof(float));
  const std::span<float> weights = net_->weights();
  // The only one that may allocate comes first.
  if (in_round) start_.assign(floats.end() - static_cast<ptrdiff_t>(weights.size()), floats.end());
  in_round_ = in_round;
  const float* from = floats.data();
  std::copy_n(from, weights.size(), weights.begin());
  from += weights.size();
  optimizer_.SetState(from, head.steps, head.schedule_step);
  from += optimizer_.StateSize();
  net_->SetState(from);
  sampler_.Set(head.epoch, head.position);
}

}  // namespace lowtropy
