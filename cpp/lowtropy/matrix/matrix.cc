// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/matrix.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/formats/listed.h"
#include "lowtropy/matrix/formats/validation.h"
#include "lowtropy/matrix/row_scales.h"

namespace lowtropy {
namespace {

// Formats that tell the elements of a row other than their most frequent value; others decode rows.
template <class Storage>
concept ListsEntries = requires(const Storage& storage) {
  storage.background();
};

// A format that walks through all of its arrays to read a row has another one to read many from.
template <class Storage>
concept ReadsSlowly = requires(const Storage& storage) {
  storage.ToPcsr();
};

// A format whose first array is not `values` or `omega` as others have it tells what its elements
// are.
template <class Storage>
concept TellsValues = requires(const Storage& storage) {
  storage.Values();
};

// Calls f(name, array) for each array of the format.
template <class Storage, class F>
void ForEachArray(Storage& storage, F&& f) {
  std::visit(
      [&](auto& s) {
        for (const auto& [name, array] : std::decay_t<decltype(s)>::kArrays) f(name, s.*array);
      },
      storage);
}

}  // namespace

Matrix Matrix::From(const RowSource& source, Format format) {
  const RowReader reader(source);
  const bool counts = RowOf(format).counts_values;
  return From(reader, format, counts ? Profile::Of(reader) : Profile::OfShape(reader));
}

Matrix Matrix::From(const RowSource& source, Format format, const Profile& profile) {
  const FormatRow& row = RowOf(format);
  const std::string refusal = row.refusal(profile);
  if (!refusal.empty()) throw Error(ErrorKind::kUnsupported, refusal);
  const Unscaled unscaled(source);
  return Matrix(row.encode(unscaled.rows(), profile), unscaled.scales());
}

Matrix Matrix::FromArrays(Format format, uint64_t rows, uint64_t cols,
                          std::span<const NamedArray> arrays) {
  if (!HasStorableShape(rows, cols)) {
    throw Error(ErrorKind::kFile, Text("A matrix of ", rows, " x ", cols, " is outside 1 to ",
                                       kMaxElements, " elements."));
  }
  Matrix matrix(RowOf(format).empty(static_cast<size_t>(rows), static_cast<size_t>(cols)));
  size_t found = 0;
  ForEachArray(matrix.storage_, [&](std::string_view name, Array& target) {
    const auto given = std::find_if(arrays.begin(), arrays.end(),
                                    [&](const NamedArray& entry) { return entry.name == name; });
    if (given == arrays.end()) {
      throw Error(ErrorKind::kFile, Text("A ", Name(format), " matrix needs the array ", name,
                                         ", which is missing."));
    }
    target = given->array;
    ++found;
  });
  for (const NamedArray& entry : arrays) {
    if (entry.name != kRowScaleArray) continue;
    matrix.scales_ = entry.array;
    ++found;
  }
  if (found != arrays.size()) {
    throw Error(ErrorKind::kFile, Text("A ", Name(format), " matrix has ", found, " arrays, but ",
                                       arrays.size(), " are given."));
  }
  std::string reason;
  if (!matrix.Validate(&reason)) {
    throw Error(ErrorKind::kFile,
                Text("The ", Name(format), " matrix is not valid: ", reason, "."));
  }
  return matrix;
}

Format Matrix::format() const { return kFormats[storage_.index()]; }

size_t Matrix::rows() const {
  return std::visit([](const auto& s) { return s.rows; }, storage_);
}

size_t Matrix::cols() const {
  return std::visit([](const auto& s) { return s.cols; }, storage_);
}

Matrix Matrix::To(Format format) const {
  return format == this->format() ? *this : From(*this, format);
}

Profile Matrix::GetProfile() const { return Profile::Of(*this); }

std::unique_ptr<RowSource> Matrix::MakeReader() const {
  return std::visit(
      [&]<class S>(const S& s) -> std::unique_ptr<RowSource> {
        if constexpr (ReadsSlowly<S>) return std::make_unique<Matrix>(s.ToPcsr(), scales_);
        return nullptr;
      },
      storage_);
}

RowScaled Matrix::TakeApart() const {
  if (!scaled()) return {};
  return {std::make_unique<Matrix>(storage_), scales_};
}

// Where the elements of a row go: to their places in a dense one, or as they come.
struct Matrix::Sink {
  std::span<float> dense;
  std::vector<RowEntry>* entries = nullptr;
  float unlisted = 0;

  void Begin(float background) {
    unlisted = background;
    std::fill(dense.begin(), dense.end(), background);
  }
  void operator()(uint32_t col, float value) {
    if (entries == nullptr) {
      dense[col] = value;
    } else {
      entries->push_back({col, value});
    }
  }
};

// False for formats that list no elements row by row.
bool Matrix::ListRow(size_t row, Sink* sink) const {
  return std::visit(
      [&]<class S>(const S& s) {
        if constexpr (ListsEntries<S>) {
          sink->Begin(s.background());
          s.ForEachEntry(row, *sink);
          return true;
        }
        return false;
      },
      storage_);
}

void Matrix::ReadRow(size_t row, std::span<float> out) const {
  Sink sink{.dense = out};
  if (!ListRow(row, &sink)) {
    std::visit(
        [&]<class S>(const S& s) {
          if constexpr (!ListsEntries<S>) s.DecodeRow(row, out);
        },
        storage_);
  }
  if (!scaled()) return;
  for (float& value : out) value *= row_scales()[row];
}

bool Matrix::ReadEntries(size_t row, std::vector<RowEntry>* out, float* unlisted) const {
  Sink sink{.entries = out};
  const bool lists = ListRow(row, &sink);
  *unlisted = sink.unlisted;
  if (scaled()) {
    // What the others are is the same in all rows only if it is 0.
    if (*unlisted != 0.0F) return false;
    for (RowEntry& entry : *out) entry.value *= row_scales()[row];
  }
  // Run by run in cer and cser.
  const auto before = [](const RowEntry& a, const RowEntry& b) { return a.col < b.col; };
  if (std::is_sorted(out->begin(), out->end(), before)) return lists;
  std::vector<Listed> by_column;  // with bits as columns, so that there is one sort in the program
  for (const auto& [col, value] : *out) by_column.push_back({col, Bits(value)});
  SortListed(&by_column);
  for (size_t i = 0; i < by_column.size(); ++i) {
    (*out)[i].col = by_column[i].code;
    std::memcpy(&(*out)[i].value, &by_column[i].col, sizeof(float));
  }
  return lists;
}

std::vector<float> Matrix::ToDense() const {
  std::vector<float> values(rows() * cols());
  ReadRows(*this, values);
  return values;
}

std::vector<NamedArray> Matrix::Arrays() const {
  std::vector<NamedArray> arrays;
  ForEachArray(storage_, [&](std::string_view name, const Array& array) {
    arrays.push_back({name, array});
  });
  if (scaled()) arrays.push_back({kRowScaleArray, scales_});
  return arrays;
}

uint64_t Matrix::ByteLength() const {
  uint64_t bytes = 0;
  for (const NamedArray& entry : Arrays()) bytes += entry.array.byte_size();
  return bytes;
}

bool Matrix::Validate(std::string* reason) const {
  if (!HasStorableShape(rows(), cols())) {
    return Fail(reason, Text("it is ", rows(), " x ", cols()));
  }
  if (!std::visit([&](const auto& s) { return s.Validate(reason); }, storage_)) return false;
  if (!scaled()) return true;
  const Array first = Arrays()[0].array;
  const std::vector<float> told = std::visit(
      []<class S>(const S& s) -> std::vector<float> {
        if constexpr (TellsValues<S>) return s.Values();
        return {};
      },
      storage_);
  return CheckRowScales(scales_, rows(), told.empty() ? first.As<float>() : told, reason);
}

}  // namespace lowtropy
