// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lowtropy/base/random.h"
#include "lowtropy/updates/extremes.h"
#include "lowtropy/updates/layout.h"
#include "lowtropy/updates/message.h"
#include "lowtropy/updates/message_parts.h"
#include "lowtropy/updates/method.h"

namespace lowtropy {

// What a method makes a tensor's part of a message of, and with.
struct TensorInput {
  const MethodOptions& options;
  // The update, finite. Of a sparse method not checked yet, and without the residual; what is not
  // sent of their sum is to stand here afterwards.
  std::span<float> values;
  std::span<const float> residual;  // of a sparse method
  std::span<float> velocity;  // of one that corrects momentum: to be 0 where something is sent
  Extremes* extremes;
  Random* random;
  MessageWriter* writer;
};

// All that a method says of itself. Functions that are null have nothing to do. To add a method:
// a row, which the table in methods.cc then names, and its number and options in method.h.
struct MethodRow {
  Method method;
  std::string_view name;

  // Whether it sends a share of the elements and keeps the others for later, and in which form.
  bool sparse = false;
  TensorUpdate::Form form = TensorUpdate::Form::kDense;
  // Whether it can correct the momentum (arXiv:1712.01887, section 3.1).
  bool corrects_momentum = false;

  // Throws Error(kValue) that names the first option that it cannot use.
  void (*validate)(const MethodOptions& options) = nullptr;

  // The options that messages hold, at the end of their header.
  void (*put_options)(const MethodOptions& options, std::vector<uint8_t>* header) = nullptr;
  void (*get_options)(MessageBytes* header, MethodOptions* options) = nullptr;

  // Throws Error(kValue) with a clause for what is not finite.
  void (*encode)(const TensorInput& input) = nullptr;

  // A tensor's content from the three places where FORMAT.md puts it, in this order.
  void (*read_head)(TensorReader* in) = nullptr;
  void (*read_arrays)(TensorReader* in) = nullptr;
  void (*read_codes)(TensorReader* in) = nullptr;

  // Adds a message to the sum of a round. By default its values, so that what comes of the sum is
  // their mean.
  void (*aggregate)(const MessageReader& message, const Layout& layout, bool first,
                    std::span<float> sum) = nullptr;
};

const MethodRow& RowOf(Method method);
// Null where no method has this number.
const MethodRow* FindMethod(uint8_t number);

// The rows. Beside some of them, how a tensor is written, where the method's choice of what to
// send is left to the caller; all values must be finite.

extern const MethodRow kNoneRow;
extern const MethodRow kFp16Row;
extern const MethodRow kFedAvgRow;
void WriteFloats(std::span<const float> values, MessageWriter* writer);  // any dense tensor
void ReadFloats(TensorReader* in);
void CopyFloats(std::span<const uint8_t> bytes, std::span<float> values);
void WriteHalves(std::span<const float> values, MessageWriter* writer);

extern const MethodRow kSignSgdRow;
void WriteSigns(std::span<const float> values, MessageWriter* writer);  // 0 counts as positive

extern const MethodRow kTernGradRow;
void WriteTernary(std::span<const float> values, float clip, Random* random, MessageWriter* writer);

extern const MethodRow kQsgdRow;
void WriteLevels(std::span<const float> values, Random* random, MessageWriter* writer);

// Of `size` elements those at `positions`, rising, are sent; where `value` is 0 none are.
extern const MethodRow kTopKRow;
void WriteValues(size_t size, std::span<const uint32_t> positions, std::span<const float> values,
                 MessageWriter* writer);
extern const MethodRow kStcRow;
void WriteSigned(size_t size, std::span<const uint32_t> positions, std::span<const float> values,
                 float value, MessageWriter* writer);  // value times the signs of `values`
extern const MethodRow kSbcRow;
void WriteBinary(size_t size, std::span<const uint32_t> positions, float value,
                 MessageWriter* writer);

// What the sparse methods have in common.
void ValidateSparsity(const MethodOptions& options);
void PutSparsity(const MethodOptions& options, std::vector<uint8_t>* header);
void GetSparsity(MessageBytes* header, MethodOptions* options);

}  // namespace lowtropy
