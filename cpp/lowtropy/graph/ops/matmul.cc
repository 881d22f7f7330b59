// SPDX-License-Identifier: Apache-2.0
// matMul: of two values; linear: of a weight and the last axis of a value of any rank; and lookup:
// rows of a weight that a value names.
#include <algorithm>
#include <array>
#include <vector>

#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/broadcast.h"
#include "lowtropy/graph/ops/product.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

// ---- matMul ----

// A value as matrices, in batches: of one dimension it is a row, or as the second value a column.
struct Matrices {
  Shape batch;
  uint32_t rows;
  uint32_t cols;
};

Matrices MatricesOf(const Shape& shape, bool second) {
  const size_t rank = shape.rank();
  if (rank == 1) return second ? Matrices{{}, shape[0], 1} : Matrices{{}, 1, shape[0]};
  return {Shape(shape.dims().first(rank - 2)), shape[rank - 2], shape[rank - 1]};
}

ValueType InferMatMul(const TypedNode& typed) {
  const Shape& first = typed.inputs[0].shape;
  const Shape& second = typed.inputs[1].shape;
  const bool have_ranks = first.rank() != 0 && second.rank() != 0;
  const Matrices a = have_ranks ? MatricesOf(first, false) : Matrices{};
  const Matrices b = have_ranks ? MatricesOf(second, true) : Matrices{};
  if (!have_ranks || a.cols != b.rows) {
    throw ShapeError(typed.node,
                     Text("it cannot multiply ", Describe(first), " by ", Describe(second)));
  }
  ValueType output{ElementType::kFloat32, BroadcastShape(typed.node, a.batch, b.batch)};
  if (first.rank() > 1) output.shape.Append(a.rows);
  if (second.rank() > 1) output.shape.Append(b.cols);
  return output;
}

class MatMulTask final : public Task {
 public:
  explicit MatMulTask(const TypedNode& typed) : MatMulTask(Plan(typed)) {}

  void Run(const StepData& data, size_t begin, size_t end) const override {
    for (size_t part = begin; part < end; ++part) {
      const size_t number = part / blocks_;
      const size_t row = part % blocks_ * kBlockRows;
      const size_t rows = std::min(kBlockRows, product_.m - row);
      const float* a = data.inputs[0] + PlaceOf(number, 0) + row * product_.k;
      const float* b = data.inputs[1] + PlaceOf(number, 1);
      MultiplyDense({rows, product_.k, product_.n}, a, b,
                    data.output + (number * product_.m + row) * product_.n);
    }
  }

 private:
  static constexpr size_t kBlockRows = 64;  // of one part

  struct Planned {
    Product product;
    Shape batch;
    std::array<Shape, 2> batches;
  };

  // A batch of the first value that meets just one matrix is more rows of it.
  static Planned Plan(const TypedNode& typed) {
    const Matrices a = MatricesOf(typed.inputs[0].shape, false);
    const Matrices b = MatricesOf(typed.inputs[1].shape, true);
    Planned planned{
        {a.rows, a.cols, b.cols}, BroadcastShape(typed.node, a.batch, b.batch), {a.batch, b.batch}};
    if (b.batch.size() == 1 && a.batch.size() == planned.batch.size()) {
      planned.product.m *= static_cast<size_t>(a.batch.size());
      planned.batch = planned.batches[0] = planned.batches[1] = Shape();
    }
    return planned;
  }

  static size_t BlocksOf(const Product& product) { return (product.m - 1) / kBlockRows + 1; }

  explicit MatMulTask(const Planned& planned)
      : Task({.work = static_cast<double>(planned.batch.size()) *
                      static_cast<double>(planned.product.m) *
                      (static_cast<double>(planned.product.n) + 8) *
                      (static_cast<double>(planned.product.k) + 8),
              .parts = {.count = static_cast<size_t>(planned.batch.size()) *
                                 BlocksOf(planned.product)}}),
        product_(planned.product),
        batch_(planned.batch),
        blocks_(BlocksOf(planned.product)) {
    const std::array<size_t, 2> sizes{product_.m * product_.k, product_.k * product_.n};
    for (size_t side = 0; side < 2; ++side) {
      const Shape& own = planned.batches[side];
      const size_t missing = batch_.rank() - own.rank();
      size_t stride = sizes[side];
      for (size_t axis = own.rank(); axis-- > 0; stride *= own[axis]) {
        strides_[side][missing + axis] = own[axis] == 1 ? 0 : stride;
      }
    }
  }

  // Of a matrix of the batch, in floats.
  size_t PlaceOf(size_t number, size_t side) const {
    size_t place = 0;
    for (size_t axis = batch_.rank(); axis-- > 0; number /= batch_[axis]) {
      place += number % batch_[axis] * strides_[side][axis];
    }
    return place;
  }

  Product product_;
  Shape batch_;
  size_t blocks_;
  std::array<std::array<size_t, kMaxRank>, 2> strides_{};
};

std::unique_ptr<Task> PlanMatMul(const TypedNode& typed, const Shape&) {
  return std::make_unique<MatMulTask>(typed);
}

// ---- linear ----

constexpr AttributeSpec kLinearAttributes[] = {
    {"weight", AttributeKind::kMatrix},
    {"bias", AttributeKind::kVector, 1, 0, true},
    {"outChannels", AttributeKind::kInteger},
};

ValueType InferLinear(const TypedNode& typed) {
  CheckOutChannels(typed.node);
  ValueType output = typed.inputs[0];
  if (output.shape.rank() == 0) throw ShapeError(typed.node, "a number has no last axis");
  output.shape[output.shape.rank() - 1] = typed.node.Integer("outChannels");
  return output;
}

// Rows of the input that are multiplied at a time: as columns of one product, since kernels go
// through a compressed weight once for all columns; or each on its own where they are few. (Of a
// dense weight of 512 x 512, 8 rows took 0.07 ms one by one and 0.23 as columns; 128 took 1.2 and
// 0.73.)
constexpr uint64_t kFewRows = 16;
constexpr uint64_t kMostRows = 256;

WeightUse UseLinear(const TypedNode& typed, const Shape&) {
  const Shape& shape = typed.shape();
  const uint64_t count = shape.Product(0, shape.rank() - 1);
  WeightUse use{.kind = WeightUse::Kind::kVector,
                .rows = typed.node.Integer("outChannels"),
                .cols = shape[shape.rank() - 1],
                .repeats = count};
  if (count <= kFewRows) return use;
  use.kind = WeightUse::Kind::kColumns;
  use.repeats = (count - 1) / kMostRows + 1;
  use.count = (count - 1) / use.repeats + 1;
  return use;
}

uint64_t LinearVectorSize(const TypedNode& typed) { return typed.node.Integer("outChannels"); }

void Transpose(const float* from, size_t rows, size_t cols, size_t to_stride, size_t from_stride,
               float* to) {
  constexpr size_t kBlock = 16;  // of each side, so that lines of both stay in the cache
  for (size_t first = 0; first < cols; first += kBlock) {
    const size_t last = std::min(cols, first + kBlock);
    for (size_t r = 0; r < rows; ++r) {
      for (size_t c = first; c < last; ++c) to[c * to_stride + r] = from[r * from_stride + c];
    }
  }
}

class LinearTask final : public Task {
 public:
  LinearTask(const TypedNode& typed, const WeightUse& use)
      : Task(CostsOf(typed, use)),
        rows_(static_cast<size_t>(use.rows)),
        cols_(static_cast<size_t>(use.cols)),
        count_(static_cast<size_t>(typed.shape().Product(0, typed.shape().rank() - 1))),
        block_(static_cast<size_t>(use.count)),
        columns_(use.kind == WeightUse::Kind::kColumns),
        workspace_(columns_ ? Aligned(ColumnsWorkspace(rows_, cols_)) : 0) {}

  void Prepare() override {
    if (!columns_) return;
    offsets_.resize(cols_);
    for (size_t k = 0; k < cols_; ++k) offsets_[k] = static_cast<uint32_t>(k * block_);
  }

  void Run(const StepData& data, size_t begin, size_t end) const override {
    for (size_t part = begin; part < end; ++part) {
      if (columns_) {
        RunColumns(data, part * block_);
      } else {
        MultiplyVector(*data.weight, {0, rows_}, data.inputs[0] + part * cols_,
                       data.output + part * rows_, data.epilogue, data.vector_workspace);
      }
    }
  }

 private:
  static size_t Aligned(size_t floats) { return (floats + 15) / 16 * 16; }

  static Costs CostsOf(const TypedNode& typed, const WeightUse& use) {
    const auto columns = static_cast<double>(use.repeats) * static_cast<double>(use.count);
    Costs costs{
        .work = columns * static_cast<double>(use.rows + 8) * (static_cast<double>(use.cols) + 8),
        .parts = {.count = static_cast<size_t>(use.repeats)}};
    if (use.kind == WeightUse::Kind::kVector) return costs;
    // Offsets have 32 bits.
    if (use.cols * use.count > uint64_t{1} << 30 || use.rows * use.count > uint64_t{1} << 30) {
      throw NodeError(ErrorKind::kLimit, typed.node, "its weight has too many rows or columns");
    }
    const size_t workspace =
        ColumnsWorkspace(static_cast<size_t>(use.rows), static_cast<size_t>(use.cols));
    costs.scratch = Aligned(workspace) + (use.cols + use.rows) * use.count + kColumnSlack;
    costs.table_bytes = use.cols * sizeof(uint32_t);
    return costs;
  }

  void RunColumns(const StepData& data, size_t first) const {
    const size_t count = std::min(block_, count_ - std::min(count_, first));
    if (count == 0) return;
    float* y = data.scratch + workspace_;
    float* x = y + rows_ * block_;
    Transpose(data.inputs[0] + first * cols_, count, cols_, block_, cols_, x);
    const Columns columns{
        .data = x, .offset = offsets_.data(), .count = count, .width = count, .pitch = count};
    MultiplyColumns(*data.weight, {0, rows_}, columns, {y, block_}, data.epilogue, data.scratch);
    Transpose(y, rows_, count, rows_, block_, data.output + first * rows_);
  }

  size_t rows_;
  size_t cols_;
  size_t count_;  // rows of the input
  size_t block_;  // of them that are multiplied at a time
  bool columns_;
  size_t workspace_;
  std::vector<uint32_t> offsets_;
};

std::unique_ptr<Task> PlanLinear(const TypedNode& typed, const Shape& output) {
  return std::make_unique<LinearTask>(typed, UseLinear(typed, output));
}

// ---- lookup ----

constexpr AttributeSpec kLookupAttributes[] = {
    {"weight", AttributeKind::kMatrix},
    {"classes", AttributeKind::kInteger},
    {"outChannels", AttributeKind::kInteger},
};

ValueType InferLookup(const TypedNode& typed) {
  CheckOutChannels(typed.node);
  const ValueType& indices = typed.inputs[0];
  const uint32_t classes = typed.node.Integer("classes");
  if (indices.type != ElementType::kInt32 || indices.shape.rank() == kMaxRank || classes == 0 ||
      classes > uint32_t{1} << 31) {
    throw ShapeError(typed.node, Text("it takes int32 values of up to ", kMaxRank - 1,
                                      " dimensions, and has at least one class"));
  }
  ValueType output{ElementType::kFloat32, indices.shape};
  output.shape.Append(typed.node.Integer("outChannels"));
  return output;
}

WeightUse UseLookup(const TypedNode& typed, const Shape&) {
  return {.kind = WeightUse::Kind::kRows,
          .rows = typed.node.Integer("classes"),
          .cols = typed.node.Integer("outChannels"),
          .count = 0,
          .repeats = typed.shape().size()};
}

class LookupTask final : public Task {
 public:
  LookupTask(const TypedNode& typed, const Shape& output)
      : Task({.work = 32 * static_cast<double>(output.size())}),
        count_(static_cast<size_t>(typed.shape().size())),
        width_(typed.node.Integer("outChannels")) {}

  void Run(const StepData& data, size_t, size_t) const override {
    const auto* indices = reinterpret_cast<const int32_t*>(data.inputs[0]);
    const int64_t classes = static_cast<int64_t>(data.weight->rows());
    for (size_t i = 0; i < count_; ++i) {
      const int64_t index = indices[i] < 0 ? indices[i] + classes : indices[i];
      if (index < 0 || index >= classes) {
        throw NodeError(
            ErrorKind::kValue, *data.node,
            Text("its index ", indices[i], " is outside ", -classes, " to ", classes - 1));
      }
      data.weight->ReadRow(static_cast<size_t>(index), {data.output + i * width_, width_});
    }
  }

 private:
  size_t count_;
  size_t width_;
};

std::unique_ptr<Task> PlanLookup(const TypedNode& typed, const Shape& output) {
  return std::make_unique<LookupTask>(typed, output);
}

}  // namespace

constinit const Operator ops::kMatMul{.name = "matMul",
                                      .version = 5,
                                      .least_inputs = 2,
                                      .most_inputs = 2,
                                      .infer = InferMatMul,
                                      .plan = PlanMatMul};
constinit const Operator ops::kLinear{.name = "linear",
                                      .version = 5,
                                      .attributes = kLinearAttributes,
                                      .takes_bounds = true,
                                      .takes_bias = true,
                                      .infer = InferLinear,
                                      .use = UseLinear,
                                      .vector_size = LinearVectorSize,
                                      .plan = PlanLinear};
constinit const Operator ops::kLookup{.name = "lookup",
                                      .version = 5,
                                      .attributes = kLookupAttributes,
                                      .any_type = 5,
                                      .infer = InferLookup,
                                      .use = UseLookup,
                                      .plan = PlanLookup};

}  // namespace lowtropy
