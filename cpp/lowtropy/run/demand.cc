// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/demand.h"

#include <variant>

#include "lowtropy/base/decimal.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/matrix/kernels/shape.h"

namespace lowtropy {
namespace {

// Once for each that is begun.
double CountBlocks(size_t size, size_t block) {
  const size_t count = size / block + 1;
  return static_cast<double>(count);
}

// Of one product.
double ProductWork(const WeightUse& use, const Matrix& weight) {
  const Walks walks = std::visit([](const auto& s) { return s.GetWalks(); }, weight.storage());
  const double blocks_down = CountBlocks(weight.rows(), kernels::kBlockRows);
  if (use.kind == WeightUse::Kind::kColumns) {
    const double blocks_across = CountBlocks(weight.cols(), kernels::kBlockCols);
    return blocks_across * (walks.columns + walks.blocks * (blocks_down + use.groups));
  }
  if (use.kind == WeightUse::Kind::kRows) return walks.row;
  // Products with one column pass once over each 32768 rows; a product takes some time as well.
  return walks.vector * (blocks_down / 8 + 8);
}

}  // namespace

double FormatWork(const WeightUse& use, const Matrix& weight) {
  return static_cast<double>(use.repeats) * ProductWork(use, weight);
}

uint64_t MaxMemory(const Limits& limits, uint64_t given) {
  return limits.max_memory.value_or(given + kDefaultFreeMemory);
}

void CheckDemand(const Demand& demand, uint64_t max_memory, double max_work) {
  if (demand.memory > max_memory) {
    throw Error(ErrorKind::kLimit, Text("The network asks for ", demand.memory,
                                        " bytes of memory, and maxMemory is ", max_memory, "."));
  }
  if (demand.work > max_work) {
    throw Error(ErrorKind::kLimit,
                Text("The network asks for ", Fixed(demand.work, 0),
                     " operations a run, most of them in the node ", Quote(demand.heaviest),
                     ", and maxWork is ", Fixed(max_work, 0), "."));
  }
}

}  // namespace lowtropy
