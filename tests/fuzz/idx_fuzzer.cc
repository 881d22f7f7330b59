// SPDX-License-Identifier: Apache-2.0
// IDX files: an input is one byte, the length of the label file, that file, and the image file.
// They are read as they are, and once more with magic numbers and counts put right, for no mutation
// would ever guess those. What is read must be written to the same bytes. Anything thrown but
// lowtropy::Error ends the process, and that is a find.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <numeric>
#include <string_view>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/learn/data/idx.h"

namespace {

using namespace lowtropy;

using Bytes = std::vector<uint8_t>;

constexpr size_t kImageHeader = 16;
constexpr size_t kLabelHeader = 8;

struct Files {
  Bytes images;
  Bytes labels;
};

void Require(bool condition) {
  if (!condition) std::abort();
}

void SetWord(size_t index, size_t value, Bytes* file) {
  for (size_t i = 0; i < 4; ++i) {
    (*file)[4 * index + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
  }
}

Bytes Header(std::initializer_list<size_t> words) {
  Bytes header(4 * words.size());
  size_t index = 0;
  for (const size_t word : words) SetWord(index++, word, &header);
  return header;
}

Files Write(const Dataset& data) {
  const ExampleShape& shape = data.shape();
  std::vector<uint32_t> examples(data.size());
  std::iota(examples.begin(), examples.end(), 0U);
  std::vector<float> pixels(data.size() * shape.inputs());
  std::vector<uint32_t> labels(data.size());
  data.Read(examples, pixels, labels);
  Files files{Header({0x803, data.size(), shape.height, shape.width}),
              Header({0x801, data.size()})};
  for (const float pixel : pixels) {
    files.images.push_back(static_cast<uint8_t>(std::lround(pixel * 255)));
  }
  for (const uint32_t label : labels) files.labels.push_back(static_cast<uint8_t>(label));
  return files;
}

void Check(const Files& files) {
  try {
    const Files written = Write(*ReadIdx(files.images, files.labels));
    Require(written.images == files.images && written.labels == files.labels);
  } catch (const Error& error) {
    Require(std::string_view(error.what()).back() == '.');
  }
}

// Both headers claim what is there, where images of the size claimed can be there at all; labels
// are left as they are.
void PutRight(Files* files) {
  if (files->labels.size() <= kLabelHeader || files->images.size() < kImageHeader) return;
  const size_t count = files->labels.size() - kLabelHeader;
  const size_t height = 1 + files->images[11] % 16;
  const size_t width = 1 + files->images[15] % 16;
  const Bytes image_header = Header({0x803, count, height, width});
  const Bytes label_header = Header({0x801, count});
  files->images.resize(kImageHeader + count * height * width);
  std::copy(image_header.begin(), image_header.end(), files->images.begin());
  std::copy(label_header.begin(), label_header.end(), files->labels.begin());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t label_size = std::min<size_t>(data[0], size - 1);
  const uint8_t* images = data + 1 + label_size;
  Files files{Bytes(images, data + size), Bytes(data + 1, images)};
  Check(files);
  PutRight(&files);
  Check(files);
  return 0;
}
