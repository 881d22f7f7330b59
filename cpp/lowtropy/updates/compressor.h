// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lowtropy/base/random.h"
#include "lowtropy/updates/extremes.h"
#include "lowtropy/updates/layout.h"
#include "lowtropy/updates/message.h"
#include "lowtropy/updates/method.h"

namespace lowtropy {

struct MethodRow;

// k = max(1, round(p · N)) for a sparsity p in (0, 1] and N ≥ 1.
size_t KeptCount(double sparsity, size_t size);

// One sender's side: takes updates, gives messages, and keeps what it did not send.
//
// Sparse binary compression of a tensor (arXiv:1805.08768, Algorithm 2): top is the k largest
// entries of residual plus update, bottom the k smallest; μ⁺ is the mean of top and μ⁻ that of
// -bottom. The larger of the two is sent, with its positions: at least one of them is never below
// 0, for μ⁺ ≥ mean ≥ -μ⁻. Where fewer than k entries are positive the others of top count with
// their sign. Equal means send top; ties among entries go to the lower position. Means are summed
// in float64 in the order of positions, and rounded to float32 once. What is sent is subtracted in
// float32: residual = accumulated - sent.
//
// topk sends float32 values, after momentum correction and with momentum factor masking
// (arXiv:1712.01887, sections 3.1 and 3.2, without its clipping and warm-up); stc the mean
// magnitude with both signs. The other methods keep no residual, as in their papers. Tensors that
// travel as float32 leave no residual; nothing masks their momentum, which never goes stale.
class Compressor {
 public:
  // Throws Error as Validate does.
  Compressor(Method method, const MethodOptions& options, Layout layout);

  Method method() const;
  const MethodOptions& options() const { return options_; }
  const Layout& layout() const { return layout_; }

  // Where the next update goes, flat as the layout; whatever it holds after Encode means nothing.
  // Allocated by the first call: a saved state of a method that keeps no residual is small,
  // whatever sizes it names, and must not take memory for what nobody hands over.
  std::span<float> input();

  // Compresses the input. The message stays until the next call. Throws Error(kValue) with a
  // sentence that names tensor and position for NaN and infinities, in the input or where it adds
  // up to one, and then the state is as before. Allocates only where messages were never as large.
  std::span<const uint8_t> Encode(uint32_t sender, uint32_t round);

  // Clears `momentum`, flat as the layout, at what the last message sent, if the option asks for
  // it.
  void MaskMomentum(std::span<float> momentum) const;

  // What was not sent yet, flat as the layout; empty for methods that keep nothing.
  std::span<const float> residual() const { return residual_; }

  // Takes back the last message of Encode, which got lost: its content is added to the residual, in
  // float32. Momentum that was masked stays so. Does nothing for methods that keep no residual, and
  // when called again. Throws Error(kValue) where the residual would become infinite, which only
  // values at the end of float32's range come to, and changes nothing.
  void TakeBack();

  // The whole state as bytes, and back, the last message included. Restore throws Error(kFile) with
  // a sentence. It allocates no more than some times the bytes.
  std::vector<uint8_t> Save() const;
  static std::unique_ptr<Compressor> Restore(std::span<const uint8_t> bytes);

 private:
  struct Unfilled {};
  Compressor(Unfilled, Method method, const MethodOptions& options, Layout layout);

  template <class Values>
  auto TensorOf(Values& flat, size_t tensor) const {
    return std::span(flat).subspan(layout_.offset(tensor), layout_.size(tensor));
  }
  bool KeepsResidual() const;
  bool CorrectsMomentum() const;
  void EncodeTensor(size_t tensor);
  void EncodeValues(size_t tensor);
  void EncodeDense(size_t tensor);
  void CorrectMomentum(size_t tensor);

  const MethodRow* row_;
  MethodOptions options_;
  Layout layout_;
  Random random_;
  Extremes extremes_;
  MessageWriter writer_;
  // The last one of methods that keep a residual, for TakeBack and MaskMomentum.
  std::vector<uint8_t> message_;
  bool taken_back_ = false;
  std::vector<float> input_;
  std::vector<float> residual_;
  std::vector<float> velocity_;  // topk with momentum correction: u of Deep Gradient Compression
  std::vector<float> next_velocity_;
};

}  // namespace lowtropy
