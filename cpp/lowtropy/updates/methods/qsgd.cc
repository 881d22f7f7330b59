// SPDX-License-Identifier: Apache-2.0
//
// qsgd: levels of a bucket's largest magnitude, drawn without bias, in Elias's gamma code.
#include <algorithm>
#include <bit>
#include <cmath>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

constexpr uint32_t kMostLevels = 65535;

void Check(const MethodOptions& options) {
  if (options.levels < 1 || options.levels > kMostLevels) {
    throw Error(ErrorKind::kValue, "The number of levels must be from 1 to 65535.");
  }
  if (options.bucket < 1) {
    throw Error(ErrorKind::kValue, "A bucket must have at least 1 element.");
  }
}

void PutOptions(const MethodOptions& options, std::vector<uint8_t>* header) {
  AppendVarint(options.levels, header);
  AppendVarint(options.bucket, header);
}

void GetOptions(MessageBytes* header, MethodOptions* options) {
  options->levels = header->Varint();
  options->bucket = header->Varint();
  if (options->levels < 1 || options->levels > kMostLevels || options->bucket < 1) {
    FailMessage("its levels are not from 1 to 65535, or its buckets are empty");
  }
}

void Encode(const TensorInput& input) { WriteLevels(input.values, input.random, input.writer); }

void ReadBucket(TensorReader* in, std::span<float> values) {
  const uint32_t levels = in->options.levels;
  const float scale = GetMagnitude(in->bits);
  for (float& value : values) {
    const auto length = static_cast<unsigned>(in->bits->GetUnary(16));
    const uint64_t level = ((uint64_t{1} << length) | in->bits->Get(length)) - 1;
    if (level > levels) {
      FailMessage(Text("level ", level, " is above the highest, ", levels));
    }
    if (level > 0 && scale == 0) FailMessage("values are sent, and all are 0");
    // Not above the scale, so that it is finite.
    const float share = static_cast<float>(level) / static_cast<float>(levels);
    const float magnitude = scale * share;
    value = level > 0 && in->bits->Get(1) != 0 ? -magnitude : magnitude;
  }
}

void ReadCodes(TensorReader* in) {
  const size_t size = in->part->update.size;
  in->ExpectCodes(size);
  const std::span<float> values = in->Values(size);
  const size_t bucket = in->options.bucket;
  for (size_t done = 0; done < size; done += std::min(bucket, size - done)) {
    ReadBucket(in, values.subspan(done, std::min(bucket, size - done)));
  }
}

}  // namespace

void WriteLevels(std::span<const float> values, Random* random, MessageWriter* writer) {
  const MethodOptions& options = writer->options();
  writer->BeginTensor(values.size(), true);
  BitWriter& codes = *writer->codes();
  const auto levels = static_cast<float>(options.levels);
  for (size_t i = 0; i < values.size(); i += options.bucket) {
    const auto bucket = values.subspan(i, std::min<size_t>(options.bucket, values.size() - i));
    float scale = 0;
    for (const float value : bucket) scale = std::max(scale, std::abs(value));
    codes.Put(Bits(scale), 32);
    for (const float value : bucket) {
      const float exact = scale > 0 ? std::abs(value) / scale * levels : 0;
      const auto below = static_cast<uint32_t>(exact);
      const uint32_t level =
          std::min(options.levels,
                   below + (random->Uniform() < exact - static_cast<float>(below) ? 1U : 0U));
      // Elias's gamma code of level + 1, then the sign.
      const auto bits = static_cast<unsigned>(std::bit_width(level + 1)) - 1;
      codes.PutUnary(bits);
      codes.Put((level + 1) & ((1U << bits) - 1), bits);
      if (level > 0) codes.Put(value < 0 ? 1 : 0, 1);
    }
  }
}

const MethodRow kQsgdRow = {.method = Method::kQsgd,
                            .name = "qsgd",
                            .validate = Check,
                            .put_options = PutOptions,
                            .get_options = GetOptions,
                            .encode = Encode,
                            .read_codes = ReadCodes};

}  // namespace lowtropy
