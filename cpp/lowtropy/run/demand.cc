// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/demand.h"

#include <cstdio>

#include "lowtropy/base/error.h"

namespace lowtropy {
namespace {

// How often kernels for several columns look for the elements of a row, or of all rows where rows
// are not kept apart: once for each dense block of 256 columns and up to 512 rows, see
// formats/unpack-inl.h.
double BlocksAcross(const Matrix& weight) {
  const size_t blocks = weight.cols() / 256 + 1;
  return static_cast<double>(blocks);
}
double BlocksDown(const Matrix& weight) {
  const size_t blocks = weight.rows() / 512 + 1;
  return static_cast<double>(blocks);
}

double BlocksWork(const Node& node, const Blocks& w, const Matrix& weight, double steps) {
  const auto lists = static_cast<double>(w.row_i.size() + w.classes.size());
  if (node.op == Op::kConv) {
    return 16 * lists * BlocksAcross(weight) * (BlocksDown(weight) + node.groups);
  }
  if (node.op == Op::kEmbedding) return 8 * lists * steps;
  // Once for each 32768 rows.
  return lists * (BlocksDown(weight) / 8 + 8) * (node.op == Op::kLstm ? steps : 1);
}

}  // namespace

double FormatWork(const Node& node, const Matrix& weight, double steps) {
  const Matrix::Storage& storage = weight.storage();
  if (const auto* w = std::get_if<Blocks>(&storage)) return BlocksWork(node, *w, weight, steps);
  if (node.op != Op::kConv) return 0;
  // Where the most frequent value is not 0: each run is looked for, and of a mask elements are
  // counted from the start of the row.
  const auto times = [&](const Array& omega, const Array& walked, double each) {
    if (omega.As<float>()[0] == 0.0F) return 0.0;
    return each * static_cast<double>(walked.size()) * BlocksAcross(weight);
  };
  if (const auto* w = std::get_if<Cer>(&storage)) return times(w->omega, w->omega_ptr, 128);
  if (const auto* w = std::get_if<Cser>(&storage)) return times(w->omega, w->omega_ptr, 128);
  if (const auto* w = std::get_if<Mask>(&storage)) return times(w->omega, w->mask, 1);
  return 0;
}

uint64_t MaxMemory(const Limits& limits, uint64_t given) {
  return limits.max_memory.value_or(given + kDefaultFreeMemory);
}

void CheckDemand(const Demand& demand, uint64_t max_memory, double max_work) {
  char text[512];  // the name of a node has at most 256 bytes
  if (demand.memory > max_memory) {
    std::snprintf(text, sizeof text,
                  "The network asks for %.0f bytes of memory, and maxMemory is %.0f.",
                  static_cast<double>(demand.memory), static_cast<double>(max_memory));
  } else if (demand.work > max_work) {
    std::snprintf(text, sizeof text,
                  "The network asks for %.0f operations a run, most of them in the node \"%s\", "
                  "and maxWork is %.0f.",
                  demand.work, demand.heaviest.c_str(), max_work);
  } else {
    return;
  }
  throw Error(ErrorKind::kLimit, text);
}

}  // namespace lowtropy
