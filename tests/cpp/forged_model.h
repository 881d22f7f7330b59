// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "lowtropy/base/array.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/io/model_file.h"

// Model files in pieces, to be spoiled and put together again with checksums that are right, so
// that what lies behind the checksums is reached. Shares no code with the library but CRC-32.
namespace lowtropy::forged {

struct Model {
  std::string header;  // without length and padding
  std::string data;
};

inline std::string Hex(uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (int shift = 28; shift >= 0; shift -= 4) hex += kDigits[value >> shift & 15];
  return hex;
}

// The bytes of a header's length.
inline std::string LengthBytes(uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes;
}

// A file whose parts are found. Damaged files too: their header is taken to end where one looks
// like ending.
inline Model Split(std::string_view file) {
  if (file.size() < 8) return {std::string(file), ""};
  uint64_t length;
  std::memcpy(&length, file.data(), 8);
  file.remove_prefix(8);
  size_t end = file.find("]}}");
  end = end == file.npos ? file.find("\"}}") : end;
  end = end == file.npos ? file.size() : end + 3;
  size_t data = file.find_first_not_of(' ', end);
  data = data == file.npos ? file.size() : data;
  // Spaces may be data as well as padding.
  if (length >= end && length <= data) data = static_cast<size_t>(length);
  return {std::string(file.substr(0, end)), std::string(file.substr(data))};
}

// "data_offsets":[begin,end], the first at or after *at in `header`, which is moved behind it.
inline bool NextOffsets(const std::string& header, size_t* at, uint64_t* begin, uint64_t* end) {
  constexpr std::string_view kKey = "\"data_offsets\":[";
  *at = header.find(kKey, *at);
  if (*at == header.npos) return false;
  *at += kKey.size();
  char* rest = nullptr;
  *begin = std::strtoull(header.c_str() + *at, &rest, 10);
  *end = *rest == ',' ? std::strtoull(rest + 1, nullptr, 10) : 0;
  return true;
}

// Makes the arrays' checksums right, as far as the header and they can be made out.
inline void FixArrayChecksums(Model* model) {
  std::string& header = model->header;
  size_t at = header.find("\"checksums\":\"");
  if (at == header.npos) return;
  const size_t stop = header.find("}\"", at);
  size_t entry = stop;
  uint64_t begin;
  uint64_t end;
  while (entry != header.npos && NextOffsets(header, &entry, &begin, &end)) {
    constexpr std::string_view kBefore = "\\\":\\\"";  // \":\"
    at = header.find(kBefore, at);
    if (at >= stop || at + kBefore.size() + 8 > stop) return;
    at += kBefore.size();
    if (begin > end || end > model->data.size()) continue;
    const std::string_view bytes =
        std::string_view(model->data)
            .substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    header.replace(at, 8, Hex(Crc32(bytes.data(), bytes.size())));
  }
}

// The file, with padding, and with the header's checksum made right where its place is found.
inline std::string Join(const Model& model) {
  std::string header = model.header;
  header.append((64 - (8 + header.size()) % 64) % 64, ' ');
  std::string file = LengthBytes(header.size()) + header;
  constexpr std::string_view kKey = "\"checksum\":\"";
  const size_t at = file.find(kKey) + kKey.size();
  if (at >= kKey.size() && at + 8 <= file.size()) {
    file.replace(at, 8, "00000000");
    file.replace(at, 8, Hex(Crc32(file.data(), file.size())));
  }
  return file + model.data;
}

// Reads `file` from aligned memory of just its size, so that a sanitizer sees reads beyond it.
inline Network ReadWhole(std::string_view file) {
  const std::shared_ptr<std::byte> memory = AllocateBytes(file.size());
  if (!file.empty()) std::memcpy(memory.get(), file.data(), file.size());
  return ReadModel(memory, file.size());
}

// Reads `file` as it arrives from `loader`, in pieces of up to `piece` bytes.
inline Network ReadPieces(std::string_view file, size_t piece, ModelLoader loader) {
  while (!file.empty()) {
    const std::span<std::byte> space = loader.Space();
    // One byte too many where there is no space, to be refused.
    const size_t bytes = std::min({file.size(), piece, std::max(space.size(), size_t{1})});
    if (!space.empty()) std::memcpy(space.data(), file.data(), bytes);
    loader.Advance(bytes);
    file.remove_prefix(bytes);
  }
  return loader.Finish();
}

// What becomes of `read`: nothing, or the error that it throws.
template <class F>
std::string MessageOf(F&& read) {
  try {
    read();
    return "";
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.kind())) + error.what();
  }
}

// Reads `file` at once, and insists that it is the same in pieces.
inline Network Read(std::string_view file) {
  constexpr size_t kPiece = 97;
  const std::string message = MessageOf([&] { ReadWhole(file); });
  if (MessageOf([&] { ReadPieces(file, kPiece, ModelLoader(file.size())); }) != message) {
    throw std::logic_error("ModelLoader finds something else than ReadModel: " + message);
  }
  if (MessageOf([&] { ReadPieces(file, kPiece, ModelLoader()); }).empty() != message.empty()) {
    throw std::logic_error("ModelLoader without the size differs from ReadModel: " + message);
  }
  return ReadWhole(file);
}

inline std::string Write(const Network& network) {
  std::string file(static_cast<size_t>(ModelSize(network)), '\0');
  WriteModel(network, std::as_writable_bytes(std::span(file)));
  return file;
}

}  // namespace lowtropy::forged
