// SPDX-License-Identifier: Apache-2.0
// Fewer different weights.
#include <emscripten/bind.h>

#include "common/buffer.h"
#include "common/guard.h"
#include "lowtropy/compress/prune.h"
#include "lowtropy/compress/quantize.h"

namespace lowtropy::bindings {
namespace {

void PruneWeights(const Buffer& weights, double share) { Prune(share, weights.Floats()); }
void QuantizeWeights(const Buffer& weights, uint32_t count) { Quantize(count, weights.Floats()); }

EMSCRIPTEN_BINDINGS(compress) {
  emscripten::function("prune", Guarded<&PruneWeights>);
  emscripten::function("quantize", Guarded<&QuantizeWeights>);
}

}  // namespace
}  // namespace lowtropy::bindings
