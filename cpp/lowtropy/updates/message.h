// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lowtropy/base/random.h"
#include "lowtropy/coding/bit_stream.h"
#include "lowtropy/updates/layout.h"
#include "lowtropy/updates/method.h"

namespace lowtropy {

// Messages, byte by byte as FORMAT.md beside this file says. Both classes keep their memory from
// one message to the next.

inline constexpr uint8_t kMessageVersion = 1;

struct MessageHead {
  Method method = Method::kNone;
  uint32_t sender = 0;
  uint32_t round = 0;
  uint32_t layout = 0;  // Layout::id()
};

struct MethodRow;   // methods/methods.h
struct TensorPart;  // message_parts.h
class MessageBytes;

// Writes a message: Begin, then for each tensor of the layout in order what its method has to say
// of it (methods/methods.h), then Finish.
class MessageWriter {
 public:
  MessageWriter() = default;
  MessageWriter(const MessageWriter&) = delete;  // its bit streams point into it
  MessageWriter& operator=(const MessageWriter&) = delete;

  void Begin(const MessageHead& head, size_t tensors, const MethodOptions& options);

  // A tensor begins with its size and, in a sparse method, whether all of it is sent. The rest is
  // up to the method: in the heads, as bytes of arrays, and as codes.
  void BeginTensor(size_t size, bool dense);
  void PutCount(size_t count, size_t size);  // into the heads
  void PutNumber(uint64_t number);           // into the heads
  void PutArray(std::span<const std::byte> bytes);
  const MethodOptions& options() const { return options_; }
  BitWriter* heads() { return &heads_; }
  std::vector<uint8_t>* arrays() { return &array_bytes_; }
  BitWriter* codes() { return &codes_; }

  // The whole message, until the next Begin.
  std::span<const uint8_t> Finish();
  // The same for longer: it trades places with another message, whose memory serves again.
  void Finish(std::vector<uint8_t>* message);

 private:
  bool sparse_ = false;
  MethodOptions options_;
  size_t last_size_ = 0;
  std::vector<uint8_t> message_;
  std::vector<uint8_t> head_bytes_;
  std::vector<uint8_t> array_bytes_;
  std::vector<uint8_t> code_bytes_;
  BitWriter heads_{&head_bytes_};
  BitWriter codes_{&code_bytes_};
};

// One tensor of a message.
struct TensorUpdate {
  enum class Form {
    kDense,   // `values`, one for each element
    kSparse,  // `values` at `positions`, 0 elsewhere
    kBinary,  // `value` at `positions`, 0 elsewhere
  };
  Form form = Form::kDense;
  size_t size = 0;  // elements
  float value = 0;
  std::span<const uint32_t> positions;  // rising
  std::span<const float> values;
};

// Reads messages, which may be anything until `Decode` is through. What it allocates is at most
// 70 times the bytes of the message, and 200 bytes for each of its at most kMostTensors tensors.
class MessageReader {
 public:
  MessageReader();
  ~MessageReader();
  MessageReader(MessageReader&&) noexcept;

  // Throws Error(kFile) with a sentence for whatever is not a message as FORMAT.md has it, and then
  // holds none.
  void Decode(std::span<const uint8_t> bytes);

  const MessageHead& head() const { return head_; }
  // As far as the message holds them: sparsity, step, levels, bucket.
  const MethodOptions& options() const { return options_; }
  size_t count() const { return tensors_.size(); }
  const TensorUpdate& tensor(size_t i) const { return tensors_[i]; }
  // Those of all tensors, one after another: what their spans are parts of.
  std::span<const uint32_t> positions() const { return positions_; }
  std::span<const float> values() const { return values_; }

  // Throws Error(kShape) with a sentence unless the message speaks of just these tensors.
  void CheckLayout(const Layout& layout) const;

  // Throws Error(kValue) with a sentence unless the message is of this round.
  void CheckRound(uint32_t round) const;

  // weights += scale · update, `weights` flat as `layout`, which CheckLayout accepted. One addition
  // of a product for each element that was sent, in float32, so that equal messages in equal order
  // give equal weights everywhere. Throws Error(kValue) with a sentence that names tensor and
  // position if a sum is not finite, before anything is added.
  void Apply(const Layout& layout, float scale, std::span<float> weights) const;

 private:
  void ReadMessage(std::span<const uint8_t> bytes);
  size_t ReadHeader(MessageBytes* bytes);
  void ReserveRoom(uint64_t bytes);
  void Publish();
  void CheckSums(const Layout& layout, float scale, std::span<const float> weights) const;

  const MethodRow* row_ = nullptr;
  MessageHead head_;
  MethodOptions options_;
  std::vector<TensorPart> parts_;
  std::vector<TensorUpdate> tensors_;
  std::vector<uint32_t> positions_;
  std::vector<float> values_;
};

}  // namespace lowtropy
