// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

using Bytes = std::span<const uint8_t>;

float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The size of a tensor; `before`: that of the one before it, or 0.
size_t ReadSize(BitReader* bits, size_t before) {
  if (bits->Get(1) != 0) {
    if (before == 0) FailMessage("the size is that of the tensor before, and there is none");
    return before;
  }
  const auto twos = static_cast<unsigned>(bits->Get(5));
  const uint64_t odd = 2 * GetNumber(bits) + 1;
  if (odd > UINT32_MAX >> twos) FailMessage("there are more than 4294967295 elements");
  const auto size = static_cast<size_t>(odd << twos);
  if (size == before) {
    FailMessage("the size is written out, and it is that of the tensor before");
  }
  return size;
}

// Calls read(i) for each tensor, which errors then name.
template <class Read>
void ReadTensors(size_t tensors, const Read& read) {
  size_t i = 0;
  try {
    for (; i < tensors; ++i) read(i);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFile) throw;
    FailMessage(Text("in tensor ", i, " ", error.what()));
  }
}

}  // namespace

uint64_t ExpectedCount(float sparsity, uint64_t size) {
  const double product = static_cast<double>(sparsity) * static_cast<double>(size);
  return std::clamp<uint64_t>(static_cast<uint64_t>(std::floor(product + 0.5)), 1, size);
}

// ---- parts

void FailMessage(const char* clause) { throw Error(ErrorKind::kFile, clause); }

void FailMessage(const std::string& clause) { throw Error(ErrorKind::kFile, clause); }

Bytes MessageBytes::Take(uint64_t count) {
  if (count > bytes_.size()) FailMessage("bytes are missing");
  const Bytes taken = bytes_.first(static_cast<size_t>(count));
  bytes_ = bytes_.subspan(taken.size());
  return taken;
}

uint32_t MessageBytes::Number() {
  uint32_t number;
  std::memcpy(&number, Take(sizeof number).data(), sizeof number);
  return number;
}

float MessageBytes::Float() { return FloatOf(Number()); }

uint32_t MessageBytes::Varint() {
  uint64_t number = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const uint8_t byte = Take(1)[0];
    number |= uint64_t{byte & 0x7FU} << shift;
    if (byte >= 0x80) continue;
    if ((byte == 0 && shift > 0) || number > UINT32_MAX) break;
    return static_cast<uint32_t>(number);
  }
  FailMessage("a number of its header is too large or longer than it need be");
}

uint64_t GetNumber(BitReader* bits) {
  uint64_t number = 0;
  for (unsigned shift = 0; shift <= 33; shift += 3) {
    const uint64_t group = bits->Get(4);
    number |= (group & 7) << shift;
    if (group < 8) {
      if (group == 0 && shift > 0) break;
      return number;
    }
  }
  FailMessage("a number is too large or longer than it need be");
}

float GetFloat(BitReader* bits) {
  const float value = FloatOf(static_cast<uint32_t>(bits->Get(32)));
  if (!std::isfinite(value)) FailMessage("a value is not finite");
  return value;
}

float GetMagnitude(BitReader* bits) {
  const float magnitude = GetFloat(bits);
  if (Bits(magnitude) >> 31 != 0) FailMessage("a magnitude is negative");
  return magnitude;
}

void TensorReader::ReadCount() {
  const size_t size = part->update.size;
  const uint64_t expected = ExpectedCount(static_cast<float>(options.sparsity), size);
  const bool written_out = bits->Get(1) == 0;
  const uint64_t count = written_out ? GetNumber(bits) : expected;
  if (count > size) {
    FailMessage(Text(count, " of ", size, " elements are sent"));
  }
  if (written_out && count == expected) {
    FailMessage("the count is written out, and it is the one to expect");
  }
  part->positions = static_cast<size_t>(count);
}

void TensorReader::ExpectCodes(uint64_t codes) const {
  if (codes > bits->Left()) FailMessage("bytes are missing");
}

std::span<uint32_t> TensorReader::Positions() {
  part->first_position = all_positions->size();
  all_positions->resize(all_positions->size() + part->positions);
  return std::span<uint32_t>(*all_positions).last(part->positions);
}

std::span<float> TensorReader::Values(size_t count) {
  part->first_value = all_values->size();
  part->values = count;
  all_values->resize(all_values->size() + count);
  return std::span<float>(*all_values).last(count);
}

// ---- messages

MessageReader::MessageReader() = default;
MessageReader::~MessageReader() = default;
MessageReader::MessageReader(MessageReader&&) noexcept = default;

void MessageReader::Decode(Bytes bytes) {
  try {
    ReadMessage(bytes);
    Publish();
  } catch (const Error& error) {
    parts_.clear();
    tensors_.clear();
    if (error.kind() != ErrorKind::kFile) throw;
    throw Error(ErrorKind::kFile, Text("The message is refused: ", error.what(), "."));
  }
}

void MessageReader::ReadMessage(Bytes bytes) {
  parts_.clear();
  tensors_.clear();
  positions_.clear();
  values_.clear();
  if (bytes.size() < sizeof kMessageMagic + 2 + sizeof(uint32_t) ||
      std::memcmp(bytes.data(), kMessageMagic, sizeof kMessageMagic) != 0) {
    FailMessage("it does not begin as messages do");
  }
  if (bytes[2] != kMessageVersion) {
    FailMessage(Text("it is of version ", bytes[2], ", and this reads version ", kMessageVersion));
  }
  const Bytes content = bytes.first(bytes.size() - sizeof(uint32_t));
  if (MessageBytes(bytes.last(sizeof(uint32_t))).Number() !=
      Crc32(content.data(), content.size())) {
    FailMessage("its checksum does not fit its bytes: it was cut off or changed");
  }
  MessageBytes left(content);
  const size_t tensors = ReadHeader(&left);
  parts_.reserve(tensors);
  BitReader heads(left.left());
  TensorReader in{options_, nullptr, &heads, &left, &positions_, &values_};
  ReadTensors(tensors, [&](size_t i) {
    TensorPart& part = parts_.emplace_back();
    in.part = &part;
    part.update.size = ReadSize(&heads, i > 0 ? parts_[i - 1].update.size : 0);
    part.dense = row_->sparse && heads.Get(1) != 0;
    if (!part.dense && row_->read_head != nullptr) row_->read_head(&in);
  });
  left.Take(heads.Align());
  ReserveRoom(left.left().size());
  ReadTensors(tensors, [&](size_t i) {
    in.part = &parts_[i];
    const auto read = in.part->dense ? ReadFloats : row_->read_arrays;
    if (read != nullptr) read(&in);
  });
  BitReader codes(left.left());
  in.bits = &codes;
  ReadTensors(tensors, [&](size_t i) {
    in.part = &parts_[i];
    if (!in.part->dense && row_->read_codes != nullptr) row_->read_codes(&in);
  });
  codes.ExpectEnd();
}

// How many tensors there are.
size_t MessageReader::ReadHeader(MessageBytes* bytes) {
  const size_t size = bytes->left().size();
  bytes->Take(sizeof kMessageMagic + 1);
  const uint8_t method = bytes->Take(1)[0];
  row_ = FindMethod(method);
  if (row_ == nullptr) FailMessage(Text("there is no method ", method));
  head_.method = row_->method;
  head_.sender = bytes->Varint();
  head_.round = bytes->Varint();
  head_.layout = bytes->Number();
  const uint32_t tensors = bytes->Varint();
  // None takes less than 7 bits: 1 and a byte of an array, or three flags and a count of 0.
  if (tensors == 0 || 7 * uint64_t{tensors} > 8 * uint64_t{size}) {
    FailMessage(Text("its ", size + sizeof(uint32_t), " bytes cannot hold ", tensors, " tensors"));
  }
  if (tensors > kMostTensors) {
    FailMessage(
        Text("it is about ", tensors, " tensors, and at most ", kMostTensors, " are possible"));
  }
  options_ = {};
  if (row_->get_options != nullptr) row_->get_options(bytes, &options_);
  return tensors;
}

// What the heads announce, as far as the bytes behind them can hold it: nothing takes less than a
// bit. Growing step by step would take up to three times as much.
void MessageReader::ReserveRoom(uint64_t bytes) {
  using Form = TensorUpdate::Form;
  uint64_t positions = 0;
  uint64_t values = 0;
  for (const TensorPart& part : parts_) {
    const bool dense = part.dense || row_->form == Form::kDense;
    if (!dense) positions += part.positions;
    if (dense || row_->form != Form::kBinary) values += dense ? part.update.size : part.positions;
  }
  positions_.reserve(static_cast<size_t>(std::min(positions, 8 * bytes)));
  values_.reserve(static_cast<size_t>(std::min(values, 8 * bytes)));
}

void MessageReader::Publish() {
  tensors_.reserve(parts_.size());
  for (const TensorPart& part : parts_) {
    tensors_.push_back(part.update);
    TensorUpdate& update = tensors_.back();
    update.form = part.dense ? TensorUpdate::Form::kDense : row_->form;
    update.positions = std::span(positions_).subspan(part.first_position, part.positions);
    update.values = std::span(values_).subspan(part.first_value, part.values);
  }
}

void MessageReader::CheckLayout(const Layout& layout) const {
  if (count() != layout.count()) {
    throw Error(ErrorKind::kShape,
                Text("The message is about ", count(), " tensors, not ", layout.count(), "."));
  }
  if (head_.layout != layout.id()) {
    throw Error(ErrorKind::kShape, "The message is about tensors of other names.");
  }
  for (size_t i = 0; i < count(); ++i) {
    if (tensors_[i].size == layout.size(i)) continue;
    throw Error(ErrorKind::kShape, Text("In the message tensor \"", layout.name(i), "\" has ",
                                        tensors_[i].size, " elements, not ", layout.size(i), "."));
  }
}

void MessageReader::CheckRound(uint32_t round) const {
  if (head_.round == round) return;
  throw Error(ErrorKind::kValue,
              Text("The message is of round ", head_.round, ", and this is round ", round, "."));
}

namespace {

// Calls work(element, step) for each element that was sent, with what a scale makes of its value. A
// product is a variable of its own, so that no compiler fuses it with the sum.
template <class F>
void ForSteps(const TensorUpdate& update, float scale, const F& work) {
  switch (update.form) {
    case TensorUpdate::Form::kDense:
      for (size_t i = 0; i < update.size; ++i) {
        const float step = scale * update.values[i];
        work(i, step);
      }
      break;
    case TensorUpdate::Form::kSparse:
      for (size_t i = 0; i < update.positions.size(); ++i) {
        const float step = scale * update.values[i];
        work(update.positions[i], step);
      }
      break;
    case TensorUpdate::Form::kBinary: {
      const float step = scale * update.value;
      for (const uint32_t position : update.positions) work(position, step);
      break;
    }
  }
}

// Where a sum is not finite. For this once, a branch for each element.
[[noreturn]] void RefuseSums(const TensorUpdate& update, float scale, const std::string& name,
                             const float* tensor) {
  const bool dense = update.form == TensorUpdate::Form::kDense;
  const bool binary = update.form == TensorUpdate::Form::kBinary;
  size_t at = 0;
  for (size_t i = 0;; ++i) {
    at = dense ? i : update.positions[i];
    const float step = scale * (binary ? update.value : update.values[i]);
    if (!std::isfinite(tensor[at] + step)) break;
  }
  throw Error(ErrorKind::kValue, Text("The message was not applied, as it would have made element ",
                                      at, " of tensor \"", name, "\" NaN or infinite."));
}

}  // namespace

void MessageReader::Apply(const Layout& layout, float scale, std::span<float> weights) const {
  CheckSums(layout, scale, weights);
  for (size_t i = 0; i < count(); ++i) {
    float* const tensor = weights.data() + layout.offset(i);
    ForSteps(tensors_[i], scale, [&](size_t at, float step) { tensor[at] += step; });
  }
}

void MessageReader::CheckSums(const Layout& layout, float scale,
                              std::span<const float> weights) const {
  for (size_t i = 0; i < count(); ++i) {
    const float* const tensor = weights.data() + layout.offset(i);
    uint32_t largest = 0;  // magnitude of a sum, as bits: one comparison for all of a tensor
    ForSteps(tensors_[i], scale, [&](size_t at, float step) {
      largest = std::max(largest, Bits(tensor[at] + step) & 0x7FFFFFFF);
    });
    if (largest < 0x7F800000) continue;
    RefuseSums(tensors_[i], scale, layout.name(i), tensor);
  }
}

}  // namespace lowtropy
