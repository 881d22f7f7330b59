// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace lowtropy::samples {

// Random floats of many kinds, for what selects and compresses.

using Floats = std::vector<float>;

struct Kind {
  std::string name;
  // `size` of them.
  std::function<Floats(size_t size, std::mt19937& rng)> make;
};

// The reference of selection: the first k of a stable sort of all positions, rising.
template <class Better>
std::vector<uint32_t> FirstSorted(const Floats& values, size_t k, Better better) {
  std::vector<uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return better(values[a], values[b]); });
  order.resize(k);
  std::sort(order.begin(), order.end());
  return order;
}

template <class Draw>
std::function<Floats(size_t, std::mt19937&)> Each(Draw draw) {
  return [draw](size_t size, std::mt19937& rng) {
    Floats values(size);
    for (float& value : values) value = draw(rng);
    return values;
  };
}

inline float Normal(std::mt19937& rng) { return std::normal_distribution<float>()(rng); }

inline Floats NearlySorted(size_t size, std::mt19937& rng) {
  Floats values = Each(Normal)(size, rng);
  std::sort(values.begin(), values.end());
  for (size_t i = 0; i < size / 50; ++i) std::swap(values[rng() % size], values[rng() % size]);
  if (rng() % 2 == 0) std::reverse(values.begin(), values.end());
  return values;
}

// As gradients of embeddings: long runs of zeros, and elsewhere large values.
inline Floats InOnePlace(size_t size, std::mt19937& rng) {
  Floats values(size, 0.0F);
  const size_t begin = rng() % size;
  const size_t end = std::min(size, begin + 1 + size / 20);
  for (size_t i = begin; i < end; ++i) values[i] = 10 * Normal(rng);
  return values;
}

inline float OfAnyMagnitude(std::mt19937& rng) {
  const float value = std::ldexp(Normal(rng), static_cast<int>(rng() % 290) - 149);
  return std::isfinite(value) ? value : FLT_MAX;
}

inline const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {
      {"normal", Each(Normal)},
      {"ties", Each([](auto& rng) { return static_cast<float>(static_cast<int>(rng() % 7) - 3); })},
      {"zeros of both signs", Each([](auto& rng) {
         return rng() % 10 == 0 ? Normal(rng) : rng() % 2 == 0 ? 0.0F : -0.0F;
       })},
      {"any magnitude", Each(OfAnyMagnitude)},
      {"denormal", Each([](auto& rng) {
         return static_cast<float>(static_cast<int>(rng() % 2001) - 1000) * FLT_TRUE_MIN;
       })},
      {"huge", Each([](auto& rng) {
         const float share = std::uniform_real_distribution<float>(0.5F, 1)(rng);
         return (rng() % 2 == 0 ? FLT_MAX : -FLT_MAX) * share;
       })},
      {"negative", Each([](auto& rng) { return -std::abs(Normal(rng)); })},
      {"neighbours",
       Each([](auto& rng) { return 1.0F + static_cast<float>(rng() % 4) * FLT_EPSILON; })},
      {"all equal", [](size_t size, auto&) { return Floats(size, -2.0F); }},
      {"all zero", [](size_t size, auto&) { return Floats(size, 0.0F); }},
      {"nearly sorted", NearlySorted},
      {"in one place", InOnePlace},
  };
  return kinds;
}

}  // namespace lowtropy::samples
