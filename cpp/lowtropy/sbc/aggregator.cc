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
    : Aggregator(std::make_unique<Compressor>(method, WithoutMomentum(options), layout)) {}

Aggregator::Aggregator(std::unique_ptr<Compressor> compressor)
    : compressor_(std::move(compressor)), sum_(compressor_->layout().total()) {}

void Aggregator::Add(std::span<const uint8_t> message, std::optional<uint32_t> round) {
  reader_.Decode(message);
  reader_.CheckLayout(compressor_->layout());
  if (round) reader_.CheckRound(*round);
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

std::unique_ptr<Aggregator> Aggregator::Restore(std::span<const uint8_t> bytes) {
  return std::unique_ptr<Aggregator>(new Aggregator(Compressor::Restore(bytes)));
}

}  // namespace lowtropy
