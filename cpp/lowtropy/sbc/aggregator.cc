// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/sbc/aggregator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lowtropy/base/error.h"

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
    : compressor_(std::make_unique<Compressor>(method, WithoutMomentum(options), layout)),
      sum_(layout.total()) {}

void Aggregator::Add(std::span<const uint8_t> message, uint32_t round) {
  reader_.Decode(message);
  reader_.CheckLayout(compressor_->layout());
  reader_.CheckRound(round);
  if (reader_.head().method != compressor_->method()) {
    throw Error(ErrorKind::kValue,
                "The message is compressed by " + std::string(Name(reader_.head().method)) +
                    ", and the others by " + std::string(Name(compressor_->method())) + ".");
  }
  // One and a half votes decide ties.
  const bool decides = count_ == 0 && compressor_->method() == Method::kSignSgd;
  reader_.Apply(compressor_->layout(), decides ? 1.5F : 1.0F, sum_);
  ++count_;
}

std::span<const uint8_t> Aggregator::Finish(uint32_t sender, uint32_t round) {
  if (count_ == 0) throw Error(ErrorKind::kValue, "There are no messages to take the mean of.");
  const float share = 1.0F / static_cast<float>(count_);
  const std::span<float> mean = compressor_->input();
  for (size_t i = 0; i < mean.size(); ++i) mean[i] = share * sum_[i];
  std::fill(sum_.begin(), sum_.end(), 0.0F);
  count_ = 0;
  return compressor_->Encode(sender, round);
}

void Aggregator::Restore(std::span<const uint8_t> bytes) {
  std::unique_ptr<Compressor> restored = Compressor::Restore(bytes);
  if (restored->method() != compressor_->method() ||
      restored->layout().id() != compressor_->layout().id() ||
      restored->layout().total() != compressor_->layout().total()) {
    throw Error(ErrorKind::kFile, "The saved state is of another method or of other tensors.");
  }
  compressor_ = std::move(restored);
  std::fill(sum_.begin(), sum_.end(), 0.0F);
  count_ = 0;
}

}  // namespace lowtropy
