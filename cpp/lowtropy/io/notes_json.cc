// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/io/notes_json.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/names.h"
#include "lowtropy/base/text.h"
#include "lowtropy/json/json.h"

namespace lowtropy {
namespace {

template <class Enum>
Enum ReadOneOf(const JsonValue& value, std::span<const std::string_view> names) {
  return static_cast<Enum>(value.Choice(names, "there is no such choice"));
}

void ReadChannels(const JsonValue& value, std::span<float> out) {
  JsonItems items = JsonItems::Array(value);
  size_t count = 0;
  for (; items.Next(); ++count) {
    if (count < out.size()) out[count] = items.value().Float();
  }
  if (count != out.size()) value.Refuse(Text(out.size(), " numbers are expected"));
}

PictureInput ReadPicture(const JsonValue& value) {
  JsonObject object(value);
  PictureInput picture;
  picture.layout = ReadOneOf<PictureLayout>(object.Get("layout"), kPictureLayoutNames);
  picture.order = ReadOneOf<PictureOrder>(object.Get("order"), kPictureOrderNames);
  ReadChannels(object.Get("mean"), std::span(picture.mean).first(picture.channels()));
  const JsonValue std = object.Get("std");
  ReadChannels(std, std::span(picture.std).first(picture.channels()));
  for (const float each : picture.std) {
    if (!(each > 0)) std.Refuse("a standard deviation is above 0");
  }
  picture.scale = object.Get("scale").Float();
  picture.fit = ReadOneOf<PictureFit>(object.Get("fit"), kPictureFitNames);
  if (picture.fit == PictureFit::kCrop) {
    picture.side = static_cast<uint32_t>(object.Get("side").Integer(kMaxPictureSide));
  } else if (picture.fit != PictureFit::kStretch) {
    const JsonValue fill = object.Get("fill");
    picture.fill = fill.Float();
    if (!(picture.fill >= 0 && picture.fill <= 255)) fill.Refuse("a pixel is from 0 to 255");
  }
  object.CheckAllRead();
  return picture;
}

std::vector<std::string> ReadLabels(const JsonValue& value) {
  std::vector<std::string> labels;
  JsonItems items = JsonItems::Array(value);
  while (items.Next()) {
    if (labels.size() == kMaxLabels) value.Refuse(Text("there are more than ", kMaxLabels));
    labels.push_back(items.value().String());
    if (!IsName(labels.back())) {
      items.value().Refuse(Text("this label is not 1 to ", kMaxNameBytes,
                                " bytes of UTF-8 without control characters"));
    }
  }
  if (labels.empty()) value.Refuse("there are no labels");
  return labels;
}

void WriteChannels(JsonWriter& json, std::string_view key, std::span<const float> numbers) {
  json.Key(key);
  json.Open('[');
  for (const float number : numbers) json.Float(number);
  json.Close(']');
}

template <class Enum>
void WriteOneOf(JsonWriter& json, std::string_view key, Enum value,
                std::span<const std::string_view> names) {
  json.Key(key);
  json.String(names[static_cast<size_t>(value)]);
}

void WritePicture(JsonWriter& json, const PictureInput& picture) {
  json.Open('{');
  WriteOneOf(json, "layout", picture.layout, kPictureLayoutNames);
  WriteOneOf(json, "order", picture.order, kPictureOrderNames);
  WriteChannels(json, "mean", std::span(picture.mean).first(picture.channels()));
  WriteChannels(json, "std", std::span(picture.std).first(picture.channels()));
  json.Key("scale");
  json.Float(picture.scale);
  WriteOneOf(json, "fit", picture.fit, kPictureFitNames);
  if (picture.fit == PictureFit::kCrop) {
    json.Key("side");
    json.Integer(picture.side);
  } else if (picture.fit != PictureFit::kStretch) {
    json.Key("fill");
    json.Float(picture.fill);
  }
  json.Close('}');
}

}  // namespace

Notes ReadNotes(JsonObject& graph) {
  Notes notes;
  if (const std::optional<JsonValue> image = graph.Find("image"))
    notes.picture = ReadPicture(*image);
  if (const std::optional<JsonValue> labels = graph.Find("labels")) {
    notes.labels = ReadLabels(*labels);
  }
  return notes;
}

void WriteNotes(JsonWriter& json, const Notes& notes) {
  if (notes.picture) {
    json.Key("image");
    WritePicture(json, *notes.picture);
  }
  if (notes.labels.empty()) return;
  json.Key("labels");
  json.Open('[');
  for (const std::string& label : notes.labels) json.String(label);
  json.Close(']');
}

}  // namespace lowtropy
