// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/state.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "lowtropy/base/crc32.h"
#include "lowtropy/base/text.h"

namespace lowtropy {

void FailState(const char* clause) { throw Error(ErrorKind::kFile, clause); }

std::vector<uint8_t> SealState(ByteWriter out) {
  out.Put(Crc32(out.bytes().data(), out.bytes().size()));
  return std::move(out.bytes());
}

ByteReader OpenState(std::span<const uint8_t> bytes, uint32_t magic) {
  if (bytes.size() < sizeof(uint32_t)) FailState("it ends too early");
  const std::span<const uint8_t> content = bytes.first(bytes.size() - sizeof(uint32_t));
  uint32_t sum = 0;
  std::memcpy(&sum, bytes.data() + content.size(), sizeof sum);
  if (sum != Crc32(content.data(), content.size())) {
    FailState("its checksum does not fit its bytes");
  }
  ByteReader in(content);
  if (in.Get<uint32_t>() != magic) FailState("it does not begin as one does");
  return in;
}

std::vector<float> GetFloats(ByteReader* in, size_t expected) {
  std::vector<float> floats = in->GetArray<float>();
  if (floats.size() != expected) FailState("its arrays do not fit its tensors");
  for (const float value : floats) {
    if (!std::isfinite(value)) FailState("it holds a value that is not finite");
  }
  return floats;
}

void RefuseState(const char* what, const Error& error) {
  const char* end = error.kind() == ErrorKind::kFile ? "." : "";
  throw Error(ErrorKind::kFile, Text("The saved ", what, " is refused: ", error.what(), end));
}

}  // namespace lowtropy
