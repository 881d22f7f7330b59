// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/compressor.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/updates/finite.h"

namespace lowtropy {
namespace {

using Side = Extremes::Side;

double Mean(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value};
  return sum / static_cast<double>(values.size());
}

double MeanMagnitude(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{std::abs(value)};
  return sum / static_cast<double>(values.size());
}

}  // namespace

size_t KeptCount(double sparsity, size_t size) {
  const double rounded = std::round(sparsity * static_cast<double>(size));
  return std::clamp(static_cast<size_t>(rounded), size_t{1}, size);
}

Compressor::Compressor(Unfilled, Method method, const MethodOptions& options, Layout layout)
    : method_(method), options_(options), layout_(std::move(layout)), random_(options.seed) {
  Validate(method, options);
}

Compressor::Compressor(Method method, const MethodOptions& options, Layout layout)
    : Compressor(Unfilled{}, method, options, std::move(layout)) {
  if (KeepsResidual()) residual_.resize(layout_.total());
  if (CorrectsMomentum()) velocity_.resize(layout_.total());
}

std::span<float> Compressor::input() {
  input_.resize(layout_.total());
  return input_;
}

std::span<const uint8_t> Compressor::Encode(uint32_t sender, uint32_t round) {
  const Random before = random_;
  input_.resize(layout_.total());
  if (CorrectsMomentum()) next_velocity_.resize(layout_.total());
  try {
    writer_.Begin({method_, sender, round, layout_.id()}, layout_.count(), options_);
    for (size_t i = 0; i < layout_.count(); ++i) EncodeTensor(i);
    if (!KeepsResidual()) return writer_.Finish();
    writer_.Finish(&message_);
  } catch (...) {
    random_ = before;
    throw;
  }
  taken_back_ = false;
  // The input became the new residual; the old one takes the next input.
  std::swap(input_, residual_);
  if (CorrectsMomentum()) std::swap(velocity_, next_velocity_);
  return message_;
}

void Compressor::EncodeTensor(size_t tensor) {
  try {
    EncodeValues(tensor);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kValue) throw;
    throw Error(ErrorKind::kValue,
                "The update of tensor \"" + layout_.name(tensor) + "\" has " + error.what() + ".");
  }
}

void Compressor::EncodeValues(size_t tensor) {
  const std::span<float> input = TensorOf(input_, tensor);
  if (IsSparse(method_)) return EncodeSparse(tensor, input);
  CheckFinite(input);
  switch (method_) {
    case Method::kFp16:
      return writer_.AddHalves(input);
    case Method::kSignSgd:
      return writer_.AddSigns(input);
    case Method::kTernGrad:
      return writer_.AddTernary(input, options_.clip, &random_);
    case Method::kQsgd:
      return writer_.AddLevels(input, &random_);
    default:
      return writer_.AddFloats(input);
  }
}

void Compressor::EncodeSparse(size_t tensor, std::span<float> accumulated) {
  const size_t size = layout_.size(tensor);
  if (CorrectsMomentum()) CorrectMomentum(tensor);
  const std::span<const float> residual = TensorOf(residual_, tensor);
  if (size < options_.dense_below) {
    for (size_t i = 0; i < size; ++i) accumulated[i] += residual[i];
    CheckFinite(accumulated);
    writer_.AddFloats(accumulated);
    std::fill(accumulated.begin(), accumulated.end(), 0.0F);
    return;
  }
  const bool both_ends = method_ == Method::kSbc;
  extremes_.Find(residual, accumulated, KeptCount(options_.sparsity, size), both_ends,
                 options_.sampled, &random_);
  if (both_ends) return EncodeBinary(accumulated);
  const std::span<const uint32_t> positions = extremes_.Positions(Side::kMagnitude);
  const std::span<const float> values = extremes_.Values(Side::kMagnitude);
  if (method_ == Method::kStc) {
    const auto mean = static_cast<float>(MeanMagnitude(values));
    writer_.AddSigned(size, positions, values, mean);
    if (mean == 0) return;
    for (const uint32_t i : positions) accumulated[i] -= accumulated[i] < 0 ? -mean : mean;
    return;
  }
  writer_.AddValues(size, positions, values);
  for (const uint32_t i : positions) accumulated[i] = 0;
  if (!CorrectsMomentum()) return;
  const std::span<float> velocity = TensorOf(next_velocity_, tensor);
  for (const uint32_t i : positions) velocity[i] = 0;
}

void Compressor::EncodeBinary(std::span<float> accumulated) {
  const double top = Mean(extremes_.Values(Side::kLargest));
  const double bottom = -Mean(extremes_.Values(Side::kSmallest));
  const Side side = top >= bottom ? Side::kLargest : Side::kSmallest;
  const auto value = static_cast<float>(side == Side::kLargest ? top : -bottom);
  const std::span<const uint32_t> positions = extremes_.Positions(side);
  writer_.AddBinary(accumulated.size(), positions, value);
  if (value == 0) return;
  // Where k reaches beyond the positive entries, what stays can be larger than what was there.
  for (const uint32_t i : positions) CheckFinite(accumulated[i] -= value, i);
}

// u = m u + update, which is what the residual then accumulates. The product is a statement of its
// own, so that no compiler fuses it with the sum.
void Compressor::CorrectMomentum(size_t tensor) {
  const std::span<const float> old = TensorOf(velocity_, tensor);
  const std::span<float> next = TensorOf(next_velocity_, tensor);
  const std::span<float> input = TensorOf(input_, tensor);
  for (size_t i = 0; i < input.size(); ++i) {
    const float kept = options_.momentum * old[i];
    input[i] += kept;
    next[i] = input[i];
  }
}

void Compressor::MaskMomentum(std::span<float> momentum) const {
  if (!options_.momentum_mask || message_.empty()) return;
  MessageReader reader;
  reader.Decode(message_);
  for (size_t i = 0; i < reader.count(); ++i) {
    const std::span<float> tensor = TensorOf(momentum, i);
    for (const uint32_t position : reader.tensor(i).positions) tensor[position] = 0;
  }
}

void Compressor::TakeBack() {
  if (message_.empty() || taken_back_) return;
  MessageReader reader;
  reader.Decode(message_);
  reader.Apply(layout_, 1, residual_);
  taken_back_ = true;
}

}  // namespace lowtropy
