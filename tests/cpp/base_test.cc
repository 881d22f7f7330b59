// SPDX-License-Identifier: Apache-2.0
// Arrays, indices that find their width, allocation that fails in words, checksums.
#include <gtest/gtest.h>

#include <cfloat>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "lowtropy/base/array.h"
#include "lowtropy/base/bits.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using Sizes = std::vector<size_t>;

// ---- Arrays ----

TEST(ArrayTest, types_and_sizes) {
  EXPECT_EQ(ByteSize(DType::kU8), 1U);
  EXPECT_EQ(ByteSize(DType::kU16), 2U);
  EXPECT_EQ(ByteSize(DType::kU32), 4U);
  EXPECT_EQ(ByteSize(DType::kF32), 4U);
  EXPECT_EQ(Name(DType::kU8), "U8");
  EXPECT_EQ(Name(DType::kU16), "U16");
  EXPECT_EQ(Name(DType::kU32), "U32");
  EXPECT_EQ(Name(DType::kF32), "F32");
}

TEST(ArrayTest, a_copy_is_aligned_and_independent) {
  std::vector<uint16_t> values = {1, 500, 65535};
  const Array array = Array::Copy<uint16_t>(values);
  values[1] = 7;
  EXPECT_EQ(array.type(), DType::kU16);
  EXPECT_EQ(array.size(), 3U);
  EXPECT_EQ(array.byte_size(), 6U);
  EXPECT_EQ(array.Index(1), 500U);
  EXPECT_EQ(array.As<uint16_t>()[2], 65535);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(array.data()) % 64, 0U);
}

TEST(ArrayTest, an_array_outlives_who_made_it) {
  Array copy;
  {
    const Array array = Array::Copy<float>(std::vector<float>{1.5F, -2.0F});
    copy = array;
    EXPECT_EQ(copy.data(), array.data());
  }
  EXPECT_EQ(copy.As<float>()[1], -2.0F);
}

TEST(ArrayTest, empty) {
  const Array array = Array::Copy<uint32_t>({});
  EXPECT_EQ(array.size(), 0U);
  EXPECT_EQ(array.byte_size(), 0U);
  EXPECT_EQ(Array().size(), 0U);
}

// ---- IndexBuilder ----

TEST(IndexBuilderTest, takes_the_narrowest_width_that_holds_the_largest) {
  const std::pair<uint32_t, DType> cases[] = {{0, DType::kU8},      {255, DType::kU8},
                                              {256, DType::kU16},   {65535, DType::kU16},
                                              {65536, DType::kU32}, {0xFFFFFFFF, DType::kU32}};
  for (const auto& [largest, type] : cases) {
    for (const size_t reserved : Sizes{0, 3, 100}) {
      IndexBuilder builder;
      builder.Reserve(reserved);
      for (const uint32_t index : {uint32_t{0}, largest, uint32_t{3}}) builder.Push(index);
      EXPECT_EQ(builder.size(), 3U);
      const Array array = std::move(builder).Build();
      EXPECT_EQ(array.type(), type) << largest;
      EXPECT_EQ(array.byte_size(), 3 * IndexBytes(largest));
      EXPECT_EQ(array.Index(0), 0U);
      EXPECT_EQ(array.Index(1), largest);
      EXPECT_EQ(array.Index(2), 3U);
    }
  }
}

TEST(IndexBuilderTest, widens_what_is_there) {
  for (const size_t steps : Sizes{1, 2}) {  // over 16 bits to 32, or at once
    std::vector<uint32_t> wanted(1000, 200);
    if (steps == 2) wanted.insert(wanted.end(), 1000, 60000);
    wanted.insert(wanted.end(), 1000, 70000);
    wanted.insert(wanted.end(), 1000, 1);
    IndexBuilder builder;
    for (const uint32_t index : wanted) builder.Push(index);
    const Array array = std::move(builder).Build();
    ASSERT_EQ(array.type(), DType::kU32);
    ASSERT_EQ(array.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) ASSERT_EQ(array.Index(i), wanted[i]) << i;
  }
}

TEST(IndexBuilderTest, nothing_pushed) {
  const Array array = IndexBuilder().Build();
  EXPECT_EQ(array.type(), DType::kU8);
  EXPECT_EQ(array.size(), 0U);
}

// ---- Memory ----

void ExpectOutOfMemory(uint64_t bytes) {
  try {
    AllocateBytes(bytes);
    ADD_FAILURE() << bytes << " bytes were there";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
    EXPECT_NE(std::string(error.what()).find(std::to_string(bytes) + " bytes"), std::string::npos)
        << error.what();
  }
}

// More than a size counts; on 32 bits also sizes that would wrap to something small.
TEST(AllocateBytesTest, more_than_can_be_addressed) {
  ExpectOutOfMemory(UINT64_MAX);
  ExpectOutOfMemory(UINT64_MAX - 63);
  if (sizeof(size_t) == 4) ExpectOutOfMemory((uint64_t{1} << 32) + 16);
}

TEST(AllocateBytesTest, more_than_the_machine_has) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
  GTEST_SKIP() << "AddressSanitizer ends the program on such a request";
#endif
#endif
  ExpectOutOfMemory(SIZE_MAX - 64);
  ExpectOutOfMemory(sizeof(size_t) == 4 ? 0xFF000000 : uint64_t{1} << 60);
}

TEST(AllocateBytesTest, no_bytes) { EXPECT_NO_THROW(AllocateBytes(0)); }

// ---- Bits ----

TEST(BitsTest, of_floats) {
  EXPECT_EQ(Bits(0.0F), 0U);
  EXPECT_EQ(Bits(-0.0F), 0x80000000U);
  EXPECT_EQ(Bits(1.0F), 0x3F800000U);
  EXPECT_EQ(Bits(FLT_TRUE_MIN), 1U);
}

// ---- CRC-32 ----

// From the definition: polynomial division, one bit at a time.
uint32_t SlowCrc32(const std::vector<uint8_t>& data) {
  uint32_t crc = 0xFFFFFFFF;
  for (const uint8_t byte : data) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
  }
  return ~crc;
}

TEST(Crc32Test, check_values) {
  EXPECT_EQ(Crc32("123456789", 9), 0xCBF43926U);
  EXPECT_EQ(Crc32("", 0), 0U);
  EXPECT_EQ(Crc32("a", 1), 0xE8B7BE43U);
  const char pangram[] = "The quick brown fox jumps over the lazy dog";
  EXPECT_EQ(Crc32(pangram, std::strlen(pangram)), 0x414FA339U);
}

TEST(Crc32Test, agrees_with_the_definition_at_any_length_and_alignment) {
  std::mt19937 rng(1);
  std::vector<uint8_t> data(200);
  for (uint8_t& byte : data) byte = static_cast<uint8_t>(rng());
  for (size_t start = 0; start < 9; ++start) {
    for (size_t size = 0; size < 70; ++size) {
      const auto first = data.begin() + static_cast<ptrdiff_t>(start);
      EXPECT_EQ(Crc32(data.data() + start, size),
                SlowCrc32({first, first + static_cast<ptrdiff_t>(size)}))
          << start << " + " << size;
    }
  }
}

TEST(Crc32Test, continues_an_earlier_sum) {
  const std::string text = "a sum in two parts is the sum of the whole";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const uint32_t first = Crc32(text.data(), cut);
    EXPECT_EQ(Crc32(text.data() + cut, text.size() - cut, first), Crc32(text.data(), text.size()));
  }
}

}  // namespace
}  // namespace lowtropy
