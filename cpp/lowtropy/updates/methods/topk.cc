// SPDX-License-Identifier: Apache-2.0
//
// topk: the values of the largest magnitudes, as float32; their positions as gaps of 16 bits.
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/updates/compressor.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

constexpr uint16_t kFillerGap = 0xFFFF;  // so many positions and no element

void Check(const MethodOptions& options) {
  ValidateSparsity(options);
  if (options.momentum >= 0 && options.momentum < 1) return;
  throw Error(ErrorKind::kValue, "The momentum must be at least 0 and below 1.");
}

void Encode(const TensorInput& input) {
  const size_t size = input.values.size();
  input.extremes->Find(input.residual, input.values, KeptCount(input.options.sparsity, size), false,
                       input.options.sampled, input.random);
  const std::span<const uint32_t> positions = input.extremes->Positions(Extremes::Side::kMagnitude);
  WriteValues(size, positions, input.extremes->Values(Extremes::Side::kMagnitude), input.writer);
  for (const uint32_t i : positions) input.values[i] = 0;
  if (input.velocity.empty()) return;
  for (const uint32_t i : positions) input.velocity[i] = 0;
}

void ReadHead(TensorReader* in) {
  in->ReadCount();
  const uint64_t fillers = GetNumber(in->bits);
  if (fillers > in->part->update.size / kFillerGap) {
    FailMessage("there are more fillers than gaps can need");
  }
  in->part->fillers = static_cast<uint32_t>(fillers);
}

void CopyGaps(std::span<const uint8_t> bytes, uint64_t size, std::span<uint32_t> positions) {
  uint64_t next = 0;
  size_t done = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    uint16_t gap;
    std::memcpy(&gap, bytes.data() + i, sizeof gap);
    next += gap;
    if (gap == kFillerGap) continue;
    if (done == positions.size()) FailMessage("there are more gaps than values");
    if (next >= size) {
      FailMessage(Text("position ", next, " is past the last one, ", size - 1));
    }
    positions[done++] = static_cast<uint32_t>(next++);
  }
  if (done != positions.size()) FailMessage("there are fewer gaps than values");
  if (!bytes.empty() && bytes[bytes.size() - 2] == 0xFF && bytes.back() == 0xFF) {
    FailMessage("after the last position there are fillers");
  }
}

void ReadArrays(TensorReader* in) {
  const TensorPart& part = *in->part;
  const uint64_t gap_count = uint64_t{part.positions} + part.fillers;
  const std::span<const uint8_t> gaps = in->arrays->Take(gap_count * sizeof(uint16_t));
  const std::span<const uint8_t> values =
      in->arrays->Take(uint64_t{part.positions} * sizeof(float));
  CopyGaps(gaps, part.update.size, in->Positions());
  CopyFloats(values, in->Values(part.positions));
}

}  // namespace

void WriteValues(size_t size, std::span<const uint32_t> positions, std::span<const float> values,
                 MessageWriter* writer) {
  writer->BeginTensor(size, false);
  writer->PutCount(positions.size(), size);
  uint32_t fillers = 0;
  uint32_t next = 0;
  for (const uint32_t position : positions) {
    uint32_t gap = position - next;
    for (; gap >= kFillerGap; gap -= kFillerGap, ++fillers) Append(kFillerGap, writer->arrays());
    Append(static_cast<uint16_t>(gap), writer->arrays());
    next = position + 1;
  }
  writer->PutNumber(fillers);
  writer->PutArray(std::as_bytes(values));
}

const MethodRow kTopKRow = {.method = Method::kTopK,
                            .name = "topk",
                            .sparse = true,
                            .form = TensorUpdate::Form::kSparse,
                            .corrects_momentum = true,
                            .validate = Check,
                            .put_options = PutSparsity,
                            .get_options = GetSparsity,
                            .encode = Encode,
                            .read_head = ReadHead,
                            .read_arrays = ReadArrays};

}  // namespace lowtropy
