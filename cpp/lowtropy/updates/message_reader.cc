// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/coding/golomb_rice.h"
#include "lowtropy/math/half.h"
#include "lowtropy/updates/message.h"
#include "lowtropy/updates/message_parts.h"

namespace lowtropy {
namespace {

using Bytes = std::span<const uint8_t>;

// Throws a clause, which Decode makes a sentence.
[[noreturn]] void Fail(const std::string& clause) { throw Error(ErrorKind::kFile, clause); }

// `count` bytes at `at`, which moves behind them.
Bytes Take(Bytes bytes, size_t* at, uint64_t count) {
  if (count > bytes.size() - *at) Fail("bytes are missing");
  const Bytes taken = bytes.subspan(*at, static_cast<size_t>(count));
  *at += static_cast<size_t>(count);
  return taken;
}

template <class T>
T TakeNumber(Bytes bytes, size_t* at) {
  T number;
  std::memcpy(&number, Take(bytes, at, sizeof number).data(), sizeof number);
  return number;
}

// Seven bits a byte, the lowest first, in as few bytes as it takes.
uint32_t TakeVarint(Bytes bytes, size_t* at) {
  uint64_t number = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    const uint8_t byte = Take(bytes, at, 1)[0];
    number |= uint64_t{byte & 0x7FU} << shift;
    if (byte >= 0x80) continue;
    if ((byte == 0 && shift > 0) || number > UINT32_MAX) break;
    return static_cast<uint32_t>(number);
  }
  Fail("a number of its header is too large or longer than it need be");
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
  Fail("a number is too large or longer than it need be");
}

float FloatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float FiniteFloat(uint32_t bits) {
  const float value = FloatOf(bits);
  if (!std::isfinite(value)) Fail("a value is not finite");
  return value;
}

float GetFloat(BitReader* bits) { return FiniteFloat(static_cast<uint32_t>(bits->Get(32))); }

// What values of either sign are multiples of.
float GetMagnitude(BitReader* bits) {
  const float magnitude = GetFloat(bits);
  if (Bits(magnitude) >> 31 != 0) Fail("a magnitude is negative");
  return magnitude;
}

void CopyFloats(Bytes bytes, std::span<float> values) {
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  for (const float value : values) {
    if (!std::isfinite(value)) Fail("a value is not finite");
  }
}

void CopyHalves(Bytes bytes, std::span<float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t half;
    std::memcpy(&half, bytes.data() + 2 * i, sizeof half);
    if ((half & 0x7C00) == 0x7C00) Fail("a value is not finite");
    values[i] = FloatOfHalf(half);
  }
}

void CopySigns(Bytes bytes, float step, std::span<float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = (bytes[i / 8] >> i % 8 & 1) != 0 ? -step : step;
  }
  if (values.size() % 8 != 0 && bytes.back() >> values.size() % 8 != 0) {
    Fail("the bits that fill up a byte are not zeros");
  }
}

void CopyTernary(Bytes bytes, float scale, std::span<float> values) {
  const float meanings[] = {0, scale, -scale};
  for (size_t i = 0; i < values.size(); i += kTritsPerByte) {
    unsigned byte = bytes[i / kTritsPerByte];
    const size_t end = std::min(values.size(), i + kTritsPerByte);
    for (size_t j = i; j < end; ++j, byte /= 3) values[j] = meanings[byte % 3];
    if (byte != 0) Fail("a byte holds more ternary digits than there are");
  }
  const auto sent = [](uint8_t byte) { return byte != 0; };
  if (scale == 0 && std::any_of(bytes.begin(), bytes.end(), sent)) {
    Fail("values are sent, and all are 0");
  }
}

void CopyGaps(Bytes bytes, uint64_t size, std::span<uint32_t> positions) {
  uint64_t next = 0;
  size_t done = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    uint16_t gap;
    std::memcpy(&gap, bytes.data() + i, sizeof gap);
    next += gap;
    if (gap == kFillerGap) continue;
    if (done == positions.size()) Fail("there are more gaps than values");
    if (next >= size) {
      Fail(Text("position ", next, " is past the last one, ", size - 1));
    }
    positions[done++] = static_cast<uint32_t>(next++);
  }
  if (done != positions.size()) Fail("there are fewer gaps than values");
  if (!bytes.empty() && bytes[bytes.size() - 2] == 0xFF && bytes.back() == 0xFF) {
    Fail("after the last position there are fillers");
  }
}

// Reads what belongs to a tensor, which errors then name.
template <class Read>
void ReadOf(size_t tensor, const Read& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kFile) throw;
    Fail(Text("in tensor ", tensor, " ", error.what()));
  }
}

}  // namespace

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
    Fail("it does not begin as messages do");
  }
  if (bytes[2] != kMessageVersion) {
    Fail(Text("it is of version ", bytes[2], ", and this reads version ", kMessageVersion));
  }
  const Bytes content = bytes.first(bytes.size() - sizeof(uint32_t));
  size_t at = content.size();
  if (TakeNumber<uint32_t>(bytes, &at) != Crc32(content.data(), content.size())) {
    Fail("its checksum does not fit its bytes: it was cut off or changed");
  }
  uint64_t tensors = 0;
  at = 0;
  ReadHeader(content, &at, &tensors);
  parts_.reserve(static_cast<size_t>(tensors));
  BitReader heads(content.subspan(at));
  for (size_t i = 0; i < tensors; ++i) {
    parts_.emplace_back();
    ReadOf(i, [&] { ReadHead(&heads, &parts_.back()); });
  }
  at += heads.Align();
  ReserveRoom(content.size() - at);
  for (size_t i = 0; i < parts_.size(); ++i) {
    ReadOf(i, [&] { ReadArrays(content, &at, &parts_[i]); });
  }
  ReadCodes(content.subspan(at));
}

void MessageReader::ReadHeader(Bytes bytes, size_t* at, uint64_t* tensors) {
  *at = sizeof kMessageMagic + 1;
  const uint8_t method = Take(bytes, at, 1)[0];
  if (method < kFirstMethod || method > kLastMethod) {
    Fail(Text("there is no method ", method));
  }
  head_.method = static_cast<Method>(method);
  head_.sender = TakeVarint(bytes, at);
  head_.round = TakeVarint(bytes, at);
  head_.layout = TakeNumber<uint32_t>(bytes, at);
  *tensors = TakeVarint(bytes, at);
  // None takes less than 7 bits: 1 and a byte of an array, or three flags and a count of 0.
  if (*tensors == 0 || 7 * *tensors > 8 * uint64_t{bytes.size()}) {
    Fail(
        Text("its ", bytes.size() + sizeof(uint32_t), " bytes cannot hold ", *tensors, " tensors"));
  }
  if (*tensors > kMostTensors) {
    Fail(Text("it is about ", *tensors, " tensors, and at most ", kMostTensors, " are possible"));
  }
  options_ = {};
  if (IsSparse(head_.method)) {
    options_.sparsity = double{FloatOf(TakeNumber<uint32_t>(bytes, at))};
    if (!(options_.sparsity > 0 && options_.sparsity <= 1)) Fail("its sparsity is not in (0, 1]");
  }
  if (head_.method == Method::kSignSgd) {
    options_.step = FloatOf(TakeNumber<uint32_t>(bytes, at));
    if (!(options_.step > 0 && std::isfinite(options_.step))) Fail("its step is not above 0");
  }
  if (head_.method == Method::kQsgd) {
    options_.levels = TakeVarint(bytes, at);
    options_.bucket = TakeVarint(bytes, at);
    if (options_.levels < 1 || options_.levels > 65535 || options_.bucket < 1) {
      Fail("its levels are not from 1 to 65535, or its buckets are empty");
    }
  }
}

// What the heads announce, as far as the bytes behind them can hold it: nothing takes less than a
// bit. Growing step by step would take up to three times as much.
void MessageReader::ReserveRoom(uint64_t bytes) {
  uint64_t positions = 0;
  uint64_t values = 0;
  for (const Part& part : parts_) {
    const bool dense = part.dense || !IsSparse(head_.method);
    if (!dense) positions += part.positions;
    if (dense || head_.method != Method::kSbc) values += dense ? part.update.size : part.positions;
  }
  positions_.reserve(static_cast<size_t>(std::min(positions, 8 * bytes)));
  values_.reserve(static_cast<size_t>(std::min(values, 8 * bytes)));
}

size_t MessageReader::ReadSize(BitReader* bits) const {
  const size_t before = parts_.size() > 1 ? parts_[parts_.size() - 2].update.size : 0;
  if (bits->Get(1) != 0) {
    if (before == 0) Fail("the size is that of the tensor before, and there is none");
    return before;
  }
  const auto twos = static_cast<unsigned>(bits->Get(5));
  const uint64_t odd = 2 * GetNumber(bits) + 1;
  if (odd > UINT32_MAX >> twos) Fail("there are more than 4294967295 elements");
  const auto size = static_cast<size_t>(odd << twos);
  if (size == before) Fail("the size is written out, and it is that of the tensor before");
  return size;
}

size_t MessageReader::ReadCount(BitReader* bits, size_t size) const {
  const uint64_t expected = ExpectedCount(static_cast<float>(options_.sparsity), size);
  if (bits->Get(1) != 0) return static_cast<size_t>(expected);
  const uint64_t count = GetNumber(bits);
  if (count > size) {
    Fail(Text(count, " of ", size, " elements are sent"));
  }
  if (count == expected) Fail("the count is written out, and it is the one to expect");
  return static_cast<size_t>(count);
}

void MessageReader::ReadHead(BitReader* bits, Part* part) {
  TensorUpdate& update = part->update;
  update.size = ReadSize(bits);
  if (head_.method == Method::kTernGrad) update.value = GetMagnitude(bits);
  if (!IsSparse(head_.method)) return;
  part->dense = bits->Get(1) != 0;
  if (part->dense) return;
  part->positions = ReadCount(bits, update.size);
  if (head_.method == Method::kTopK) {
    const uint64_t fillers = GetNumber(bits);
    if (fillers > update.size / kFillerGap) Fail("there are more fillers than gaps can need");
    part->fillers = static_cast<uint32_t>(fillers);
    return;
  }
  if (part->positions == 0) return;
  update.value = head_.method == Method::kStc ? GetMagnitude(bits) : GetFloat(bits);
  if (update.value == 0) Fail("values are sent, and all are 0");
  part->parameter = static_cast<unsigned>(bits->Get(5));
  const unsigned parameter = RiceParameter(part->positions, update.size);
  if (part->parameter == parameter) return;
  Fail(Text("the parameter is ", part->parameter, ", and that of ", part->positions, " of ",
            update.size, " elements is ", parameter));
}

// Sizes are checked against the bytes that are there before anything is allocated for them.
void MessageReader::ReadArrays(Bytes bytes, size_t* at, Part* part) {
  const uint64_t size = part->update.size;
  const auto values = [&](size_t count) {
    part->first_value = values_.size();
    part->values = count;
    values_.resize(values_.size() + count);
    return std::span<float>(values_).last(count);
  };
  if (part->dense || head_.method == Method::kNone || head_.method == Method::kFedAvg) {
    const Bytes array = Take(bytes, at, size * sizeof(float));
    CopyFloats(array, values(part->update.size));
  } else if (head_.method == Method::kFp16) {
    const Bytes array = Take(bytes, at, size * sizeof(uint16_t));
    CopyHalves(array, values(part->update.size));
  } else if (head_.method == Method::kSignSgd) {
    const Bytes array = Take(bytes, at, (size + 7) / 8);
    CopySigns(array, options_.step, values(part->update.size));
  } else if (head_.method == Method::kTernGrad) {
    const Bytes array = Take(bytes, at, (size + kTritsPerByte - 1) / kTritsPerByte);
    CopyTernary(array, part->update.value, values(part->update.size));
  } else if (head_.method == Method::kTopK) {
    const uint64_t gaps = uint64_t{part->positions} + part->fillers;
    const Bytes gap_array = Take(bytes, at, gaps * sizeof(uint16_t));
    const Bytes array = Take(bytes, at, uint64_t{part->positions} * sizeof(float));
    CopyGaps(gap_array, size, Positions(part));
    CopyFloats(array, values(part->positions));
  }
}

std::span<uint32_t> MessageReader::Positions(Part* part) {
  part->first_position = positions_.size();
  positions_.resize(positions_.size() + part->positions);
  return std::span<uint32_t>(positions_).last(part->positions);
}

void MessageReader::ReadCodes(Bytes bytes) {
  BitReader bits(bytes);
  for (size_t i = 0; i < parts_.size(); ++i) {
    ReadOf(i, [&] { ReadTensorCodes(&bits, &parts_[i]); });
  }
  bits.ExpectEnd();
}

// A code has at least one bit, which bounds what is allocated for the codes.
void MessageReader::ReadTensorCodes(BitReader* bits, Part* part) {
  const auto expect = [&](uint64_t codes) {
    if (codes > bits->Left()) Fail("bytes are missing");
  };
  if (head_.method == Method::kQsgd) {
    expect(part->update.size);
    part->first_value = values_.size();
    part->values = part->update.size;
    return ReadLevels(bits, part->update.size);
  }
  if (part->dense || head_.method < Method::kStc || part->positions == 0) return;
  expect(part->positions);
  ReadPositions(bits, part->parameter, part->update.size, Positions(part));
  if (head_.method != Method::kStc) return;
  part->first_value = values_.size();
  part->values = part->positions;
  for (size_t i = 0; i < part->positions; ++i) {
    values_.push_back(bits->Get(1) != 0 ? -part->update.value : part->update.value);
  }
}

// Appends a tensor's values, bucket by bucket.
void MessageReader::ReadLevels(BitReader* bits, size_t size) {
  for (size_t done = 0; done < size;) {
    const float scale = GetMagnitude(bits);
    const size_t count = std::min<size_t>(options_.bucket, size - done);
    done += count;
    for (size_t i = 0; i < count; ++i) {
      const auto length = static_cast<unsigned>(bits->GetUnary(16));
      const uint64_t level = ((uint64_t{1} << length) | bits->Get(length)) - 1;
      if (level > options_.levels) {
        Fail(Text("level ", level, " is above the highest, ", options_.levels));
      }
      if (level > 0 && scale == 0) Fail("values are sent, and all are 0");
      // Not above the scale, so that it is finite.
      const float share = static_cast<float>(level) / static_cast<float>(options_.levels);
      const float magnitude = scale * share;
      values_.push_back(level > 0 && bits->Get(1) != 0 ? -magnitude : magnitude);
    }
  }
}

void MessageReader::Publish() {
  tensors_.reserve(parts_.size());
  for (const Part& part : parts_) {
    tensors_.push_back(part.update);
    TensorUpdate& update = tensors_.back();
    const bool sparse = IsSparse(head_.method) && !part.dense;
    update.form = !sparse                        ? TensorUpdate::Form::kDense
                  : head_.method == Method::kSbc ? TensorUpdate::Form::kBinary
                                                 : TensorUpdate::Form::kSparse;
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
