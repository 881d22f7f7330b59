// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/idx.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

using Bytes = std::vector<uint8_t>;

// Big-endian words, then bytes.
Bytes File(const std::vector<uint32_t>& words, const Bytes& body) {
  Bytes file;
  for (const uint32_t word : words) {
    for (int shift = 24; shift >= 0; shift -= 8)
      file.push_back(static_cast<uint8_t>(word >> shift));
  }
  file.insert(file.end(), body.begin(), body.end());
  return file;
}

Bytes ImageFile() {
  return File({0x803, 2, 2, 3}, {0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255});
}
Bytes LabelFile() { return File({0x801, 2}, {9, 0}); }

std::string ErrorOf(const Bytes& images, const Bytes& labels) {
  try {
    ReadIdx(images, labels);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    return error.what();
  }
  return "none";
}

TEST(IdxTest, ReadsImagesAndLabels) {
  const auto data = ReadIdx(ImageFile(), LabelFile());
  EXPECT_EQ(data->size(), 2U);
  EXPECT_EQ(data->shape().channels, 1U);
  EXPECT_EQ(data->shape().height, 2U);
  EXPECT_EQ(data->shape().width, 3U);
  EXPECT_EQ(data->shape().steps, 0U);
  EXPECT_EQ(data->shape().classes, 10U);
  const std::vector<uint32_t> examples = {1, 0};
  std::vector<float> pixels(12);
  std::vector<uint32_t> labels(2);
  data->Read(examples, pixels, labels);
  EXPECT_EQ(labels, (std::vector<uint32_t>{0, 9}));
  EXPECT_EQ(pixels[0], 250.0F / 255);
  EXPECT_EQ(pixels[5], 1.0F);
  EXPECT_EQ(pixels[6], 0.0F);
  EXPECT_EQ(pixels[11], 5.0F / 255);
}

TEST(IdxTest, WhatStartsOtherwise) {
  EXPECT_EQ(ErrorOf(LabelFile(), LabelFile()),
            "The image file ends within its header, after 10 bytes.");
  EXPECT_EQ(ErrorOf(ImageFile(), ImageFile()),
            "The label file starts with 0x00000803 instead of 0x00000801.");
  EXPECT_EQ(
      ErrorOf(File({0x1F8B0800, 0, 0, 0}, {}), LabelFile()),
      "The image file starts with 0x1F8B0800 instead of 0x00000803; it is compressed with gzip.");
  EXPECT_EQ(ErrorOf({}, LabelFile()), "The image file ends within its header, after 0 bytes.");
  EXPECT_EQ(ErrorOf(ImageFile(), {0, 0, 8, 1, 0, 0, 0}),
            "The label file ends within its header, after 7 bytes.");
}

TEST(IdxTest, Sizes) {
  EXPECT_EQ(ErrorOf(File({0x803, 0, 2, 3}, {}), LabelFile()), "The image file holds no images.");
  EXPECT_EQ(ErrorOf(ImageFile(), File({0x801, 0}, {})), "The label file holds no labels.");
  EXPECT_EQ(ErrorOf(File({0x803, 2, 0, 3}, {}), LabelFile()),
            "The image file has images of 0 rows, but 1 to 4096 are possible.");
  EXPECT_EQ(ErrorOf(File({0x803, 2, 2, 4097}, {}), LabelFile()),
            "The image file has images of 4097 columns, but 1 to 4096 are possible.");
  EXPECT_EQ(ErrorOf(File({0x803, 0xFFFFFFFF, 4096, 4096}, {1}), LabelFile()),
            "The image file has 17 bytes, but its header claims 4294967295 images, which take "
            "72057594021150736.");
}

TEST(IdxTest, Lengths) {
  Bytes images = ImageFile();
  images.pop_back();
  EXPECT_EQ(ErrorOf(images, LabelFile()),
            "The image file has 27 bytes, but its header claims 2 images, which take 28.");
  Bytes labels = LabelFile();
  labels.push_back(1);
  EXPECT_EQ(ErrorOf(ImageFile(), labels),
            "The label file has 11 bytes, but its header claims 2 labels, which take 10.");
  EXPECT_EQ(ErrorOf(ImageFile(), File({0x801, 3}, {1, 2, 3})),
            "The image file holds 2 images, but the label file 3 labels.");
}

TEST(IdxTest, Labels) {
  EXPECT_EQ(ErrorOf(ImageFile(), File({0x801, 2}, {3, 10})),
            "The label file says 10 of image 1, but labels are 0 to 9.");
}

// Whatever bytes are changed or cut off, the files are read or refused with a sentence.
TEST(IdxTest, RandomDamage) {
  for (unsigned seed = 0; seed < 5000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    Bytes files[] = {ImageFile(), LabelFile()};
    for (Bytes& file : files) {
      if (rng() % 4 == 0) file.resize(rng() % (file.size() + 4));
      for (auto changes = rng() % 3; changes > 0 && !file.empty(); --changes) {
        file[rng() % file.size()] = static_cast<uint8_t>(rng());
      }
    }
    const std::string error = ErrorOf(files[0], files[1]);
    if (error == "none") {
      EXPECT_EQ(ReadIdx(files[0], files[1])->size(), 2U);
    } else {
      EXPECT_EQ(error.back(), '.');
    }
  }
}

}  // namespace
}  // namespace lowtropy
