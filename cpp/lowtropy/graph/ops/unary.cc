// SPDX-License-Identifier: Apache-2.0
// Functions of one value, element by element, and cast: a table of what there is for each type.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "hwy/base.h"  // HWY_INLINE: this is compiled without inlining others
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/table.h"
#include "lowtropy/graph/ops/unary_kernels.h"

namespace lowtropy {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

// ---- Loops over values of other types, or of rare functions ----

template <class From, class To, To (*kFunction)(From)>
void Each(const void* input, size_t size, const float*, void* output) {
  const auto* from = static_cast<const From*>(input);
  auto* to = static_cast<To*>(output);
  for (size_t i = 0; i < size; ++i) to[i] = kFunction(from[i]);
}

// Of the C library: networks hardly have these, and it takes little room and is exact.
template <float (*kFunction)(float)>
constexpr UnaryKernel kRare = Each<float, float, kFunction>;

float Tangent(float x) { return std::tan(x); }
float ArcSine(float x) { return std::asin(x); }
float ArcCosine(float x) { return std::acos(x); }
float ArcTangent(float x) { return std::atan(x); }
float HyperbolicSine(float x) { return std::sinh(x); }
float HyperbolicCosine(float x) { return std::cosh(x); }
float AreaSine(float x) { return std::asinh(x); }
// musl's, which WebAssembly has, gives numbers for some of those below 1.
float AreaCosine(float x) {
  return x < 1 ? std::numeric_limits<float>::quiet_NaN() : std::acosh(x);
}
float AreaTangent(float x) { return std::atanh(x); }

HWY_INLINE uint8_t IsNaN(float x) { return x != x ? 1 : 0; }
HWY_INLINE uint8_t IsInfinite(float x) { return std::abs(x) > kLargest ? 1 : 0; }
HWY_INLINE uint8_t Not(uint8_t x) { return x == 0 ? 1 : 0; }

// Of the least integer, which has no positive counterpart, both are itself.
HWY_INLINE uint32_t NegOf(uint32_t x) { return 0 - x; }
HWY_INLINE uint32_t AbsOf(uint32_t x) { return x >> 31 != 0 ? 0 - x : x; }
HWY_INLINE uint32_t BitNotOf(uint32_t x) { return ~x; }
HWY_INLINE int32_t SignOf(int32_t x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

// To zero, and to the nearest integer that there is; of NaN 0.
HWY_INLINE int32_t Truncate(float x) {
  if (!(x > -2147483648.0F)) return x != x ? 0 : std::numeric_limits<int32_t>::min();
  return x < 2147483648.0F ? static_cast<int32_t>(x) : std::numeric_limits<int32_t>::max();
}

void ClipIntegers(const void* input, size_t size, const float* numbers, void* output) {
  const auto* from = static_cast<const int32_t*>(input);
  auto* to = static_cast<int32_t*>(output);
  const int32_t least = Truncate(std::ceil(numbers[0]));
  const int32_t most = Truncate(numbers[1]);
  for (size_t i = 0; i < size; ++i) to[i] = std::min(std::max(from[i], least), most);
}

HWY_INLINE float FloatOf(int32_t x) { return static_cast<float>(x); }
HWY_INLINE uint8_t TruthOf(float x) { return x != 0 ? 1 : 0; }
HWY_INLINE uint8_t TruthOfInteger(int32_t x) { return x != 0 ? 1 : 0; }
HWY_INLINE float FloatOfBool(uint8_t x) { return x; }
HWY_INLINE int32_t IntegerOfBool(uint8_t x) { return x; }

// ---- What there is ----

struct Function {
  static constexpr int kNone = -1;

  std::string_view name;
  int vectors = kNone;             // a UnaryFunction, of float32,
  UnaryKernel floats = nullptr;    // or this
  UnaryKernel integers = nullptr;  // of int32
  UnaryKernel bools = nullptr;
  bool gives_bools = false;  // whatever it takes
  std::span<const AttributeSpec> attributes{};
};

constexpr int Vectors(UnaryFunction function) { return static_cast<int>(function); }

constexpr AttributeSpec kAlphaOne[] = {{"alpha", AttributeKind::kNumber, 1, 1}};
constexpr AttributeSpec kLeakyAttributes[] = {{"alpha", AttributeKind::kNumber, 1, 0.01F}};
constexpr AttributeSpec kSeluAttributes[] = {
    {"alpha", AttributeKind::kNumber, 1, 1.67326319F},
    {"gamma", AttributeKind::kNumber, 1, 1.05070102F},
};
constexpr AttributeSpec kHardSigmoidAttributes[] = {
    {"alpha", AttributeKind::kNumber, 1, 0.2F},
    {"beta", AttributeKind::kNumber, 1, 0.5F},
};
constexpr AttributeSpec kGeluAttributes[] = {{"tanh", AttributeKind::kFlag}};
constexpr AttributeSpec kClipAttributes[] = {
    {"least", AttributeKind::kNumber, 1, -kLargest},
    {"most", AttributeKind::kNumber, 1, kLargest},
};

constexpr AttributeSpec kFakeQuantizeAttributes[] = {
    {"scale", AttributeKind::kNumber, 1, 1},
    {"zeroPoint", AttributeKind::kNumber},
    {"least", AttributeKind::kNumber, 1, -128},
    {"most", AttributeKind::kNumber, 1, 127},
};

constexpr UnaryKernel kNegIntegers = Each<uint32_t, uint32_t, NegOf>;
constexpr UnaryKernel kAbsIntegers = Each<uint32_t, uint32_t, AbsOf>;
constexpr UnaryKernel kSignIntegers = Each<int32_t, int32_t, SignOf>;
constexpr UnaryKernel kBitNot = Each<uint32_t, uint32_t, BitNotOf>;
constexpr UnaryKernel kNot = Each<uint8_t, uint8_t, Not>;

constexpr Function kFunctions[] = {
    {"neg", Vectors(UnaryFunction::kNeg), nullptr, kNegIntegers},
    {"abs", Vectors(UnaryFunction::kAbs), nullptr, kAbsIntegers},
    {"sign", Vectors(UnaryFunction::kSign), nullptr, kSignIntegers},
    {"exp", Vectors(UnaryFunction::kExp)},
    {"log", Vectors(UnaryFunction::kLog)},
    {"sqrt", Vectors(UnaryFunction::kSqrt)},
    {"reciprocal", Vectors(UnaryFunction::kReciprocal)},
    {"floor", Vectors(UnaryFunction::kFloor)},
    {"ceil", Vectors(UnaryFunction::kCeil)},
    {"round", Vectors(UnaryFunction::kRound)},
    {"sin", Vectors(UnaryFunction::kSin)},
    {"cos", Vectors(UnaryFunction::kCos)},
    {"tan", Function::kNone, kRare<Tangent>},
    {"asin", Function::kNone, kRare<ArcSine>},
    {"acos", Function::kNone, kRare<ArcCosine>},
    {"atan", Function::kNone, kRare<ArcTangent>},
    {"sinh", Function::kNone, kRare<HyperbolicSine>},
    {"cosh", Function::kNone, kRare<HyperbolicCosine>},
    {"tanh", Vectors(UnaryFunction::kTanh)},
    {"asinh", Function::kNone, kRare<AreaSine>},
    {"acosh", Function::kNone, kRare<AreaCosine>},
    {"atanh", Function::kNone, kRare<AreaTangent>},
    {"sigmoid", Vectors(UnaryFunction::kSigmoid)},
    {"erf", Vectors(UnaryFunction::kErf)},
    {"softplus", Vectors(UnaryFunction::kSoftplus)},
    {"softsign", Vectors(UnaryFunction::kSoftsign)},
    {"elu", Vectors(UnaryFunction::kElu), {}, {}, {}, false, kAlphaOne},
    {"selu", Vectors(UnaryFunction::kSelu), {}, {}, {}, false, kSeluAttributes},
    {"celu", Vectors(UnaryFunction::kCelu), {}, {}, {}, false, kAlphaOne},
    {"leakyRelu", Vectors(UnaryFunction::kLeakyRelu), {}, {}, {}, false, kLeakyAttributes},
    {"hardSigmoid",
     Vectors(UnaryFunction::kHardSigmoid),
     {},
     {},
     {},
     false,
     kHardSigmoidAttributes},
    {"mish", Vectors(UnaryFunction::kMish)},
    {"gelu", Vectors(UnaryFunction::kGelu), {}, {}, {}, false, kGeluAttributes},
    {"thresholdedRelu", Vectors(UnaryFunction::kThresholdedRelu), {}, {}, {}, false, kAlphaOne},
    {"clip", Vectors(UnaryFunction::kClip), nullptr, ClipIntegers, nullptr, false, kClipAttributes},
    {"silu", Vectors(UnaryFunction::kSilu)},
    {"fakeQuantize",
     Vectors(UnaryFunction::kFakeQuantize),
     {},
     {},
     {},
     false,
     kFakeQuantizeAttributes},
    {"isNaN", Function::kNone, Each<float, uint8_t, IsNaN>, nullptr, nullptr, true},
    {"isInf", Function::kNone, Each<float, uint8_t, IsInfinite>, nullptr, nullptr, true},
    {"not", Function::kNone, nullptr, nullptr, kNot},
    {"bitNot", Function::kNone, nullptr, kBitNot},
};

const Function& FunctionOf(const Node& node) {
  return *static_cast<const Function*>(node.op->details);
}

// Null where there is none for values of that type.
UnaryKernel KernelFor(const Function& function, ElementType type) {
  if (type == ElementType::kInt32) return function.integers;
  if (type == ElementType::kBool) return function.bools;
  if (function.vectors == Function::kNone) return function.floats;
  return KernelOf(static_cast<UnaryFunction>(function.vectors));
}

ValueType InferUnary(const TypedNode& typed) {
  const Function& function = FunctionOf(typed.node);
  ValueType output = typed.inputs[0];
  if (KernelFor(function, output.type) == nullptr) {
    throw ShapeError(typed.node, Text("it does not take ", Name(output.type), " values"));
  }
  if (function.gives_bools) output.type = ElementType::kBool;
  return output;
}

// ---- What all do ----

// Elementary operations of one element: of some ten to fifty additions and multiplications for
// several elements at a time, and of what the C library does for each.
constexpr double kVectorWork = 8;
constexpr double kRareWork = 64;

class UnaryTask final : public Task {
 public:
  UnaryTask(const ValueType& input, ElementType output, UnaryKernel kernel, const Node& node,
            double work = kVectorWork)
      : Task({.work = work * static_cast<double>(input.shape.size())}),
        size_(static_cast<size_t>(input.shape.size())),
        in_bytes_(ByteSize(input.type)),
        out_bytes_(ByteSize(output)),
        kernel_(kernel) {
    for (size_t i = 0; i < std::min(node.attributes.size(), numbers_.size()); ++i) {
      const bool is_number = node.op->attributes[i].kind == AttributeKind::kNumber;
      const Attribute& attribute = node.attributes[i];
      numbers_[i] = is_number ? attribute.number : static_cast<float>(attribute.integers[0]);
    }
  }

  void Run(const StepData& data, size_t, size_t) const override {
    const auto* from = reinterpret_cast<const std::byte*>(data.inputs[0]);
    auto* to = reinterpret_cast<std::byte*>(data.output);
    const size_t whole = size_ / kUnaryBlock * kUnaryBlock;
    kernel_(from, whole, numbers_.data(), to);
    if (whole == size_) return;
    std::array<float, kUnaryBlock> rest{};
    std::array<float, kUnaryBlock> results;
    std::memcpy(rest.data(), from + whole * in_bytes_, (size_ - whole) * in_bytes_);
    kernel_(rest.data(), kUnaryBlock, numbers_.data(), results.data());
    std::memcpy(to + whole * out_bytes_, results.data(), (size_ - whole) * out_bytes_);
  }

 private:
  size_t size_;
  size_t in_bytes_;
  size_t out_bytes_;
  UnaryKernel kernel_;
  std::array<float, 4> numbers_{};
};

std::unique_ptr<Task> PlanUnary(const TypedNode& typed, const Shape&) {
  const ValueType& input = typed.inputs[0];
  const Function& function = FunctionOf(typed.node);
  const bool rare = input.type == ElementType::kFloat32 && function.vectors == Function::kNone &&
                    !function.gives_bools;
  return std::make_unique<UnaryTask>(input, InferUnary(typed).type, KernelFor(function, input.type),
                                     typed.node, rare ? kRareWork : kVectorWork);
}

// ---- cast ----

constexpr AttributeSpec kCastAttributes[] = {
    {"type", AttributeKind::kChoice, 1, 0, false, 1, kElementTypeNames},
};

// By the type of the input, then of the output. Null leaves values as they are.
constexpr UnaryKernel kCasts[3][3] = {
    {nullptr, Each<float, int32_t, Truncate>, Each<float, uint8_t, TruthOf>},
    {Each<int32_t, float, FloatOf>, nullptr, Each<int32_t, uint8_t, TruthOfInteger>},
    {Each<uint8_t, float, FloatOfBool>, Each<uint8_t, int32_t, IntegerOfBool>, nullptr},
};

void CopyWords(const void* input, size_t size, const float*, void* output) {
  std::memmove(output, input, size * 4);
}
void CopyBytes(const void* input, size_t size, const float*, void* output) {
  std::memmove(output, input, size);
}

ValueType InferCast(const TypedNode& typed) {
  return {static_cast<ElementType>(typed.node.Integer("type")), typed.shape()};
}

std::unique_ptr<Task> PlanCast(const TypedNode& typed, const Shape&) {
  const ElementType from = typed.inputs[0].type;
  const ElementType to = InferCast(typed).type;
  UnaryKernel kernel = kCasts[static_cast<size_t>(from)][static_cast<size_t>(to)];
  if (kernel == nullptr) kernel = ByteSize(from) == 1 ? CopyBytes : CopyWords;
  return std::make_unique<UnaryTask>(typed.inputs[0], to, kernel, typed.node);
}

// Those that stand for none leave infinities alone.
Bounds ClipBounds(const Node& node) {
  Bounds bounds;
  if (node.Number("least") != -kLargest) bounds.least = node.Number("least");
  if (node.Number("most") != kLargest) bounds.most = node.Number("most");
  return bounds;
}

void CheckFakeQuantize(const Node& node, std::span<const Range>) {
  const float scale = node.Number("scale");
  const bool finite = std::isfinite(scale) && std::isfinite(node.Number("zeroPoint")) &&
                      std::isfinite(node.Number("least")) && std::isfinite(node.Number("most"));
  if (finite && scale > 0) return;
  throw NodeError(ErrorKind::kValue, node,
                  "its scale has to be a positive number, and its other numbers finite");
}

constexpr Operator Row(const Function& function) {
  const bool quantizes = function.vectors == Vectors(UnaryFunction::kFakeQuantize);
  const bool clips = function.vectors == Vectors(UnaryFunction::kClip);
  return {.name = function.name,
          .version = 5,
          .attributes = function.attributes,
          .any_type = 5,
          .details = &function,
          .is_ending = clips ? Ending::kBounds : Ending::kNone,
          .overwrites = true,
          .infer = InferUnary,
          .check = quantizes ? CheckFakeQuantize : nullptr,
          .bounds = clips ? ClipBounds : nullptr,
          .plan = PlanUnary};
}

}  // namespace

constinit const std::array<Operator, ops::kUnaryCount> ops::kUnary = MakeRows(kFunctions, Row);

constinit const Operator ops::kCast{.name = "cast",
                                    .version = 5,
                                    .attributes = kCastAttributes,
                                    .any_type = 5,
                                    .overwrites = true,
                                    .infer = InferCast,
                                    .plan = PlanCast};

}  // namespace lowtropy
