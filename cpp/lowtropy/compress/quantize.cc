// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/compress/quantize.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

constexpr int kMostRounds = 100;  // of Lloyd's algorithm; it mostly ends before

// The first index from `begin` on with an element of at least `value`.
template <class T>
size_t LowerBound(const std::vector<T>& rising, double value, size_t begin) {
  const auto first = rising.begin() + static_cast<ptrdiff_t>(begin);
  return static_cast<size_t>(std::lower_bound(first, rising.end(), value) - rising.begin());
}

// Rising values, and the sums of them and of their squares up to each.
class Values {
 public:
  explicit Values(std::vector<float> rising)
      : rising_(std::move(rising)), sums_(rising_.size() + 1), squares_(rising_.size() + 1) {
    for (size_t i = 0; i < rising_.size(); ++i) {
      const auto value = double{rising_[i]};
      sums_[i + 1] = sums_[i] + value;
      squares_[i + 1] = squares_[i] + value * value;
    }
  }

  size_t size() const { return rising_.size(); }
  size_t Find(double value, size_t begin) const { return LowerBound(rising_, value, begin); }

  double Mean(size_t begin, size_t end) const {
    return (sums_[end] - sums_[begin]) / static_cast<double>(end - begin);
  }

  // The sum of squared distances to the mean.
  double SquaredError(size_t begin, size_t end) const {
    const double sum = sums_[end] - sums_[begin];
    const double of_mean = sum * sum / static_cast<double>(end - begin);
    return std::max(0.0, squares_[end] - squares_[begin] - of_mean);
  }

 private:
  std::vector<float> rising_;
  std::vector<double> sums_;
  std::vector<double> squares_;
};

// The means of so many clusters of values, of which there are more different ones.
std::vector<double> Divide(const Values& values, size_t count) {
  std::vector<size_t> bounds = {0, values.size()};  // where each cluster begins, and the end
  std::vector<double> errors = {values.SquaredError(0, values.size())};
  while (errors.size() < count) {
    const auto worst = std::max_element(errors.begin(), errors.end());
    if (*worst == 0) break;
    const ptrdiff_t at = worst - errors.begin();
    const auto bound = bounds.begin() + at;
    const size_t begin = bound[0];
    const size_t end = bound[1];
    const size_t middle = values.Find(values.Mean(begin, end), begin);
    // Rounding can put the mean of nearly equal values beyond them all.
    if (middle == begin || middle >= end) {
      *worst = 0;
      continue;
    }
    bounds.insert(bound + 1, middle);
    *worst = values.SquaredError(begin, middle);
    errors.insert(errors.begin() + at + 1, values.SquaredError(middle, end));
  }
  std::vector<double> means;
  for (size_t i = 0; i < errors.size(); ++i) means.push_back(values.Mean(bounds[i], bounds[i + 1]));
  return means;
}

// One round: each centre goes to the mean of the values that are nearest to it; those without any
// are dropped.
std::vector<double> MoveCentres(const Values& values, const std::vector<double>& centres) {
  std::vector<double> moved;
  size_t begin = 0;
  for (size_t i = 0; i < centres.size(); ++i) {
    const size_t end = i + 1 < centres.size()
                           ? values.Find((centres[i] + centres[i + 1]) / 2, begin)
                           : values.size();
    if (end > begin) moved.push_back(values.Mean(begin, end));
    begin = end;
  }
  return moved;
}

std::vector<float> FindCentres(const Values& values, size_t count) {
  std::vector<double> centres = Divide(values, count);
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<double> moved = MoveCentres(values, centres);
    if (moved == centres) break;
    centres = std::move(moved);
  }
  std::vector<float> rounded;
  for (const double centre : centres) rounded.push_back(static_cast<float>(centre));
  return rounded;
}

float Nearest(const std::vector<float>& centres, double value) {
  const size_t above = std::min(LowerBound(centres, value, 0), centres.size() - 1);
  const size_t below = above > 0 ? above - 1 : 0;
  return value - double{centres[below]} < double{centres[above]} - value ? centres[below]
                                                                         : centres[above];
}

bool HasAtMost(const std::vector<float>& rising, size_t most) {
  size_t distinct = 1;
  for (size_t i = 1; i < rising.size() && distinct <= most; ++i) {
    if (rising[i] != rising[i - 1]) ++distinct;
  }
  return distinct <= most;
}

}  // namespace

void Quantize(size_t count, std::span<float> weights) {
  if (count < 2) throw Error(ErrorKind::kValue, "The number of values must be at least 2.");
  std::vector<float> rising;
  std::copy_if(weights.begin(), weights.end(), std::back_inserter(rising),
               [](float weight) { return weight != 0; });
  std::sort(rising.begin(), rising.end());
  const size_t available = rising.size() < weights.size() ? count - 1 : count;
  if (rising.empty() || HasAtMost(rising, available)) return;
  const std::vector<float> centres = FindCentres(Values(std::move(rising)), available);
  for (float& weight : weights) {
    if (weight != 0) weight = Nearest(centres, double{weight});
  }
}

}  // namespace lowtropy
