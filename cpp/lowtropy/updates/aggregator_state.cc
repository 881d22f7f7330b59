// SPDX-License-Identifier: Apache-2.0
//
// The saved state of an aggregator: "SBCA", version, the state of its compressor, the round of the
// messages that were added, their senders, their sum (both empty where there are none), CRC-32 of
// all before. Before there was this, an aggregator was saved as its compressor is, and what was
// added was lost; such states are still read.
#include <string>
#include <utility>

#include "lowtropy/updates/aggregator.h"
#include "lowtropy/updates/state.h"

namespace lowtropy {
namespace {

constexpr uint8_t kStateVersion = 1;

bool IsOfCompressor(std::span<const uint8_t> bytes) {
  return bytes.size() >= sizeof kCompressorMagic &&
         ByteReader(bytes).Get<uint32_t>() == kCompressorMagic;
}

std::unique_ptr<Compressor> RestoreCompressor(std::span<const uint8_t> bytes) {
  std::unique_ptr<Compressor> compressor = Compressor::Restore(bytes);
  const MethodOptions& options = compressor->options();
  if (options.momentum == 0 && !options.momentum_mask) return compressor;
  throw Error(ErrorKind::kFile,
              "The saved aggregator is refused: its compressor is a worker's, with momentum.");
}

}  // namespace

std::vector<uint8_t> Aggregator::Save() const {
  const bool idle = senders_.empty();
  const std::vector<uint8_t> compressor = compressor_->Save();
  ByteWriter out;
  out.Put(kAggregatorMagic);
  out.Put(kStateVersion);
  out.PutArray(std::span(compressor));
  out.Put(idle ? 0 : round_);
  out.PutArray(std::span(senders_));
  out.PutArray(std::span(sum_).first(idle ? 0 : sum_.size()));
  return SealState(std::move(out));
}

std::unique_ptr<Aggregator> Aggregator::Restore(std::span<const uint8_t> bytes) {
  const auto make = [](std::span<const uint8_t> compressor) {
    return std::unique_ptr<Aggregator>(new Aggregator(RestoreCompressor(compressor)));
  };
  if (IsOfCompressor(bytes)) return make(bytes);
  ByteReader in({});
  const std::vector<uint8_t> compressor = ReadState("aggregator", [&] {
    in = OpenState(bytes, kAggregatorMagic);
    if (in.Get<uint8_t>() != kStateVersion) FailState("it is of another version");
    return in.GetArray<uint8_t>();
  });
  std::unique_ptr<Aggregator> aggregator = make(compressor);
  return ReadState("aggregator", [&] {
    aggregator->round_ = in.Get<uint32_t>();
    aggregator->senders_ = in.GetArray<uint32_t>();
    const std::vector<uint32_t>& senders = aggregator->senders_;
    for (size_t i = 1; i < senders.size(); ++i) {
      // Or one of them could be there twice.
      if (senders[i] <= senders[i - 1]) FailState("its senders are not in order");
    }
    const size_t total = aggregator->compressor_->layout().total();
    aggregator->sum_ = GetFloats(&in, senders.empty() ? 0 : total);
    if (senders.empty() && aggregator->round_ != 0) FailState("it is in a round without messages");
    in.ExpectEnd();
    return std::move(aggregator);
  });
}

}  // namespace lowtropy
