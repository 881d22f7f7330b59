// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lowtropy/base/text.h"

// Just the JSON (RFC 8259) that the model file needs. Values are read in place: a JsonValue is a
// stretch of the text, whose grammar is checked when it is read as a type, so no tree is ever
// built, nothing recurses, and hostile nesting costs a scan. It takes some 15 KB of WebAssembly;
// nlohmann-json, with which the tests compare it, took 66 KB, and keeps the last of two equal keys
// without a word.
namespace lowtropy {

// A text and how messages call it: byte `i` is "Byte <base + i> of <name>".
struct JsonText {
  std::string_view text;
  std::string_view name;
  uint64_t base = 0;
};

// One value in a text. Reading it as a type that it is not throws Error(kFile) with its place.
class JsonValue {
 public:
  // All of `text`, which must outlive the value.
  explicit JsonValue(const JsonText& text);

  bool IsString() const;
  std::string String() const;
  uint64_t Integer(uint64_t max) const;  // digits alone
  int32_t Signed() const;                // and a minus before them, where it is less than 0
  float Float() const;                   // read as float64, then rounded
  bool Bool() const;
  // The position of a name in a list; where it is none of them, refuses with this clause.
  size_t Choice(std::span<const std::string_view> names, const std::string& refusal) const;

  [[noreturn]] void Refuse(const std::string& clause) const;

 private:
  friend class JsonItems;
  JsonValue(const JsonText& text, size_t begin, size_t end)
      : text_(&text), begin_(begin), end_(end) {}
  std::string_view Raw() const { return text_->text.substr(begin_, end_ - begin_); }
  [[noreturn]] void Expected(const std::string& what) const;

  const JsonText* text_;
  size_t begin_;
  size_t end_;
};

// Goes through an array's elements or an object's members.
class JsonItems {
 public:
  static JsonItems Array(const JsonValue& array) { return {array, '[', ']'}; }
  static JsonItems Object(const JsonValue& object) { return {object, '{', '}'}; }

  bool Next();  // to the first item, then the next; false after the last
  const JsonValue& value() const { return value_; }
  const std::string& key() const { return key_; }  // of a member

 private:
  JsonItems(const JsonValue& container, char open, char close);
  void ReadKey();

  JsonValue container_;
  JsonValue value_;
  std::string key_;
  size_t at_;  // what is to be read next
  char close_;
  bool first_ = true;
};

// An object of few members, looked up by key. Refuses a key that is there twice.
class JsonObject {
 public:
  explicit JsonObject(const JsonValue& object);

  std::optional<JsonValue> Find(std::string_view key);
  JsonValue Get(std::string_view key);  // refuses when there is none
  void CheckAllRead() const;            // refuses a member that nobody asked for

 private:
  struct Member {
    std::string key;
    JsonValue value;
    bool read = false;
  };
  JsonValue object_;
  std::vector<Member> members_;
};

// Writes JSON without spaces. Strings escape ", \ and control characters, nothing else.
class JsonWriter {
 public:
  void Open(char bracket) { Separate(), text_ += bracket; }
  void Close(char bracket) { text_ += bracket; }
  void Key(std::string_view key) { String(key), text_ += ':'; }
  void String(std::string_view value);
  void Integer(uint64_t value) { Separate(), text_ += Text(value); }
  void Signed(int32_t value) { Separate(), text_ += Text(value); }
  void Bool(bool value) { Separate(), text_ += value ? "true" : "false"; }

  // The text of Shortest(). Throws Error(kValue) for NaN and infinities.
  void Float(float value);

  std::string Take() && { return std::move(text_); }

 private:
  void Separate();  // writes the comma between two items

  std::string text_;
};

}  // namespace lowtropy
