// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/matrix/matrix.h"

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <string>
#include <vector>

#include "common/buffer.h"
#include "common/guard.h"
#include "inference/describe.h"
#include "lowtropy/matrix/choose/choose.h"
#include "lowtropy/matrix/kernels/kernels.h"

namespace lowtropy::bindings {
namespace {

using emscripten::val;

Matrix* MatrixFrom(const RowSource& source, const std::string& format) {
  return new Matrix(Encode(source, ParseFormatOrAuto(format), 1));
}

Matrix* MatrixTo(const Matrix& matrix, const std::string& format) {
  return new Matrix(Recode(matrix, ParseFormatOrAuto(format), 1));
}

bool IsScaled(const Matrix& matrix) { return matrix.scaled(); }

std::string FormatName(const Matrix& matrix) { return std::string(Name(matrix.format())); }

double ByteLength(const Matrix& matrix) { return static_cast<double>(matrix.ByteLength()); }

// {name, type, bytes} of each array; the bytes are a view, to be copied at once.
val Arrays(const Matrix& matrix) {
  val list = val::array();
  for (const NamedArray& entry : matrix.Arrays()) {
    val object = val::object();
    object.set("name", std::string(entry.name));
    object.set("type", std::string(Name(entry.array.type())));
    object.set("bytes",
               emscripten::typed_memory_view(entry.array.byte_size(),
                                             static_cast<const uint8_t*>(entry.array.data())));
    list.call<void>("push", object);
  }
  return list;
}

val MatrixStats(const Matrix& matrix) { return DescribeStats(matrix.GetProfile().GetStats()); }

val MatrixCost(const Matrix& matrix) {
  return DescribeCost(CostOf(matrix.format(), matrix.GetProfile()));
}

val MatrixChoice(const Matrix& matrix, uint32_t columns) {
  return DescribeChoice(Choose(matrix.GetProfile(), columns));
}

// y = W · x for n columns: x is cols x n, y rows x n, both row-major, x with kColumnSlack floats
// behind it.
void Multiply(const Matrix& matrix, const Buffer& x, uint32_t n, const Buffer& y) {
  const float* in = x.Floats().data();
  float* out = y.Floats().data();
  const RowRange rows{0, matrix.rows()};
  if (n == 1) {
    std::vector<float> workspace(VectorWorkspace(matrix));
    return MultiplyVector(matrix, rows, in, out, {}, workspace.data());
  }
  std::vector<uint32_t> offsets(matrix.cols());
  for (size_t k = 0; k < offsets.size(); ++k) offsets[k] = static_cast<uint32_t>(k * n);
  std::vector<float> workspace(ColumnsWorkspace(matrix.rows(), matrix.cols()));
  MultiplyColumns(matrix, rows, {in, offsets.data(), n, n, n}, {out, n}, {}, workspace.data());
}

void ToDense(const Matrix& matrix, const Buffer& values) { ReadRows(matrix, values.Floats()); }

// {name: what it is} of all formats, in their order.
val DescribeFormats() {
  val notes = val::object();
  for (const Format format : kFormats) {
    notes.set(std::string(Name(format)), std::string(RowOf(format).note));
  }
  return notes;
}

EMSCRIPTEN_BINDINGS(matrix) {
  using emscripten::allow_raw_pointers;
  emscripten::constant("columnSlack", static_cast<uint32_t>(kColumnSlack));
  emscripten::function("formats", Guarded<&DescribeFormats>);
  emscripten::function("matrixFrom", Guarded<&MatrixFrom>, allow_raw_pointers());
  emscripten::class_<Matrix>("Matrix")
      .function("rows", Guarded<&Matrix::rows>)
      .function("cols", Guarded<&Matrix::cols>)
      .function("format", Guarded<&FormatName>)
      .function("scaled", Guarded<&IsScaled>)
      .function("byteLength", Guarded<&ByteLength>)
      .function("to", Guarded<&MatrixTo>, allow_raw_pointers())
      .function("arrays", Guarded<&Arrays>)
      .function("stats", Guarded<&MatrixStats>)
      .function("cost", Guarded<&MatrixCost>)
      .function("choice", Guarded<&MatrixChoice>)
      .function("multiply", Guarded<&Multiply>)
      .function("toDense", Guarded<&ToDense>);
}

}  // namespace
}  // namespace lowtropy::bindings
