// SPDX-License-Identifier: Apache-2.0
// Kernels never allocate.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "allocation_counter.h"
#include "format_testing.h"
#include "lowtropy/matrix/kernels/kernels.h"

namespace {

std::atomic<size_t> allocations{0};
std::atomic<size_t> allocated_bytes{0};

void Count(size_t size) {
  ++allocations;
  allocated_bytes += size;
}

}  // namespace

size_t Allocations() { return allocations; }
size_t AllocatedBytes() { return allocated_bytes; }

// The other forms of the standard library end in these, or are defined below to do so. They go to
// malloc and free, which AddressSanitizer watches as well. Calls of malloc itself are not seen; the
// library makes none.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  Count(size);
  return std::malloc(size);
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  Count(size);
  const auto unit = static_cast<size_t>(alignment);
  if (size > SIZE_MAX - unit) return nullptr;
  return std::aligned_alloc(unit, (size + unit - 1) / unit * unit);  // wants whole units
}
void* operator new(size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(size_t size, std::align_val_t alignment) {
  void* memory = operator new(size, alignment, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace lowtropy {
namespace {

using namespace testing_formats;

// Or the other tests test nothing.
TEST(AllocationTest, counts) {
  size_t before = Allocations();
  const size_t bytes_before = AllocatedBytes();
  const std::vector<float> vector(100);
  EXPECT_EQ(Allocations(), before + 1);
  EXPECT_EQ(AllocatedBytes(), bytes_before + 400);
  before = Allocations();
  const std::shared_ptr<std::byte> aligned = AllocateBytes(100);
  EXPECT_EQ(Allocations(), before + 2);  // the memory and its control block
}

// Sparse and full rows, more columns than a block decodes at once, a most frequent value that is 0,
// one that is not, and one that cancels (row 0 is empty of it).
std::vector<Values> Samples() {
  std::vector<Values> samples;
  for (const float common : {0.0F, 2.0F}) {
    Values m{13, 700, std::vector<float>(13 * 700, common)};
    for (size_t i = 0; i < m.data.size(); ++i) {
      if (i < 700) m.data[i] = 0.0F;
      if (i >= 700 && i % 3 == 0) m.data[i] = static_cast<float>(i % 29);
    }
    samples.push_back(m);
  }
  return samples;
}

TEST(AllocationTest, no_kernel_allocates) {
  constexpr size_t kCount = 45;
  for (const Values& m : Samples()) {
    std::vector<uint32_t> offsets;
    for (uint32_t k = 0; k < m.cols; ++k) offsets.push_back(k * kCount);
    const std::vector<float> x(m.cols * kCount + kColumnSlack, 0.75F);
    const std::vector<float> scale(m.rows, 2.0F);
    std::vector<float> y(m.rows * kCount);
    const Epilogue epilogue{scale.data(), scale.data(), {.least = 0}};
    std::vector<float> workspace(ColumnsWorkspace(m.rows, m.cols));
    for (const Format format : kFormats) {
      if (!Holds(format, m.View())) continue;
      const Matrix w = Matrix::From(m.View(), format);
      std::vector<float> vector_workspace(VectorWorkspace(w));
      const auto run = [&] {
        MultiplyVector(w, {0, m.rows}, x.data(), y.data(), epilogue, vector_workspace.data());
        MultiplyColumns(w, {0, m.rows}, {x.data(), offsets.data(), kCount, kCount, kCount},
                        {y.data(), kCount}, epilogue, workspace.data());
        MultiplyColumns(w, {0, m.rows}, {x.data(), offsets.data(), 35, 7, 9}, {y.data(), kCount},
                        epilogue, workspace.data());
      };
      run();  // Highway chooses the instruction set in the first call
      const size_t before = Allocations();
      run();
      EXPECT_EQ(Allocations(), before) << Name(format);
    }
  }
}

}  // namespace
}  // namespace lowtropy
