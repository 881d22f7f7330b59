// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/coding/golomb_rice.h"
#include "lowtropy/math/half.h"
#include "lowtropy/updates/message.h"
#include "lowtropy/updates/message_parts.h"

namespace lowtropy {
namespace {

template <class T>
void Append(T number, std::vector<uint8_t>* bytes) {
  const size_t at = bytes->size();
  bytes->resize(at + sizeof number);
  std::memcpy(bytes->data() + at, &number, sizeof number);
}

void AppendVarint(uint64_t number, std::vector<uint8_t>* bytes) {
  for (; number >= 0x80; number >>= 7) bytes->push_back(static_cast<uint8_t>(number | 0x80));
  bytes->push_back(static_cast<uint8_t>(number));
}

float LargestMagnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// About 0, where the mean of an update lies: about their own mean, a single value would have none.
double StandardDeviation(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += double{value} * double{value};
  return std::sqrt(squares / static_cast<double>(values.size()));
}

}  // namespace

void MessageWriter::Begin(const MessageHead& head, size_t tensors, const MethodOptions& options) {
  method_ = head.method;
  options_ = options;
  last_size_ = 0;
  message_.clear();
  array_bytes_.clear();
  heads_.Clear();
  codes_.Clear();
  message_.insert(message_.end(), std::begin(kMessageMagic), std::end(kMessageMagic));
  message_.push_back(kMessageVersion);
  message_.push_back(static_cast<uint8_t>(head.method));
  AppendVarint(head.sender, &message_);
  AppendVarint(head.round, &message_);
  Append(head.layout, &message_);
  AppendVarint(tensors, &message_);
  if (IsSparse(method_)) Append(static_cast<float>(options.sparsity), &message_);
  if (method_ == Method::kSignSgd) Append(options.step, &message_);
  if (method_ == Method::kQsgd) {
    AppendVarint(options.levels, &message_);
    AppendVarint(options.bucket, &message_);
  }
}

// Groups of 3 bits, the lowest first, each followed by a bit that tells whether there are more.
void MessageWriter::PutNumber(uint64_t number) {
  for (; number >= 8; number >>= 3) heads_.Put(number % 8 | 8, 4);
  heads_.Put(number, 4);
}

// Sizes in networks are odd numbers times powers of two, and often the one before again.
void MessageWriter::PutSize(size_t size) {
  heads_.Put(size == last_size_ ? 1 : 0, 1);
  if (size == last_size_) return;
  const auto twos = static_cast<unsigned>(std::countr_zero(uint64_t{size}));
  heads_.Put(twos, 5);
  PutNumber(uint64_t{size} >> (twos + 1));
  last_size_ = size;
}

void MessageWriter::PutCount(size_t count, size_t size) {
  const bool expected = count == ExpectedCount(static_cast<float>(options_.sparsity), size);
  heads_.Put(expected ? 1 : 0, 1);
  if (!expected) PutNumber(count);
}

void MessageWriter::PutFloat(float value, BitWriter* bits) { bits->Put(Bits(value), 32); }

void MessageWriter::AddFloats(std::span<const float> values) {
  PutSize(values.size());
  if (IsSparse(method_)) heads_.Put(1, 1);
  const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
  array_bytes_.insert(array_bytes_.end(), bytes, bytes + values.size_bytes());
}

void MessageWriter::AddHalves(std::span<const float> values) {
  PutSize(values.size());
  for (const float value : values) Append(HalfOf(value), &array_bytes_);
}

void MessageWriter::AddSigns(std::span<const float> values) {
  PutSize(values.size());
  for (size_t i = 0; i < values.size(); i += 8) {
    unsigned byte = 0;
    const size_t end = std::min<size_t>(8, values.size() - i);
    for (size_t j = 0; j < end; ++j) byte |= (values[i + j] < 0 ? 1U : 0U) << j;
    array_bytes_.push_back(static_cast<uint8_t>(byte));
  }
}

void MessageWriter::AddTernary(std::span<const float> values, float clip, Random* random) {
  PutSize(values.size());
  double bound = double{LargestMagnitude(values)};
  if (clip > 0) bound = std::min(bound, double{clip} * StandardDeviation(values));
  const auto scale = static_cast<float>(bound);
  PutFloat(scale, &heads_);
  for (size_t i = 0; i < values.size(); i += kTritsPerByte) {
    unsigned byte = 0;
    const size_t end = std::min(values.size(), i + kTritsPerByte);
    for (size_t j = end; j-- > i;) {
      // The nearer to the scale, the likelier: unbiased, but for what is clipped. With a scale
      // that has become 0 (a clip of nearly 0, or a few of the least floats among zeros) nothing
      // can be sent.
      const bool kept = random->Uniform() * scale < std::abs(values[j]) && scale > 0;
      byte = 3 * byte + (!kept ? 0U : values[j] > 0 ? 1U : 2U);
    }
    array_bytes_.push_back(static_cast<uint8_t>(byte));
  }
}

void MessageWriter::AddLevels(std::span<const float> values, Random* random) {
  PutSize(values.size());
  const auto levels = static_cast<float>(options_.levels);
  for (size_t i = 0; i < values.size(); i += options_.bucket) {
    const auto bucket = values.subspan(i, std::min<size_t>(options_.bucket, values.size() - i));
    const float scale = LargestMagnitude(bucket);
    PutFloat(scale, &codes_);
    for (const float value : bucket) {
      const float exact = scale > 0 ? std::abs(value) / scale * levels : 0;
      const auto below = static_cast<uint32_t>(exact);
      const uint32_t level =
          std::min(options_.levels,
                   below + (random->Uniform() < exact - static_cast<float>(below) ? 1U : 0U));
      // Elias's gamma code of level + 1, then the sign.
      const auto bits = static_cast<unsigned>(std::bit_width(level + 1)) - 1;
      codes_.PutUnary(bits);
      codes_.Put((level + 1) & ((1U << bits) - 1), bits);
      if (level > 0) codes_.Put(value < 0 ? 1 : 0, 1);
    }
  }
}

void MessageWriter::AddValues(size_t size, std::span<const uint32_t> positions,
                              std::span<const float> values) {
  PutSize(size);
  heads_.Put(0, 1);
  PutCount(positions.size(), size);
  uint32_t fillers = 0;
  uint32_t next = 0;
  for (const uint32_t position : positions) {
    uint32_t gap = position - next;
    for (; gap >= kFillerGap; gap -= kFillerGap, ++fillers) Append(kFillerGap, &array_bytes_);
    Append(static_cast<uint16_t>(gap), &array_bytes_);
    next = position + 1;
  }
  PutNumber(fillers);
  const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
  array_bytes_.insert(array_bytes_.end(), bytes, bytes + values.size_bytes());
}

void MessageWriter::AddBinary(size_t size, std::span<const uint32_t> positions, float value) {
  PutSize(size);
  heads_.Put(0, 1);
  const size_t count = value == 0 ? 0 : positions.size();
  PutCount(count, size);
  if (count == 0) return;
  const unsigned parameter = RiceParameter(count, size);
  PutFloat(value, &heads_);
  heads_.Put(parameter, 5);
  WritePositions(positions, parameter, &codes_);
}

void MessageWriter::AddSigned(size_t size, std::span<const uint32_t> positions,
                              std::span<const float> values, float value) {
  AddBinary(size, positions, value);
  if (value == 0) return;
  for (const float each : values) codes_.Put(each < 0 ? 1 : 0, 1);
}

void MessageWriter::Finish(std::vector<uint8_t>* message) {
  Finish();
  std::swap(message_, *message);
}

std::span<const uint8_t> MessageWriter::Finish() {
  heads_.Finish();
  codes_.Finish();
  const size_t size = message_.size() + head_bytes_.size() + array_bytes_.size() +
                      code_bytes_.size() + sizeof(uint32_t);
  // The next ones may be somewhat larger.
  if (message_.capacity() < size) message_.reserve(size + size / 8);
  for (const auto* part : {&head_bytes_, &array_bytes_, &code_bytes_}) {
    message_.insert(message_.end(), part->begin(), part->end());
  }
  Append(Crc32(message_.data(), message_.size()), &message_);
  return message_;
}

}  // namespace lowtropy
