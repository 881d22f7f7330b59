// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/json/json.h"

#include <algorithm>
#include <cmath>

#include "lowtropy/base/decimal.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/names.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

constexpr size_t kMaxMembers = 32;       // of a JsonObject
constexpr size_t kMaxNumberLength = 64;  // JavaScript writes at most 25 characters
constexpr size_t kMaxExcerpt = 24;       // of the text, in messages

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void RefuseAt(const JsonText& text, size_t at, const std::string& clause) {
  throw Error(ErrorKind::kFile,
              Text("Byte ", text.base + at, " of ", text.name, ": ", clause, "."));
}

size_t SkipSpaces(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(" \t\n\r", at), text.size());
}

// Where the string that starts at `at` ends.
size_t SkipString(const JsonText& text, size_t at) {
  for (size_t i = at + 1; i < text.text.size(); ++i) {
    if (text.text[i] == '"') return i + 1;
    if (text.text[i] == '\\') ++i;
  }
  RefuseAt(text, at, "this string has no end");
}

// Where the array or object that starts at `at` ends, provided that its brackets match in kind,
// which is found when it is read.
size_t SkipContainer(const JsonText& text, size_t at) {
  size_t depth = 0;
  size_t i = at;
  while (i < text.text.size()) {
    const char c = text.text[i];
    i = c == '"' ? SkipString(text, i) : i + 1;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && --depth == 0) return i;
  }
  RefuseAt(text, at, "this bracket is never closed");
}

size_t SkipValue(const JsonText& text, size_t at) {
  if (at == text.text.size()) RefuseAt(text, at, "the text ends where a value is expected");
  const char c = text.text[at];
  if (c == '"') return SkipString(text, at);
  if (c == '[' || c == '{') return SkipContainer(text, at);
  const size_t end = std::min(text.text.find_first_of(",:]}[{\" \t\n\r", at), text.text.size());
  if (end == at) RefuseAt(text, at, "a value is expected");
  return end;
}

// ---- Strings ----

// The four hexadecimal digits at the start of `text`.
std::optional<uint32_t> ParseHex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t unit = 0;
  for (const char c : text.substr(0, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    if (!IsDigit(c) && !(lower >= 'a' && lower <= 'f')) return std::nullopt;
    unit = unit * 16 + static_cast<uint32_t>(IsDigit(c) ? c - '0' : lower - 'a' + 10);
  }
  return unit;
}

void AppendUtf8(uint32_t code, std::string* out) {
  const auto push = [&](uint32_t byte) { *out += static_cast<char>(byte); };
  if (code < 0x80) return push(code);
  if (code < 0x800) {
    push(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      push(0xE0 | code >> 12);
    } else {
      push(0xF0 | code >> 18);
      push(0x80 | (code >> 12 & 0x3F));
    }
    push(0x80 | (code >> 6 & 0x3F));
  }
  push(0x80 | (code & 0x3F));
}

// Appends what the escape at the start of `text` (its backslash) stands for. Returns its length, 0
// when it is none.
size_t Unescape(std::string_view text, std::string* out) {
  constexpr std::string_view kEscapes = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const size_t known = text.size() < 2 ? text.npos : kEscapes.find(text[1]);
  if (known != text.npos) {
    *out += kMeanings[known];
    return 2;
  }
  if (text.substr(0, 2) != "\\u") return 0;
  const std::optional<uint32_t> unit = ParseHex4(text.substr(2));
  if (!unit || (*unit >= 0xDC00 && *unit <= 0xDFFF)) return 0;
  if (*unit < 0xD800 || *unit > 0xDFFF) {
    AppendUtf8(*unit, out);
    return 6;
  }
  if (text.substr(6, 2) != "\\u") return 0;
  const std::optional<uint32_t> low = ParseHex4(text.substr(8));
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return 0;
  AppendUtf8(0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00), out);
  return 12;
}

// ---- Numbers ----

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

bool IsNumber(std::string_view text) {
  const size_t start = text.starts_with('-') ? 1 : 0;
  size_t at = SkipDigits(text, start);
  if (at == start || (text[start] == '0' && at > start + 1)) return false;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = at + 1;
    at = SkipDigits(text, fraction);
    if (at == fraction) return false;
  }
  if (at < text.size() && (text[at] | 0x20) == 'e') {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = at;
    at = SkipDigits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

}  // namespace

// ---- JsonValue ----

JsonValue::JsonValue(const JsonText& text)
    : text_(&text), begin_(SkipSpaces(text.text, 0)), end_(SkipValue(text, begin_)) {
  const size_t rest = SkipSpaces(text.text, end_);
  if (rest != text.text.size()) RefuseAt(text, rest, "something follows the value");
}

void JsonValue::Refuse(const std::string& clause) const { RefuseAt(*text_, begin_, clause); }

void JsonValue::Expected(const std::string& what) const {
  std::string excerpt(Raw().substr(0, kMaxExcerpt));
  for (char& c : excerpt) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (Raw().size() > kMaxExcerpt) excerpt += "...";
  Refuse(what + " is expected, not " + excerpt);
}

bool JsonValue::IsString() const { return Raw().starts_with('"'); }

std::string JsonValue::String() const {
  if (!IsString()) Expected("a string");
  const std::string_view text = text_->text.substr(0, end_ - 1);
  std::string out;
  size_t at = begin_ + 1;
  while (at < text.size()) {
    if (text[at] == '\\') {
      const size_t length = Unescape(text.substr(at), &out);
      if (length == 0) RefuseAt(*text_, at, "this escape is none of JSON's");
      at += length;
    } else {
      if (static_cast<uint8_t>(text[at]) < 0x20)
        RefuseAt(*text_, at, "a string holds a raw control character");
      out += text[at++];
    }
  }
  return out;
}

size_t JsonValue::Choice(std::span<const std::string_view> names,
                         const std::string& refusal) const {
  const std::string name = String();
  for (size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return i;
  }
  Refuse(refusal);
}

namespace {

// Digits alone, without leading zeros.
bool ReadDigits(std::string_view text, uint64_t max, uint64_t* value) {
  bool fits = SkipDigits(text, 0) == text.size() && !(text.size() > 1 && text[0] == '0');
  *value = 0;
  for (size_t i = 0; fits && i < text.size(); ++i) {
    const auto digit = static_cast<uint64_t>(text[i] - '0');
    fits = digit <= max && *value <= (max - digit) / 10;
    *value = *value * 10 + digit;
  }
  return fits;
}

}  // namespace

uint64_t JsonValue::Integer(uint64_t max) const {
  uint64_t value;
  if (!ReadDigits(Raw(), max, &value)) Expected(Text("an integer from 0 to ", max));
  return value;
}

int32_t JsonValue::Signed() const {
  constexpr uint64_t kMost = uint64_t{1} << 31;
  const std::string_view text = Raw();
  const bool negative = text.starts_with('-');
  uint64_t value;
  const bool fits = text.size() > (negative ? 1 : 0) &&
                    ReadDigits(text.substr(negative ? 1 : 0), negative ? kMost : kMost - 1, &value);
  if (!fits || (negative && value == 0)) Expected("an integer from -2147483648 to 2147483647");
  const auto magnitude = static_cast<int64_t>(value);
  return static_cast<int32_t>(negative ? -magnitude : magnitude);
}

float JsonValue::Float() const {
  const std::string_view text = Raw();
  if (text.size() > kMaxNumberLength || !IsNumber(text)) Expected("a number");
  const float value = ParseFloat(text);
  if (!std::isfinite(value)) Expected("a number that float32 can hold");
  return value;
}

bool JsonValue::Bool() const {
  if (Raw() != "true" && Raw() != "false") Expected("true or false");
  return Raw() == "true";
}

// ---- JsonItems ----

JsonItems::JsonItems(const JsonValue& container, char open, char close)
    : container_(container), value_(container), at_(container.begin_ + 1), close_(close) {
  if (!container.Raw().starts_with(open)) {
    container.Expected(open == '[' ? "an array" : "an object");
  }
}

bool JsonItems::Next() {
  const JsonText& text = *container_.text_;
  at_ = SkipSpaces(text.text, at_);
  const size_t last = container_.end_ - 1;
  if (at_ == last) {
    if (text.text[at_] != close_)
      RefuseAt(text, at_, Text("a ", std::string_view(&close_, 1), " is expected"));
    return false;
  }
  if (!first_) {
    if (text.text[at_] != ',') RefuseAt(text, at_, "a comma is expected");
    at_ = SkipSpaces(text.text, at_ + 1);
  }
  first_ = false;
  if (close_ == '}') ReadKey();
  const size_t end = SkipValue(text, at_);
  value_ = JsonValue(text, at_, end);
  at_ = end;
  return true;
}

void JsonItems::ReadKey() {
  const JsonText& text = *container_.text_;
  const size_t end = SkipValue(text, at_);
  key_ = JsonValue(text, at_, end).String();
  at_ = SkipSpaces(text.text, end);
  if (text.text[at_] != ':') RefuseAt(text, at_, "a colon is expected");
  at_ = SkipSpaces(text.text, at_ + 1);
}

// ---- JsonObject ----

JsonObject::JsonObject(const JsonValue& object) : object_(object) {
  JsonItems items = JsonItems::Object(object);
  while (items.Next()) {
    if (members_.size() == kMaxMembers) object.Refuse("this object has too many keys");
    for (const Member& member : members_) {
      if (member.key == items.key()) items.value().Refuse("its key is there a second time");
    }
    members_.push_back({items.key(), items.value()});
  }
}

std::optional<JsonValue> JsonObject::Find(std::string_view key) {
  for (Member& member : members_) {
    if (member.key != key) continue;
    member.read = true;
    return member.value;
  }
  return std::nullopt;
}

JsonValue JsonObject::Get(std::string_view key) {
  const std::optional<JsonValue> value = Find(key);
  if (!value) object_.Refuse(Text("this object has no key \"", key, "\""));
  return *value;
}

void JsonObject::CheckAllRead() const {
  for (const Member& member : members_) {
    if (member.read) continue;
    member.value.Refuse(IsName(member.key) ? "the key \"" + member.key + "\" does not belong here"
                                           : "its key does not belong here");
  }
}

// ---- JsonWriter ----

void JsonWriter::Separate() {
  constexpr std::string_view kNoCommaAfter = "[{:";
  if (!text_.empty() && kNoCommaAfter.find(text_.back()) == kNoCommaAfter.npos) text_ += ',';
}

void JsonWriter::String(std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  Separate();
  text_ += '"';
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20) {
      text_ += "\\u00";
      text_ += kHex[byte >> 4];
      text_ += kHex[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

void JsonWriter::Float(float value) {
  if (!std::isfinite(value)) {
    throw Error(ErrorKind::kValue, "NaN and infinities cannot be written as JSON.");
  }
  Separate();
  text_ += Shortest(static_cast<double>(value));
}

}  // namespace lowtropy
