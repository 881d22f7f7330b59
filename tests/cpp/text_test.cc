// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/text.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

std::span<const uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::string ErrorOf(std::string_view text, uint32_t steps) {
  try {
    ReadText(AsBytes(text), steps);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValue);
    return error.what();
  }
  return "none";
}

TEST(TextTest, ByHand) {
  const auto data = ReadText(AsBytes("banana\xE9!"), 3);  // the alphabet is ! a b n é
  EXPECT_EQ(data->size(), 2U);
  EXPECT_EQ(data->shape().steps, 3U);
  EXPECT_EQ(data->shape().classes, 5U);
  EXPECT_EQ(data->shape().inputs(), 3U);
  EXPECT_EQ(data->shape().labels(), 3U);
  const std::vector<uint32_t> examples = {1, 0};
  std::vector<float> inputs(6);
  std::vector<uint32_t> labels(6);
  data->Read(examples, inputs, labels);
  EXPECT_EQ(inputs, (std::vector<float>{1, 3, 1, 2, 1, 3}));
  EXPECT_EQ(labels, (std::vector<uint32_t>{3, 1, 4, 1, 3, 1}));
}

TEST(TextTest, EachExampleContinuesThePreviousOne) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const auto steps = static_cast<uint32_t>(1 + rng() % 20);
    std::vector<uint8_t> text(steps + 1 + rng() % 300);
    for (uint8_t& byte : text) byte = static_cast<uint8_t>(rng() % 256);
    const auto data = ReadText(text, steps);
    const std::set<uint8_t> alphabet(text.begin(), text.end());
    const std::vector<uint8_t> letters(alphabet.begin(), alphabet.end());
    ASSERT_EQ(data->shape().classes, letters.size());
    ASSERT_EQ(data->size(), (text.size() - 1) / steps);
    std::vector<float> inputs(steps);
    std::vector<uint32_t> labels(steps);
    for (uint32_t example = 0; example < data->size(); ++example) {
      data->Read({&example, 1}, inputs, labels);
      for (size_t i = 0; i < steps; ++i) {
        ASSERT_EQ(letters[static_cast<size_t>(inputs[i])], text[example * steps + i]);
        ASSERT_EQ(letters[labels[i]], text[example * steps + i + 1]);
      }
    }
  }
}

TEST(TextTest, Refusals) {
  EXPECT_EQ(ErrorOf("ab", 1), "none");
  EXPECT_EQ(ErrorOf("ab", 2),
            "A text of 2 bytes is too short for examples of 2 characters and the next one.");
  EXPECT_EQ(
      ErrorOf("", 4294967295),
      "A text of 0 bytes is too short for examples of 4294967295 characters and the next one.");
  EXPECT_EQ(ErrorOf("ab", 0), "Examples of text have at least 1 character.");
}

}  // namespace
}  // namespace lowtropy
