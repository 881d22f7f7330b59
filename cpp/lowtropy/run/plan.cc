// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/run/plan.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lowtropy/graph/ops/operators.h"
#include "lowtropy/graph/ops/sequence.h"
#include "lowtropy/graph/shape_inference.h"
#include "lowtropy/run/placement.h"

namespace lowtropy {
namespace {

// Values as parts of buffers: a forest in which a child is a range of its parent.
class ValueForest {
 public:
  explicit ValueForest(size_t count) : values_(count) {}

  struct Value {
    uint64_t size = 0;
    size_t first = 0;       // the step that makes it
    size_t last = 0;        // the last step that reads it
    size_t parent = kNone;  // the value that it is a range of
    uint64_t offset = 0;    // in the parent
  };
  static constexpr size_t kNone = static_cast<size_t>(-1);

  Value& operator[](size_t v) { return values_[v]; }
  const Value& operator[](size_t v) const { return values_[v]; }
  size_t size() const { return values_.size(); }

  struct Place {
    size_t root;
    uint64_t offset;
  };
  Place Find(size_t v) const {
    Place place{v, 0};
    while (values_[place.root].parent != kNone) {
      place.offset += values_[place.root].offset;
      place.root = values_[place.root].parent;
    }
    return place;
  }

  // Makes `child` the range of `parent` from `offset` on. The root lives as long as all its parts.
  void Attach(size_t child, size_t parent, uint64_t offset) {
    values_[child].parent = parent;
    values_[child].offset = offset;
    Value& root = values_[Find(parent).root];
    root.first = std::min(root.first, values_[child].first);
    root.last = std::max(root.last, values_[child].last);
  }

 private:
  std::vector<Value> values_;
};

// ---- Work ----
//
// In elementary operations, see demand.h. The factors are times that were measured, rounded up, for
// a sum that is too small would let a bomb through.

// Each row of W is unpacked for all columns, and each column of X packed for some hundred rows.
double ConvolutionWork(const Node& node, const Shape& in, const Shape& out, double cols) {
  const double pixels = double{1} * out.height * out.width;
  const double rows = node.out_channels;
  const double groups = node.groups;
  return rows * cols * (pixels + 16) + 16 * cols * pixels * (groups + rows / 512) +
         4 * static_cast<double>(in.size() + out.size()) + 10000 * groups;
}

double WorkOf(const Node& node, const PlannedStep& planned) {
  const Shape& in = planned.step.input_shape;
  const Shape& out = planned.step.output_shape;
  const auto in_size = static_cast<double>(in.size());
  const double channels = out.channels;
  switch (node.op) {
    case Op::kConv:
      return ConvolutionWork(node, in, out,
                             static_cast<double>(planned.convolution->offset_count()));
    case Op::kFc:
      return channels * (in_size + 32);
    case Op::kMaxPool:
    case Op::kAvgPool:
      return PoolWork({node.window, in, out});
    case Op::kLrn:
      return LrnWork(LrnOf(node), in);
    case Op::kSoftmax:
      return 256 * in_size;
    case Op::kEmbedding:
      return 32 * channels * out.height;
    case Op::kLstm:  // at each step a product of the weight, sigmoids and hyperbolic tangents
      return 8 * channels * (channels + 128) * out.height;
    default:
      return 2 * in_size * static_cast<double>(planned.inputs.size());
  }
}

class Planner {
 public:
  Planner(const Graph& graph, const Limits& limits, uint64_t weight_bytes)
      : graph_(graph),
        max_memory_(MaxMemory(limits, weight_bytes)),
        max_work_(limits.max_work),
        fused_(Fuse(graph)),
        values_(fused_.steps.size() + 1) {
    plan_.demand.memory = weight_bytes;
  }

  Plan Run() {
    for (Step& step : fused_.steps) plan_.steps.emplace_back().step = std::move(step);
    FindLifetimes();
    // The outermost concat comes last; taking it first makes a chain of concats, each one the
    // previous and a few channels more, one buffer.
    for (size_t i = plan_.steps.size(); i-- > 0;) {
      if (OpOf(i) == Op::kConcat) PlaceConcatInputs(i);
    }
    for (size_t i = 0; i < plan_.steps.size(); ++i) WriteOverInput(i);
    for (size_t i = 0; i < plan_.steps.size(); ++i) PrepareConvolution(i);
    PlaceAll();
    SumUp();
    CheckDemand(plan_.demand, max_memory_, max_work_);
    return std::move(plan_);
  }

 private:
  const Node& NodeOf(size_t i) const { return graph_.nodes[plan_.steps[i].step.node]; }
  Op OpOf(size_t i) const { return NodeOf(i).op; }

  void FindLifetimes() {
    values_[0].size = graph_.input_shape.size();
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      const Step& step = plan_.steps[i].step;
      ValueForest::Value& output = values_[i + 1];
      output.size = step.output_shape.size();
      output.first = output.last = i;
      for (const size_t input : step.inputs) values_[input].last = i;
    }
    for (const size_t output : fused_.outputs) values_[output].last = plan_.steps.size();
  }

  void PlaceConcatInputs(size_t i) {
    uint64_t offset = 0;
    const std::vector<size_t>& inputs = plan_.steps[i].step.inputs;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const uint64_t size = values_[inputs[k]].size;
      if (values_[inputs[k]].parent == ValueForest::kNone) {
        values_.Attach(inputs[k], i + 1, offset);
      } else {
        plan_.steps[i].copies.push_back({k, offset, size});
      }
      offset += size;
    }
  }

  // Lets step i write over one of its inputs, if the step works element by element and nothing
  // reads any part of that input's buffer afterwards.
  void WriteOverInput(size_t i) {
    const Op op = OpOf(i);
    const bool elementwise =
        op == Op::kRelu || op == Op::kBatchNorm || op == Op::kAdd || op == Op::kSoftmax;
    if (!elementwise || values_[i + 1].parent != ValueForest::kNone) return;
    for (const size_t input : plan_.steps[i].step.inputs) {
      const auto [root, offset] = values_.Find(input);
      if (values_[root].last > i || values_[root].size != values_[i + 1].size) continue;
      values_.Attach(i + 1, root, 0);
      return;
    }
  }

  void PrepareConvolution(size_t i) {
    if (OpOf(i) != Op::kConv) return;
    const Node& node = NodeOf(i);
    PlannedStep& planned = plan_.steps[i];
    try {
      planned.convolution.emplace(node.window, node.groups, node.out_channels,
                                  planned.step.input_shape);
    } catch (const Error& error) {
      throw NodeError(error.kind(), node, error.what());
    }
    // Checked as it grows, for planning a convolution takes time of its kernel's rows and columns.
    plan_.demand.memory += planned.convolution->table_bytes();
    CheckDemand(plan_.demand, max_memory_, max_work_);
  }

  uint64_t ScratchSize(size_t i) const {
    const PlannedStep& planned = plan_.steps[i];
    const Node& node = NodeOf(i);
    if (planned.convolution) return planned.convolution->workspace_size();
    if (node.op == Op::kEmbedding) return EmbeddingScratch(node.out_channels);
    if (node.op == Op::kLstm) return LstmScratch(node.out_channels);
    if (node.op == Op::kLrn) return LrnScratch(LrnOf(node), planned.step.input_shape);
    if (node.op != Op::kMaxPool && node.op != Op::kAvgPool) return 0;
    return PoolScratch({node.window, planned.step.input_shape, planned.step.output_shape});
  }

  void PlaceAll() {
    std::vector<Buffer> buffers;
    std::vector<size_t> buffer_of(values_.size());
    for (size_t v = 0; v < values_.size(); ++v) {
      if (values_[v].parent != ValueForest::kNone) continue;
      buffer_of[v] = buffers.size();
      buffers.push_back({values_[v].size, values_[v].first, values_[v].last});
    }
    const size_t scratch = buffers.size();
    for (size_t i = 0; i < plan_.steps.size(); ++i) buffers.push_back({ScratchSize(i), i, i});
    plan_.arena_size = Place(buffers) + kColumnSlack;

    const auto offset_of = [&](size_t v) {
      const auto [root, offset] = values_.Find(v);
      return buffers[buffer_of[root]].offset + offset;
    };
    plan_.input = offset_of(0);
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      PlannedStep& planned = plan_.steps[i];
      for (const size_t input : planned.step.inputs) planned.inputs.push_back(offset_of(input));
      planned.output = offset_of(i + 1);
      planned.scratch = buffers[scratch + i].offset;
    }
    for (const size_t output : fused_.outputs) plan_.outputs.push_back(offset_of(output));
  }

  // The arena, places for input and outputs, normalizations as scale and bias, and all work.
  void SumUp() {
    uint64_t floats = plan_.arena_size + values_[0].size;
    for (const size_t output : fused_.outputs) floats += values_[output].size;
    double most = -1;
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      PlannedStep& planned = plan_.steps[i];
      const bool normalizes = OpOf(i) == Op::kBatchNorm || planned.step.batch_norm != kNoNode;
      if (normalizes) floats += 2 * uint64_t{planned.step.output_shape.channels};
      // Whole operations, so that the sum that an error names is itself enough as a limit.
      planned.work = std::ceil(WorkOf(NodeOf(i), planned));
      plan_.demand.work += planned.work;
      if (planned.work <= most) continue;
      most = planned.work;
      plan_.demand.heaviest = NodeOf(i).name;
    }
    plan_.demand.memory += floats * sizeof(float);
  }

  const Graph& graph_;
  const uint64_t max_memory_;
  const double max_work_;
  FusedGraph fused_;
  ValueForest values_;
  Plan plan_;
};

}  // namespace

Plan MakePlan(const Graph& graph, const Limits& limits, uint64_t weight_bytes) {
  return Planner(graph, limits, weight_bytes).Run();
}

}  // namespace lowtropy
