// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/choose.h"

#include <algorithm>
#include <cstdio>

#include "lowtropy/formats/cost.h"
#include "lowtropy/formats/tuning.h"

namespace lowtropy {
namespace {

using tuning::ColumnTimes;
using tuning::VectorTimes;

// Elements that the format's kernel walks, and runs among them.
struct Work {
  double elements;
  double runs;
};

Work WorkOf(Format format, const Profile& p) {
  switch (format) {
    case Format::kCsr:
      return {static_cast<double>(p.nnz), 0};
    case Format::kPcsr:
      return {static_cast<double>(p.listed), 0};
    case Format::kCer:
      return {static_cast<double>(p.listed), static_cast<double>(p.pointer_runs)};
    case Format::kCser:
      return {static_cast<double>(p.listed), static_cast<double>(p.present_runs)};
    default:
      return {static_cast<double>(p.rows) * static_cast<double>(p.cols), 0};
  }
}

bool IsShifted(Format format, const Profile& p) {
  const bool omits = format == Format::kCer || format == Format::kCser || format == Format::kPcsr;
  return omits && p.values.omega()[0] != 0.0F;
}

const VectorTimes& VectorTimesOf(Format format, const Profile& p) {
  if (IsShifted(format, p)) return tuning::kShiftedVector;
  switch (format) {
    case Format::kDense:
      return tuning::kDenseVector;
    case Format::kPalette:
      return tuning::kPaletteVector;
    case Format::kCsr:
      return tuning::kCsrVector;
    case Format::kPcsr:
      return tuning::kPcsrVector;
    default:
      return tuning::kRunVector;
  }
}

const ColumnTimes& ColumnTimesOf(Format format, const Profile& p) {
  if (IsShifted(format, p)) return tuning::kShiftedColumns;
  if (format == Format::kCsr) return tuning::kCsrColumns;
  return format == Format::kPcsr ? tuning::kPcsrColumns : tuning::kRunColumns;
}

// Tiles that the listing kernels cut the columns into, in WebAssembly (4 lanes).
size_t TileCount(size_t columns) {
  const size_t vectors = (columns + 3) / 4;
  const size_t rest = vectors % 7;
  return vectors / 7 + rest / 4 + rest % 4 / 2 + rest % 2;
}

double VectorNanoseconds(Format format, const Profile& p) {
  const VectorTimes& t = VectorTimesOf(format, p);
  const Work work = WorkOf(format, p);
  return t.row * static_cast<double>(p.rows) + t.element * work.elements + t.run * work.runs;
}

double DecodedNanoseconds(Format format, const Profile& p, double columns) {
  const double decode = format == Format::kDense ? tuning::kDenseDecode : tuning::kPaletteDecode;
  return WorkOf(format, p).elements * (decode + tuning::kDenseColumn * columns);
}

double ListedNanoseconds(Format format, const Profile& p, size_t columns) {
  const ColumnTimes& t = ColumnTimesOf(format, p);
  const Work work = WorkOf(format, p);
  const double tiles = static_cast<double>(TileCount(columns));
  const double n = static_cast<double>(columns);
  return t.row_tile * static_cast<double>(p.rows) * tiles +
         work.elements * (t.element_tile * tiles + t.element_column * n) +
         work.runs * (t.run_tile * tiles + t.run_column * n);
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
    length = std::snprintf(text, sizeof text, "no format is both smaller and about as fast");
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

}  // namespace

double PredictNanoseconds(Format format, const Profile& profile, size_t columns) {
  if (columns == 0) return 0;
  if (columns == 1) return VectorNanoseconds(format, profile);
  if (format == Format::kDense || format == Format::kPalette) {
    return DecodedNanoseconds(format, profile, static_cast<double>(columns));
  }
  return ListedNanoseconds(format, profile, columns);
}

Choice Choose(const Profile& profile, size_t columns) {
  Choice choice{};
  for (size_t i = 0; i < kFormats.size(); ++i) {
    const Format format = kFormats[i];
    choice.candidates[i] = {format, BytesOf(format, profile),
                            PredictNanoseconds(format, profile, columns)};
  }
  const Candidate& dense = choice.candidates[0];
  const Candidate* fastest = &dense;
  for (const Candidate& c : choice.candidates) {
    if (c.bytes <= dense.bytes && c.nanoseconds < fastest->nanoseconds) fastest = &c;
  }
  const Candidate* best = fastest;
  for (const Candidate& c : choice.candidates) {
    const bool fast_enough = c.nanoseconds <= fastest->nanoseconds * tuning::kTimeTolerance;
    if (fast_enough && c.bytes < best->bytes) best = &c;
  }
  choice.format = best->format;
  choice.reason = columns == 0 ? DescribeLookups(*best, dense) : Describe(*best, *fastest, dense);
  return choice;
}

}  // namespace lowtropy
