// SPDX-License-Identifier: Apache-2.0
// Functions of two values, element by element, and where, of three: shapes may differ. Aligned at
// their last dimensions, those of one shape are those of the other, or 1, or are missing; then the
// value is taken as often as the other has elements there.
#include "lowtropy/graph/ops/broadcast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "hwy/base.h"  // HWY_INLINE: this is compiled without inlining others
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/loops.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

// From the last axis on, beyond the rank 1.
uint32_t DimFromEnd(const Shape& shape, size_t axis) {
  return axis < shape.rank() ? shape[shape.rank() - 1 - axis] : 1;
}

}  // namespace

Shape BroadcastShape(const Node& node, const Shape& a, const Shape& b) {
  Shape output = a.rank() >= b.rank() ? a : b;
  const size_t rank = output.rank();
  for (size_t axis = 0; axis < rank; ++axis) {
    const uint32_t in_a = DimFromEnd(a, axis);
    const uint32_t in_b = DimFromEnd(b, axis);
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      throw ShapeError(
          node, Text("its inputs of ", Describe(a), " and ", Describe(b), " do not fit together"));
    }
    output[rank - 1 - axis] = in_a == 1 ? in_b : in_a;
  }
  return output;
}

namespace {

// ---- Going through values ----

constexpr size_t kMaxSides = 3;

// One of the values, as the output's rows see it: its bytes from one row to the next, and whether a
// row is one element again and again.
struct Side {
  std::array<size_t, kMaxRank> strides{};  // of the outer axes; 0 where it is taken again
  size_t bytes = 4;                        // of an element
  bool is_one = false;
};

// Values that are one element again and again are laid out this often, so that there is one loop
// for each function and not one for each way in which its sides can differ.
constexpr size_t kChunk = 256;

class BroadcastTask final : public Task {
 public:
  // `swapped`: the first two sides change places.
  BroadcastTask(const TypedNode& typed, const Shape& output, Combine combine, double work,
                bool swapped = false)
      : Task({.work = work * static_cast<double>(output.size())}), combine_(combine) {
    // As many of the last axes as all values have in full, or as some of them lack, are one row.
    const size_t inner = InnerAxes(typed, output);
    rank_ = output.rank() - inner;
    for (size_t axis = 0; axis < rank_; ++axis) dims_[axis] = output[axis];
    row_ = static_cast<size_t>(output.Product(rank_, output.rank()));
    out_bytes_ = ByteSize(typed.node.op->infer(typed).type);
    count_ = typed.inputs.size();
    for (size_t k = 0; k < count_; ++k) {
      places_[k] = swapped && k < 2 ? 1 - k : k;
      sides_[k] = SideOf(typed.inputs[places_[k]], output.rank(), inner);
    }
  }

  void Run(const StepData& data, size_t, size_t) const override {
    std::array<const std::byte*, kMaxSides> at{};
    for (size_t k = 0; k < count_; ++k) {
      at[k] = reinterpret_cast<const std::byte*>(data.inputs[places_[k]]);
    }
    std::array<uint32_t, kMaxRank> index{};
    auto* output = reinterpret_cast<std::byte*>(data.output);
    for (;;) {
      RunRow(at, output);
      output += row_ * out_bytes_;
      size_t axis = rank_;
      for (;;) {
        if (axis == 0) return;
        --axis;
        for (size_t k = 0; k < count_; ++k) at[k] += sides_[k].strides[axis];
        if (++index[axis] < dims_[axis]) break;
        for (size_t k = 0; k < count_; ++k) at[k] -= dims_[axis] * sides_[k].strides[axis];
        index[axis] = 0;
      }
    }
  }

 private:
  void RunRow(std::array<const std::byte*, kMaxSides> at, std::byte* output) const {
    alignas(16) std::array<std::array<std::byte, kChunk * 4>, kMaxSides> copies;
    size_t chunk = row_;
    for (size_t k = 0; k < count_; ++k) {
      if (!sides_[k].is_one || row_ == 1) continue;
      chunk = std::min(row_, kChunk);
      Repeat(at[k], sides_[k].bytes, chunk, copies[k].data());
      at[k] = copies[k].data();
    }
    for (size_t left = row_; left != 0;) {
      const size_t size = std::min(left, chunk);
      combine_(at.data(), size, output);
      output += size * out_bytes_;
      for (size_t k = 0; k < count_; ++k) {
        if (!sides_[k].is_one) at[k] += size * sides_[k].bytes;
      }
      left -= size;
    }
  }

  static void Repeat(const std::byte* from, size_t bytes, size_t count, std::byte* to) {
    if (bytes == 1) {
      std::memset(to, static_cast<int>(*from), count);
    } else {
      std::fill_n(reinterpret_cast<uint32_t*>(to), count, *reinterpret_cast<const uint32_t*>(from));
    }
  }

  static size_t InnerAxes(const TypedNode& typed, const Shape& output) {
    size_t inner = output.rank();
    for (const ValueType& input : typed.inputs) {
      bool all = true;
      bool none = true;
      size_t axis = 0;
      for (; axis < inner; ++axis) {
        const uint32_t dim = DimFromEnd(input.shape, axis);
        all = all && dim == DimFromEnd(output, axis);
        none = none && dim == 1;
        if (!all && !none) break;
      }
      inner = axis;
    }
    return inner;
  }

  static Side SideOf(const ValueType& type, size_t rank, size_t inner) {
    Side side{.bytes = ByteSize(type.type)};
    size_t stride = side.bytes;
    side.is_one = true;
    for (size_t axis = 0; axis < rank; ++axis) {
      const uint32_t dim = DimFromEnd(type.shape, axis);
      if (axis < inner) {
        side.is_one = side.is_one && dim == 1;
      } else {
        side.strides[rank - 1 - axis] = dim == 1 ? 0 : stride;
      }
      stride *= dim;
    }
    return side;
  }

  Combine combine_;
  size_t rank_ = 0;  // of the outer axes
  std::array<uint32_t, kMaxRank> dims_{};
  size_t row_ = 1;
  size_t out_bytes_ = 4;
  size_t count_ = 2;
  std::array<size_t, kMaxSides> places_{};  // of the sides among the inputs
  std::array<Side, kMaxSides> sides_;
};

// An element is read before its place is written, which is all that vectors need to know of an
// output that is an input.
// The output may be any input that is as large and of its type.
template <class From, class To, To (*kFunction)(From, From)>
void Each(const std::byte* const* sides, size_t size, std::byte* output) {
  const auto* a = reinterpret_cast<const From*>(sides[0]);
  const auto* b = reinterpret_cast<const From*>(sides[1]);
  auto* to = reinterpret_cast<To*>(output);
  LOWTROPY_SMALL_LOOP
  for (size_t i = 0; i < size; ++i) to[i] = kFunction(a[i], b[i]);
}

template <float (*kFunction)(float, float)>
void EachHot(const std::byte* const* sides, size_t size, std::byte* output) {
  const auto* a = reinterpret_cast<const float*>(sides[0]);
  const auto* b = reinterpret_cast<const float*>(sides[1]);
  auto* to = reinterpret_cast<float*>(output);
  LOWTROPY_HOT_LOOP
  for (size_t i = 0; i < size; ++i) to[i] = kFunction(a[i], b[i]);
}

// ---- Functions of floats ----

HWY_INLINE float Sum(float a, float b) { return a + b; }
HWY_INLINE float Difference(float a, float b) { return a - b; }
HWY_INLINE float Product(float a, float b) { return a * b; }
HWY_INLINE float Quotient(float a, float b) { return a / b; }
// NaN if either is.
HWY_INLINE float Least(float a, float b) { return a < b || a != a ? a : b; }
HWY_INLINE float Most(float a, float b) { return a > b || a != a ? a : b; }
// Squares are the power that networks have, of normalizations that are written out.
HWY_INLINE float Power(float a, float b) { return b == 2 ? a * a : std::pow(a, b); }
HWY_INLINE float Remainder(float a, float b) { return std::fmod(a, b); }
// Of the divisor's sign, as Python has it.
HWY_INLINE float Modulus(float a, float b) {
  const float rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
HWY_INLINE float ParametricRelu(float a, float b) { return a < 0 ? a * b : a; }

template <class T>
HWY_INLINE uint8_t IsEqual(T a, T b) {
  return a == b ? 1 : 0;
}
template <class T>
HWY_INLINE uint8_t IsLess(T a, T b) {
  return a < b ? 1 : 0;
}
template <class T>
HWY_INLINE uint8_t IsLessOrEqual(T a, T b) {
  return a <= b ? 1 : 0;
}

// ---- Functions of integers ----
//
// They wrap, as unsigned ones do, and what has no result has one nevertheless: a quotient by 0 is
// 0, and so is the remainder.

HWY_INLINE uint32_t WrappingSum(uint32_t a, uint32_t b) { return a + b; }
HWY_INLINE uint32_t WrappingDifference(uint32_t a, uint32_t b) { return a - b; }
HWY_INLINE uint32_t WrappingProduct(uint32_t a, uint32_t b) { return a * b; }
HWY_INLINE int32_t TruncatedQuotient(int32_t a, int32_t b) {
  if (b == 0) return 0;
  // The least integer by -1 is itself.
  return b == -1 ? static_cast<int32_t>(0 - static_cast<uint32_t>(a)) : a / b;
}
HWY_INLINE int32_t IntegerRemainder(int32_t a, int32_t b) { return b == 0 || b == -1 ? 0 : a % b; }
HWY_INLINE int32_t IntegerModulus(int32_t a, int32_t b) {
  const int32_t rest = IntegerRemainder(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
HWY_INLINE int32_t LeastInteger(int32_t a, int32_t b) { return std::min(a, b); }
HWY_INLINE int32_t MostInteger(int32_t a, int32_t b) { return std::max(a, b); }
// With a negative exponent the truncated reciprocal: 0 but for 1 and -1.
HWY_INLINE int32_t IntegerPower(int32_t base, int32_t exponent) {
  if (exponent < 0) {
    if (base != 1 && base != -1) return 0;
    exponent &= 1;
  }
  uint32_t power = 1;
  auto square = static_cast<uint32_t>(base);
  for (auto rest = static_cast<uint32_t>(exponent); rest != 0; rest >>= 1) {
    if ((rest & 1) != 0) power *= square;
    square *= square;
  }
  return static_cast<int32_t>(power);
}
HWY_INLINE uint32_t BitAnd(uint32_t a, uint32_t b) { return a & b; }
HWY_INLINE uint32_t BitOr(uint32_t a, uint32_t b) { return a | b; }
HWY_INLINE uint32_t BitXor(uint32_t a, uint32_t b) { return a ^ b; }
HWY_INLINE uint32_t ShiftLeft(uint32_t a, uint32_t b) { return b < 32 ? a << b : 0; }
HWY_INLINE uint32_t ShiftRight(uint32_t a, uint32_t b) { return b < 32 ? a >> b : 0; }

HWY_INLINE uint8_t And(uint8_t a, uint8_t b) { return a & b; }
HWY_INLINE uint8_t Or(uint8_t a, uint8_t b) { return a | b; }
HWY_INLINE uint8_t Xor(uint8_t a, uint8_t b) { return a ^ b; }

// ---- What there is ----

template <float (*kFunction)(float, float)>
constexpr Combine kHot = EachHot<kFunction>;
template <float (*kFunction)(float, float)>
constexpr Combine kFloats = Each<float, float, kFunction>;
template <uint32_t (*kFunction)(uint32_t, uint32_t)>
constexpr Combine kBits = Each<uint32_t, uint32_t, kFunction>;
template <int32_t (*kFunction)(int32_t, int32_t)>
constexpr Combine kIntegers = Each<int32_t, int32_t, kFunction>;
template <uint8_t (*kFunction)(uint8_t, uint8_t)>
constexpr Combine kBools = Each<uint8_t, uint8_t, kFunction>;
template <class T, uint8_t (*kFunction)(T, T)>
constexpr Combine kTest = Each<T, uint8_t, kFunction>;

struct Function {
  std::string_view name;
  std::array<Combine, 3> of_type{};  // null where there is none
  bool tests = false;                // it gives bool, whatever it takes
  bool swapped = false;              // it takes the second value first
  double work = 4;                   // elementary operations of an element
};

constexpr double kRareWork = 32;  // of what the C library does, value by value

constexpr Function kSumOf{"sum", {kHot<Sum>, kBits<WrappingSum>}, false, false, 2};
constexpr Function kProductOf{"mul", {kHot<Product>, kBits<WrappingProduct>}, false, false, 2};
constexpr Function kModOf{
    "mod", {kFloats<Modulus>, kIntegers<IntegerModulus>}, false, false, kRareWork};
constexpr Function kFmodOf{
    "mod", {kFloats<Remainder>, kIntegers<IntegerRemainder>}, false, false, kRareWork};

constexpr std::array<Combine, 3> kLess{kTest<float, IsLess>, kTest<int32_t, IsLess>};
constexpr std::array<Combine, 3> kLessOrEqual{kTest<float, IsLessOrEqual>,
                                              kTest<int32_t, IsLessOrEqual>};

constexpr Function kFunctions[] = {
    {"sub", {kHot<Difference>, kBits<WrappingDifference>}},
    {"div", {kHot<Quotient>, kIntegers<TruncatedQuotient>}, false, false, 8},
    {"min", {kHot<Least>, kIntegers<LeastInteger>}},
    {"max", {kHot<Most>, kIntegers<MostInteger>}},
    {"pow", {kFloats<Power>, kIntegers<IntegerPower>}, false, false, kRareWork},
    {"prelu", {kFloats<ParametricRelu>}},
    {"equal", {kTest<float, IsEqual>, kTest<int32_t, IsEqual>, kTest<uint8_t, IsEqual>}, true},
    {"greater", kLess, true, true},
    {"less", kLess, true},
    {"greaterOrEqual", kLessOrEqual, true, true},
    {"lessOrEqual", kLessOrEqual, true},
    {"and", {nullptr, nullptr, kBools<And>}},
    {"or", {nullptr, nullptr, kBools<Or>}},
    {"xor", {nullptr, nullptr, kBools<Xor>}},
    {"bitAnd", {nullptr, kBits<BitAnd>}},
    {"bitOr", {nullptr, kBits<BitOr>}},
    {"bitXor", {nullptr, kBits<BitXor>}},
    {"shiftLeft", {nullptr, kBits<ShiftLeft>}},
    {"shiftRight", {nullptr, kBits<ShiftRight>}},
};

constexpr AttributeSpec kModAttributes[] = {{"fmod", AttributeKind::kFlag}};

const Function& FunctionOf(const Node& node) {
  const auto& function = *static_cast<const Function*>(node.op->details);
  const bool is_mod = &function == &kModOf;
  return is_mod && node.Flag("fmod") ? kFmodOf : function;
}

ValueType InferBroadcast(const TypedNode& typed) {
  const Function& function = FunctionOf(typed.node);
  const ElementType type = typed.inputs[0].type;
  if (typed.inputs[1].type != type) {
    throw ShapeError(
        typed.node, Text("its inputs are of ", Name(type), " and of ", Name(typed.inputs[1].type)));
  }
  if (function.of_type[static_cast<size_t>(type)] == nullptr) {
    throw ShapeError(typed.node, Text("it does not take ", Name(type), " values"));
  }
  return {function.tests ? ElementType::kBool : type,
          BroadcastShape(typed.node, typed.inputs[0].shape, typed.inputs[1].shape)};
}

std::unique_ptr<Task> PlanBroadcast(const TypedNode& typed, const Shape& output) {
  const Function& function = FunctionOf(typed.node);
  const Combine combine = function.of_type[static_cast<size_t>(typed.inputs[0].type)];
  return std::make_unique<BroadcastTask>(typed, output, combine, function.work, function.swapped);
}

// What tests is smaller than what it takes, so it cannot be made in the place of that: a value that
// is taken more than once may have as many bytes as the output, and would be written over.
constexpr Operator Row(const Function& function) {
  return {.name = function.name,
          .version = 5,
          .least_inputs = 2,
          .most_inputs = 2,
          .any_type = 5,
          .details = &function,
          .overwrites = !function.tests,
          .infer = InferBroadcast,
          .plan = PlanBroadcast};
}

constexpr Operator OlderRow(const Function& function) {
  Operator row = Row(function);
  row.version = 4;
  return row;
}

constexpr Operator ModRow() {
  Operator row = Row(kModOf);
  row.attributes = kModAttributes;
  return row;
}

// ---- where ----

template <class T>
void Select(const std::byte* const* sides, size_t size, std::byte* output) {
  const auto* condition = reinterpret_cast<const uint8_t*>(sides[0]);
  const auto* a = reinterpret_cast<const T*>(sides[1]);
  const auto* b = reinterpret_cast<const T*>(sides[2]);
  auto* to = reinterpret_cast<T*>(output);
  LOWTROPY_SMALL_LOOP
  for (size_t i = 0; i < size; ++i) to[i] = condition[i] != 0 ? a[i] : b[i];
}

ValueType InferWhere(const TypedNode& typed) {
  const auto& inputs = typed.inputs;
  if (inputs[0].type != ElementType::kBool || inputs[1].type != inputs[2].type) {
    throw ShapeError(typed.node,
                     Text("it takes bool and two of one type, not ", Name(inputs[0].type), ", ",
                          Name(inputs[1].type), " and ", Name(inputs[2].type)));
  }
  const Shape both = BroadcastShape(typed.node, inputs[1].shape, inputs[2].shape);
  return {inputs[1].type, BroadcastShape(typed.node, inputs[0].shape, both)};
}

std::unique_ptr<Task> PlanWhere(const TypedNode& typed, const Shape& output) {
  const Combine select =
      typed.inputs[1].type == ElementType::kBool ? Select<uint8_t> : Select<uint32_t>;
  return std::make_unique<BroadcastTask>(typed, output, select, 3);
}

}  // namespace

Combine FindCombine(std::string_view name, ElementType type) {
  const Operator* op = FindOperator(name);
  if (op == nullptr || op->infer != InferBroadcast) return nullptr;
  return static_cast<const Function*>(op->details)->of_type[static_cast<size_t>(type)];
}

constinit const Operator ops::kSum = OlderRow(kSumOf);
constinit const Operator ops::kMul = OlderRow(kProductOf);
constinit const Operator ops::kMod = ModRow();
constinit const std::array<Operator, ops::kBroadcastCount> ops::kBroadcast =
    MakeRows(kFunctions, Row);
constinit const Operator ops::kWhere{.name = "where",
                                     .version = 5,
                                     .least_inputs = 3,
                                     .most_inputs = 3,
                                     .any_type = 5,
                                     .overwrites = true,
                                     .infer = InferWhere,
                                     .plan = PlanWhere};

}  // namespace lowtropy
