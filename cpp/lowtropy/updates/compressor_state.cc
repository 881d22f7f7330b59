// SPDX-License-Identifier: Apache-2.0
//
// The saved state of a compressor: "SBCS", version, method, options, layout, random state,
// residual, velocity, whether the last message was taken back, that message (empty where there is
// none, or none is kept), CRC-32 of all before. Version 1 ended with the velocity.
#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "lowtropy/updates/compressor.h"
#include "lowtropy/updates/methods/methods.h"
#include "lowtropy/updates/state.h"

namespace lowtropy {
namespace {

constexpr uint8_t kStateVersion = 2;

void PutOptions(const MethodOptions& options, ByteWriter* out) {
  ForOptions(options, [&](const char*, auto option) {
    if constexpr (std::is_same_v<decltype(option), bool>) {
      out->Put(static_cast<uint8_t>(option));
    } else {
      out->Put(option);
    }
  });
}

bool GetFlag(ByteReader* in) {
  const auto flag = in->Get<uint8_t>();
  if (flag > 1) FailState("a flag is neither 0 nor 1");
  return flag != 0;
}

// A size_t that may have been saved where that is wider.
size_t GetSize(ByteReader* in) {
  return static_cast<size_t>(std::min<uint64_t>(in->Get<uint64_t>(), SIZE_MAX));
}

MethodOptions GetOptions(ByteReader* in) {
  MethodOptions options;
  ForOptions(options, [&](const char*, auto& option) {
    using Option = std::remove_reference_t<decltype(option)>;
    if constexpr (std::is_same_v<Option, bool>) {
      option = GetFlag(in);
    } else {
      option = in->Get<Option>();
    }
  });
  return options;
}

Layout GetLayout(ByteReader* in) {
  std::vector<NamedSize> tensors;
  auto left = in->Get<uint32_t>();
  if (left > kMostTensors) FailState("it has more tensors than are possible");
  for (; left > 0; --left) {
    std::string name = in->GetText();
    if (!tensors.empty() && name <= tensors.back().name) FailState("its tensors are not in order");
    tensors.push_back({std::move(name), GetSize(in)});
  }
  return Layout(std::move(tensors));
}

Random GetRandom(ByteReader* in) {
  Random::State state;
  for (uint32_t& number : state) number = in->Get<uint32_t>();
  if (state == Random::State{}) FailState("its random numbers are all 0");
  return Random(state);
}

// Must be one that the compressor could have written, or whoever takes it back finds out.
void CheckMessage(std::span<const uint8_t> message, Method method, const Layout& layout) {
  if (message.empty()) return;
  if (!IsSparse(method)) FailState("its method keeps no message, and it holds one");
  MessageReader reader;
  try {
    reader.Decode(message);
    reader.CheckLayout(layout);
  } catch (const Error& error) {
    throw Error(ErrorKind::kValue, error.what());  // a sentence, where others are clauses
  }
  if (reader.head().method != method) FailState("its message is of another method");
}

}  // namespace

std::vector<uint8_t> Compressor::Save() const {
  ByteWriter out;
  out.Put(kCompressorMagic);
  out.Put(kStateVersion);
  out.Put(static_cast<uint8_t>(row_->method));
  PutOptions(options_, &out);
  out.Put(static_cast<uint32_t>(layout_.count()));
  for (size_t i = 0; i < layout_.count(); ++i) {
    out.PutText(layout_.name(i));
    out.Put(static_cast<uint64_t>(layout_.size(i)));
  }
  for (const uint32_t number : random_.state()) out.Put(number);
  out.PutArray(std::span<const float>(residual_));
  out.PutArray(std::span<const float>(velocity_));
  out.Put(static_cast<uint8_t>(taken_back_));
  out.PutArray(std::span<const uint8_t>(message_));
  return SealState(std::move(out));
}

std::unique_ptr<Compressor> Compressor::Restore(std::span<const uint8_t> bytes) {
  return ReadState("compressor", [&] {
    ByteReader in = OpenState(bytes, kCompressorMagic);
    const auto version = in.Get<uint8_t>();
    if (version < 1 || version > kStateVersion) FailState("it is of another version");
    const MethodRow* row = FindMethod(in.Get<uint8_t>());
    if (row == nullptr) FailState("its method is unknown");
    const Method method = row->method;
    const MethodOptions options = GetOptions(&in);
    std::unique_ptr<Compressor> compressor(
        new Compressor(Unfilled{}, method, options, GetLayout(&in)));
    const size_t total = compressor->layout_.total();
    compressor->random_ = GetRandom(&in);
    compressor->residual_ = GetFloats(&in, compressor->KeepsResidual() ? total : 0);
    compressor->velocity_ = GetFloats(&in, compressor->CorrectsMomentum() ? total : 0);
    if (version > 1) {
      compressor->taken_back_ = GetFlag(&in);
      compressor->message_ = in.GetArray<uint8_t>();
      CheckMessage(compressor->message_, method, compressor->layout_);
      if (compressor->taken_back_ && compressor->message_.empty()) {
        FailState("it has taken back a message that it does not hold");
      }
    }
    in.ExpectEnd();
    return compressor;
  });
}

}  // namespace lowtropy
