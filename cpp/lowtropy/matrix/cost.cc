// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/cost.h"

#include <algorithm>
#include <utility>

#include "lowtropy/base/array.h"

namespace lowtropy {
namespace {

constexpr unsigned kFloatBits = 32;

}  // namespace

void Counter::Stored(std::string_view name, uint64_t reads, unsigned bits, uint64_t bytes) {
  cost_.bytes += bytes;
  cost_.reads.push_back({name, reads, bits, bytes});
}

void Counter::Floats(std::string_view name, uint64_t size) {
  Stored(name, size, kFloatBits, size * sizeof(float));
}

void Counter::Indices(std::string_view name, uint64_t size, uint64_t max) {
  const uint64_t width = IndexBytes(max);
  Stored(name, size, static_cast<unsigned>(8 * width), size * width);
}

void Counter::Codes(std::string_view name, unsigned bits, uint64_t bytes) {
  const unsigned access_bits = std::max(8U, bits);
  Stored(name, bytes * 8 / access_bits, access_bits, bytes);
}

void Counter::Omega(uint64_t reads) {
  Stored("omega", reads, kFloatBits, sizeof(float) * uint64_t{p_.values.size()});
}

void Counter::Input(uint64_t reads) {
  cost_.reads.push_back({"x", reads, kFloatBits, sizeof(float) * uint64_t{p_.cols}});
}

void Counter::Table(uint64_t bytes, uint64_t writes, uint64_t reads) {
  cost_.writes.push_back({"table", writes, kFloatBits, bytes});
  cost_.reads.push_back({"table", reads, kFloatBits, bytes});
}

void Counter::Accumulated(uint64_t times) {
  const uint64_t bytes = sizeof(float) * uint64_t{p_.rows};
  cost_.reads.push_back({"y", times, kFloatBits, bytes});
  cost_.writes.push_back({"y", times, kFloatBits, bytes});
}

void Counter::Arithmetic(uint64_t multiply, uint64_t add) {
  cost_.multiply += multiply;
  cost_.add += add;
}

void Counter::Decomposition() {
  if (p_.values.omega()[0] == 0.0F) return;
  Input(p_.cols);
  Arithmetic(1, p_.cols - 1 + p_.values.size() - 1 + p_.rows_listed);
}

Cost Counter::Total() && {
  cost_.writes.push_back({"y", p_.rows, kFloatBits, sizeof(float) * uint64_t{p_.rows}});
  cost_.energy_pj = static_cast<double>(cost_.add) * kAddEnergy +
                    static_cast<double>(cost_.multiply) * kMultiplyEnergy;
  cost_.read = Sum(cost_.reads);
  cost_.write = Sum(cost_.writes);
  return std::move(cost_);
}

uint64_t Counter::Sum(const std::vector<ArrayAccess>& accesses) {
  uint64_t count = 0;
  for (const ArrayAccess& access : accesses) {
    count += access.count;
    cost_.energy_pj += static_cast<double>(access.count) * AccessEnergy(access.bits, access.bytes);
  }
  return count;
}

double AccessEnergy(unsigned bits, uint64_t array_bytes) {
  constexpr uint64_t kKilobyte = 1024;
  const double word = array_bytes < 8 * kKilobyte      ? 5
                      : array_bytes < 32 * kKilobyte   ? 10
                      : array_bytes < 1024 * kKilobyte ? 50
                                                       : 1000;
  return word * bits / 32;
}

}  // namespace lowtropy
