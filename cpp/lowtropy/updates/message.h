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

// Writes a message: Begin, then one Add for each tensor of the layout in order, of the kind that
// the method asks for, then Finish. All values must be finite.
class MessageWriter {
 public:
  MessageWriter() = default;
  MessageWriter(const MessageWriter&) = delete;  // its bit streams point into it
  MessageWriter& operator=(const MessageWriter&) = delete;

  void Begin(const MessageHead& head, size_t tensors, const MethodOptions& options);

  void AddFloats(std::span<const float> values);  // none, fedavg; dense tensors of topk, stc, sbc
  void AddHalves(std::span<const float> values);  // fp16
  void AddSigns(std::span<const float> values);   // signsgd; 0 counts as positive
  void AddTernary(std::span<const float> values, float clip, Random* random);  // terngrad
  void AddLevels(std::span<const float> values, Random* random);               // qsgd
  // The others: `size` elements, of which those at `positions`, rising, are sent. Where `value` is
  // 0 none are.
  void AddValues(size_t size, std::span<const uint32_t> positions, std::span<const float> values);
  void AddSigned(size_t size, std::span<const uint32_t> positions, std::span<const float> values,
                 float value);  // value times the signs of `values`
  void AddBinary(size_t size, std::span<const uint32_t> positions, float value);

  // The whole message, until the next Begin.
  std::span<const uint8_t> Finish();
  // The same for longer: it trades places with another message, whose memory serves again.
  void Finish(std::vector<uint8_t>* message);

 private:
  void PutSize(size_t size);
  void PutCount(size_t count, size_t size);
  void PutNumber(uint64_t number);
  void PutFloat(float value, BitWriter* bits);

  Method method_ = Method::kNone;
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
  struct Part {  // where a tensor's content is
    TensorUpdate update;
    bool dense = false;  // as float32 in a sparse method
    unsigned parameter = 0;
    uint32_t fillers = 0;
    size_t first_position = 0;
    size_t first_value = 0;
    size_t positions = 0;
    size_t values = 0;
  };

  void ReadMessage(std::span<const uint8_t> bytes);
  void ReadHeader(std::span<const uint8_t> bytes, size_t* at, uint64_t* tensors);
  void ReadHead(BitReader* bits, Part* part);
  size_t ReadSize(BitReader* bits) const;
  size_t ReadCount(BitReader* bits, size_t size) const;
  void ReadArrays(std::span<const uint8_t> bytes, size_t* at, Part* part);
  void ReadCodes(std::span<const uint8_t> bytes);
  void ReadTensorCodes(BitReader* bits, Part* part);
  void ReadLevels(BitReader* bits, size_t size);
  std::span<uint32_t> Positions(Part* part);  // room for them
  void ReserveRoom(uint64_t bytes);
  void Publish();
  void CheckSums(const Layout& layout, float scale, std::span<const float> weights) const;

  MessageHead head_;
  MethodOptions options_;
  std::vector<Part> parts_;
  std::vector<TensorUpdate> tensors_;
  std::vector<uint32_t> positions_;
  std::vector<float> values_;
};

}  // namespace lowtropy
