// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <utility>

#include "lowtropy/base/crc32.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {

void AppendVarint(uint64_t number, std::vector<uint8_t>* bytes) {
  for (; number >= 0x80; number >>= 7) bytes->push_back(static_cast<uint8_t>(number | 0x80));
  bytes->push_back(static_cast<uint8_t>(number));
}

void MessageWriter::Begin(const MessageHead& head, size_t tensors, const MethodOptions& options) {
  const MethodRow& row = RowOf(head.method);
  sparse_ = row.sparse;
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
  if (row.put_options != nullptr) row.put_options(options, &message_);
}

// Groups of 3 bits, the lowest first, each followed by a bit that tells whether there are more.
void MessageWriter::PutNumber(uint64_t number) {
  for (; number >= 8; number >>= 3) heads_.Put(number % 8 | 8, 4);
  heads_.Put(number, 4);
}

// Sizes in networks are odd numbers times powers of two, and often the one before again.
void MessageWriter::BeginTensor(size_t size, bool dense) {
  heads_.Put(size == last_size_ ? 1 : 0, 1);
  if (size != last_size_) {
    const auto twos = static_cast<unsigned>(std::countr_zero(uint64_t{size}));
    heads_.Put(twos, 5);
    PutNumber(uint64_t{size} >> (twos + 1));
    last_size_ = size;
  }
  if (sparse_) heads_.Put(dense ? 1 : 0, 1);
}

void MessageWriter::PutCount(size_t count, size_t size) {
  const bool expected = count == ExpectedCount(static_cast<float>(options_.sparsity), size);
  heads_.Put(expected ? 1 : 0, 1);
  if (!expected) PutNumber(count);
}

void MessageWriter::PutArray(std::span<const std::byte> bytes) {
  const auto* first = reinterpret_cast<const uint8_t*>(bytes.data());
  array_bytes_.insert(array_bytes_.end(), first, first + bytes.size());
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
