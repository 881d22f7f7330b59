// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace lowtropy {

// How updates are compressed. The numbers are those of messages; what each method does, says its
// row in methods/.
enum class Method : uint8_t {
  kNone = 1,  // float32
  kFp16,      // IEEE 754 half precision
  kFedAvg,    // float32; fewer, later messages are the compression (McMahan, arXiv:1602.05629)
  kSignSgd,   // a sign per element, majority vote (Bernstein, arXiv:1802.04434)
  kTernGrad,  // -s, 0 or s at random, unbiased (Wen, arXiv:1705.07878)
  kQsgd,      // levels at random, unbiased, Elias codes (Alistarh, arXiv:1610.02132)
  kTopK,      // Deep Gradient Compression (Lin, arXiv:1712.01887)
  kStc,       // sparse ternary compression (Sattler, arXiv:1903.02891)
  kSbc,       // sparse binary compression (Sattler, arXiv:1805.08768)
};

std::string_view Name(Method method);  // "none", "fp16" …

std::vector<std::string_view> MethodNames();  // in the order of their numbers

// Throws Error(kValue) that lists the names.
Method MethodOf(std::string_view name);

// Whether it sends a share of the elements and keeps the others for later.
bool IsSparse(Method method);

// Options of all methods; each reads its own.
struct MethodOptions {
  // topk, stc, sbc: the share p of elements that is sent, in (0, 1].
  double sparsity = 0.01;
  // topk, stc, sbc: estimate which elements are the largest from a sample of 1 %, and send 0.8 to
  // 1.25 times as many as p asks for. Saves little; exact is the default.
  bool sampled = false;
  // topk, stc, sbc: tensors with fewer elements travel as float32.
  uint64_t dense_below = 0;
  // topk, stc, sbc: clear the optimizer's momentum where something was sent.
  bool momentum_mask = false;
  // topk: momentum correction's factor, in [0, 1); then the optimizer should have none of its own.
  float momentum = 0;
  // signsgd: what a vote moves a weight by.
  float step = 2e-4F;
  // qsgd: levels of magnitude above 0, 1 to 65535, and how many elements share a scale.
  uint32_t levels = 7;
  uint32_t bucket = 512;
  // terngrad: elements beyond so many standard deviations are clipped; 0 clips none.
  float clip = 2.5F;
  // terngrad, qsgd: of what is drawn; sampled: of the sample.
  uint64_t seed = 0;
};

// Calls visit(name, field) for each option, by its name in JavaScript and in the order of saved
// states. `options`: MethodOptions, constant or not.
template <class Options, class F>
void ForOptions(Options&& options, const F& visit) {
  visit("sparsity", options.sparsity);
  visit("sampled", options.sampled);
  visit("denseBelow", options.dense_below);
  visit("momentumMask", options.momentum_mask);
  visit("momentum", options.momentum);
  visit("step", options.step);
  visit("levels", options.levels);
  visit("bucket", options.bucket);
  visit("clip", options.clip);
  visit("seed", options.seed);
}

// Throws Error(kValue) that names the first option that the method cannot use.
void Validate(Method method, const MethodOptions& options);

}  // namespace lowtropy
