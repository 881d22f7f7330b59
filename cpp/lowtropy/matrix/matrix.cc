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

namespace lowtropy {
namespace {

template <class Storage>
Matrix Encode(const RowSource& source, const Profile& profile) {
  return Matrix(Storage::Encode(source, profile));
}

template <class Storage>
Matrix Collect(size_t rows, size_t cols, std::span<const NamedArray> arrays) {
  Storage storage;
  storage.rows = rows;
  storage.cols = cols;
  const std::string format(Name(Storage::kFormat));
  size_t found = 0;
  Storage::Visit(storage, [&](std::string_view name, Array& target) {
    for (const NamedArray& entry : arrays) {
      if (entry.name != name) continue;
      target = entry.array;
      ++found;
      return;
    }
    throw Error(ErrorKind::kFile,
                Text("A ", format, " matrix needs the array ", name, ", which is missing."));
  });
  if (found != arrays.size()) {
    throw Error(ErrorKind::kFile, Text("A ", format, " matrix has ", found, " arrays, but ",
                                       arrays.size(), " are given."));
  }
  return Matrix(std::move(storage));
}

// Formats that tell the elements of a row other than their most frequent value.
template <class Storage>
inline constexpr bool kListsEntries =
    !std::is_same_v<std::decay_t<Storage>, Dense> && !std::is_same_v<std::decay_t<Storage>, Blocks>;

// Calls f.template operator()<Storage>() for the format's type.
template <class F>
Matrix Dispatch(Format format, F&& f) {
  switch (format) {
    case Format::kDense:
      return f.template operator()<Dense>();
    case Format::kCsr:
      return f.template operator()<Csr>();
    case Format::kCer:
      return f.template operator()<Cer>();
    case Format::kCser:
      return f.template operator()<Cser>();
    case Format::kPalette:
      return f.template operator()<Palette>();
    case Format::kPcsr:
      return f.template operator()<Pcsr>();
    case Format::kMask:
      return f.template operator()<Mask>();
    case Format::kBlocks:
      return f.template operator()<Blocks>();
  }
  throw Error(ErrorKind::kValue, "Unknown matrix format.");
}

}  // namespace

Matrix Matrix::From(const RowSource& source, Format format) {
  return From(source, format, Profile::Of(source));
}

Matrix Matrix::From(const RowSource& source, Format format, const Profile& profile) {
  return Dispatch(format, [&]<class Storage>() { return Encode<Storage>(source, profile); });
}

Matrix Matrix::FromArrays(Format format, uint64_t rows, uint64_t cols,
                          std::span<const NamedArray> arrays) {
  if (!HasStorableShape(rows, cols)) {
    throw Error(ErrorKind::kFile, Text("A matrix of ", rows, " x ", cols, " is outside 1 to ",
                                       kMaxElements, " elements."));
  }
  Matrix matrix = Dispatch(format, [&]<class Storage>() {
    return Collect<Storage>(static_cast<size_t>(rows), static_cast<size_t>(cols), arrays);
  });
  std::string reason;
  if (!matrix.Validate(&reason)) {
    throw Error(ErrorKind::kFile,
                Text("The ", Name(format), " matrix is not valid: ", reason, "."));
  }
  return matrix;
}

Format Matrix::format() const {
  return std::visit([](const auto& s) { return std::decay_t<decltype(s)>::kFormat; }, storage_);
}

size_t Matrix::rows() const {
  return std::visit([](const auto& s) { return s.rows; }, storage_);
}

size_t Matrix::cols() const {
  return std::visit([](const auto& s) { return s.cols; }, storage_);
}

Matrix Matrix::To(Format format) const {
  return format == this->format() ? *this : From(Readable(), format);
}

Matrix Matrix::Readable() const {
  const auto* blocks = std::get_if<Blocks>(&storage_);
  return blocks == nullptr ? *this : Matrix(blocks->ToPcsr());
}

Profile Matrix::GetProfile() const { return Profile::Of(Readable()); }

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
      [&](const auto& s) {
        if constexpr (kListsEntries<decltype(s)>) {
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
  if (ListRow(row, &sink)) return;
  if (const auto* dense = std::get_if<Dense>(&storage_)) return dense->DecodeRow(row, out);
  std::get<Blocks>(storage_).DecodeRow(row, out);
}

bool Matrix::ReadEntries(size_t row, std::vector<RowEntry>* out, float* unlisted) const {
  Sink sink{.entries = out};
  const bool lists = ListRow(row, &sink);
  *unlisted = sink.unlisted;
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
  const Matrix readable = Readable();
  for (size_t r = 0; r < rows(); ++r) {
    readable.ReadRow(r, std::span<float>(values).subspan(r * cols(), cols()));
  }
  return values;
}

std::vector<NamedArray> Matrix::Arrays() const {
  std::vector<NamedArray> arrays;
  std::visit(
      [&](const auto& s) {
        std::decay_t<decltype(s)>::Visit(s, [&](std::string_view name, const Array& array) {
          arrays.push_back({name, array});
        });
      },
      storage_);
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
  return std::visit([&](const auto& s) { return s.Validate(reason); }, storage_);
}

}  // namespace lowtropy
