// SPDX-License-Identifier: Apache-2.0
// Data sets and trainers.
#include "lowtropy/learn/trainer.h"

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/buffer.h"
#include "common/guard.h"
#include "lowtropy/learn/data/digits.h"
#include "lowtropy/learn/data/idx.h"
#include "lowtropy/learn/data/shards.h"
#include "lowtropy/learn/data/text.h"
#include "lowtropy/rounds/worker.h"
#include "lowtropy/updates/compressor.h"
#include "training/numbers.h"
#include "training/sbc.h"

namespace lowtropy::bindings {
namespace {

using emscripten::val;

template <class T>
val ViewOf(std::span<T> values) {
  return val(emscripten::typed_memory_view(values.size(), values.data()));
}

template <class T>
val SliceOf(std::span<T> values) {
  return ViewOf(values).template call<val>("slice");
}

// Functions rather than templates: what val::set becomes for each type and each use is 20 KB more.
[[gnu::noinline]] void Put(val* object, const char* name, const val& value) {
  object->set(name, value);
}
[[gnu::noinline]] void Put(val* object, const char* name, double value) {
  Put(object, name, val(value));
}
[[gnu::noinline]] void Put(val* object, const char* name, const std::string& value) {
  Put(object, name, val(value));
}

std::vector<uint32_t> NumbersOf(const Buffer& buffer) {
  std::vector<uint32_t> numbers(static_cast<size_t>(buffer.size) / sizeof(uint32_t));
  std::memcpy(numbers.data(), buffer.memory.get(), numbers.size() * sizeof(uint32_t));
  return numbers;
}

// ---- data sets

struct DatasetHandle {
  std::shared_ptr<const Dataset> data;
};

DatasetHandle* MakeDigitSet(double count, double seed) {
  return new DatasetHandle{MakeDigits(static_cast<size_t>(count), static_cast<uint64_t>(seed))};
}
DatasetHandle* ReadIdxSet(const Buffer& images, const Buffer& labels) {
  return new DatasetHandle{ReadIdx(images.Bytes(), labels.Bytes())};
}
DatasetHandle* ReadTextSet(const Buffer& text, uint32_t steps) {
  return new DatasetHandle{ReadText(text.Bytes(), steps)};
}
DatasetHandle* SliceSet(const DatasetHandle& set, double from, double count) {
  return new DatasetHandle{Slice(set.data, static_cast<size_t>(from), static_cast<size_t>(count))};
}
double SizeOfSet(const DatasetHandle& set) { return static_cast<double>(set.data->size()); }

val ShapeOfSet(const DatasetHandle& set) {
  const ExampleShape& shape = set.data->shape();
  val object = val::object();
  Put(&object, "channels", shape.channels);
  Put(&object, "height", shape.height);
  Put(&object, "width", shape.width);
  Put(&object, "steps", shape.steps);
  Put(&object, "classes", shape.classes);
  return object;
}

val ReadExample(const DatasetHandle& set, uint32_t index) {
  std::vector<float> inputs(set.data->shape().inputs());
  std::vector<uint32_t> labels(set.data->shape().labels());
  set.data->Read({&index, 1}, inputs, labels);
  val object = val::object();
  Put(&object, "inputs", SliceOf<float>(inputs));
  Put(&object, "labels", SliceOf<uint32_t>(labels));
  return object;
}

val ListShards(const std::vector<Shard>& shards) {
  val list = val::array();
  for (const Shard& shard : shards) list.call<void>("push", SliceOf<const uint32_t>(shard));
  return list;
}

// 0 labels per worker: independent of the labels.
val ShardsOfSet(const DatasetHandle& set, uint32_t workers, uint32_t labels, double seed) {
  const auto seed_bits = static_cast<uint64_t>(seed);
  return ListShards(labels == 0 ? SplitIid(set.data->size(), workers, seed_bits)
                                : SplitByLabels(*set.data, workers, labels, seed_bits));
}

// ---- options

template <class T>
void Read(const val& object, const char* name, T* field) {
  const val value = object[name];
  if (!value.isUndefined()) *field = NumberOf<T>(value, name);
}

Schedule ScheduleOf(const val& object) {
  Schedule schedule;
  if (object.isUndefined()) return schedule;
  const val steps = object["steps"];
  if (!steps.isUndefined()) {
    schedule.kind = Schedule::Kind::kSteps;
    for (const double step : emscripten::vecFromJSArray<double>(steps)) {
      schedule.steps.push_back(NumberOf<uint64_t>(val(step), "steps"));
    }
    Read(object, "factor", &schedule.factor);
  } else {
    schedule.kind = Schedule::Kind::kCosine;
    Read(object, "cosine", &schedule.length);
  }
  return schedule;
}

OptimizerOptions OptimizerOf(const val& object) {
  OptimizerOptions options;
  options.kind = OptimizerKindOf(object["name"].as<std::string>());
  Read(object, "learningRate", &options.learning_rate);
  Read(object, "momentum", &options.momentum);
  Read(object, "weightDecay", &options.weight_decay);
  Read(object, "beta1", &options.beta1);
  Read(object, "beta2", &options.beta2);
  Read(object, "epsilon", &options.epsilon);
  Read(object, "clipNorm", &options.clip_norm);
  options.schedule = ScheduleOf(object["schedule"]);
  return options;
}

TrainerOptions TrainerOptionsOf(const val& object) {
  TrainerOptions options;
  options.model = object["model"].as<std::string>();
  Read(object, "batch", &options.batch);
  Read(object, "seed", &options.seed);
  Read(object, "stream", &options.stream);
  Read(object, "maxMemory", &options.max_memory);
  options.optimizer = OptimizerOf(object["optimizer"]);
  return options;
}

// ---- trainers

Worker* MakeTrainer(const val& options, const DatasetHandle& set, const Buffer& shard) {
  return new Worker(Trainer(TrainerOptionsOf(options), set.data, NumbersOf(shard)));
}

val TensorsOfTrainer(const Worker& worker) {
  val list = val::array();
  for (const TensorInfo& tensor : worker.trainer().tensors()) {
    val object = val::object();
    Put(&object, "name", tensor.name);
    Put(&object, "size", static_cast<double>(tensor.size));
    Put(&object, "offset", static_cast<double>(tensor.offset));
    list.call<void>("push", object);
  }
  return list;
}

// The nodes of the net: values are numbers, 0 is the input.
val NodesOfTrainer(const Worker& worker) {
  val list = val::array();
  for (const Net::Node& node : worker.trainer().net().nodes()) {
    const LayerSettings settings = node.layer->Settings();
    val inputs = val::array();
    for (const Net::Value input : node.inputs) {
      inputs.call<void>("push", static_cast<double>(input));
    }
    val object = val::object();
    Put(&object, "name", node.name);
    Put(&object, "op", std::string(settings.op));
    Put(&object, "inputs", inputs);
    Put(&object, "output", static_cast<double>(node.output));
    Put(&object, "outputs", static_cast<double>(settings.outputs));
    Put(&object, "kernel", static_cast<double>(settings.kernel));
    Put(&object, "stride", static_cast<double>(settings.stride));
    Put(&object, "pad", static_cast<double>(settings.pad));
    Put(&object, "epsilon", settings.epsilon);
    Put(&object, "forgetBias", settings.forget_bias);
    Put(&object, "state", SliceOf(node.layer->State()));
    list.call<void>("push", object);
  }
  return list;
}

val WeightsOf(Worker& worker) { return ViewOf(worker.trainer().weights()); }
double StepsOf(const Worker& worker) { return static_cast<double>(worker.trainer().steps()); }
void SetScheduleStep(Worker& worker, double step) {
  worker.trainer().SetScheduleStep(static_cast<uint64_t>(step));
}
double StepTrainer(Worker& worker, double count) {
  return worker.trainer().Step(static_cast<uint64_t>(count));
}

// `limit` below 0: all examples.
val EvaluateTrainer(Worker& worker, const DatasetHandle& set, double limit) {
  const size_t most = limit < 0 ? set.data->size() : static_cast<size_t>(limit);
  const Evaluation evaluation = worker.trainer().Evaluate(*set.data, most);
  val object = val::object();
  Put(&object, "loss", evaluation.loss);
  Put(&object, "accuracy", evaluation.accuracy);
  Put(&object, "examples", static_cast<double>(evaluation.examples));
  return object;
}

val PredictTrainer(Worker& worker, const DatasetHandle& set, const Buffer& examples) {
  return SliceOf(worker.trainer().Predict(*set.data, NumbersOf(examples)));
}

void CalibrateTrainer(Worker& worker, uint32_t batches) { worker.trainer().Calibrate(batches); }
val SaveTrainer(const Worker& worker) { return CopyOf(worker.trainer().Save()); }
void RestoreTrainer(Worker& worker, const Buffer& bytes) {
  worker.trainer().Restore(bytes.Bytes());
}

// ---- rounds

void BeginRound(Worker& worker) { worker.BeginRound(); }

val EncodeRound(Worker& worker, Compressor& compressor, uint32_t sender, uint32_t round) {
  return CopyOf(worker.Encode(sender, round, &compressor));
}

void ApplyRound(Worker& worker, const Buffer& bytes, float scale) {
  worker.Apply(bytes.Bytes(), scale);
}

EMSCRIPTEN_BINDINGS(trainer) {
  using emscripten::allow_raw_pointers;
  emscripten::function("makeDigits", Guarded<&MakeDigitSet>, allow_raw_pointers());
  emscripten::function("readIdx", Guarded<&ReadIdxSet>, allow_raw_pointers());
  emscripten::function("readText", Guarded<&ReadTextSet>, allow_raw_pointers());
  emscripten::function("makeTrainer", Guarded<&MakeTrainer>, allow_raw_pointers());
  emscripten::class_<DatasetHandle>("Dataset")
      .function("size", Guarded<&SizeOfSet>)
      .function("shape", Guarded<&ShapeOfSet>)
      .function("slice", Guarded<&SliceSet>, allow_raw_pointers())
      .function("example", Guarded<&ReadExample>)
      .function("shards", Guarded<&ShardsOfSet>);
  emscripten::class_<Worker>("Trainer")
      .function("tensors", Guarded<&TensorsOfTrainer>)
      .function("nodes", Guarded<&NodesOfTrainer>)
      .function("weights", Guarded<&WeightsOf>)
      .function("steps", Guarded<&StepsOf>)
      .function("setScheduleStep", Guarded<&SetScheduleStep>)
      .function("step", Guarded<&StepTrainer>)
      .function("evaluate", Guarded<&EvaluateTrainer>)
      .function("predict", Guarded<&PredictTrainer>)
      .function("calibrate", Guarded<&CalibrateTrainer>)
      .function("save", Guarded<&SaveTrainer>)
      .function("restore", Guarded<&RestoreTrainer>)
      .function("beginRound", Guarded<&BeginRound>)
      .function("encode", Guarded<&EncodeRound>)
      .function("apply", Guarded<&ApplyRound>);
}

}  // namespace
}  // namespace lowtropy::bindings
