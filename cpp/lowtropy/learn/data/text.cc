// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/text.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

class Characters final : public Dataset {
 public:
  // `codes`: the text, each character as its number in an alphabet of `classes`.
  Characters(std::vector<uint8_t> codes, uint32_t steps, uint32_t classes)
      : codes_(std::move(codes)) {
    shape_.steps = steps;
    shape_.classes = classes;
  }

  // The last character is only a label.
  size_t size() const override { return (codes_.size() - 1) / shape_.steps; }
  const ExampleShape& shape() const override { return shape_; }

  void Read(std::span<const uint32_t> examples, std::span<float> inputs,
            std::span<uint32_t> labels) const override {
    const size_t steps = shape_.steps;
    for (size_t i = 0; i < examples.size(); ++i) {
      const uint8_t* codes = codes_.data() + examples[i] * steps;
      for (size_t step = 0; step < steps; ++step) {
        inputs[i * steps + step] = static_cast<float>(codes[step]);
        labels[i * steps + step] = codes[step + 1];
      }
    }
  }

 private:
  ExampleShape shape_;
  std::vector<uint8_t> codes_;
};

}  // namespace

std::shared_ptr<const Dataset> ReadText(std::span<const uint8_t> text, uint32_t steps) {
  if (steps == 0) throw Error(ErrorKind::kValue, "Examples of text have at least 1 character.");
  if (text.size() <= steps) {
    throw Error(ErrorKind::kValue,
                Text("A text of ", text.size(), " bytes is too short for examples of ", steps,
                     " characters and the next one."));
  }
  std::array<bool, 256> occurs{};
  for (const uint8_t byte : text) occurs[byte] = true;
  std::array<uint8_t, 256> code_of{};
  uint32_t classes = 0;
  for (size_t byte = 0; byte < occurs.size(); ++byte) {
    if (occurs[byte]) code_of[byte] = static_cast<uint8_t>(classes++);
  }
  std::vector<uint8_t> codes;
  codes.reserve(text.size());
  for (const uint8_t byte : text) codes.push_back(code_of[byte]);
  return std::make_shared<Characters>(std::move(codes), steps, classes);
}

}  // namespace lowtropy
