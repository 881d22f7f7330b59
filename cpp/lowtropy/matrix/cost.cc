// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/cost.h"

#include <algorithm>

#include "lowtropy/matrix/formats/blocks.h"
#include "lowtropy/matrix/formats/mask.h"
#include "lowtropy/matrix/formats/palette.h"

namespace lowtropy {
namespace {

constexpr unsigned kFloatBits = 32;

// Adds arrays and operations to a cost, one call an array.
class Counter {
 public:
  explicit Counter(const Profile& profile) : p_(profile) {}

  // An index array of `size` elements up to `max`, read through once.
  void Indices(std::string_view name, uint64_t size, uint64_t max) {
    const uint64_t width = IndexBytes(max);
    Stored(name, size, static_cast<unsigned>(8 * width), size * width);
  }
  // `reads` reads of a stored array of `bytes` bytes.
  void Stored(std::string_view name, uint64_t reads, unsigned bits, uint64_t bytes) {
    cost_.bytes += bytes;
    cost_.reads.push_back({name, reads, bits, bytes});
  }
  void Omega(uint64_t reads) {
    Stored("omega", reads, kFloatBits, sizeof(float) * uint64_t{p_.values.size()});
  }
  void Input(uint64_t reads) {
    cost_.reads.push_back({"x", reads, kFloatBits, sizeof(float) * uint64_t{p_.cols}});
  }
  // Scratch of `bytes` bytes that is not stored.
  void Table(uint64_t bytes, uint64_t writes, uint64_t reads) {
    cost_.writes.push_back({"table", writes, kFloatBits, bytes});
    cost_.reads.push_back({"table", reads, kFloatBits, bytes});
  }
  // Results that are read, added to and written again.
  void Accumulated(uint64_t times) {
    const uint64_t bytes = sizeof(float) * uint64_t{p_.rows};
    cost_.reads.push_back({"y", times, kFloatBits, bytes});
    cost_.writes.push_back({"y", times, kFloatBits, bytes});
  }
  void Arithmetic(uint64_t multiply, uint64_t add) {
    cost_.multiply += multiply;
    cost_.add += add;
  }
  // Ω[0] other than 0 is put back through Σx.
  void Decomposition() {
    if (p_.values.omega()[0] == 0.0F) return;
    Input(p_.cols);
    Arithmetic(1, p_.cols - 1 + p_.values.size() - 1 + p_.rows_listed);
  }

  Cost Total() && {
    cost_.writes.push_back({"y", p_.rows, kFloatBits, sizeof(float) * uint64_t{p_.rows}});
    cost_.energy_pj = static_cast<double>(cost_.add) * kAddEnergy +
                      static_cast<double>(cost_.multiply) * kMultiplyEnergy;
    cost_.read = Sum(cost_.reads);
    cost_.write = Sum(cost_.writes);
    return std::move(cost_);
  }

 private:
  uint64_t Sum(const std::vector<ArrayAccess>& accesses) {
    uint64_t count = 0;
    for (const ArrayAccess& access : accesses) {
      count += access.count;
      cost_.energy_pj +=
          static_cast<double>(access.count) * AccessEnergy(access.bits, access.bytes);
    }
    return count;
  }

  const Profile& p_;
  Cost cost_;
};

void CountDense(const Profile& p, Counter& c) {
  const uint64_t elements = uint64_t{p.rows} * p.cols;
  c.Stored("values", elements, kFloatBits, elements * sizeof(float));
  c.Input(elements);
  c.Arithmetic(elements, elements - p.rows);
}

void CountCsr(const Profile& p, Counter& c) {
  c.Stored("values", p.nnz, kFloatBits, p.nnz * sizeof(float));
  c.Indices("colI", p.nnz, p.max_nonzero_col);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.nnz);
  c.Input(p.nnz);
  c.Arithmetic(p.nnz, p.nnz - p.rows_nonzero);
}

void CountCer(const Profile& p, Counter& c) {
  c.Omega(p.present_runs);
  c.Indices("colI", p.listed, p.max_listed_col);
  c.Indices("omegaPtr", p.pointer_runs + 1, p.listed);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.pointer_runs);
  c.Input(p.listed);
  c.Arithmetic(p.present_runs, p.listed - p.rows_listed);
  c.Decomposition();
}

void CountCser(const Profile& p, Counter& c) {
  c.Omega(p.present_runs);
  c.Indices("colI", p.listed, p.max_listed_col);
  c.Indices("omegaPtr", p.present_runs + 1, p.listed);
  c.Indices("omegaI", p.present_runs, p.max_listed_code);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.present_runs);
  c.Input(p.listed);
  c.Arithmetic(p.present_runs, p.listed - p.rows_listed);
  c.Decomposition();
}

void CountPalette(const Profile& p, Counter& c) {
  const uint64_t elements = uint64_t{p.rows} * p.cols;
  const unsigned bits = Palette::Bits(p.values.size());
  const uint64_t bytes = Palette::RowBytes(p.values.size(), p.cols) * p.rows;
  const unsigned access_bits = std::max(8U, bits);
  c.Omega(elements);
  c.Stored("codes", bytes * 8 / access_bits, access_bits, bytes);
  c.Input(elements);
  c.Arithmetic(elements, elements - p.rows);
}

void CountPcsr(const Profile& p, Counter& c) {
  c.Omega(p.listed);
  c.Indices("codes", p.listed, p.max_listed_code);
  c.Indices("colI", p.listed, p.max_listed_col);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.listed);
  c.Input(p.listed);
  c.Arithmetic(p.listed, p.listed - p.rows_listed);
  c.Decomposition();
}

void CountMask(const Profile& p, Counter& c) {
  const unsigned bits = Mask::Bits(p.values.size());
  const uint64_t mask_bytes = (uint64_t{p.cols} + 7) / 8 * p.rows;
  const uint64_t code_bytes = Mask::CodeBytes(p.values.size(), p.listed);
  const unsigned access_bits = std::max(8U, bits);
  c.Omega(p.listed);
  c.Stored("mask", mask_bytes, 8, mask_bytes);
  c.Stored("codes", code_bytes * 8 / access_bits, access_bits, code_bytes);
  c.Indices("rowPtr", uint64_t{p.rows} + 1, p.listed);
  c.Input(p.listed);
  c.Arithmetic(p.listed, p.listed - p.rows_listed);
  c.Decomposition();
}

// A table of (K - 1)·B products for each block, read once an index; indices that fill up units
// count.
void CountBlocks(const Profile& p, Counter& c) {
  const auto layout = Blocks::LayoutOf(p.values.size(), p.listed, uint64_t{p.rows} * p.cols);
  const uint64_t block = uint64_t{1} << layout.block_bits;
  const uint64_t blocks = (p.cols + block - 1) / block;
  const uint64_t indices = 2 * p.block_units;
  const uint64_t products = (p.values.size() - 1) * p.cols;
  const uint64_t table = p.values.size() * block * sizeof(float);
  c.Omega((p.values.size() - 1) * blocks);
  c.Stored("codes", layout.index_bits == 12 ? indices * 12 / 8 : indices,
           layout.index_bits == 12 ? 8 : layout.index_bits, indices * layout.index_bits / 8);
  c.Indices("rowI", p.block_lists, p.max_listed_row);
  c.Indices("classes", p.block_class_sizes, p.block_max_class);
  c.Input(p.cols);
  c.Table(table, products, indices);
  c.Accumulated(p.block_lists);
  c.Arithmetic(products, indices);
  c.Decomposition();
}

}  // namespace

double AccessEnergy(unsigned bits, uint64_t array_bytes) {
  constexpr uint64_t kKilobyte = 1024;
  const double word = array_bytes < 8 * kKilobyte      ? 5
                      : array_bytes < 32 * kKilobyte   ? 10
                      : array_bytes < 1024 * kKilobyte ? 50
                                                       : 1000;
  return word * bits / 32;
}

Cost CostOf(Format format, const Profile& profile) {
  Counter counter(profile);
  switch (format) {
    case Format::kDense:
      CountDense(profile, counter);
      break;
    case Format::kCsr:
      CountCsr(profile, counter);
      break;
    case Format::kCer:
      CountCer(profile, counter);
      break;
    case Format::kCser:
      CountCser(profile, counter);
      break;
    case Format::kPalette:
      CountPalette(profile, counter);
      break;
    case Format::kPcsr:
      CountPcsr(profile, counter);
      break;
    case Format::kMask:
      CountMask(profile, counter);
      break;
    case Format::kBlocks:
      CountBlocks(profile, counter);
      break;
  }
  return std::move(counter).Total();
}

uint64_t BytesOf(Format format, const Profile& profile) { return CostOf(format, profile).bytes; }

}  // namespace lowtropy
