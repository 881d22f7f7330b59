// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/formats/palette.h"

#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/packed_codes.h"
#include "lowtropy/matrix/formats/validation.h"

namespace lowtropy {

void Palette::Count(const Profile& p, Counter& c) {
  c.Omega(p.elements());
  c.Codes("codes", Bits(p.values.size()), RowBytes(p.values.size(), p.cols) * p.rows);
  c.Input(p.elements());
  c.Arithmetic(p.elements(), p.elements() - p.rows);
}

Prediction Palette::Predict(const Profile& p) {
  constexpr VectorTimes kVector{20, 0.53};
  constexpr UnpackTimes kLists{1.5, 0};
  constexpr UnpackTimes kBlocks{0.48, 0};
  const bool zeros = p.values.omega()[0] == 0.0F;
  return {kVector.Of(p, p.elements()), static_cast<double>(p.listed),
          zeros ? kLists.Of(p, 0) : Prediction::kNever, kBlocks.Of(p, 0)};
}

unsigned Palette::Bits(uint64_t distinct) { return CodeBits(distinct - 1); }

uint64_t Palette::RowBytes(uint64_t distinct, size_t cols) {
  return (uint64_t{cols} * Bits(distinct) + 7) / 8;
}

Palette Palette::Encode(const RowSource& source, const Profile& profile) {
  const uint64_t distinct = profile.values.size();
  const unsigned bits = Bits(distinct);
  const uint64_t row_bytes = RowBytes(distinct, profile.cols);
  const uint64_t bytes = row_bytes * profile.rows;
  const std::shared_ptr<std::byte> memory = AllocateBytes(bytes);
  auto* codes = reinterpret_cast<uint8_t*>(memory.get());
  std::memset(codes, 0, static_cast<size_t>(bytes));
  EntryReader reader(source, profile.values.omega()[0]);  // whose code, 0, is there already
  for (size_t r = 0; r < profile.rows; ++r) {
    for (const auto& [col, value] : reader.Read(r)) {
      PutCode(codes + r * row_bytes, col, bits, profile.values.Code(value));
    }
  }
  const DType type = CodeType(bits);
  return {profile.rows, profile.cols, Array::Copy<float>(profile.values.omega()),
          Array(type, codes, static_cast<size_t>(bytes / ByteSize(type)), memory)};
}

uint32_t Palette::Code(size_t row, size_t col) const {
  if (codes.type() != DType::kU8) return codes.Index(row * cols + col);
  return PackedCode(codes.As<uint8_t>().data() + row * row_bytes(), col, bits());
}

bool Palette::Validate(std::string* reason) const {
  if (!CheckOmega(omega, reason)) return false;
  const DType type = CodeType(bits());
  if (codes.type() != type) {
    return Fail(reason, Text("codes is ", Name(codes.type()), " where ", Name(type),
                             " is needed for ", omega.size(), " values"));
  }
  if (!CheckSize("codes", codes, RowBytes(omega.size(), cols) * rows / ByteSize(type), reason)) {
    return false;
  }
  std::vector<uint64_t> counts(omega.size(), 0);
  uint64_t listed = 0;
  const auto used_bits = (uint64_t{cols} * bits() - 1) % 8 + 1;  // of a packed row's last byte
  for (size_t r = 0; r < rows; ++r) {
    std::optional<uint32_t> wrong;
    ForEachCode(r, [&](uint32_t col, uint32_t code) {
      if (code < counts.size()) {
        ++counts[code];
        ++listed;
      } else if (!wrong) {
        wrong = col;
      }
    });
    if (wrong) {
      return Fail(reason, Text("the code at row ", r, ", column ", *wrong, " is beyond omega"));
    }
    if (type == DType::kU8 && (codes.As<uint8_t>()[(r + 1) * row_bytes() - 1] >> used_bits) != 0) {
      return Fail(reason, Text("unused bits are set after row ", r));
    }
  }
  counts[0] = uint64_t{rows} * cols - listed;
  return CheckFrequencies(omega, counts, reason);
}

}  // namespace lowtropy
