// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/format.h"

#include <utility>

#include "lowtropy/matrix/row_scales.h"

namespace lowtropy {
namespace {

template <class Storage>
AnyFormat Encode(const RowSource& source, const Profile& profile) {
  return Storage::Encode(source, profile);
}

template <class Storage>
AnyFormat Empty(size_t rows, size_t cols) {
  Storage storage;
  storage.rows = rows;
  storage.cols = cols;
  return storage;
}

template <class Storage>
constexpr bool CountsValues() {
  if constexpr (requires { Storage::kCountsValues; }) {
    return Storage::kCountsValues;
  } else {
    return true;
  }
}

template <class Storage>
constexpr FormatRow MakeRow() {
  return {Storage::kName,   Storage::kNote, Storage::kFileVersion,
          Storage::Refusal, Storage::Count, Storage::Predict,
          Encode<Storage>,  Empty<Storage>, CountsValues<Storage>()};
}

template <size_t... kAt>
constexpr std::array<FormatRow, sizeof...(kAt)> MakeRows(std::index_sequence<kAt...>) {
  return {MakeRow<std::variant_alternative_t<kAt, AnyFormat>>()...};
}

constexpr auto kRows = MakeRows(std::make_index_sequence<kFormats.size()>());

template <class Storage>
constexpr void AddNames(std::string_view*& to) {
  for (const auto& array : Storage::kArrays) *to++ = array.name;
}

template <size_t... kAt>
constexpr auto NamesOf(std::index_sequence<kAt...>) {
  constexpr size_t kCount = (std::variant_alternative_t<kAt, AnyFormat>::kArrays.size() + ...);
  std::array<std::string_view, kCount> names{};
  std::string_view* to = names.data();
  (AddNames<std::variant_alternative_t<kAt, AnyFormat>>(to), ...);
  return names;
}

// Some of them several times.
constexpr auto kArrayNames = NamesOf(std::make_index_sequence<kFormats.size()>());

}  // namespace

const FormatRow& RowOf(Format format) { return kRows[static_cast<size_t>(format)]; }

std::string_view Name(Format format) { return RowOf(format).name; }

std::optional<Format> ParseFormat(std::string_view name) {
  for (Format format : kFormats) {
    if (Name(format) == name) return format;
  }
  return std::nullopt;
}

std::string_view FindArrayName(std::string_view name) {
  for (const std::string_view known : kArrayNames) {
    if (known == name) return known;
  }
  return name == kRowScaleArray ? kRowScaleArray : std::string_view();
}

Cost CostOf(Format format, const Profile& profile) {
  Counter counter(profile);
  RowOf(format).count(profile, counter);
  if (profile.scaled) {
    counter.Floats(kRowScaleArray, profile.rows);
    counter.Arithmetic(profile.rows, 0);
  }
  return std::move(counter).Total();
}

uint64_t BytesOf(Format format, const Profile& profile) {
  return RowOf(format).refusal(profile).empty() ? CostOf(format, profile).bytes : kNotHeld;
}

}  // namespace lowtropy
