// SPDX-License-Identifier: Apache-2.0
//
// sbc and stc: positions as gaps in a Golomb–Rice code, and one value for all of a tensor; stc with
// a sign for each. What the sparse methods have in common stands here, too.
#include <cmath>
#include <string>

#include "lowtropy/base/bits.h"
#include "lowtropy/base/decimal.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/coding/golomb_rice.h"
#include "lowtropy/updates/compressor.h"
#include "lowtropy/updates/finite.h"
#include "lowtropy/updates/methods/methods.h"

namespace lowtropy {
namespace {

using Side = Extremes::Side;

double Mean(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{value};
  return sum / static_cast<double>(values.size());
}

double MeanMagnitude(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += double{std::abs(value)};
  return sum / static_cast<double>(values.size());
}

void Find(const TensorInput& input, bool both_ends) {
  input.extremes->Find(input.residual, input.values,
                       KeptCount(input.options.sparsity, input.values.size()), both_ends,
                       input.options.sampled, input.random);
}

void EncodeSigned(const TensorInput& input) {
  Find(input, false);
  const std::span<float> accumulated = input.values;
  const std::span<const uint32_t> positions = input.extremes->Positions(Side::kMagnitude);
  const std::span<const float> values = input.extremes->Values(Side::kMagnitude);
  const auto mean = static_cast<float>(MeanMagnitude(values));
  WriteSigned(accumulated.size(), positions, values, mean, input.writer);
  if (mean == 0) return;
  for (const uint32_t i : positions) accumulated[i] -= accumulated[i] < 0 ? -mean : mean;
}

void EncodeBinary(const TensorInput& input) {
  Find(input, true);
  const std::span<float> accumulated = input.values;
  const double top = Mean(input.extremes->Values(Side::kLargest));
  const double bottom = -Mean(input.extremes->Values(Side::kSmallest));
  const Side side = top >= bottom ? Side::kLargest : Side::kSmallest;
  const auto value = static_cast<float>(side == Side::kLargest ? top : -bottom);
  const std::span<const uint32_t> positions = input.extremes->Positions(side);
  WriteBinary(accumulated.size(), positions, value, input.writer);
  if (value == 0) return;
  // Where k reaches beyond the positive entries, what stays can be larger than what was there.
  for (const uint32_t i : positions) CheckFinite(accumulated[i] -= value, i);
}

template <float (*kGetValue)(BitReader*)>
void ReadHead(TensorReader* in) {
  in->ReadCount();
  TensorPart& part = *in->part;
  if (part.positions == 0) return;
  part.update.value = kGetValue(in->bits);
  if (part.update.value == 0) FailMessage("values are sent, and all are 0");
  part.parameter = static_cast<unsigned>(in->bits->Get(5));
  const unsigned parameter = RiceParameter(part.positions, part.update.size);
  if (part.parameter == parameter) return;
  FailMessage(Text("the parameter is ", part.parameter, ", and that of ", part.positions, " of ",
                   part.update.size, " elements is ", parameter));
}

void ReadPlaces(TensorReader* in) {
  const TensorPart& part = *in->part;
  if (part.positions == 0) return;
  in->ExpectCodes(part.positions);
  ReadPositions(in->bits, part.parameter, part.update.size, in->Positions());
}

void ReadSigned(TensorReader* in) {
  ReadPlaces(in);
  const float value = in->part->update.value;
  for (float& each : in->Values(in->part->positions)) {
    each = in->bits->Get(1) != 0 ? -value : value;
  }
}

}  // namespace

void ValidateSparsity(const MethodOptions& options) {
  // Messages hold it as float32.
  if (static_cast<float>(options.sparsity) > 0 && options.sparsity <= 1) return;
  throw Error(ErrorKind::kValue, Text("The sparsity p must be above 0 and at most 1, not ",
                                      Shortest(options.sparsity), "."));
}

void PutSparsity(const MethodOptions& options, std::vector<uint8_t>* header) {
  Append(static_cast<float>(options.sparsity), header);
}

void GetSparsity(MessageBytes* header, MethodOptions* options) {
  options->sparsity = double{header->Float()};
  if (options->sparsity > 0 && options->sparsity <= 1) return;
  FailMessage("its sparsity is not in (0, 1]");
}

void WriteBinary(size_t size, std::span<const uint32_t> positions, float value,
                 MessageWriter* writer) {
  writer->BeginTensor(size, false);
  const size_t count = value == 0 ? 0 : positions.size();
  writer->PutCount(count, size);
  if (count == 0) return;
  const unsigned parameter = RiceParameter(count, size);
  writer->heads()->Put(Bits(value), 32);
  writer->heads()->Put(parameter, 5);
  WritePositions(positions, parameter, writer->codes());
}

void WriteSigned(size_t size, std::span<const uint32_t> positions, std::span<const float> values,
                 float value, MessageWriter* writer) {
  WriteBinary(size, positions, value, writer);
  if (value == 0) return;
  for (const float each : values) writer->codes()->Put(each < 0 ? 1 : 0, 1);
}

const MethodRow kStcRow = {.method = Method::kStc,
                           .name = "stc",
                           .sparse = true,
                           .form = TensorUpdate::Form::kSparse,
                           .validate = ValidateSparsity,
                           .put_options = PutSparsity,
                           .get_options = GetSparsity,
                           .encode = EncodeSigned,
                           .read_head = ReadHead<GetMagnitude>,
                           .read_codes = ReadSigned};

const MethodRow kSbcRow = {.method = Method::kSbc,
                           .name = "sbc",
                           .sparse = true,
                           .form = TensorUpdate::Form::kBinary,
                           .validate = ValidateSparsity,
                           .put_options = PutSparsity,
                           .get_options = GetSparsity,
                           .encode = EncodeBinary,
                           .read_head = ReadHead<GetFloat>,
                           .read_codes = ReadPlaces};

}  // namespace lowtropy
