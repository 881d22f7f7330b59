// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/idx.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/learn/data/images.h"

namespace lowtropy {
namespace {

constexpr uint32_t kClasses = 10;

// Larger images are not what any model here takes, and products of sizes stay below 2^64.
constexpr uint32_t kMaxSide = 4096;

// One of the two files, with names for messages.
struct IdxFile {
  std::string name;
  std::string items;
  uint32_t magic;
  size_t words;  // in its header
  std::span<const uint8_t> bytes;

  [[noreturn]] void Refuse(const std::string& clause) const {
    throw Error(ErrorKind::kFile, "The " + name + " file " + clause + ".");
  }

  uint32_t Word(size_t index) const {
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i) word = word << 8 | bytes[4 * index + i];
    return word;
  }

  uint32_t count() const { return Word(1); }
};

std::string Hexadecimal(uint32_t word) {
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += "0123456789ABCDEF"[word >> shift & 15];
  return text;
}

std::string HintAt(uint32_t word) {
  return word >> 16 == 0x1F8B ? "; it is compressed with gzip" : "";
}

void CheckHeader(const IdxFile& file) {
  const size_t size = file.bytes.size();
  if (size < 4 * file.words) {
    file.Refuse(Text("ends within its header, after ", size, " bytes"));
  }
  const uint32_t magic = file.Word(0);
  if (magic != file.magic) {
    file.Refuse("starts with " + Hexadecimal(magic) + " instead of " + Hexadecimal(file.magic) +
                HintAt(magic));
  }
  if (file.count() == 0) file.Refuse("holds no " + file.items);
}

void CheckLength(const IdxFile& file, uint64_t item_size) {
  const uint64_t claimed = 4 * file.words + file.count() * item_size;
  const uint64_t size = file.bytes.size();
  if (size != claimed) {
    file.Refuse(Text("has ", size, " bytes, but its header claims ", file.count(), " ", file.items,
                     ", which take ", claimed));
  }
}

void CheckSide(const IdxFile& file, const std::string& side, uint32_t size) {
  if (size >= 1 && size <= kMaxSide) return;
  file.Refuse(Text("has images of ", size, " ", side, ", but 1 to ", kMaxSide, " are possible"));
}

void CheckLabels(const IdxFile& file) {
  const auto labels = file.bytes.subspan(4 * file.words);
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < kClasses) continue;
    file.Refuse(Text("says ", labels[i], " of image ", i, ", but labels are 0 to ", kClasses - 1));
  }
}

std::vector<uint8_t> Body(const IdxFile& file) {
  const auto body = file.bytes.subspan(4 * file.words);
  return {body.begin(), body.end()};
}

}  // namespace

std::shared_ptr<const Dataset> ReadIdx(std::span<const uint8_t> images,
                                       std::span<const uint8_t> labels) {
  const IdxFile image_file{"image", "images", 0x803, 4, images};
  const IdxFile label_file{"label", "labels", 0x801, 2, labels};
  CheckHeader(image_file);
  CheckHeader(label_file);
  ExampleShape shape;
  shape.height = image_file.Word(2);
  shape.width = image_file.Word(3);
  shape.classes = kClasses;
  CheckSide(image_file, "rows", shape.height);
  CheckSide(image_file, "columns", shape.width);
  CheckLength(image_file, shape.inputs());
  CheckLength(label_file, 1);
  if (image_file.count() != label_file.count()) {
    image_file.Refuse(Text("holds ", image_file.count(), " images, but the label file ",
                           label_file.count(), " labels"));
  }
  CheckLabels(label_file);
  return std::make_shared<Images>(shape, Body(image_file), Body(label_file));
}

}  // namespace lowtropy
