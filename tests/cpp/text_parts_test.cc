// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

TEST(TextPartsTest, Integers) {
  EXPECT_EQ(Text(0), "0");
  EXPECT_EQ(Text(-1), "-1");
  EXPECT_EQ(Text(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(Text(std::numeric_limits<int64_t>::max()), "9223372036854775807");
  EXPECT_EQ(Text(std::numeric_limits<int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(Text(uint8_t{65}), "65");  // no character
}

TEST(TextPartsTest, TextsWithZerosInThem) {
  EXPECT_EQ(Text(), "");
  EXPECT_EQ(Text("", std::string_view("a\0b", 3), std::string("c"), 7).size(), 5U);
}

}  // namespace
}  // namespace lowtropy
