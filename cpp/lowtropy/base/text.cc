// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/base/text.h"

namespace lowtropy {

void TextPart::AppendTo(std::string* out) const {
  if (size_ < kNegative) {
    out->append(text_, size_);
    return;
  }
  if (size_ == kNegative) out->push_back('-');
  char digits[20];  // of 2^64 - 1
  char* const end = digits + sizeof digits;
  char* first = end;
  uint64_t rest = number_;
  do {
    *--first = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  out->append(first, end);
}

std::string JoinText(std::initializer_list<TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) part.AppendTo(&text);
  return text;
}

}  // namespace lowtropy
