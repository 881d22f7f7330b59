// SPDX-License-Identifier: Apache-2.0
// Reductions over any axes; and along one axis: argMax, argMin, cumSum and topK.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "hwy/base.h"  // HWY_INLINE
#include "lowtropy/base/text.h"
#include "lowtropy/graph/ops/loops.h"
#include "lowtropy/graph/ops/table.h"

namespace lowtropy {
namespace {

// ---- Functions ----
//
// Sums of float32 are float64, so that a mean of a million values is exact to a unit in the last
// place in whatever order they come; those of int32 are unsigned integers, which wrap. All keep one
// accumulator for each output in scratch.

// Adds `rows` rows of `width` elements to `width` accumulators. `first`: those of another function
// of the same elements that was done before, or null. Others of the same outputs are joined by
// `join`: all functions go through values in the one way that this loop does, which keeps several
// sums side by side that do not wait for each other.
template <class T, class Total>
struct Fold {
  void (*add)(const T* x, size_t rows, size_t width, const Total* first, Total* totals) = nullptr;
  Total (*join)(Total a, Total b) = nullptr;
  Total start = 0;
};

template <class T, class Total, class Add>
void AddRows(const T* x, size_t rows, size_t width, const Total* first, Total* totals) {
  const Add add;
  for (; rows != 0; --rows, x += width) {
    LOWTROPY_SMALL_LOOP
    for (size_t i = 0; i < width; ++i) {
      totals[i] = add(totals[i], x[i], first == nullptr ? Total{} : first[i]);
    }
  }
}

// The same for sums, which networks have the most of.
template <class T, class Total, class Add>
void AddRowsFast(const T* x, size_t rows, size_t width, const Total*, Total* totals) {
  const Add add;
  for (; rows != 0; --rows, x += width) {
    LOWTROPY_HOT_LOOP
    for (size_t i = 0; i < width; ++i) totals[i] = add(totals[i], x[i], Total{});
  }
}

template <class T, class Total, class Add>
constexpr Fold<T, Total> kFold{AddRows<T, Total, Add>, Add::Join, Add::kStart};

template <class Total>
struct Adding {
  static constexpr Total kStart = 0;
  static Total Join(Total a, Total b) { return a + b; }
};

template <class T, class Total>
struct Sum : Adding<Total> {
  HWY_INLINE Total operator()(Total total, T x, Total) const {
    return total + static_cast<Total>(x);
  }
};
template <class T, class Total>
struct Magnitudes : Adding<Total> {
  HWY_INLINE Total operator()(Total total, T x, Total) const {
    const auto value = static_cast<Total>(x);
    return total + (x < 0 ? 0 - value : value);
  }
};
template <class T, class Total>
struct Squares : Adding<Total> {
  HWY_INLINE Total operator()(Total total, T x, Total) const {
    const auto value = static_cast<Total>(x);
    return total + value * value;
  }
};
template <class T, class Total>
struct Product {
  static constexpr Total kStart = 1;
  HWY_INLINE Total operator()(Total total, T x, Total) const {
    return total * static_cast<Total>(x);
  }
  static Total Join(Total a, Total b) { return a * b; }
};
// Of e to the distance from the largest, which came first: no sum overflows.
struct Exponentials : Adding<double> {
  HWY_INLINE double operator()(double total, float x, double largest) const {
    const double below = std::isinf(largest) ? 0 : static_cast<double>(x) - largest;
    return total + static_cast<double>(std::exp(static_cast<float>(below)));
  }
};
// NaN where there is one.
struct Largest {
  static constexpr double kStart = -std::numeric_limits<double>::infinity();
  HWY_INLINE double operator()(double total, float x, double) const {
    const auto value = static_cast<double>(x);
    return value > total || value != value ? value : total;
  }
  static double Join(double a, double b) { return b > a || b != b ? b : a; }
};
struct Smallest {
  static constexpr double kStart = std::numeric_limits<double>::infinity();
  HWY_INLINE double operator()(double total, float x, double) const {
    const auto value = static_cast<double>(x);
    return value < total || value != value ? value : total;
  }
  static double Join(double a, double b) { return b < a || b != b ? b : a; }
};
// Integers in two's complement, as all totals of integers.
template <bool kLargest>
struct ExtremeInteger {
  static constexpr uint64_t kStart = static_cast<uint64_t>(
      kLargest ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max());
  HWY_INLINE uint64_t operator()(uint64_t total, int32_t x, uint64_t) const {
    const int64_t value = x;
    const auto best = static_cast<int64_t>(total);
    return static_cast<uint64_t>(kLargest ? std::max(best, value) : std::min(best, value));
  }
  static uint64_t Join(uint64_t a, uint64_t b) {
    const auto first = static_cast<int64_t>(a);
    const auto second = static_cast<int64_t>(b);
    return static_cast<uint64_t>(kLargest ? std::max(first, second) : std::min(first, second));
  }
};

using FloatFold = Fold<float, double>;
using IntegerFold = Fold<int32_t, uint64_t>;

// What is made of a total, of `count` elements, and of the one before, where there was one.
double Same(double total, double, double) { return total; }
double Mean(double total, double count, double) { return total / count; }
double Root(double total, double, double) { return std::sqrt(total); }
double Logarithm(double total, double, double) { return std::log(total); }
double LogarithmAbove(double total, double, double largest) { return std::log(total) + largest; }

struct Reduction {
  std::string_view name;
  const FloatFold* fold;
  double (*finish)(double total, double count, double first) = Same;
  const FloatFold* first = nullptr;       // is done before, where there is one
  const IntegerFold* integers = nullptr;  // where it takes int32
  bool divides = false;                   // integers too: a mean, truncated
  double work = 2;                        // elementary operations of an element
};

constexpr FloatFold kSumFold{AddRowsFast<float, double, Sum<float, double>>,
                             Sum<float, double>::Join, 0};
constexpr const FloatFold* kSums = &kSumFold;
constexpr const FloatFold* kLargest = &kFold<float, double, Largest>;
constexpr const FloatFold* kSquares = &kFold<float, double, Squares<float, double>>;
template <template <class, class> class Add>
constexpr const IntegerFold* kIntegers = &kFold<int32_t, uint64_t, Add<int32_t, uint64_t>>;

constexpr Reduction kReductions[] = {
    {"reduceSum", kSums, Same, nullptr, kIntegers<Sum>},
    {"reduceMean", kSums, Mean, nullptr, kIntegers<Sum>, true},
    {"reduceMax", kLargest, Same, nullptr, &kFold<int32_t, uint64_t, ExtremeInteger<true>>},
    {"reduceMin", &kFold<float, double, Smallest>, Same, nullptr,
     &kFold<int32_t, uint64_t, ExtremeInteger<false>>},
    {"reduceProd", &kFold<float, double, Product<float, double>>, Same, nullptr,
     kIntegers<Product>},
    {"reduceL1", &kFold<float, double, Magnitudes<float, double>>, Same, nullptr,
     kIntegers<Magnitudes>},
    {"reduceL2", kSquares, Root},
    {"reduceLogSum", kSums, Logarithm},
    {"reduceLogSumExp", &kFold<float, double, Exponentials>, LogarithmAbove, kLargest, nullptr,
     false, 64},
    {"reduceSumSquare", kSquares, Same, nullptr, kIntegers<Squares>},
};

const Reduction& ReductionOf(const Node& node) {
  return *static_cast<const Reduction*>(node.op->details);
}

// ---- Going through values ----

constexpr AttributeSpec kReduceAttributes[] = {
    {"axes", AttributeKind::kSigneds, kAnyCount},
    {"keepDims", AttributeKind::kFlag, 1, 1},
};

// A bit for each axis.
uint32_t ReducedAxes(const TypedNode& typed) {
  uint32_t reduced = 0;
  for (const uint32_t axis : typed.node["axes"].integers.dims()) {
    reduced |= 1U << AxisOf(typed.node, static_cast<int32_t>(axis), typed.shape().rank());
  }
  return reduced;
}

Shape ReducedShape(const Shape& shape, uint32_t reduced, bool keep) {
  Shape output;
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    if ((reduced >> axis & 1) == 0) {
      output.Append(shape[axis]);
    } else if (keep) {
      output.Append(1);
    }
  }
  return output;
}

ValueType InferReduce(const TypedNode& typed) {
  const ElementType type = typed.inputs[0].type;
  const bool known = type == ElementType::kFloat32 ||
                     (type == ElementType::kInt32 && ReductionOf(typed.node).integers != nullptr);
  if (!known) throw ShapeError(typed.node, Text("it does not take ", Name(type), " values"));
  return {type, ReducedShape(typed.shape(), ReducedAxes(typed), typed.node.Flag("keepDims"))};
}

class ReduceTask final : public Task {
 public:
  ReduceTask(const TypedNode& typed, const Shape& output)
      : Task(
            {.work = (8 + ReductionOf(typed.node).work) * static_cast<double>(typed.shape().size()),
             .scratch = 2 * Totals(typed) * output.size()}),
        reduction_(ReductionOf(typed.node)),
        is_float_(typed.inputs[0].type == ElementType::kFloat32),
        outputs_(static_cast<size_t>(output.size())) {
    const uint32_t reduced = ReducedAxes(typed);
    const Shape& shape = typed.shape();
    for (size_t axis = 0; axis < shape.rank(); ++axis) Add(shape[axis], reduced >> axis & 1);
    if (rank_ == 0) Add(1, true);
    size_t stride = 1;
    for (size_t axis = rank_; axis-- > 0;) {
      strides_[axis] = is_reduced_[axis] ? 0 : stride;
      if (is_reduced_[axis]) count_ *= static_cast<double>(dims_[axis]);
      if (!is_reduced_[axis]) stride *= dims_[axis];
    }
  }

  void Run(const StepData& data, size_t, size_t) const override {
    if (is_float_) {
      RunFloats(data);
    } else {
      RunIntegers(data);
    }
  }

 private:
  // Accumulators of an output, of 8 bytes each.
  static uint64_t Totals(const TypedNode& typed) {
    return ReductionOf(typed.node).first == nullptr ? 1 : 2;
  }

  // Neighbouring axes of one kind are one.
  void Add(size_t dim, bool reduced) {
    if (dim == 1 && rank_ != 0) return;
    if (rank_ != 0 && (is_reduced_[rank_ - 1] == reduced || dims_[rank_ - 1] == 1)) {
      dims_[rank_ - 1] *= dim;
      is_reduced_[rank_ - 1] = reduced;
      return;
    }
    dims_[rank_] = dim;
    is_reduced_[rank_++] = reduced;
  }

  void RunFloats(const StepData& data) const {
    auto* totals = reinterpret_cast<double*>(data.scratch);
    double* first = nullptr;
    if (reduction_.first != nullptr) {
      first = totals + outputs_;
      Fill(*reduction_.first, data.inputs[0], static_cast<const double*>(nullptr), first);
    }
    Fill(*reduction_.fold, data.inputs[0], static_cast<const double*>(first), totals);
    for (size_t i = 0; i < outputs_; ++i) {
      const double before = first == nullptr ? 0 : first[i];
      data.output[i] = static_cast<float>(reduction_.finish(totals[i], count_, before));
    }
  }

  void RunIntegers(const StepData& data) const {
    auto* totals = reinterpret_cast<uint64_t*>(data.scratch);
    auto* output = reinterpret_cast<int32_t*>(data.output);
    Fill(*reduction_.integers, reinterpret_cast<const int32_t*>(data.inputs[0]),
         static_cast<const uint64_t*>(nullptr), totals);
    const auto divisor = static_cast<int64_t>(reduction_.divides ? count_ : 1);
    for (size_t i = 0; i < outputs_; ++i) {
      output[i] = static_cast<int32_t>(static_cast<int64_t>(totals[i]) / divisor);
    }
  }

  template <class T, class Total>
  void Fill(const Fold<T, Total>& fold, const T* x, const Total* first, Total* totals) const {
    std::fill_n(totals, outputs_, fold.start);
    const size_t last = rank_ - 1;
    std::array<size_t, kMaxRank> index{};
    size_t at = 0;
    for (;;) {
      const Total* before = first == nullptr ? nullptr : first + at;
      if (is_reduced_[last]) {
        AddRow(fold, x, before, totals + at);
      } else {
        fold.add(x, 1, dims_[last], before, totals + at);
      }
      x += dims_[last];
      size_t axis = last;
      for (;;) {
        if (axis == 0) return;
        --axis;
        at += strides_[axis];
        if (++index[axis] < dims_[axis]) break;
        at -= dims_[axis] * strides_[axis];
        index[axis] = 0;
      }
    }
  }

  // All elements of a row to one accumulator.
  template <class T, class Total>
  void AddRow(const Fold<T, Total>& fold, const T* x, const Total* first, Total* total) const {
    constexpr size_t kLanes = 8;
    const size_t size = dims_[rank_ - 1];
    const size_t rows = size / kLanes;
    fold.add(x + rows * kLanes, size % kLanes, 1, first, total);
    if (rows == 0) return;
    std::array<Total, kLanes> before;
    std::array<Total, kLanes> lanes;
    before.fill(first == nullptr ? Total{} : *first);
    lanes.fill(fold.start);
    fold.add(x, rows, kLanes, before.data(), lanes.data());
    for (const Total lane : lanes) *total = fold.join(*total, lane);
  }

  const Reduction& reduction_;
  bool is_float_;
  size_t outputs_;
  size_t rank_ = 0;
  std::array<size_t, kMaxRank> dims_{};
  std::array<bool, kMaxRank> is_reduced_{};
  std::array<size_t, kMaxRank> strides_{};  // in the output; 0 where it is reduced
  double count_ = 1;                        // of elements of an output
};

std::unique_ptr<Task> PlanReduce(const TypedNode& typed, const Shape& output) {
  return std::make_unique<ReduceTask>(typed, output);
}

constexpr Operator ReduceRow(const Reduction& reduction) {
  return {.name = reduction.name,
          .version = 5,
          .attributes = kReduceAttributes,
          .any_type = 5,
          .details = &reduction,
          .infer = InferReduce,
          .plan = PlanReduce};
}

// ---- Along one axis ----

// A value as `outer` times `dim` times `inner` elements, and the loops along `dim`.
struct Along {
  Along(size_t before, size_t along, size_t behind) : outer(before), dim(along), inner(behind) {}
  explicit Along(const TypedNode& typed) {
    const size_t axis = AxisOf(typed.node, typed.node.Signed("axis"), typed.shape().rank());
    const Channels channels = ChannelsAlong(typed.shape(), axis);
    outer = static_cast<size_t>(channels.count);
    dim = static_cast<size_t>(channels.channels);
    inner = static_cast<size_t>(channels.pixels);
  }

  // Calls f(place of the first, in elements of a value with `size` along the axis; number).
  template <class F>
  void ForEach(size_t size, const F& f) const {
    for (size_t i = 0; i < outer; ++i) {
      for (size_t k = 0; k < inner; ++k) f(i * size * inner + k, i * inner + k);
    }
  }

  size_t outer;
  size_t dim;
  size_t inner;
};

void CheckNumbers(const TypedNode& typed) {
  const ElementType type = typed.inputs[0].type;
  if (type != ElementType::kBool) return;
  throw ShapeError(typed.node, Text("it does not take ", Name(type), " values"));
}

double WorkAlong(const TypedNode& typed) { return 8 * static_cast<double>(typed.shape().size()); }

// Numbers of either type as keys, which are larger where they come first, so that one loop orders
// all: the largest, or the smallest. NaN comes before all; of zeros it matters not which.
class Keys {
 public:
  Keys(const TypedNode& typed, bool smallest)
      : is_float_(typed.inputs[0].type == ElementType::kFloat32), smallest_(smallest) {}

  uint32_t Of(const float* x) const {
    uint32_t bits;
    std::memcpy(&bits, x, sizeof bits);
    constexpr uint32_t kSign = 0x80000000;
    if (!is_float_) {
      bits ^= kSign;
    } else {
      if (*x != *x) return ~uint32_t{0};
      if (*x == 0) bits = 0;
      bits = (bits & kSign) != 0 ? ~bits : bits | kSign;
    }
    return smallest_ ? ~bits : bits;
  }

 private:
  bool is_float_;
  bool smallest_;
};

// ---- argMax and argMin ----

constexpr AttributeSpec kArgAttributes[] = {
    {"axis", AttributeKind::kSigned},
    {"keepDims", AttributeKind::kFlag, 1, 1},
    {"last", AttributeKind::kFlag},  // of several that are equal
};

ValueType InferArg(const TypedNode& typed) {
  CheckNumbers(typed);
  const size_t axis = AxisOf(typed.node, typed.node.Signed("axis"), typed.shape().rank());
  return {ElementType::kInt32,
          ReducedShape(typed.shape(), 1U << axis, typed.node.Flag("keepDims"))};
}

class ArgTask final : public Task {
 public:
  ArgTask(const TypedNode& typed, bool smallest)
      : Task({.work = WorkAlong(typed)}),
        along_(typed),
        keys_(typed, smallest),
        last_(typed.node.Flag("last")) {}

  void Run(const StepData& data, size_t, size_t) const override {
    auto* output = reinterpret_cast<int32_t*>(data.output);
    along_.ForEach(along_.dim, [&](size_t place, size_t i) {
      output[i] = static_cast<int32_t>(Find(data.inputs[0] + place));
    });
  }

 private:
  size_t Find(const float* x) const {
    size_t best = 0;
    uint32_t best_key = keys_.Of(x);
    for (size_t i = 1; i < along_.dim; ++i) {
      const uint32_t key = keys_.Of(x + i * along_.inner);
      if (key < best_key || (key == best_key && !last_)) continue;
      best = i;
      best_key = key;
    }
    return best;
  }

  Along along_;
  Keys keys_;
  bool last_;
};

template <bool kIsSmallest>
std::unique_ptr<Task> PlanArg(const TypedNode& typed, const Shape&) {
  return std::make_unique<ArgTask>(typed, kIsSmallest);
}

// ---- cumSum ----

constexpr AttributeSpec kCumSumAttributes[] = {
    {"axis", AttributeKind::kSigned},
    {"exclusive", AttributeKind::kFlag},
    {"reverse", AttributeKind::kFlag},
};

ValueType InferCumSum(const TypedNode& typed) {
  CheckNumbers(typed);
  AxisOf(typed.node, typed.node.Signed("axis"), typed.shape().rank());
  return typed.inputs[0];
}

class CumSumTask final : public Task {
 public:
  explicit CumSumTask(const TypedNode& typed)
      : Task({.work = WorkAlong(typed)}),
        along_(typed),
        is_float_(typed.inputs[0].type == ElementType::kFloat32),
        exclusive_(typed.node.Flag("exclusive")),
        reverse_(typed.node.Flag("reverse")) {}

  void Run(const StepData& data, size_t, size_t) const override {
    along_.ForEach(along_.dim, [&](size_t place, size_t) {
      if (is_float_) {
        Sum<float, double>(data.inputs[0] + place, data.output + place);
      } else {
        Sum<uint32_t, uint32_t>(reinterpret_cast<const uint32_t*>(data.inputs[0]) + place,
                                reinterpret_cast<uint32_t*>(data.output) + place);
      }
    });
  }

 private:
  template <class T, class Total>
  void Sum(const T* x, T* y) const {
    Total total = 0;
    for (size_t i = 0; i < along_.dim; ++i) {
      const size_t at = (reverse_ ? along_.dim - 1 - i : i) * along_.inner;
      const auto value = static_cast<Total>(x[at]);
      y[at] = static_cast<T>(exclusive_ ? total : total + value);
      total += value;
    }
  }

  Along along_;
  bool is_float_;
  bool exclusive_;
  bool reverse_;
};

std::unique_ptr<Task> PlanCumSum(const TypedNode& typed, const Shape&) {
  return std::make_unique<CumSumTask>(typed);
}

// ---- topK ----

// A node makes one value: the largest, or with `indices` where they are; two nodes make both.
constexpr AttributeSpec kTopKAttributes[] = {
    {"axis", AttributeKind::kSigned, 1, -1},
    {"k", AttributeKind::kInteger, 1, 1},
    {"smallest", AttributeKind::kFlag},
    {"indices", AttributeKind::kFlag},
};

ValueType InferTopK(const TypedNode& typed) {
  CheckNumbers(typed);
  const size_t axis = AxisOf(typed.node, typed.node.Signed("axis"), typed.shape().rank());
  const uint32_t k = typed.node.Integer("k");
  ValueType output = typed.inputs[0];
  if (k == 0 || k > output.shape[axis]) {
    throw ShapeError(typed.node, Text("it cannot take ", k, " of ", output.shape[axis]));
  }
  output.shape[axis] = k;
  if (typed.node.Flag("indices")) output.type = ElementType::kInt32;
  return output;
}

class TopKTask final : public Task {
 public:
  explicit TopKTask(const TypedNode& typed)
      : Task({.work = WorkOf(typed), .scratch = 2 * uint64_t{Along(typed).dim}}),
        along_(typed),
        k_(typed.node.Integer("k")),
        keys_(typed, typed.node.Flag("smallest")),
        indices_(typed.node.Flag("indices")) {}

  void Run(const StepData& data, size_t, size_t) const override {
    auto* keys = reinterpret_cast<uint32_t*>(data.scratch);
    uint32_t* order = keys + along_.dim;
    const Along best = {along_.outer, k_, along_.inner};
    best.ForEach(k_, [&](size_t place, size_t i) {
      const float* x = data.inputs[0] + i / along_.inner * along_.dim * along_.inner;
      x += i % along_.inner;
      for (size_t n = 0; n < along_.dim; ++n) keys[n] = keys_.Of(x + n * along_.inner);
      Sort(keys, order);
      Put(x, order, data.output + place);
    });
  }

 private:
  static double WorkOf(const TypedNode& typed) {
    const double depth = std::log2(static_cast<double>(Along(typed).dim) + 1);
    return 16 * (depth + 1) * static_cast<double>(typed.shape().size());
  }

  // A heap of the best k so far, whose root is the worst of them, and then these in order: at most
  // some log k steps an element, in place. Of equal ones the first.
  void Sort(const uint32_t* keys, uint32_t* order) const {
    const auto before = [&](uint32_t a, uint32_t b) {
      return keys[a] != keys[b] ? keys[a] > keys[b] : a < b;
    };
    for (uint32_t i = 0; i < k_; ++i) order[i] = i;
    std::make_heap(order, order + k_, before);
    for (auto i = static_cast<uint32_t>(k_); i < along_.dim; ++i) {
      if (!before(i, order[0])) continue;
      std::pop_heap(order, order + k_, before);
      order[k_ - 1] = i;
      std::push_heap(order, order + k_, before);
    }
    std::sort_heap(order, order + k_, before);
  }

  void Put(const float* x, const uint32_t* order, float* output) const {
    for (size_t i = 0; i < k_; ++i) {
      const void* from = x + order[i] * along_.inner;
      std::memcpy(output + i * along_.inner, indices_ ? order + i : from, 4);
    }
  }

  Along along_;
  size_t k_;
  Keys keys_;
  bool indices_;
};

std::unique_ptr<Task> PlanTopK(const TypedNode& typed, const Shape&) {
  return std::make_unique<TopKTask>(typed);
}

constexpr Operator AlongRow(std::string_view name, std::span<const AttributeSpec> attributes,
                            ValueType (*infer)(const TypedNode&),
                            std::unique_ptr<Task> (*plan)(const TypedNode&, const Shape&)) {
  return {.name = name,
          .version = 5,
          .attributes = attributes,
          .any_type = 5,
          .infer = infer,
          .plan = plan};
}

}  // namespace

constinit const std::array<Operator, ops::kReduceCount> ops::kReduce =
    MakeRows(kReductions, ReduceRow);

constinit const std::array<Operator, ops::kAlongCount> ops::kAlong{
    AlongRow("argMax", kArgAttributes, InferArg, PlanArg<false>),
    AlongRow("argMin", kArgAttributes, InferArg, PlanArg<true>),
    AlongRow("cumSum", kCumSumAttributes, InferCumSum, PlanCumSum),
    AlongRow("topK", kTopKAttributes, InferTopK, PlanTopK),
};

}  // namespace lowtropy
