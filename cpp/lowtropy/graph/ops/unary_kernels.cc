// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/graph/ops/unary_kernels.h"

#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lowtropy/graph/ops/unary_kernels.cc"
#include "hwy/foreach_target.h"  // compiles this file once for each instruction set
// After foreach_target.h, as Highway asks.
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace lowtropy::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kUnaryBlock>;
using V = hn::Vec<D>;

HWY_INLINE V Constant(float value) { return hn::Set(D(), value); }

// Highway's functions are exact to a few units in the last place within the ranges that it names.
// What they lack is what IEEE 754 wants beyond: NaN, infinities, and numbers past the ranges.

HWY_INLINE V KeepNaN(V x, V y) { return hn::IfThenElse(hn::IsNaN(x), x, y); }

// Beyond these bounds it is 0 and infinite in float32.
HWY_INLINE V ExpOf(V x) {
  const V bounded = hn::Min(hn::Max(x, Constant(-110)), Constant(100));
  return KeepNaN(x, hn::Exp(D(), bounded));
}

HWY_INLINE V Expm1Of(V x) {
  const V bounded = hn::Min(hn::Max(x, Constant(-110)), Constant(100));
  return KeepNaN(x, hn::Expm1(D(), bounded));
}

HWY_INLINE V LogOf(V x) {
  const V infinity = Constant(std::numeric_limits<float>::infinity());
  const V nan = Constant(std::numeric_limits<float>::quiet_NaN());
  const auto positive = hn::Gt(x, hn::Zero(D()));
  const V beyond = hn::IfThenElse(positive, infinity,
                                  hn::IfThenElse(hn::Eq(x, hn::Zero(D())), hn::Neg(infinity), nan));
  const auto ordinary = hn::And(positive, hn::Lt(x, infinity));
  return hn::IfThenElse(ordinary, hn::Log(D(), x), beyond);
}

HWY_INLINE V TanhOf(V x) { return KeepNaN(x, hn::Tanh(D(), x)); }

// x · P(x²) / Q(x²), as in XLA and Eigen; beyond ±4 it is ±1 in float32.
HWY_INLINE V ErfOf(V x) {
  constexpr float kP[] = {2.77068142495902e-08F,  -2.10102402082508e-06F, -5.69250639462346e-05F,
                          -7.34990630326855e-04F, -2.95459980854025e-03F, -1.60960333262415e-02F};
  constexpr float kQ[] = {-2.13374055278905e-04F, -1.68282697438203e-03F, -7.37332916720468e-03F,
                          -1.42647390514189e-02F};
  const V t = hn::Min(hn::Max(x, Constant(-4)), Constant(4));
  const V squared = hn::Mul(t, t);
  V p = Constant(-2.72614225801306e-10F);
  for (const float c : kP) p = hn::MulAdd(p, squared, Constant(c));
  V q = Constant(-1.45660718464996e-05F);
  for (const float c : kQ) q = hn::MulAdd(q, squared, Constant(c));
  return KeepNaN(x, hn::Div(hn::Mul(t, p), q));
}

// Sine and cosine of what is too large for Highway's are those of the C library, value by value:
// that is rare, and reducing such a number takes more digits of π than a float has.
constexpr float kLargestAngle = 30000;

template <class F>
HWY_INLINE V WithinAngles(V x, V y, const F& exact) {
  const auto fits = hn::Le(hn::Abs(x), Constant(kLargestAngle));
  if (HWY_LIKELY(hn::AllTrue(D(), fits))) return y;
  HWY_ALIGN float from[hn::MaxLanes(D())];
  HWY_ALIGN float to[hn::MaxLanes(D())];
  hn::Store(x, D(), from);
  for (size_t i = 0; i < hn::Lanes(D()); ++i) to[i] = exact(from[i]);
  return hn::Load(D(), to);
}

HWY_INLINE V ClampTo(V x, float least, float most) {
  const V low = hn::IfThenElse(hn::Lt(x, Constant(least)), Constant(least), x);
  return hn::IfThenElse(hn::Gt(low, Constant(most)), Constant(most), low);
}

// The rest of them are a · x from 0 on and b · (e^(c · x) - 1) before.
HWY_INLINE V ExponentialUnit(V x, float a, float b, float c) {
  const V below = hn::Mul(Constant(b), Expm1Of(hn::Mul(Constant(c), x)));
  return hn::IfThenElse(hn::Ge(x, hn::Zero(D())), hn::Mul(Constant(a), x), below);
}

// ---- The functions ----

struct Neg {
  HWY_INLINE V operator()(V x, const float*) const { return hn::Neg(x); }
};
struct Abs {
  HWY_INLINE V operator()(V x, const float*) const { return hn::Abs(x); }
};
struct Sign {
  HWY_INLINE V operator()(V x, const float*) const {
    const V one = hn::Or(Constant(1), hn::And(x, hn::SignBit(D())));
    return KeepNaN(x, hn::IfThenElse(hn::Eq(x, hn::Zero(D())), hn::Zero(D()), one));
  }
};
struct Exponential {
  HWY_INLINE V operator()(V x, const float*) const { return ExpOf(x); }
};
struct Logarithm {
  HWY_INLINE V operator()(V x, const float*) const { return LogOf(x); }
};
struct SquareRoot {
  HWY_INLINE V operator()(V x, const float*) const { return hn::Sqrt(x); }
};
struct Reciprocal {
  HWY_INLINE V operator()(V x, const float*) const { return hn::Div(Constant(1), x); }
};
struct Floor {
  HWY_INLINE V operator()(V x, const float*) const { return KeepNaN(x, hn::Floor(x)); }
};
struct Ceil {
  HWY_INLINE V operator()(V x, const float*) const { return KeepNaN(x, hn::Ceil(x)); }
};
struct Round {
  HWY_INLINE V operator()(V x, const float*) const { return KeepNaN(x, hn::Round(x)); }
};
struct Sine {
  HWY_INLINE V operator()(V x, const float*) const {
    return WithinAngles(x, hn::Sin(D(), x), [](float v) { return std::sin(v); });
  }
};
struct Cosine {
  HWY_INLINE V operator()(V x, const float*) const {
    return WithinAngles(x, hn::Cos(D(), x), [](float v) { return std::cos(v); });
  }
};
struct HyperbolicTangent {
  HWY_INLINE V operator()(V x, const float*) const { return TanhOf(x); }
};
struct Sigmoid {
  HWY_INLINE V operator()(V x, const float*) const {
    return hn::Div(Constant(1), hn::Add(Constant(1), ExpOf(hn::Neg(x))));
  }
};
struct ErrorFunction {
  HWY_INLINE V operator()(V x, const float*) const { return ErfOf(x); }
};
struct Softplus {  // max(x, 0) + log(1 + e^-|x|): never the exponential of a large number
  HWY_INLINE V operator()(V x, const float*) const {
    const V rest = hn::Log1p(D(), ExpOf(hn::Neg(hn::Abs(x))));
    return KeepNaN(x, hn::Add(hn::Max(x, hn::Zero(D())), rest));
  }
};
struct Softsign {
  HWY_INLINE V operator()(V x, const float*) const {
    return hn::Div(x, hn::Add(Constant(1), hn::Abs(x)));
  }
};
struct Elu {
  HWY_INLINE V operator()(V x, const float* p) const { return ExponentialUnit(x, 1, p[0], 1); }
};
struct Selu {
  HWY_INLINE V operator()(V x, const float* p) const {
    return ExponentialUnit(x, p[1], p[1] * p[0], 1);
  }
};
struct Celu {
  HWY_INLINE V operator()(V x, const float* p) const {
    return ExponentialUnit(x, 1, p[0], 1 / p[0]);
  }
};
struct LeakyRelu {
  HWY_INLINE V operator()(V x, const float* p) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(D())), hn::Mul(Constant(p[0]), x), x);
  }
};
struct HardSigmoid {
  HWY_INLINE V operator()(V x, const float* p) const {
    return ClampTo(hn::MulAdd(Constant(p[0]), x, Constant(p[1])), 0, 1);
  }
};
struct Mish {  // tanh(log(1 + e^x)) is n / (n + 2) with n = e^x · (e^x + 2), and 1 from 20 on
  HWY_INLINE V operator()(V x, const float*) const {
    const V e = ExpOf(hn::Min(x, Constant(20)));
    const V n = hn::Mul(e, hn::Add(e, Constant(2)));
    const V below = hn::Mul(x, hn::Div(n, hn::Add(n, Constant(2))));
    return hn::IfThenElse(hn::Gt(x, Constant(20)), x, KeepNaN(x, below));
  }
};
struct Gelu {
  HWY_INLINE V operator()(V x, const float* p) const {
    constexpr float kRootOfHalf = 0.707106781F;
    constexpr float kRootOfTwoOverPi = 0.797884561F;
    V gate;
    if (p[0] == 0) {
      gate = ErfOf(hn::Mul(x, Constant(kRootOfHalf)));
    } else {
      const V cubic = hn::Mul(hn::Mul(x, x), hn::Mul(x, Constant(0.044715F)));
      gate = TanhOf(hn::Mul(Constant(kRootOfTwoOverPi), hn::Add(x, cubic)));
    }
    return hn::Mul(hn::Mul(Constant(0.5F), x), hn::Add(Constant(1), gate));
  }
};
struct ThresholdedRelu {
  HWY_INLINE V operator()(V x, const float* p) const {
    const auto below = hn::Le(x, Constant(p[0]));
    return hn::IfThenElse(below, hn::Zero(D()), x);
  }
};
struct Clip {  // the bounds that stand for none leave infinities alone
  HWY_INLINE V operator()(V x, const float* p) const {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kLargest = std::numeric_limits<float>::max();
    return ClampTo(x, p[0] == -kLargest ? -kInfinity : p[0], p[1] == kLargest ? kInfinity : p[1]);
  }
};

struct Silu {  // x · sigmoid(x)
  HWY_INLINE V operator()(V x, const float*) const {
    return hn::Div(x, hn::Add(Constant(1), ExpOf(hn::Neg(x))));
  }
};

struct FakeQuantize {  // as the steps that it stands for, one by one
  HWY_INLINE V operator()(V x, const float* p) const {
    const V scale = Constant(p[0]);
    const V zero = Constant(p[1]);
    const V whole = hn::Add(KeepNaN(x, hn::Round(hn::Div(x, scale))), zero);
    return hn::Mul(hn::Sub(ClampTo(whole, p[2], p[3]), zero), scale);
  }
};

template <class F>
void Map(const void* input, size_t size, const float* numbers, void* output) {
  const auto* from = static_cast<const float*>(input);
  auto* to = static_cast<float*>(output);
  const F f;
  for (size_t i = 0; i < size; i += hn::Lanes(D())) {
    hn::StoreU(f(hn::LoadU(D(), from + i), numbers), D(), to + i);
  }
}

UnaryKernel FindKernel(UnaryFunction function) {
  constexpr UnaryKernel kKernels[] = {
      Map<Neg>,
      Map<Abs>,
      Map<Sign>,
      Map<Exponential>,
      Map<Logarithm>,
      Map<SquareRoot>,
      Map<Reciprocal>,
      Map<Floor>,
      Map<Ceil>,
      Map<Round>,
      Map<Sine>,
      Map<Cosine>,
      Map<HyperbolicTangent>,
      Map<Sigmoid>,
      Map<ErrorFunction>,
      Map<Softplus>,
      Map<Softsign>,
      Map<Elu>,
      Map<Selu>,
      Map<Celu>,
      Map<LeakyRelu>,
      Map<HardSigmoid>,
      Map<Mish>,
      Map<Gelu>,
      Map<ThresholdedRelu>,
      Map<Clip>,
      Map<Silu>,
      Map<FakeQuantize>,
  };
  return kKernels[static_cast<size_t>(function)];
}

}  // namespace lowtropy::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lowtropy {
namespace {

HWY_EXPORT(FindKernel);

}  // namespace

UnaryKernel KernelOf(UnaryFunction function) { return HWY_DYNAMIC_DISPATCH(FindKernel)(function); }

}  // namespace lowtropy
#endif  // HWY_ONCE
