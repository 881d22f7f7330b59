// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/aggregator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

// The workers' updates hold the momentum already.
MethodOptions WithoutMomentum(MethodOptions options) {
  options.momentum = 0;
  options.momentum_mask = false;
  return options;
}

}  // namespace

Aggregator::Aggregator(Method method, const MethodOptions& options, const Layout& layout)
    : Aggregator(std::make_unique<Compressor>(method, WithoutMomentum(options), layout)) {}

Aggregator::Aggregator(std::unique_ptr<Compressor> compressor)
    : compressor_(std::move(compressor)) {}

void Aggregator::Add(std::span<const uint8_t> message, std::optional<uint32_t> round) {
  reader_.Decode(message);
  reader_.CheckLayout(compressor_->layout());
  CheckFits(round);
  const uint32_t sender = reader_.head().sender;
  // First what may fail.
  sum_.resize(compressor_->layout().total());
  if (senders_.size() == senders_.capacity()) senders_.reserve(2 * senders_.size() + 1);
  const auto place = std::lower_bound(senders_.begin(), senders_.end(), sender);
  if (place != senders_.end() && *place == sender) {
    throw Error(ErrorKind::kValue,
                Text("Sender ", sender, " has a message of round ", round_,
                     " in the sum already; each sender counts once, and compressors whose messages "
                     "are added up need a sender of their own each."));
  }
  const MethodRow& row = RowOf(compressor_->method());
  if (row.aggregate != nullptr) {
    row.aggregate(reader_, compressor_->layout(), senders_.empty(), sum_);
  } else {
    reader_.Apply(compressor_->layout(), 1, sum_);
  }
  senders_.insert(place, sender);
  round_ = reader_.head().round;
}

// A message that was read, of the right tensors.
void Aggregator::CheckFits(std::optional<uint32_t> round) const {
  const MessageHead& head = reader_.head();
  if (round) reader_.CheckRound(*round);
  if (head.method != compressor_->method()) {
    throw Error(ErrorKind::kValue, Text("The message is compressed by ", Name(head.method),
                                        ", and the others by ", Name(compressor_->method()), "."));
  }
  if (!senders_.empty() && head.round != round_) {
    throw Error(ErrorKind::kValue, Text("The message is of round ", head.round,
                                        ", and those added before are of round ", round_, "."));
  }
}

std::span<const uint8_t> Aggregator::Finish(uint32_t sender, uint32_t round) {
  if (senders_.empty()) {
    throw Error(ErrorKind::kValue, "There are no messages to take the mean of.");
  }
  const std::span<float> mean = compressor_->input();  // first, for it may allocate
  const float share = 1.0F / static_cast<float>(senders_.size());
  for (size_t i = 0; i < mean.size(); ++i) mean[i] = share * sum_[i];
  std::fill(sum_.begin(), sum_.end(), 0.0F);
  senders_.clear();
  return compressor_->Encode(sender, round);
}

}  // namespace lowtropy
