// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/formats/shifted_kernels.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <variant>

namespace lowtropy {
namespace {

// Calls f(value, column) for each listed element of a row.
template <class F>
void ForEachListed(const Cer& w, size_t row, F&& f) {
  const float* omega = w.omega.As<float>().data();
  const size_t first = w.row_ptr.Index(row);
  for (size_t run = first; run < w.row_ptr.Index(row + 1); ++run) {
    const uint32_t end = w.omega_ptr.Index(run + 1);
    for (uint32_t i = w.omega_ptr.Index(run); i < end; ++i) {
      f(omega[1 + run - first], w.col_i.Index(i));
    }
  }
}

template <class F>
void ForEachListed(const Cser& w, size_t row, F&& f) {
  const float* omega = w.omega.As<float>().data();
  for (size_t run = w.row_ptr.Index(row); run < w.row_ptr.Index(row + 1); ++run) {
    const uint32_t end = w.omega_ptr.Index(run + 1);
    for (uint32_t i = w.omega_ptr.Index(run); i < end; ++i) {
      f(omega[w.omega_i.Index(run)], w.col_i.Index(i));
    }
  }
}

template <class F>
void ForEachListed(const Pcsr& w, size_t row, F&& f) {
  const float* omega = w.omega.As<float>().data();
  for (size_t i = w.row_ptr.Index(row); i < w.row_ptr.Index(row + 1); ++i) {
    f(omega[w.codes.Index(i)], w.col_i.Index(i));
  }
}

float Finish(double value, size_t row, const Epilogue& e) {
  if (e.scale != nullptr) value *= static_cast<double>(e.scale[row]);
  if (e.bias != nullptr) value += static_cast<double>(e.bias[row]);
  const auto rounded = static_cast<float>(value);
  return e.relu ? std::max(rounded, 0.0F) : rounded;
}

constexpr size_t kTile = 16;  // columns at once: 8 two-lane registers of doubles in WebAssembly
using Tile = std::array<double, kTile>;

void Store(const Tile& tile, size_t first, size_t count, size_t row, const Output& y,
           const Epilogue& epilogue) {
  for (size_t t = 0; t < count; ++t) {
    const size_t j = first + t;
    if (j % y.pitch >= y.run) continue;
    y.data[row * y.row_stride + j / y.pitch * y.run + j % y.pitch] = Finish(tile[t], row, epilogue);
  }
}

// True when the bound of kernels.h holds for sure. The decomposition errs by at most about
// 2 · cols · 2^-53 · |Ω[0]| · Σ|x|; the bound is at least cols · 2^-23 · |result|, as |result| ≤
// Σ|w·x|. `reach` is |Ω[0]| · Σ|x|. False also for NaN.
bool IsAccurate(double result, double reach) { return std::fabs(result) >= 0x1p-26 * reach; }

// One row without the decomposition, hence without cancellation, and at the cost of a dense one.
// `input(k)` points to the `count` inputs of column k.
template <class Storage, class Input>
void MultiplyDirectly(const Storage& w, size_t row, size_t count, Input&& input, double* acc) {
  constexpr size_t kBlock = 4096;
  const float shift = w.omega.template As<float>()[0];
  const auto add = [&](float weight, size_t col) {
    const float* in = input(col);
    for (size_t t = 0; t < count; ++t) {
      acc[t] += static_cast<double>(weight) * static_cast<double>(in[t]);
    }
  };
  std::fill_n(acc, count, 0.0);
  for (size_t first = 0; first < w.cols; first += kBlock) {
    const size_t end = std::min(first + kBlock, w.cols);
    std::bitset<kBlock> listed;
    ForEachListed(w, row, [&](float value, uint32_t col) {
      if (col < first || col >= end) return;
      listed.set(col - first);
      add(value, col);
    });
    for (size_t k = first; k < end; ++k) {
      if (!listed[k - first]) add(shift, k);
    }
  }
}

template <class Storage>
void MultiplyTile(const Storage& w, RowRange rows, const Columns& x, size_t first, const Output& y,
                  const Epilogue& epilogue) {
  const double shift = static_cast<double>(w.omega.template As<float>()[0]);
  const size_t count = std::min(kTile, x.count - first);
  const auto input = [&x, first](size_t k) { return x.data + first + x.offset[k]; };
  Tile sums{};
  Tile reach{};
  for (size_t k = 0; k < w.cols; ++k) {
    const float* in = input(k);
    for (size_t t = 0; t < count; ++t) sums[t] += static_cast<double>(in[t]);
    for (size_t t = 0; t < count; ++t) reach[t] += std::fabs(shift * static_cast<double>(in[t]));
  }
  for (size_t r = rows.begin; r < rows.end; ++r) {
    Tile acc;
    for (size_t t = 0; t < kTile; ++t) acc[t] = shift * sums[t];
    ForEachListed(w, r, [&](float value, uint32_t col) {
      const double weight = static_cast<double>(value) - shift;
      const float* in = input(col);
      for (size_t t = 0; t < count; ++t) acc[t] += weight * static_cast<double>(in[t]);
    });
    bool accurate = true;
    for (size_t t = 0; t < count; ++t) accurate = accurate && IsAccurate(acc[t], reach[t]);
    if (!accurate) MultiplyDirectly(w, r, count, input, acc.data());
    Store(acc, first, count, r, y, epilogue);
  }
}

template <class Storage>
void MultiplyRows(const Storage& w, RowRange rows, const float* x, float* y,
                  const Epilogue& epilogue) {
  const double shift = static_cast<double>(w.omega.template As<float>()[0]);
  double sum = 0;
  double reach = 0;
  for (size_t k = 0; k < w.cols; ++k) {
    sum += static_cast<double>(x[k]);
    reach += std::fabs(shift * static_cast<double>(x[k]));
  }
  for (size_t r = rows.begin; r < rows.end; ++r) {
    double acc = shift * sum;
    ForEachListed(w, r, [&](float value, uint32_t col) {
      acc += (static_cast<double>(value) - shift) * static_cast<double>(x[col]);
    });
    if (!IsAccurate(acc, reach)) {
      MultiplyDirectly(
          w, r, 1, [x](size_t k) { return x + k; }, &acc);
    }
    y[r] = Finish(acc, r, epilogue);
  }
}

}  // namespace

void ShiftedMultiplyVector(const Matrix& w, RowRange rows, const float* x, float* y,
                           const Epilogue& epilogue) {
  std::visit(
      [&]<class Storage>(const Storage& s) {
        if constexpr (kOmitsMostFrequent<Storage>) MultiplyRows(s, rows, x, y, epilogue);
      },
      w.storage());
}

void ShiftedMultiplyColumns(const Matrix& w, RowRange rows, const Columns& x, const Output& y,
                            const Epilogue& epilogue) {
  std::visit(
      [&]<class Storage>(const Storage& s) {
        if constexpr (kOmitsMostFrequent<Storage>) {
          for (size_t first = 0; first < x.count; first += kTile) {
            MultiplyTile(s, rows, x, first, y, epilogue);
          }
        }
      },
      w.storage());
}

}  // namespace lowtropy
