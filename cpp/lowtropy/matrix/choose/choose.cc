// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/choose/choose.h"

#include <algorithm>
#include <cmath>

#include "lowtropy/base/decimal.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/choose/tuning.h"
#include "lowtropy/matrix/format.h"
#include "lowtropy/matrix/kernels/shape.h"

namespace lowtropy {
namespace {

// Columns go through lists of a format's elements or through dense blocks: as the kernels have it,
// of formats that can be unpacked as either lists are for where they are short.
bool GoesThroughLists(const Prediction& own, double listed_share) {
  if (!std::isfinite(own.lists) || !std::isfinite(own.blocks)) return std::isfinite(own.lists);
  return listed_share <= kernels::kMaxListedShare;
}

double ColumnsNanoseconds(const Prediction& own, const Profile& p, size_t columns) {
  constexpr size_t kLanes = 4;  // of WebAssembly
  const auto all = static_cast<double>(p.elements());
  const bool listed = GoesThroughLists(own, own.listed / all);
  const double elements = listed ? own.listed : all;
  const bool sparse = elements / all < kernels::kSparseShare;
  const size_t list_block = sparse ? kernels::SparseCols(kLanes) : kernels::ListCols(kLanes);
  const size_t block = listed ? list_block : kernels::kBlockCols;
  const size_t block_count = (p.cols + block - 1) / block;
  const size_t vector_count = (columns + kLanes - 1) / kLanes;
  const size_t tile = listed ? kernels::kListVectors : kernels::kDenseVectors;
  const auto blocks = static_cast<double>(block_count);
  const auto vectors = static_cast<double>(vector_count);
  const double tiles = std::ceil(vectors / static_cast<double>(tile));

  const tuning::ProductTimes& product = listed ? tuning::kLists : tuning::kDenseBlocks;
  return (listed ? own.lists : own.blocks) +
         product.row_tile * static_cast<double>(p.rows) * tiles * blocks +
         elements * (product.element_tile * tiles + product.element_vector * vectors) +
         product.pack_tile * static_cast<double>(p.cols) * tiles;
}

// How many times smaller.
std::string Ratio(const Candidate& larger, const Candidate& smaller) {
  return Fixed(static_cast<double>(larger.bytes) / static_cast<double>(smaller.bytes), 1);
}

// Of a matrix whose rows are only looked up.
std::string DescribeLookups(const Candidate& chosen, const Candidate& dense) {
  if (chosen.format == Format::kDense) return "no format is smaller, and rows are only looked up";
  return Text(Ratio(dense, chosen), " times smaller than dense, and rows are only looked up");
}

std::string Describe(const Candidate& chosen, const Candidate& fastest, const Candidate& dense) {
  std::string text = chosen.format == Format::kDense
                         ? "no format is smaller and not much slower"
                         : Text(Ratio(dense, chosen), " times smaller than dense, predicted ",
                                Fixed(dense.nanoseconds / chosen.nanoseconds, 1), " times as fast");
  if (chosen.format == fastest.format) return text;
  const double percent = 100 * (chosen.nanoseconds / fastest.nanoseconds - 1);
  return Text(text, "; ", Name(fastest.format), " would be ",
              percent < 0.5 ? "no faster" : Text(Fixed(percent, 0), " % faster"), " but ",
              Ratio(fastest, chosen), " times as large");
}

// How long a format may take to be preferred to `base`, if it is smaller.
double Tolerated(const Candidate& c, const Candidate& base, size_t columns) {
  const double smaller = static_cast<double>(base.bytes) / static_cast<double>(c.bytes);
  const double worth = columns == 1 ? tuning::kVectorSizeWorth : tuning::kSizeWorth;
  return base.nanoseconds * std::pow(std::max(1.0, smaller), worth);
}

// Smaller than dense, and not so much slower that dense would be preferred.
bool IsWorthwhile(const Candidate& c, const Candidate& dense) {
  const double smaller = static_cast<double>(dense.bytes) / static_cast<double>(c.bytes);
  return smaller > 1 && c.nanoseconds <= dense.nanoseconds * tuning::kDenseTolerance * smaller;
}

}  // namespace

double PredictNanoseconds(Format format, const Profile& profile, size_t columns) {
  const uint64_t bytes = BytesOf(format, profile);
  if (bytes == kNotHeld) return Prediction::kNever;
  const Prediction own = RowOf(format).predict(profile);
  if (columns == 1) return own.vector + tuning::kByte * static_cast<double>(bytes);
  const double nanoseconds = ColumnsNanoseconds(own, profile, columns);
  return columns == 0 && std::isfinite(nanoseconds) ? 0 : nanoseconds;
}

Choice Choose(const Profile& profile, size_t columns) {
  Choice choice{};
  for (size_t i = 0; i < kFormats.size(); ++i) {
    const Format format = kFormats[i];
    choice.candidates[i] = {format, BytesOf(format, profile),
                            PredictNanoseconds(format, profile, columns)};
  }
  const Candidate& dense = choice.candidates[0];
  const Candidate* fastest = nullptr;
  for (const Candidate& c : choice.candidates) {
    if (!IsWorthwhile(c, dense)) continue;
    if (fastest == nullptr || c.nanoseconds < fastest->nanoseconds) fastest = &c;
  }
  if (fastest == nullptr) fastest = &dense;
  // The smallest of those about as fast, then of those whose size is worth the time.
  const Candidate* base = fastest;
  for (const Candidate& c : choice.candidates) {
    const bool as_fast = c.nanoseconds <= fastest->nanoseconds * tuning::kTimeTolerance;
    if (as_fast && IsWorthwhile(c, dense) && c.bytes < base->bytes) base = &c;
  }
  const Candidate* best = base;
  for (const Candidate& c : choice.candidates) {
    if (c.nanoseconds <= Tolerated(c, *base, columns) && IsWorthwhile(c, dense) &&
        c.bytes < best->bytes) {
      best = &c;
    }
  }
  choice.format = best->format;
  choice.reason = columns == 0 ? DescribeLookups(*best, dense) : Describe(*best, *fastest, dense);
  return choice;
}

std::optional<Format> ParseFormatOrAuto(std::string_view name) {
  if (name == "auto") return std::nullopt;
  if (const auto format = ParseFormat(name)) return format;
  std::string known = "auto";
  for (const Format format : kFormats) known += Text(", ", Name(format));
  throw Error(ErrorKind::kValue, Text("There is no format \"", name, "\"; there are ", known, "."));
}

namespace {

Profile ProfileFor(std::optional<Format> format, const RowSource& source) {
  return format && !RowOf(*format).counts_values ? Profile::OfShape(source) : Profile::Of(source);
}

}  // namespace

Encoder::Encoder(const RowSource& source, std::optional<Format> format, size_t columns)
    : source_(source),
      profile_(ProfileFor(format, source_)),
      format_(format ? *format : Choose(profile_, columns).format),
      bytes_(BytesOf(format_, profile_)) {
  if (bytes_ == kNotHeld) {
    throw Error(ErrorKind::kUnsupported, RowOf(format_).refusal(profile_));
  }
}

Matrix Encode(const RowSource& source, std::optional<Format> format, size_t columns) {
  return Encoder(source, format, columns).Encode();
}

Matrix Recode(const Matrix& matrix, std::optional<Format> format, size_t columns) {
  return format == matrix.format() ? matrix : Encode(matrix, format, columns);
}

}  // namespace lowtropy
