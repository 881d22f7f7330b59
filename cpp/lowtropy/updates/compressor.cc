// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/compressor.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/updates/finite.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
size_t KeptCount(double sparsity, size_t size) {
  const double rounded = std::round(sparsity * static_cast<double>(size));
  return std::clamp(static_cast<size_t>(rounded), size_t{1}, size);
}

Compressor::Compressor(Unfilled, Method method, const MethodOptions& options, Layout layout)
    : row_(&RowOf(method)), options_(options), layout_(std::move(layout)), random_(options.seed) {
  Validate(method, options);
}

Compressor::Compressor(Method method, const MethodOptions& options, Layout layout)
    : Compressor(Unfilled{}, method, options, std::move(layout)) {
  if (KeepsResidual()) residual_.resize(layout_.total());
  if (CorrectsMomentum()) velocity_.resize(layout_.total());
}

Method Compressor::method() const { return row_->method; }

bool Compressor::KeepsResidual() const { return row_->sparse; }

bool Compressor::CorrectsMomentum() const {
  return row_->corrects_momentum && options_.momentum > 0;
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
    writer_.Begin({row_->method, sender, round, layout_.id()}, layout_.count(), options_);
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
  const bool sparse = KeepsResidual();
  const bool corrects = CorrectsMomentum();
  if (!sparse) CheckFinite(TensorOf(input_, tensor));
  if (corrects) CorrectMomentum(tensor);
  if (sparse && layout_.size(tensor) < options_.dense_below) return EncodeDense(tensor);
  row_->encode({.options = options_,
                .values = TensorOf(input_, tensor),
                .residual = sparse ? TensorOf(residual_, tensor) : std::span<float>(),
                .velocity = corrects ? TensorOf(next_velocity_, tensor) : std::span<float>(),
                .extremes = &extremes_,
                .random = &random_,
                .writer = &writer_});
}

void Compressor::EncodeDense(size_t tensor) {
  const std::span<const float> residual = TensorOf(residual_, tensor);
  const std::span<float> accumulated = TensorOf(input_, tensor);
  for (size_t i = 0; i < residual.size(); ++i) accumulated[i] += residual[i];
  CheckFinite(accumulated);
  WriteFloats(accumulated, &writer_);
  std::fill(accumulated.begin(), accumulated.end(), 0.0F);
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
