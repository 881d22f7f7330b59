// SPDX-License-Identifier: Apache-2.0
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
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

NetworkBuilder* Edit(const Executor& model, double memory, double work) {
  return new NetworkBuilder(model.network(), MakeLimits(memory, work));
}

void AddMatrix(NetworkBuilder& builder, const std::string& name, const RowSource& source,
               const std::string& format) {
  builder.AddMatrix(name, source, ParseFormatOrAuto(format));
}

void AddVector(NetworkBuilder& builder, const std::string& name, const Buffer& values) {
  builder.AddVector(name, values.Bytes());
}

void RecodeMatrix(NetworkBuilder& builder, const std::string& name, const std::string& format) {
  builder.Recode(name, ParseFormatOrAuto(format));
}

Executor* Build(const NetworkBuilder& builder) { return new Executor(builder.Build()); }

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

Executor* Finish(ModelLoader& loader) { return new Executor(loader.Finish(), loader.limits()); }

ModelWriter* Save(const Executor& model) { return new ModelWriter(model.network()); }

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

std::string GraphJson(const Executor& model) { return FormatGraph(model.network().graph); }

double BytesOfWeights(const Executor& model) {
  return static_cast<double>(WeightBytes(model.network()));
}

double DenseBytes(const Executor& model) {
  const Network& network = model.network();
  uint64_t floats = 0;
  for (const auto& [name, matrix] : network.matrices) {
    floats += uint64_t{matrix.rows()} * matrix.cols();
  }
  for (const auto& [name, vector] : network.vectors) floats += vector.size();
  return static_cast<double>(floats * sizeof(float));
}

double ArenaBytes(const Executor& model) { return static_cast<double>(model.arena_bytes()); }

// Bytes and operations, as maxMemory and maxWork count them.
val DescribeDemand(const Executor& model) {
  const Demand& demand = model.demand();
  val object = val::object();
  object.set("memory", static_cast<double>(demand.memory));
  object.set("work", demand.work);
  return object;
}

// Without what takes a look at the weights.
val Layers(const Executor& model) {
  const Network& network = model.network();
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
val DescribeWeight(const Executor& model, const std::string& name, const val& columns) {
  const Matrix& matrix = model.network().matrices.at(name);
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

// The type of a value with its name; of an input also the symbols of its dimensions.
val DescribeValue(const std::string& name, const ValueType& type) {
  val shape = val::array();
  for (const uint32_t dim : type.shape.dims()) shape.call<void>("push", dim);
  val object = val::object();
  object.set("name", name);
  object.set("type", std::string(Name(type.type)));
  object.set("shape", shape);
  return object;
}

// As the last shapes that were set make them; until then the usual ones.
val Inputs(const Executor& model) {
  val list = val::array();
  const std::vector<GraphInput>& inputs = model.network().graph.inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    val object = DescribeValue(inputs[i].name, {inputs[i].type.type, model.input_shapes()[i]});
    val symbols = val::array();
    for (const std::string& symbol : inputs[i].symbols) symbols.call<void>("push", symbol);
    object.set("symbols", symbols);
    list.call<void>("push", object);
  }
  return list;
}
val DescribeOutputs(const Executor& model, ValueType (*type_of)(const Executor&, size_t)) {
  val list = val::array();
  for (size_t i = 0; i < model.output_types().size(); ++i) {
    list.call<void>("push", DescribeValue(model.network().graph.outputs[i], type_of(model, i)));
  }
  return list;
}
val Outputs(const Executor& model) {
  return DescribeOutputs(model, [](const Executor& of, size_t i) { return of.output_types()[i]; });
}
// As the last run made them.
val Results(const Executor& model) {
  return DescribeOutputs(model, [](const Executor& of, size_t i) { return of.OutputType(i); });
}

// `dims`: of all inputs, one after the other, each as many as it has.
void SetShapes(Executor& model, const val& dims) {
  std::vector<uint32_t> list;
  for (const double dim : emscripten::vecFromJSArray<double>(dims)) {
    list.push_back(static_cast<uint32_t>(dim));
  }
  std::span<const uint32_t> rest(list);
  std::vector<Shape> shapes;
  for (const GraphInput& input : model.network().graph.inputs) {
    const size_t rank = std::min(input.type.shape.rank(), rest.size());
    shapes.emplace_back(rest.first(rank));
    rest = rest.subspan(rank);
  }
  model.SetInputShapes(shapes);
}

// The places of inputs and outputs, as views to be used at once: they die when the heap grows.
template <class T>
val ViewAs(std::span<const std::byte> bytes) {
  return val(emscripten::typed_memory_view(bytes.size() / sizeof(T),
                                           reinterpret_cast<const T*>(bytes.data())));
}
val ViewOf(std::span<const std::byte> bytes, ElementType type) {
  if (type == ElementType::kBool) return ViewAs<uint8_t>(bytes);
  return type == ElementType::kInt32 ? ViewAs<int32_t>(bytes) : ViewAs<float>(bytes);
}
val Input(Executor& model, uint32_t index) {
  return ViewOf(model.Input(index), model.network().graph.inputs.at(index).type.type);
}
val Output(const Executor& model, uint32_t index) {
  return ViewOf(model.Output(index), model.output_types()[index].type);
}

// A run: inputs, start, advance until it returns 1, which is the share of the work that is done,
// outputs.
void StartRun(Executor& model, bool timed) {
  model.set_timed(timed);
  model.Start();
}

double AdvanceRun(Executor& model, double work) {
  model.Advance(work);
  return model.progress();
}

// [{name, milliseconds}] of the nodes that took work in a timed run, in order.
val StepTimes(const Executor& model) {
  val list = val::array();
  for (const auto& [node, milliseconds] : model.step_times()) {
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
  emscripten::class_<Executor>("Model")
      .function("save", Guarded<&Save>, allow_raw_pointers())
      .function("edit", Guarded<&Edit>, allow_raw_pointers())
      .function("graph", Guarded<&GraphJson>)
      .function("weightBytes", Guarded<&BytesOfWeights>)
      .function("denseBytes", Guarded<&DenseBytes>)
      .function("arenaBytes", Guarded<&ArenaBytes>)
      .function("demand", Guarded<&DescribeDemand>)
      .function("layers", Guarded<&Layers>)
      .function("describeWeight", Guarded<&DescribeWeight>)
      .function("inputs", Guarded<&Inputs>)
      .function("outputs", Guarded<&Outputs>)
      .function("results", Guarded<&Results>)
      .function("setShapes", Guarded<&SetShapes>)
      .function("input", Guarded<&Input>)
      .function("output", Guarded<&Output>)
      .function("start", Guarded<&StartRun>)
      .function("advance", Guarded<&AdvanceRun>)
      .function("stepTimes", Guarded<&StepTimes>);
}

}  // namespace
}  // namespace lowtropy::bindings
