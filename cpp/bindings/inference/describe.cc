// SPDX-License-Identifier: Apache-2.0
#include "inference/describe.h"

#include <limits>

namespace lowtropy::bindings {

using emscripten::val;

val DescribeStats(const Stats& stats) {
  val object = val::object();
  object.set("p0", stats.p0);
  object.set("entropy", stats.entropy);
  object.set("distinct", static_cast<double>(stats.distinct));
  object.set("distinctPerRow", stats.distinct_per_row);
  object.set("nnz", static_cast<double>(stats.nnz));
  return object;
}

val DescribeCost(const Cost& cost) {
  val ops = val::object();
  ops.set("add", static_cast<double>(cost.add));
  ops.set("multiply", static_cast<double>(cost.multiply));
  ops.set("read", static_cast<double>(cost.read));
  ops.set("write", static_cast<double>(cost.write));
  val object = val::object();
  object.set("bytes", static_cast<double>(cost.bytes));
  object.set("ops", ops);
  object.set("energyPj", cost.energy_pj);
  return object;
}

val DescribeChoice(const Choice& choice) {
  val candidates = val::array();
  for (const Candidate& candidate : choice.candidates) {
    val object = val::object();
    object.set("format", std::string(Name(candidate.format)));
    object.set("bytes", candidate.bytes == kNotHeld ? std::numeric_limits<double>::infinity()
                                                    : static_cast<double>(candidate.bytes));
    object.set("nanoseconds", candidate.nanoseconds);
    candidates.call<void>("push", object);
  }
  val object = val::object();
  object.set("format", std::string(Name(choice.format)));
  object.set("reason", choice.reason);
  object.set("candidates", candidates);
  return object;
}

}  // namespace lowtropy::bindings
