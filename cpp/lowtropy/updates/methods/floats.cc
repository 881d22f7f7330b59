// SPDX-License-Identifier: Apache-2.0
//
// none, fedavg: every element as float32. fp16: as IEEE 754 half precision.
#include <cmath>

#include "lowtropy/math/half.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

void EncodeFloats(const TensorInput& input) { WriteFloats(input.values, input.writer); }

void EncodeHalves(const TensorInput& input) { WriteHalves(input.values, input.writer); }

void ReadHalves(TensorReader* in) {
  const size_t size = in->part->update.size;
  const std::span<const uint8_t> bytes = in->arrays->Take(uint64_t{size} * sizeof(uint16_t));
  const std::span<float> values = in->Values(size);
  for (size_t i = 0; i < size; ++i) {
    uint16_t half;
    std::memcpy(&half, bytes.data() + 2 * i, sizeof half);
    if ((half & 0x7C00) == 0x7C00) FailMessage("a value is not finite");
    values[i] = FloatOfHalf(half);
  }
}

}  // namespace

void WriteFloats(std::span<const float> values, MessageWriter* writer) {
  writer->BeginTensor(values.size(), true);
  writer->PutArray(std::as_bytes(values));
}

void CopyFloats(std::span<const uint8_t> bytes, std::span<float> values) {
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  for (const float value : values) {
    if (!std::isfinite(value)) FailMessage("a value is not finite");
  }
}

void ReadFloats(TensorReader* in) {
  const size_t size = in->part->update.size;
  const std::span<const uint8_t> bytes = in->arrays->Take(uint64_t{size} * sizeof(float));
  CopyFloats(bytes, in->Values(size));
}

void WriteHalves(std::span<const float> values, MessageWriter* writer) {
  writer->BeginTensor(values.size(), true);
  for (const float value : values) Append(HalfOf(value), writer->arrays());
}

const MethodRow kNoneRow = {
    .method = Method::kNone, .name = "none", .encode = EncodeFloats, .read_arrays = ReadFloats};
const MethodRow kFedAvgRow = {
    .method = Method::kFedAvg, .name = "fedavg", .encode = EncodeFloats, .read_arrays = ReadFloats};
const MethodRow kFp16Row = {
    .method = Method::kFp16, .name = "fp16", .encode = EncodeHalves, .read_arrays = ReadHalves};

}  // namespace lowtropy
