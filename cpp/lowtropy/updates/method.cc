// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/updates/method.h"

#include <array>
#include <cmath>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

constexpr std::array<std::string_view, kLastMethod> kNames = {
    "none", "fp16", "fedavg", "signsgd", "terngrad", "qsgd", "topk", "stc", "sbc"};

void Require(bool condition, const std::string& sentence) {
  if (!condition) throw Error(ErrorKind::kValue, sentence);
}

}  // namespace

std::string_view Name(Method method) { return kNames.at(static_cast<size_t>(method) - 1); }

Method MethodOf(std::string_view name) {
  std::string known;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<Method>(i + 1);
    known += Text((i == 0 ? "" : i + 1 == kNames.size() ? " and " : ", "), kNames[i]);
  }
  throw Error(ErrorKind::kValue,
              Text("There is no compressor \"", name, "\"; there are ", known, "."));
}

void Validate(Method method, const MethodOptions& options) {
  if (IsSparse(method)) {
    // Messages hold it as float32.
    Require(static_cast<float>(options.sparsity) > 0 && options.sparsity <= 1,
            Text("The sparsity p must be above 0 and at most 1, not ",
                 std::to_string(options.sparsity), "."));
  }
  if (method == Method::kTopK) {
    Require(options.momentum >= 0 && options.momentum < 1,
            "The momentum must be at least 0 and below 1.");
  }
  if (method == Method::kSignSgd) {
    Require(std::isfinite(options.step) && options.step > 0, "The step must be above 0.");
  }
  if (method == Method::kQsgd) {
    Require(options.levels >= 1 && options.levels <= 65535,
            "The number of levels must be from 1 to 65535.");
    Require(options.bucket >= 1, "A bucket must have at least 1 element.");
  }
  if (method == Method::kTernGrad) {
    Require(std::isfinite(options.clip) && options.clip >= 0, "The clip must be at least 0.");
  }
}

}  // namespace lowtropy
