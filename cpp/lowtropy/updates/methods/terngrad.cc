// SPDX-License-Identifier: Apache-2.0
//
// terngrad: -s, 0 or s for each element, drawn without bias; five of them in a byte.
#include <algorithm>
#include <cmath>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

constexpr size_t kTritsPerByte = 5;  // 3^5 = 243

void Check(const MethodOptions& options) {
  if (std::isfinite(options.clip) && options.clip >= 0) return;
  throw Error(ErrorKind::kValue, "The clip must be at least 0.");
}

// About 0, where the mean of an update lies: about their own mean, a single value would have none.
double StandardDeviation(std::span<const float> values) {
  double squares = 0;
  for (const float value : values) squares += double{value} * double{value};
  return std::sqrt(squares / static_cast<double>(values.size()));
}

void Encode(const TensorInput& input) {
  WriteTernary(input.values, input.options.clip, input.random, input.writer);
}

void ReadHead(TensorReader* in) { in->part->update.value = GetMagnitude(in->bits); }

void ReadArrays(TensorReader* in) {
  const size_t size = in->part->update.size;
  const float scale = in->part->update.value;
  const std::span<const uint8_t> bytes =
      in->arrays->Take((uint64_t{size} + kTritsPerByte - 1) / kTritsPerByte);
  const std::span<float> values = in->Values(size);
  const float meanings[] = {0, scale, -scale};
  for (size_t i = 0; i < size; i += kTritsPerByte) {
    unsigned byte = bytes[i / kTritsPerByte];
    const size_t end = std::min(size, i + kTritsPerByte);
    for (size_t j = i; j < end; ++j, byte /= 3) values[j] = meanings[byte % 3];
    if (byte != 0) FailMessage("a byte holds more ternary digits than there are");
  }
  const auto sent = [](uint8_t byte) { return byte != 0; };
  if (scale == 0 && std::any_of(bytes.begin(), bytes.end(), sent)) {
    FailMessage("values are sent, and all are 0");
  }
}

}  // namespace

void WriteTernary(std::span<const float> values, float clip, Random* random,
                  MessageWriter* writer) {
  writer->BeginTensor(values.size(), true);
  double bound = 0;
  for (const float value : values) bound = std::max(bound, double{std::abs(value)});
  if (clip > 0) bound = std::min(bound, double{clip} * StandardDeviation(values));
  const auto scale = static_cast<float>(bound);
  writer->heads()->Put(Bits(scale), 32);
  for (size_t i = 0; i < values.size(); i += kTritsPerByte) {
    unsigned byte = 0;
    const size_t end = std::min(values.size(), i + kTritsPerByte);
    for (size_t j = end; j-- > i;) {
      // The nearer to the scale, the likelier: unbiased, but for what is clipped. With a scale
      // that has become 0 (a clip of nearly 0, or a few of the least floats among zeros) nothing
      // can be sent.
      const bool kept = random->Uniform() * scale < std::abs(values[j]) && scale > 0;
      byte = 3 * byte + (!kept ? 0U : values[j] > 0 ? 1U : 2U);
    }
    writer->arrays()->push_back(static_cast<uint8_t>(byte));
  }
}

const MethodRow kTernGradRow = {.method = Method::kTernGrad,
                                .name = "terngrad",
                                .validate = Check,
                                .encode = Encode,
                                .read_head = ReadHead,
                                .read_arrays = ReadArrays};

}  // namespace lowtropy
