// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace lowtropy {

// A piece of a sentence: a text, which somebody else owns, or a whole number.
class TextPart {
 public:
  TextPart(const char* text) : TextPart(std::string_view(text)) {}
  TextPart(std::string_view text) : text_(text.data()), size_(text.size()) {}
  TextPart(const std::string& text) : TextPart(std::string_view(text)) {}
  template <std::integral T>
  requires(!std::same_as<T, char> && !std::same_as<T, bool>) TextPart(T number)
      : size_(number < 0 ? kNegative : kNumber),
        number_(number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number)) {}

  void AppendTo(std::string* out) const;

 private:
  static constexpr size_t kNumber = static_cast<size_t>(-1);
  static constexpr size_t kNegative = static_cast<size_t>(-2);

  const char* text_ = nullptr;
  size_t size_;  // of the text, or kNumber or kNegative
  uint64_t number_ = 0;
};

std::string JoinText(std::initializer_list<TextPart> parts);

// A sentence from its pieces: Text("row ", r, " lists column ", c, " twice"). Errors are made of
// some hundred such sentences, and a call with pieces takes a third of the code that adding strings
// does.
template <class... Parts>
std::string Text(const Parts&... parts) {
  return JoinText({TextPart(parts)...});
}

}  // namespace lowtropy
