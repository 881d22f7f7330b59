// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/choose/choose.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "lowtropy/matrix/choose/tuning.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/formats/blocks.h"

namespace lowtropy {
namespace {

using tuning::ProductTimes;
using tuning::UnpackTimes;
using tuning::VectorTimes;

double AllElements(const Profile& p) {
  return static_cast<double>(p.rows) * static_cast<double>(p.cols);
}

// Elements that the format lists, and runs among them.
struct Work {
  double listed;
  double runs;
};

Work WorkOf(Format format, const Profile& p) {
  switch (format) {
    case Format::kCsr:
      return {static_cast<double>(p.nnz), 0};
    case Format::kPcsr:
    case Format::kMask:
    case Format::kBlocks:
    case Format::kPalette:  // as lists
      return {static_cast<double>(p.listed), 0};
    case Format::kCer:
      return {static_cast<double>(p.listed), static_cast<double>(p.pointer_runs)};
    case Format::kCser:
      return {static_cast<double>(p.listed), static_cast<double>(p.present_runs)};
    default:
      return {AllElements(p), 0};
  }
}

bool IsShifted(Format format, const Profile& p) {
  const bool omits = format == Format::kCer || format == Format::kCser || format == Format::kPcsr ||
                     format == Format::kMask || format == Format::kBlocks;
  return omits && p.values.omega()[0] != 0.0F;
}

// Of what works but is not meant to be used.
constexpr double kNever = std::numeric_limits<double>::infinity();

// ---- One column ----

const VectorTimes& VectorTimesOf(Format format) {
  switch (format) {
    case Format::kDense:
      return tuning::kDenseVector;
    case Format::kPalette:
      return tuning::kPaletteVector;
    case Format::kCsr:
      return tuning::kCsrVector;
    case Format::kPcsr:
      return tuning::kPcsrVector;
    case Format::kMask:
      return tuning::kMaskVector;
    default:
      return tuning::kRunVector;
  }
}

double TableNanoseconds(const Profile& p) {
  const uint64_t elements = uint64_t{p.rows} * p.cols;
  const auto layout = Blocks::LayoutOf(p.values.size(), p.listed, elements);
  if ((p.values.size() << layout.block_bits) > 8192) return kNever;  // no kernel of its own
  const tuning::TableTimes& t = layout.index_bits == 12 ? tuning::kPackedTable : tuning::kWideTable;
  return t.row * static_cast<double>(p.rows) + t.list * static_cast<double>(p.block_lists) +
         t.index * static_cast<double>(2 * p.block_units) +
         tuning::kTableEntry * static_cast<double>(p.values.size()) * static_cast<double>(p.cols);
}

double VectorNanoseconds(Format format, const Profile& p) {
  const double rows = static_cast<double>(p.rows);
  const Work work = WorkOf(format, p);
  if (format == Format::kBlocks) return IsShifted(format, p) ? kNever : TableNanoseconds(p);
  if (IsShifted(format, p)) {
    const tuning::ShiftedTimes& t = tuning::kShiftedVector;
    return t.row * rows + t.element * AllElements(p) + t.listed * work.listed;
  }
  const VectorTimes& t = VectorTimesOf(format);
  const double elements = format == Format::kPalette ? AllElements(p) : work.listed;
  return t.row * rows + t.element * elements + t.run * work.runs + t.bit * AllElements(p);
}

// ---- Several columns ----

// The kernels' own rules, see unpack-inl.h.
constexpr double kMaxListedShare = 0.7;
constexpr double kSparseShare = 0.2;

// True when the product goes through lists, not dense blocks.
bool IsListed(Format format, const Profile& p) {
  if (format == Format::kDense || IsShifted(format, p)) return false;
  if (format != Format::kPalette) return true;
  const bool zeros = p.values.omega()[0] == 0.0F;
  return zeros && static_cast<double>(p.listed) <= kMaxListedShare * AllElements(p);
}

const UnpackTimes& UnpackTimesOf(Format format, const Profile& p) {
  if (IsShifted(format, p)) {
    const bool runs = format == Format::kCer || format == Format::kCser;
    return runs ? tuning::kBlockShiftedRuns : tuning::kBlockShiftedPcsr;
  }
  switch (format) {
    case Format::kDense:
      return tuning::kBlockDense;
    case Format::kPalette:
      return IsListed(format, p) ? tuning::kListPalette : tuning::kBlockPalette;
    case Format::kCsr:
      return tuning::kListCsr;
    case Format::kPcsr:
      return tuning::kListPcsr;
    case Format::kMask:
      return tuning::kListMask;
    default:
      return tuning::kListRuns;
  }
}

double ColumnsNanoseconds(Format format, const Profile& p, size_t columns) {
  const bool listed = IsListed(format, p);
  const Work work = WorkOf(format, p);
  const double elements = listed ? work.listed : AllElements(p);
  const double share = elements / AllElements(p);
  const size_t block = listed && share < kSparseShare ? 1024 : 256;
  const size_t block_count = (p.cols + block - 1) / block;
  const auto blocks = static_cast<double>(block_count);
  const size_t vector_count = (columns + 3) / 4;  // of WebAssembly: 4 columns
  const auto vectors = static_cast<double>(vector_count);
  const double tiles = std::ceil(vectors / (listed ? 7 : 4));

  const UnpackTimes& unpack = UnpackTimesOf(format, p);
  const ProductTimes& product = listed ? tuning::kLists : tuning::kDenseBlocks;
  return unpack.element * AllElements(p) + unpack.listed * work.listed + unpack.run * work.runs +
         product.row_tile * static_cast<double>(p.rows) * tiles * blocks +
         elements * (product.element_tile * tiles + product.element_vector * vectors) +
         product.pack_tile * static_cast<double>(p.cols) * tiles;
}

// Of a matrix whose rows are only looked up.
std::string DescribeLookups(const Candidate& chosen, const Candidate& dense) {
  if (chosen.format == Format::kDense) return "no format is smaller, and rows are only looked up";
  char text[96];
  std::snprintf(text, sizeof text, "%.1f times smaller than dense, and rows are only looked up",
                static_cast<double>(dense.bytes) / static_cast<double>(chosen.bytes));
  return text;
}

std::string Describe(const Candidate& chosen, const Candidate& fastest, const Candidate& dense) {
  char text[256];
  const double smaller = static_cast<double>(dense.bytes) / static_cast<double>(chosen.bytes);
  const double faster = dense.nanoseconds / chosen.nanoseconds;
  int length =
      std::snprintf(text, sizeof text,
                    "%.1f times smaller than dense, predicted %.1f times as fast", smaller, faster);
  if (chosen.format == Format::kDense) {
    length = std::snprintf(text, sizeof text, "no format is smaller and not much slower");
  }
  if (chosen.format != fastest.format) {
    const double percent = 100 * (chosen.nanoseconds / fastest.nanoseconds - 1);
    char speed[32] = "no faster";
    if (percent >= 0.5) std::snprintf(speed, sizeof speed, "%.0f %% faster", percent);
    std::snprintf(text + length, sizeof text - static_cast<size_t>(length),
                  "; %s would be %s but %.1f times as large",
                  std::string(Name(fastest.format)).c_str(), speed,
                  static_cast<double>(fastest.bytes) / static_cast<double>(chosen.bytes));
  }
  return text;
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
  if (format == Format::kBlocks && columns != 1) return kNever;
  if (columns == 0) return 0;
  if (columns != 1) return ColumnsNanoseconds(format, profile, columns);
  const double bytes = static_cast<double>(BytesOf(format, profile));
  return VectorNanoseconds(format, profile) + tuning::kByte * bytes;
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

}  // namespace lowtropy
