// SPDX-License-Identifier: Apache-2.0
//
// The saved state of a compressor: "SBCS", version, method, options, layout, random state,
// residual, velocity, CRC-32 of all before.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "lowtropy/base/bytes.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/sbc/compressor.h"

namespace lowtropy {
namespace {

constexpr uint32_t kStateMagic = 0x53434253;  // "SBCS"
constexpr uint8_t kStateVersion = 1;

[[noreturn]] void Fail(const std::string& clause) { throw Error(ErrorKind::kFile, clause); }

void PutOptions(const MethodOptions& options, ByteWriter* out) {
  out->Put(options.sparsity);
  out->Put(static_cast<uint8_t>(options.sampled));
  out->Put(static_cast<uint64_t>(options.dense_below));
  out->Put(static_cast<uint8_t>(options.momentum_mask));
  out->Put(options.momentum);
  out->Put(options.step);
  out->Put(options.levels);
  out->Put(options.bucket);
  out->Put(options.clip);
  out->Put(options.seed);
}

bool GetFlag(ByteReader* in) {
  const auto flag = in->Get<uint8_t>();
  if (flag > 1) Fail("a flag is neither 0 nor 1");
  return flag != 0;
}

// A size_t that may have been saved where that is wider.
size_t GetSize(ByteReader* in) {
  return static_cast<size_t>(std::min<uint64_t>(in->Get<uint64_t>(), SIZE_MAX));
}

MethodOptions GetOptions(ByteReader* in) {
  MethodOptions options;
  options.sparsity = in->Get<double>();
  options.sampled = GetFlag(in);
  options.dense_below = GetSize(in);
  options.momentum_mask = GetFlag(in);
  options.momentum = in->Get<float>();
  options.step = in->Get<float>();
  options.levels = in->Get<uint32_t>();
  options.bucket = in->Get<uint32_t>();
  options.clip = in->Get<float>();
  options.seed = in->Get<uint64_t>();
  return options;
}

Layout GetLayout(ByteReader* in) {
  std::vector<NamedSize> tensors;
  for (auto left = in->Get<uint32_t>(); left > 0; --left) {
    std::string name = in->GetText();
    if (!tensors.empty() && name <= tensors.back().name) Fail("its tensors are not in order");
    tensors.push_back({std::move(name), GetSize(in)});
  }
  return Layout(std::move(tensors));
}

Random GetRandom(ByteReader* in) {
  Random::State state;
  for (uint32_t& number : state) number = in->Get<uint32_t>();
  if (state == Random::State{}) Fail("its random numbers are all 0");
  return Random(state);
}

// The floats of a state, which are as many as the layout's; finite, for only those are sent.
void GetFloats(ByteReader* in, size_t expected, std::vector<float>* floats) {
  *floats = in->GetArray<float>();
  if (floats->size() != expected) Fail("its arrays do not fit its tensors");
  for (const float value : *floats) {
    if (!std::isfinite(value)) Fail("it holds a value that is not finite");
  }
}

}  // namespace

std::vector<uint8_t> Compressor::Save() const {
  ByteWriter out;
  out.Put(kStateMagic);
  out.Put(kStateVersion);
  out.Put(static_cast<uint8_t>(method_));
  PutOptions(options_, &out);
  out.Put(static_cast<uint32_t>(layout_.count()));
  for (size_t i = 0; i < layout_.count(); ++i) {
    out.PutText(layout_.name(i));
    out.Put(static_cast<uint64_t>(layout_.size(i)));
  }
  for (const uint32_t number : random_.state()) out.Put(number);
  out.PutArray(std::span<const float>(residual_));
  out.PutArray(std::span<const float>(velocity_));
  out.Put(Crc32(out.bytes().data(), out.bytes().size()));
  return std::move(out.bytes());
}

std::unique_ptr<Compressor> Compressor::Restore(std::span<const uint8_t> bytes) {
  try {
    if (bytes.size() < sizeof(uint32_t)) Fail("it ends too early");
    const std::span<const uint8_t> content = bytes.first(bytes.size() - sizeof(uint32_t));
    uint32_t sum = 0;
    std::memcpy(&sum, bytes.data() + content.size(), sizeof sum);
    if (sum != Crc32(content.data(), content.size())) Fail("its checksum does not fit its bytes");
    ByteReader in(content);
    if (in.Get<uint32_t>() != kStateMagic) Fail("it does not begin as one does");
    if (in.Get<uint8_t>() != kStateVersion) Fail("it is of another version");
    const auto method = in.Get<uint8_t>();
    if (method < kFirstMethod || method > kLastMethod) Fail("its method is unknown");
    const MethodOptions options = GetOptions(&in);
    Layout layout = GetLayout(&in);
    const Random random = GetRandom(&in);
    // Before anything is allocated for them, the sizes must be those of the arrays that follow.
    std::vector<float> residual;
    std::vector<float> velocity;
    const bool sparse = IsSparse(static_cast<Method>(method));
    const bool corrects = static_cast<Method>(method) == Method::kTopK && options.momentum > 0;
    GetFloats(&in, sparse ? layout.total() : 0, &residual);
    GetFloats(&in, corrects ? layout.total() : 0, &velocity);
    in.ExpectEnd();
    auto compressor =
        std::make_unique<Compressor>(static_cast<Method>(method), options, std::move(layout));
    compressor->random_ = random;
    compressor->residual_ = std::move(residual);
    compressor->velocity_ = std::move(velocity);
    return compressor;
  } catch (const Error& error) {
    const std::string refused = "The saved compressor is refused: ";
    if (error.kind() == ErrorKind::kFile)
      throw Error(ErrorKind::kFile, refused + error.what() + ".");
    throw Error(ErrorKind::kFile, refused + error.what());  // a sentence about options or tensors
  }
}

}  // namespace lowtropy
