// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "holds.h"
#include "lowtropy/matrix/matrix.h"

// What the tests of the formats share: the golden example, random matrices, and arrays taken apart
// and put together again.
namespace lowtropy::testing_formats {

// A dense matrix, row-major.
struct Values {
  size_t rows;
  size_t cols;
  std::vector<float> data;

  DenseView View() const { return {data.data(), rows, cols}; }
};

// The worked example of the design.
inline Values Golden() {
  return {4,
          4,
          {0, 4, 4, 2,  //
           3, 0, 0, 4,  //
           0, 0, 2, 2,  //
           4, 0, 4, 0}};
}

// The same with 5 in place of 0, so that the most frequent value has to be put back.
inline Values ShiftedGolden() {
  Values golden = Golden();
  for (float& v : golden.data) v = v == 0 ? 5 : v;
  return golden;
}

// Up to `max_side` rows and columns, one to many values, empty to full, any most frequent value.
inline Values RandomValues(std::mt19937& rng, size_t max_side) {
  const auto below = [&rng](size_t n) { return static_cast<size_t>(rng() % n); };
  Values m{1 + below(max_side), 1 + below(max_side), {}};
  const size_t distinct_choices[] = {1, 2, 3, 5, 20, 300, 5000};
  std::vector<float> values(distinct_choices[below(7)]);
  std::normal_distribution<float> normal;
  for (float& v : values) v = normal(rng);
  if (below(4) == 0) values[0] = -0.0F;
  if (below(4) == 0) values.back() = 1e-40F;
  const float common_choices[] = {0.0F, 0.0F, -0.0F, 1.5F, values[0]};
  const float common = common_choices[below(5)];
  const double density = std::uniform_real_distribution<double>(0, 1.2)(rng);
  std::uniform_real_distribution<double> uniform;
  m.data.resize(m.rows * m.cols);
  for (float& v : m.data) v = uniform(rng) < density ? values[below(values.size())] : common;
  if (below(3) == 0) {
    const size_t row = below(m.rows);
    for (size_t c = 0; c < m.cols; ++c) m.data[row * m.cols + c] = common;
  }
  return m;
}

using Arrays = std::vector<NamedArray>;

inline Array& Find(Arrays& arrays, std::string_view name) {
  for (NamedArray& entry : arrays) {
    if (entry.name == name) return entry.array;
  }
  throw std::logic_error("no array " + std::string(name));
}

// The elements of an index array, and arrays made of such.
inline std::vector<uint32_t> Indices(const Array& array) {
  std::vector<uint32_t> indices;
  for (size_t i = 0; i < array.size(); ++i) indices.push_back(array.Index(i));
  return indices;
}

template <class T>
Array Typed(const std::vector<uint32_t>& indices) {
  return Array::Copy<T>(std::vector<T>(indices.begin(), indices.end()));
}

inline Array Bytes(const std::vector<uint32_t>& indices) { return Typed<uint8_t>(indices); }

inline Array Narrowest(const std::vector<uint32_t>& indices) {
  IndexBuilder builder;
  for (uint32_t index : indices) builder.Push(index);
  return std::move(builder).Build();
}

inline Array Floats(const std::vector<float>& values) { return Array::Copy<float>(values); }

// Equal types, sizes and bytes.
inline bool Same(const Array& a, const Array& b) {
  return a.type() == b.type() && a.size() == b.size() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), a.byte_size()) == 0);
}

inline bool Same(const Arrays& a, const Arrays& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || !Same(a[i].array, b[i].array)) return false;
  }
  return true;
}

}  // namespace lowtropy::testing_formats
