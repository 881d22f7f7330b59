// SPDX-License-Identifier: Apache-2.0
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/buffer.h"
#include "common/guard.h"
#include "inference/describe.h"
#include "lowtropy/base/error.h"
#include "lowtropy/formats/choose.h"
#include "lowtropy/formats/cost.h"
#include "lowtropy/formats/profile.h"
#include "lowtropy/io/graph_json.h"
#include "lowtropy/io/model_file.h"
#include "lowtropy/nn/executor.h"

namespace lowtropy::bindings {
namespace {

using emscripten::val;

// An executor with places for its inputs and outputs, so that a run allocates nothing.
struct Model {
  explicit Model(Network network)
      : executor(std::move(network)), input(executor.input_shape().size() * sizeof(float)) {
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

// A network that is being put together, from nothing or from another model's.
struct NetworkBuilder {
  explicit NetworkBuilder(Network start)
      : network(std::move(start)), columns(CountColumns(network.graph)) {}

  size_t Columns(const std::string& weight) const {
    const auto found = columns.find(weight);
    return found == columns.end() ? 1 : static_cast<size_t>(found->second);
  }

  Network network;
  std::map<std::string, uint64_t> columns;
};

NetworkBuilder* MakeBuilder(const std::string& graph_json) {
  return Guard([&] { return new NetworkBuilder({ParseGraph(graph_json), {}, {}}); });
}

void AddMatrix(NetworkBuilder& builder, const std::string& name, const Buffer& values,
               uint32_t rows, uint32_t cols, const std::string& format) {
  Guard([&] {
    const DenseView dense(values.Floats().data(), rows, cols);
    builder.network.matrices.emplace(name, EncodeAs(dense, format, builder.Columns(name)));
  });
}

void AddVector(NetworkBuilder& builder, const std::string& name, const Buffer& values) {
  Guard([&] { builder.network.vectors.emplace(name, Array::Copy<float>(values.Floats())); });
}

void RecodeMatrix(NetworkBuilder& builder, const std::string& name, const std::string& format) {
  Guard([&] {
    const auto found = builder.network.matrices.find(name);
    if (found == builder.network.matrices.end()) {
      throw Error(ErrorKind::kValue, "The network has no matrix \"" + name + "\".");
    }
    found->second = Recode(found->second, format, builder.Columns(name));
  });
}

Model* Build(const NetworkBuilder& builder) {
  return Guard([&] { return new Model(builder.network); });
}

// `file_size`: negative where it is not known.
ModelLoader* MakeLoader(double file_size) {
  return Guard([&] {
    return file_size < 0 ? new ModelLoader : new ModelLoader(static_cast<uint64_t>(file_size));
  });
}

// A view, which dies when the heap grows: it is used at once and never kept.
val Space(ModelLoader& loader) {
  const std::span<std::byte> space = loader.Space();
  return val(emscripten::typed_memory_view(space.size(), reinterpret_cast<uint8_t*>(space.data())));
}

void Advance(ModelLoader& loader, uint32_t bytes) {
  Guard([&] { loader.Advance(bytes); });
}

double FileSize(const ModelLoader& loader) {
  const std::optional<uint64_t> size = loader.FileSize();
  return size ? static_cast<double>(*size) : -1;
}

Model* Finish(ModelLoader& loader) {
  return Guard([&] { return new Model(loader.Finish()); });
}

ModelWriter* Save(const Model& model) {
  return Guard([&] { return new ModelWriter(model.executor.network()); });
}

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

NetworkBuilder* Edit(const Model& model) {
  return Guard([&] { return new NetworkBuilder(model.executor.network()); });
}

std::string GraphJson(const Model& model) { return FormatGraph(model.executor.network().graph); }

double WeightBytes(const Model& model) {
  const Network& network = model.executor.network();
  uint64_t bytes = 0;
  for (const auto& [name, matrix] : network.matrices) bytes += matrix.ByteLength();
  for (const auto& [name, vector] : network.vectors) bytes += vector.byte_size();
  return static_cast<double>(bytes);
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

val DescribeLayer(const LayerInfo& layer, const Matrix& matrix) {
  const Profile profile = matrix.GetProfile();
  val object = val::object();
  object.set("name", layer.name);
  object.set("op", std::string(Name(layer.op)));
  object.set("weight", layer.weight);
  object.set("rows", static_cast<double>(layer.rows));
  object.set("cols", static_cast<double>(layer.cols));
  object.set("columns", static_cast<double>(layer.count));
  object.set("repeats", static_cast<double>(layer.repeats));
  object.set("macs", static_cast<double>(layer.macs));
  object.set("format", std::string(Name(matrix.format())));
  object.set("bytes", static_cast<double>(matrix.ByteLength()));
  object.set("stats", DescribeStats(profile.GetStats()));
  object.set("choice", DescribeChoice(Choose(profile, static_cast<size_t>(layer.count))));
  object.set("cost", DescribeCost(CostOf(matrix.format(), profile)));
  return object;
}

val Layers(const Model& model) {
  return Guard([&] {
    const Network& network = model.executor.network();
    val list = val::array();
    for (const LayerInfo& layer : ListLayers(network)) {
      list.call<void>("push", DescribeLayer(layer, network.matrices.at(layer.weight)));
    }
    return list;
  });
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

void Run(Model& model) {
  Guard([&] { model.executor.Run(model.input.Floats(), model.output_spans); });
}

// As Run; [{name, milliseconds}] of the nodes that took work.
val RunTimed(Model& model) {
  val list = val::array();
  model.executor.set_step_observer([&](std::string_view node, double milliseconds) {
    val object = val::object();
    object.set("name", std::string(node));
    object.set("milliseconds", milliseconds);
    list.call<void>("push", object);
  });
  Run(model);
  model.executor.set_step_observer({});
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
      .function("finish", Guarded<&Finish>, allow_raw_pointers());
  emscripten::class_<ModelWriter>("ModelWriter")
      .function("size", Guarded<&WriterSize>)
      .function("pieceCount", Guarded<&PieceCount>)
      .function("piece", Guarded<&Piece>);
  emscripten::class_<Model>("Model")
      .function("save", Guarded<&Save>, allow_raw_pointers())
      .function("edit", Guarded<&Edit>, allow_raw_pointers())
      .function("graph", Guarded<&GraphJson>)
      .function("weightBytes", Guarded<&WeightBytes>)
      .function("denseBytes", Guarded<&DenseBytes>)
      .function("arenaBytes", Guarded<&ArenaBytes>)
      .function("layers", Guarded<&Layers>)
      .function("input", Guarded<&Input>)
      .function("output", Guarded<&Output>)
      .function("run", Guarded<&Run>)
      .function("runTimed", Guarded<&RunTimed>);
}

}  // namespace
}  // namespace lowtropy::bindings
