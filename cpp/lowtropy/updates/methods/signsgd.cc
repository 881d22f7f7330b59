// SPDX-License-Identifier: Apache-2.0
//
// signsgd: a bit for each element, and the majority's vote.
#include <algorithm>
#include <cmath>

#include "lowtropy/base/error.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

void Check(const MethodOptions& options) {
  if (std::isfinite(options.step) && options.step > 0) return;
  throw Error(ErrorKind::kValue, "The step must be above 0.");
}

void PutOptions(const MethodOptions& options, std::vector<uint8_t>* header) {
  Append(options.step, header);
}

void GetOptions(MessageBytes* header, MethodOptions* options) {
  options->step = header->Float();
  if (!(options->step > 0 && std::isfinite(options->step))) FailMessage("its step is not above 0");
}

void Encode(const TensorInput& input) { WriteSigns(input.values, input.writer); }

void Read(TensorReader* in) {
  const size_t size = in->part->update.size;
  const std::span<const uint8_t> bytes = in->arrays->Take((uint64_t{size} + 7) / 8);
  const std::span<float> values = in->Values(size);
  const float step = in->options.step;
  for (size_t i = 0; i < size; ++i) {
    values[i] = (bytes[i / 8] >> i % 8 & 1) != 0 ? -step : step;
  }
  if (size % 8 != 0 && bytes.back() >> size % 8 != 0) {
    FailMessage("the bits that fill up a byte are not zeros");
  }
}

// One and a half votes of the first message decide ties.
void Vote(const MessageReader& message, const Layout& layout, bool first, std::span<float> sum) {
  const float vote = first ? 1.5F : 1.0F;
  for (size_t i = 0; i < message.count(); ++i) {
    const std::span<const float> values = message.tensor(i).values;
    float* const tensor = sum.data() + layout.offset(i);
    for (size_t j = 0; j < values.size(); ++j) tensor[j] += values[j] < 0 ? -vote : vote;
  }
}

}  // namespace

void WriteSigns(std::span<const float> values, MessageWriter* writer) {
  writer->BeginTensor(values.size(), true);
  for (size_t i = 0; i < values.size(); i += 8) {
    unsigned byte = 0;
    const size_t end = std::min<size_t>(8, values.size() - i);
    for (size_t j = 0; j < end; ++j) byte |= (values[i + j] < 0 ? 1U : 0U) << j;
    writer->arrays()->push_back(static_cast<uint8_t>(byte));
  }
}

const MethodRow kSignSgdRow = {.method = Method::kSignSgd,
                               .name = "signsgd",
                               .validate = Check,
                               .put_options = PutOptions,
                               .get_options = GetOptions,
                               .encode = Encode,
                               .read_arrays = Read,
                               .aggregate = Vote};

}  // namespace lowtropy
