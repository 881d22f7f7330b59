// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/coding/golomb_rice.h"
#include "lowtropy/coding/half.h"
#include "lowtropy/sbc/message.h"
#include "lowtropy/sbc/message_parts.h"

namespace lowtropy {
namespace {

using Bytes = std::span<const uint8_t>;

// Throws a clause, which Decode makes a sentence.
[[noreturn]] void Fail(const std::string& clause) { throw Error(ErrorKind::kFile, clause); }

// `count` bytes at `at`, which moves behind them.
Bytes Take(Bytes bytes, size_t* at, uint64_t count) {
  if (count > bytes.size() - *at) Fail("it ends too early");
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
  Fail("a number in its header is too large or longer than it need be");
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
  Fail("a number of a tensor is too large or longer than it need be");
}

float FiniteFloat(uint32_t number) {
  float value;
  std::memcpy(&value, &number, sizeof value);
  if (!std::isfinite(value)) Fail("it holds a value that is not finite");
  return value;
}

float GetFloat(BitReader* bits) { return FiniteFloat(static_cast<uint32_t>(bits->Get(32))); }

void CopyFloats(Bytes bytes, std::span<float> values) {
  std::memcpy(values.data(), bytes.data(), bytes.size());
  for (const float value : values) {
    if (!std::isfinite(value)) Fail("it holds a value that is not finite");
  }
}

void CopyHalves(Bytes bytes, std::span<float> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t half;
    std::memcpy(&half, bytes.data() + 2 * i, sizeof half);
    if ((half & 0x7C00) == 0x7C00) Fail("it holds a value that is not finite");
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
    if (byte != 0) Fail("five ternary digits are more than there can be");
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
    if (done == positions.size()) Fail("it has more gaps than elements");
    if (next >= size) Fail("a position is past the end of its tensor");
    positions[done++] = static_cast<uint32_t>(next++);
  }
  if (done != positions.size()) Fail("it has fewer gaps than elements");
}

std::string Quoted(size_t tensor) { return "tensor " + std::to_string(tensor); }

}  // namespace

void MessageReader::Decode(Bytes bytes) {
  try {
    ReadMessage(bytes);
    Publish();
  } catch (const Error& error) {
    parts_.clear();
    tensors_.clear();
    if (error.kind() != ErrorKind::kFile) throw;
    throw Error(ErrorKind::kFile, std::string("The message is refused: ") + error.what() + ".");
  }
}

void MessageReader::ReadMessage(Bytes bytes) {
  parts_.clear();
  tensors_.clear();
  positions_.clear();
  values_.clear();
  if (bytes.size() < sizeof kMessageMagic + 2 + sizeof(uint32_t) ||
      std::memcmp(bytes.data(), kMessageMagic, sizeof kMessageMagic) != 0) {
    Fail("it does not begin as one does");
  }
  if (bytes[2] != kMessageVersion) {
    Fail("it is of version " + std::to_string(bytes[2]) + ", and this reads version " +
         std::to_string(kMessageVersion));
  }
  const Bytes content = bytes.first(bytes.size() - sizeof(uint32_t));
  size_t at = content.size();
  if (TakeNumber<uint32_t>(bytes, &at) != Crc32(content.data(), content.size())) {
    Fail("its checksum does not fit its bytes");
  }
  uint64_t tensors = 0;
  at = 0;
  ReadHeader(content, &at, &tensors);
  BitReader heads(content.subspan(at));
  for (uint64_t i = 0; i < tensors; ++i) {
    parts_.emplace_back();
    ReadHead(&heads, &parts_.back());
  }
  at += heads.Align();
  ReadArrays(content, &at);
  ReadCodes(content.subspan(at));
}

void MessageReader::ReadHeader(Bytes bytes, size_t* at, uint64_t* tensors) {
  *at = sizeof kMessageMagic + 1;
  const uint8_t method = Take(bytes, at, 1)[0];
  if (method < kFirstMethod || method > kLastMethod) {
    Fail("there is no method " + std::to_string(method));
  }
  head_.method = static_cast<Method>(method);
  head_.sender = TakeVarint(bytes, at);
  head_.round = TakeVarint(bytes, at);
  head_.layout = TakeNumber<uint32_t>(bytes, at);
  *tensors = TakeVarint(bytes, at);
  // None takes less than 7 bits.
  if (*tensors == 0 || *tensors > 2 * uint64_t{bytes.size()}) {
    Fail("it cannot have " + std::to_string(*tensors) + " tensors");
  }
  options_ = {};
  if (IsSparse(head_.method)) {
    options_.sparsity = double{FiniteFloat(TakeNumber<uint32_t>(bytes, at))};
    if (options_.sparsity <= 0 || options_.sparsity > 1) Fail("its sparsity is not in (0, 1]");
  }
  if (head_.method == Method::kSignSgd) {
    options_.step = FiniteFloat(TakeNumber<uint32_t>(bytes, at));
  }
  if (head_.method == Method::kQsgd) {
    options_.levels = TakeVarint(bytes, at);
    options_.bucket = TakeVarint(bytes, at);
    if (options_.levels < 1 || options_.levels > 65535 || options_.bucket < 1) {
      Fail("its levels or its bucket cannot be");
    }
  }
}

void MessageReader::ReadHead(BitReader* bits, Part* part) {
  TensorUpdate& update = part->update;
  if (bits->Get(1) != 0) {
    if (parts_.size() == 1) Fail("the first tensor has the size of the one before it");
    update.size = parts_[parts_.size() - 2].update.size;
  } else {
    const auto twos = static_cast<unsigned>(bits->Get(5));
    const uint64_t odd = 2 * GetNumber(bits) + 1;
    if (odd > UINT32_MAX >> twos) Fail("a tensor has more than 4294967295 elements");
    update.size = static_cast<size_t>(odd << twos);
    if (parts_.size() > 1 && update.size == parts_[parts_.size() - 2].update.size) {
      Fail("a size is written out though it is that of the tensor before");
    }
  }
  if (head_.method == Method::kTernGrad) update.value = GetFloat(bits);
  if (!IsSparse(head_.method)) return;
  part->dense = bits->Get(1) != 0;
  if (part->dense) return;
  const uint64_t expected = ExpectedCount(static_cast<float>(options_.sparsity), update.size);
  const uint64_t count = bits->Get(1) != 0 ? expected : GetNumber(bits);
  if (count > update.size) {
    Fail("it sends " + std::to_string(count) + " of the " + std::to_string(update.size) +
         " elements of " + Quoted(parts_.size() - 1));
  }
  part->positions = static_cast<size_t>(count);
  if (head_.method == Method::kTopK) {
    const uint64_t fillers = GetNumber(bits);
    if (fillers > update.size / kFillerGap) Fail("it has more fillers than gaps can need");
    part->fillers = static_cast<uint32_t>(fillers);
  } else if (count > 0) {
    update.value = GetFloat(bits);
    part->parameter = static_cast<unsigned>(bits->Get(5));
  }
}

// Sizes are checked against the bytes that are there before anything is allocated for them.
void MessageReader::ReadArrays(Bytes bytes, size_t* at) {
  for (Part& part : parts_) {
    const size_t size = part.update.size;
    const auto values = [&](size_t count) {
      part.first_value = values_.size();
      part.values = count;
      values_.resize(values_.size() + count);
      return std::span<float>(values_).last(count);
    };
    if (part.dense || head_.method == Method::kNone || head_.method == Method::kFedAvg) {
      const Bytes array = Take(bytes, at, uint64_t{size} * sizeof(float));
      CopyFloats(array, values(size));
    } else if (head_.method == Method::kFp16) {
      const Bytes array = Take(bytes, at, uint64_t{size} * sizeof(uint16_t));
      CopyHalves(array, values(size));
    } else if (head_.method == Method::kSignSgd) {
      const Bytes array = Take(bytes, at, (uint64_t{size} + 7) / 8);
      CopySigns(array, options_.step, values(size));
    } else if (head_.method == Method::kTernGrad) {
      const Bytes array = Take(bytes, at, (uint64_t{size} + kTritsPerByte - 1) / kTritsPerByte);
      CopyTernary(array, part.update.value, values(size));
    } else if (head_.method == Method::kTopK) {
      const uint64_t gaps = uint64_t{part.positions} + part.fillers;
      const Bytes gap_array = Take(bytes, at, gaps * sizeof(uint16_t));
      const Bytes array = Take(bytes, at, uint64_t{part.positions} * sizeof(float));
      part.first_position = positions_.size();
      positions_.resize(positions_.size() + part.positions);
      CopyGaps(gap_array, size, std::span<uint32_t>(positions_).last(part.positions));
      CopyFloats(array, values(part.positions));
    }
  }
}

void MessageReader::ReadCodes(Bytes bytes) {
  BitReader bits(bytes);
  for (Part& part : parts_) {
    const size_t size = part.update.size;
    if (head_.method == Method::kQsgd) {
      if (size > bits.Left()) Fail("it ends too early");  // a code has at least one bit
      part.first_value = values_.size();
      part.values = size;
      ReadLevels(&bits, size);
      continue;
    }
    if (part.dense || head_.method < Method::kStc || part.positions == 0) continue;
    if (part.positions > bits.Left()) Fail("it ends too early");
    part.first_position = positions_.size();
    positions_.resize(positions_.size() + part.positions);
    const auto positions = std::span<uint32_t>(positions_).last(part.positions);
    ReadPositions(&bits, part.parameter, size, positions);
    if (head_.method != Method::kStc) continue;
    part.first_value = values_.size();
    part.values = part.positions;
    for (size_t i = 0; i < part.positions; ++i) {
      values_.push_back(bits.Get(1) != 0 ? -part.update.value : part.update.value);
    }
  }
  bits.ExpectEnd();
}

// Appends a tensor's values, bucket by bucket.
void MessageReader::ReadLevels(BitReader* bits, size_t size) {
  for (size_t done = 0; done < size;) {
    const float scale = GetFloat(bits);
    const size_t count = std::min<size_t>(options_.bucket, size - done);
    if (scale < 0) Fail("a scale is negative");
    done += count;
    for (size_t i = 0; i < count; ++i) {
      const auto length = static_cast<unsigned>(bits->GetUnary(16));
      const uint64_t level = ((uint64_t{1} << length) | bits->Get(length)) - 1;
      if (level > options_.levels) Fail("a level is above the highest");
      const float magnitude =
          scale * static_cast<float>(level) / static_cast<float>(options_.levels);
      values_.push_back(level > 0 && bits->Get(1) != 0 ? -magnitude : magnitude);
    }
  }
}

void MessageReader::Publish() {
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
  if (count() != layout.count() || head_.layout != layout.id()) {
    throw Error(ErrorKind::kShape, "The message speaks of other tensors: of " +
                                       std::to_string(count()) + " where there are " +
                                       std::to_string(layout.count()) + ", or of other names.");
  }
  for (size_t i = 0; i < count(); ++i) {
    if (tensors_[i].size == layout.size(i)) continue;
    throw Error(ErrorKind::kShape, "In the message tensor \"" + layout.name(i) + "\" has " +
                                       std::to_string(tensors_[i].size) + " elements, not " +
                                       std::to_string(layout.size(i)) + ".");
  }
}

void MessageReader::CheckRound(uint32_t round) const {
  if (head_.round == round) return;
  throw Error(ErrorKind::kValue, "The message is of round " + std::to_string(head_.round) +
                                     ", and this is round " + std::to_string(round) + ".");
}

void MessageReader::Apply(const Layout& layout, float scale, std::span<float> weights) const {
  for (size_t i = 0; i < count(); ++i) {
    const TensorUpdate& update = tensors_[i];
    float* const tensor = weights.data() + layout.offset(i);
    switch (update.form) {
      case TensorUpdate::Form::kDense:
        for (size_t j = 0; j < update.size; ++j) tensor[j] += scale * update.values[j];
        break;
      case TensorUpdate::Form::kSparse:
        for (size_t j = 0; j < update.positions.size(); ++j) {
          tensor[update.positions[j]] += scale * update.values[j];
        }
        break;
      case TensorUpdate::Form::kBinary: {
        const float step = scale * update.value;
        for (const uint32_t position : update.positions) tensor[position] += step;
        break;
      }
    }
  }
}

}  // namespace lowtropy
