// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/mask.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/packed_codes.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {

unsigned Mask::Bits(uint64_t distinct) { return CodeBits(distinct < 2 ? 0 : distinct - 2); }

uint64_t Mask::CodeBytes(uint64_t distinct, uint64_t listed) {
  return (listed * Bits(distinct) + 7) / 8;
}

void Mask::Count(const Profile& p, Counter& c) {
  const uint64_t mask_bytes = (uint64_t{p.cols} + 7) / 8 * p.rows;
  c.Omega(p.listed);
  c.Stored("mask", mask_bytes, 8, mask_bytes);
  c.Codes("codes", Bits(p.values.size()), CodeBytes(p.values.size(), p.listed));
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.listed);
  c.Input(p.listed);
  c.Arithmetic(p.listed, p.listed - p.rows_listed);
  c.Decomposition();
}

Prediction Mask::Predict(const Profile& p) {
  constexpr ListingTimes kTimes{
      .vector = {20, 1.2, 0, 0.25}, .lists = {0.1, 0.8}, .shifted = {0, 1.8}};
  return kTimes.Of(p, 0);
}

Walks Mask::GetWalks() const {
  if (background() == 0.0F) return {};
  // Elements are counted from the start of the row.
  return {.columns = static_cast<double>(mask.size())};
}

Mask Mask::Encode(const RowSource& source, const Profile& profile) {
  const uint64_t distinct = profile.values.size();
  const unsigned bits = Bits(distinct);
  const size_t row_bytes = (profile.cols + 7) / 8;
  const uint64_t mask_bytes = uint64_t{row_bytes} * profile.rows;
  const uint64_t code_bytes = CodeBytes(distinct, profile.listed);
  const std::shared_ptr<std::byte> mask_memory = AllocateBytes(mask_bytes);
  const std::shared_ptr<std::byte> code_memory = AllocateBytes(code_bytes);
  auto* mask = reinterpret_cast<uint8_t*>(mask_memory.get());
  auto* codes = reinterpret_cast<uint8_t*>(code_memory.get());
  std::memset(mask, 0, static_cast<size_t>(mask_bytes));
  std::memset(codes, 0, static_cast<size_t>(code_bytes));
  EntryReader reader(source, profile.values.omega()[0]);
  IndexBuilder row_ptr;
  uint32_t count = 0;
  row_ptr.Push(0);
  for (size_t r = 0; r < profile.rows; ++r) {
    for (const auto& [col, value] : reader.Read(r)) {
      uint8_t& byte = mask[r * row_bytes + col / 8];
      byte = static_cast<uint8_t>(byte | 1U << (col % 8));
      PutCode(codes, count++, bits, profile.values.Code(value) - 1);
    }
    row_ptr.Push(count);
  }
  const DType type = CodeType(bits);
  return {profile.rows,
          profile.cols,
          Array::Copy<float>(profile.values.omega()),
          Array(DType::kU8, mask, static_cast<size_t>(mask_bytes), mask_memory),
          Array(type, codes, static_cast<size_t>(code_bytes / ByteSize(type)), code_memory),
          std::move(row_ptr).Build()};
}

bool Mask::Validate(std::string* reason) const {
  if (!CheckOmega(omega, reason)) return false;
  if (mask.type() != DType::kU8) {
    return Fail(reason, Text("mask is ", Name(mask.type()), " where U8 is needed"));
  }
  if (!CheckSize("mask", mask, uint64_t{row_bytes()} * rows, reason)) return false;
  const DType type = CodeType(bits());
  if (codes.type() != type) {
    return Fail(reason, Text("codes is ", Name(codes.type()), " where ", Name(type),
                             " is needed for ", omega.size(), " values"));
  }
  uint64_t listed = 0;
  for (const uint8_t byte : mask.As<uint8_t>()) {
    listed += static_cast<uint64_t>(std::popcount(byte));
  }
  if (listed > kMaxElements) return Fail(reason, "mask has more bits than there are elements");
  if (!CheckPointers("rowPtr", row_ptr, uint64_t{rows} + 1, listed, reason)) return false;
  for (size_t r = 0; r < rows; ++r) {
    uint32_t count = 0;
    for (size_t b = 0; b < row_bytes(); ++b) {
      count += static_cast<uint32_t>(std::popcount(MaskOf(r)[b]));
    }
    if (row_ptr.Index(r + 1) - row_ptr.Index(r) != count) {
      return Fail(reason, Text("rowPtr does not count the bits of mask in row ", r));
    }
    if (cols % 8 != 0 && (MaskOf(r)[row_bytes() - 1] >> (cols % 8)) != 0) {
      return Fail(reason, Text("unused bits of mask are set after row ", r));
    }
  }
  const uint64_t code_bytes = CodeBytes(omega.size(), listed);
  if (!CheckSize("codes", codes, code_bytes / ByteSize(type), reason)) return false;
  std::vector<uint64_t> counts(omega.size(), 0);
  counts[0] = uint64_t{rows} * cols - listed;
  const CodeReader code_of(codes, bits());
  for (size_t i = 0; i < listed; ++i) {
    const uint64_t code = uint64_t{code_of[i]} + 1;
    if (code >= omega.size()) {
      return Fail(reason, Text("code ", i, " is beyond omega"));
    }
    ++counts[static_cast<size_t>(code)];
  }
  const uint64_t used = listed * bits() % 8;  // bits of the last byte of packed codes
  if (type == DType::kU8 && used != 0 && (codes.As<uint8_t>()[codes.size() - 1] >> used) != 0) {
    return Fail(reason, "unused bits are set after the last code");
  }
  return CheckFrequencies(omega, counts, reason);
}

}  // namespace lowtropy
