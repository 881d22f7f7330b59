// SPDX-License-Identifier: Apache-2.0
// Fewer different weights, and fewer layers.
#include <emscripten/bind.h>

#include "common/buffer.h"
#include "common/guard.h"
#include "lowtropy/compress/fold.h"
#include "lowtropy/compress/prune.h"
#include "lowtropy/compress/quantize.h"

namespace lowtropy::bindings {
namespace {

void PruneWeights(const Buffer& weights, double share) { Prune(share, weights.Floats()); }
void QuantizeWeights(const Buffer& weights, uint32_t count) { Quantize(count, weights.Floats()); }
void Fold(const Buffer& gamma, const Buffer& beta, const Buffer& mean, const Buffer& variance,
          double epsilon, const Buffer& weights, const Buffer& bias) {
  FoldBatchNorm({gamma.Floats(), beta.Floats(), mean.Floats(), variance.Floats(), epsilon},
                weights.Floats(), bias.Floats());
}

EMSCRIPTEN_BINDINGS(compress) {
  emscripten::function("prune", Guarded<&PruneWeights>);
  emscripten::function("quantize", Guarded<&QuantizeWeights>);
  emscripten::function("foldBatchNorm", Guarded<&Fold>);
}

}  // namespace
}  // namespace lowtropy::bindings
