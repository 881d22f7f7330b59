// SPDX-License-Identifier: Apache-2.0
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/buffer.h"
#include "common/guard.h"
#include "inference/describe.h"
#include "lowtropy/base/error.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/io/graph_json.h"
#include "lowtropy/io/model_file.h"
#include "lowtropy/matrix/choose/choose.h"
#include "lowtropy/matrix/cost.h"
#include "lowtropy/matrix/profile.h"
#include "lowtropy/run/builder.h"
#include "lowtropy/run/executor.h"

namespace lowtropy::bindings {
namespace {

using emscripten::val;

// An executor with places for its inputs and outputs, so that a run allocates nothing.
struct Model {
  explicit Model(Executor from)
      : executor(std::move(from)), input(executor.input_shape().size() * sizeof(float)) {
    for (const Shape& shape : executor.output_shapes()) {
      outputs.emplace_back(shape.size() * sizeof(float));
      output_spans.push_back(outputs.back().Floats());
    }
  }

  Executor executor;
  Buffer input;
  std::vector<Buffer> outputs;
  std::vector<std::span<float>> output_spans;
};

// Where a number is negative, the default. Bytes are at most 2^53.
Limits MakeLimits(double memory, double work) {
  Limits limits;
  if (memory >= 0) limits.max_memory = static_cast<uint64_t>(memory);
  if (work >= 0) limits.max_work = work;
  return limits;
}

NetworkBuilder* MakeBuilder(const std::string& graph_json, double memory, double work) {
  return new NetworkBuilder(ParseGraph(graph_json), MakeLimits(memory, work));
}

NetworkBuilder* Edit(const Model& model, double memory, double work) {
  return new NetworkBuilder(model.executor.network(), MakeLimits(memory, work));
}

void AddMatrix(NetworkBuilder& builder, const std::string& name, const RowSource& source,
               const std::string& format) {
  builder.AddMatrix(name, source, ParseFormatOrAuto(format));
}

void AddVector(NetworkBuilder& builder, const std::string& name, const Buffer& values) {
  builder.AddVector(name, values.Floats());
}

void RecodeMatrix(NetworkBuilder& builder, const std::string& name, const std::string& format) {
  builder.Recode(name, ParseFormatOrAuto(format));
}

Model* Build(const NetworkBuilder& builder) { return new Model(builder.Build()); }

// `file_size`: negative where it is not known.
ModelLoader* MakeLoader(double file_size, double memory, double work) {
  std::optional<uint64_t> size;
  if (file_size >= 0) size = static_cast<uint64_t>(file_size);
  return new ModelLoader(size, MakeLimits(memory, work));
}

// A view, which dies when the heap grows: it is used at once and never kept.
val Space(ModelLoader& loader) {
  const std::span<std::byte> space = loader.Space();
  return val(emscripten::typed_memory_view(space.size(), reinterpret_cast<uint8_t*>(space.data())));
}

void Advance(ModelLoader& loader, uint32_t bytes) { loader.Advance(bytes); }

double FileSize(const ModelLoader& loader) {
  const std::optional<uint64_t> size = loader.FileSize();
  return size ? static_cast<double>(*size) : -1;
}

bool BuildNext(ModelLoader& loader) { return loader.BuildNext(); }

Model* Finish(ModelLoader& loader) { return new Model(Executor(loader.Finish(), loader.limits())); }

ModelWriter* Save(const Model& model) { return new ModelWriter(model.executor.network()); }

double WriterSize(const ModelWriter& writer) { return static_cast<double>(writer.size()); }
uint32_t PieceCount(const ModelWriter& writer) {
  return static_cast<uint32_t>(writer.piece_count());
}

// A view, like Space.
val Piece(const ModelWriter& writer, uint32_t index) {
  const std::span<const std::byte> piece = writer.Piece(index);
  return val(
      emscripten::typed_memory_view(piece.size(), reinterpret_cast<const uint8_t*>(piece.data())));
}

std::string GraphJson(const Model& model) { return FormatGraph(model.executor.network().graph); }

double BytesOfWeights(const Model& model) {
  return static_cast<double>(WeightBytes(model.executor.network()));
}

double DenseBytes(const Model& model) {
  const Network& network = model.executor.network();
  uint64_t floats = 0;
  for (const auto& [name, matrix] : network.matrices) {
    floats += uint64_t{matrix.rows()} * matrix.cols();
  }
  for (const auto& [name, vector] : network.vectors) floats += vector.size();
  return static_cast<double>(floats * sizeof(float));
}

double ArenaBytes(const Model& model) { return static_cast<double>(model.executor.arena_bytes()); }

// Bytes and operations, as maxMemory and maxWork count them.
val DescribeDemand(const Model& model) {
  const Demand& demand = model.executor.demand();
  val object = val::object();
  object.set("memory", static_cast<double>(demand.memory));
  object.set("work", demand.work);
  return object;
}

// Without what takes a look at the weights.
val Layers(const Model& model) {
  const Network& network = model.executor.network();
  val list = val::array();
  for (const LayerInfo& layer : ListLayers(network.graph)) {
    const Matrix& matrix = network.matrices.at(layer.weight);
    val object = val::object();
    object.set("name", layer.name);
    object.set("op", std::string(layer.op->name));
    object.set("weight", layer.weight);
    object.set("rows", static_cast<double>(layer.rows));
    object.set("cols", static_cast<double>(layer.cols));
    object.set("columns", static_cast<double>(layer.count));
    object.set("repeats", static_cast<double>(layer.repeats));
    object.set("macs", static_cast<double>(layer.macs));
    object.set("format", std::string(Name(matrix.format())));
    object.set("scaled", matrix.scaled());
    object.set("bytes", static_cast<double>(matrix.ByteLength()));
    list.call<void>("push", object);
  }
  return list;
}

// What a weight holds; and what is chosen for each of the numbers of columns in a list, in its
// order.
val DescribeWeight(const Model& model, const std::string& name, const val& columns) {
  const Matrix& matrix = model.executor.network().matrices.at(name);
  const Profile profile = matrix.GetProfile();
  val choices = val::array();
  for (const double count : emscripten::vecFromJSArray<double>(columns)) {
    choices.call<void>("push", DescribeChoice(Choose(profile, static_cast<size_t>(count))));
  }
  val object = val::object();
  object.set("stats", DescribeStats(profile.GetStats()));
  object.set("cost", DescribeCost(CostOf(matrix.format(), profile)));
  object.set("choices", choices);
  return object;
}

// The places of input and outputs, as views to be used at once.
val Input(const Model& model) {
  const std::span<float> floats = model.input.Floats();
  return val(emscripten::typed_memory_view(floats.size(), floats.data()));
}
val Output(const Model& model, uint32_t index) {
  const std::span<float> floats = model.output_spans[index];
  return val(emscripten::typed_memory_view(floats.size(), floats.data()));
}

// A run: start, advance until it returns 1, which is the share of the work that is done, finish.
void StartRun(Model& model, bool timed) {
  model.executor.set_timed(timed);
  model.executor.Start(model.input.Floats());
}

double AdvanceRun(Model& model, double work) {
  model.executor.Advance(work);
  return model.executor.progress();
}

void FinishRun(Model& model) { model.executor.Finish(model.output_spans); }

// [{name, milliseconds}] of the nodes that took work in a timed run, in order.
val StepTimes(const Model& model) {
  val list = val::array();
  for (const auto& [node, milliseconds] : model.executor.step_times()) {
    val object = val::object();
    object.set("name", std::string(node));
    object.set("milliseconds", milliseconds);
    list.call<void>("push", object);
  }
  return list;
}

EMSCRIPTEN_BINDINGS(model) {
  using emscripten::allow_raw_pointers;
  emscripten::function("makeBuilder", Guarded<&MakeBuilder>, allow_raw_pointers());
  emscripten::function("makeLoader", Guarded<&MakeLoader>, allow_raw_pointers());
  emscripten::class_<NetworkBuilder>("NetworkBuilder")
      .function("addMatrix", Guarded<&AddMatrix>)
      .function("addVector", Guarded<&AddVector>)
      .function("recode", Guarded<&RecodeMatrix>)
      .function("build", Guarded<&Build>, allow_raw_pointers());
  emscripten::class_<ModelLoader>("ModelLoader")
      .function("space", Guarded<&Space>)
      .function("advance", Guarded<&Advance>)
      .function("fileSize", Guarded<&FileSize>)
      .function("buildNext", Guarded<&BuildNext>)
      .function("finish", Guarded<&Finish>, allow_raw_pointers());
  emscripten::class_<ModelWriter>("ModelWriter")
      .function("size", Guarded<&WriterSize>)
      .function("pieceCount", Guarded<&PieceCount>)
      .function("piece", Guarded<&Piece>);
  emscripten::class_<Model>("Model")
      .function("save", Guarded<&Save>, allow_raw_pointers())
      .function("edit", Guarded<&Edit>, allow_raw_pointers())
      .function("graph", Guarded<&GraphJson>)
      .function("weightBytes", Guarded<&BytesOfWeights>)
      .function("denseBytes", Guarded<&DenseBytes>)
      .function("arenaBytes", Guarded<&ArenaBytes>)
      .function("demand", Guarded<&DescribeDemand>)
      .function("layers", Guarded<&Layers>)
      .function("describeWeight", Guarded<&DescribeWeight>)
      .function("input", Guarded<&Input>)
      .function("output", Guarded<&Output>)
      .function("start", Guarded<&StartRun>)
      .function("advance", Guarded<&AdvanceRun>)
      .function("finish", Guarded<&FinishRun>)
      .function("stepTimes", Guarded<&StepTimes>);
}

}  // namespace
}  // namespace lowtropy::bindings
