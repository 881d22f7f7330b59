// SPDX-License-Identifier: Apache-2.0
// Compressors, messages and aggregators.
#include "training/sbc.h"

#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/buffer.h"
#include "common/guard.h"
#include "lowtropy/base/decimal.h"
#include "lowtropy/base/text.h"
#include "lowtropy/updates/aggregator.h"
#include "lowtropy/updates/compressor.h"
#include "lowtropy/updates/message.h"
#include "training/numbers.h"

namespace lowtropy::bindings {

using emscripten::val;

Layout LayoutOf(const val& tensors) {
  const auto count = tensors["length"].as<uint32_t>();
  std::vector<NamedSize> list;
  for (uint32_t i = 0; i < count; ++i) {
    const val tensor = tensors[i];
    list.push_back({tensor["name"].as<std::string>(), NumberOf<size_t>(tensor["size"], "size")});
  }
  return Layout(std::move(list));
}

void RefuseNumber(const char* name, double number) {
  throw Error(ErrorKind::kValue,
              Text("The option \"", name, "\" cannot be ", Shortest(number), "."));
}

MethodOptions OptionsOf(const val& object) {
  MethodOptions options;
  ForOptions(options, [&](const char* name, auto& option) {
    using Option = std::remove_reference_t<decltype(option)>;
    const val value = object[name];
    if (value.isUndefined()) return;
    if constexpr (std::is_same_v<Option, bool>) {
      option = value.as<bool>();
    } else {
      option = NumberOf<Option>(value, name);
    }
  });
  return options;
}

val CopyOf(std::span<const uint8_t> bytes) {
  return val(emscripten::typed_memory_view(bytes.size(), bytes.data())).call<val>("slice");
}

namespace {

// An object with the sorted names and the number that stands for them in messages.
val DescribeLayout(const val& tensors) {
  const Layout layout = LayoutOf(tensors);
  val object = val::object();
  object.set("id", layout.id());
  val names = val::array();
  for (size_t i = 0; i < layout.count(); ++i) names.call<void>("push", layout.name(i));
  object.set("names", names);
  return object;
}

val TensorsOf(const Layout& layout) {
  val list = val::array();
  for (size_t i = 0; i < layout.count(); ++i) {
    val tensor = val::object();
    tensor.set("name", layout.name(i));
    tensor.set("size", static_cast<double>(layout.size(i)));
    tensor.set("offset", static_cast<double>(layout.offset(i)));
    list.call<void>("push", tensor);
  }
  return list;
}

val FloatsView(std::span<const float> floats) {
  return val(emscripten::typed_memory_view(floats.size(), floats.data()));
}

// The names of the methods, and the options of all with their defaults.
val DescribeMethods() {
  val names = val::array();
  for (const std::string_view name : MethodNames()) names.call<void>("push", std::string(name));
  val defaults = val::object();
  ForOptions(MethodOptions(), [&](const char* name, auto option) {
    if constexpr (std::is_same_v<decltype(option), bool>) {
      defaults.set(name, option);
    } else {
      defaults.set(name, static_cast<double>(option));
    }
  });
  val object = val::object();
  object.set("names", names);
  object.set("defaults", defaults);
  return object;
}

Compressor* MakeCompressor(const std::string& method, const val& options, const val& tensors) {
  return new Compressor(MethodOf(method), OptionsOf(options), LayoutOf(tensors));
}

Compressor* RestoreCompressor(const Buffer& bytes) {
  return Compressor::Restore(bytes.Bytes()).release();
}

std::string MethodName(const Compressor& compressor) {
  return std::string(Name(compressor.method()));
}
val CompressorTensors(const Compressor& compressor) { return TensorsOf(compressor.layout()); }
double LayoutId(const Compressor& compressor) { return compressor.layout().id(); }
val Input(Compressor& compressor) { return FloatsView(compressor.input()); }
val Residual(const Compressor& compressor) { return FloatsView(compressor.residual()); }
val Encode(Compressor& compressor, uint32_t sender, uint32_t round) {
  return CopyOf(compressor.Encode(sender, round));
}
void TakeBack(Compressor& compressor) { compressor.TakeBack(); }
val SaveCompressor(const Compressor& compressor) { return CopyOf(compressor.Save()); }

MessageReader* MakeReader() { return new MessageReader(); }
void Decode(MessageReader& reader, const Buffer& bytes) { reader.Decode(bytes.Bytes()); }
void CheckLayout(const MessageReader& reader, const val& tensors) {
  reader.CheckLayout(LayoutOf(tensors));
}
val Head(const MessageReader& reader) {
  val head = val::object();
  head.set("version", int{kMessageVersion});
  head.set("method", std::string(Name(reader.head().method)));
  head.set("sender", reader.head().sender);
  head.set("round", reader.head().round);
  head.set("layout", reader.head().layout);
  return head;
}

// Of all tensors at once, as calls for each would take longer than reading the message: six numbers
// a tensor. Its elements; where its positions and its values begin in the two lists below and how
// many there are, -1 each where all positions are sent and where one value stands for all; that
// value.
constexpr size_t kColumns = 6;

val Table(const MessageReader& reader) {
  std::vector<double> table(kColumns * reader.count());
  double* row = table.data();
  for (size_t i = 0; i < reader.count(); ++i, row += kColumns) {
    const TensorUpdate& update = reader.tensor(i);
    const bool dense = update.form == TensorUpdate::Form::kDense;
    const bool binary = update.form == TensorUpdate::Form::kBinary;
    const ptrdiff_t positions = update.positions.data() - reader.positions().data();
    const ptrdiff_t values = update.values.data() - reader.values().data();
    row[0] = static_cast<double>(update.size);
    row[1] = dense ? -1 : static_cast<double>(positions);
    row[2] = static_cast<double>(update.positions.size());
    row[3] = binary ? -1 : static_cast<double>(values);
    row[4] = static_cast<double>(update.values.size());
    row[5] = double{update.value};
  }
  return val(emscripten::typed_memory_view(table.size(), table.data())).call<val>("slice");
}

// Views, to be used at once.
val AllPositions(const MessageReader& reader) {
  return val(emscripten::typed_memory_view(reader.positions().size(), reader.positions().data()));
}
val AllValues(const MessageReader& reader) { return FloatsView(reader.values()); }

Aggregator* MakeAggregator(const std::string& method, const val& options, const val& tensors) {
  return new Aggregator(MethodOf(method), OptionsOf(options), LayoutOf(tensors));
}
Aggregator* RestoreAggregator(const Buffer& bytes) {
  return Aggregator::Restore(bytes.Bytes()).release();
}
// `round`: a number, or undefined.
void AddMessage(Aggregator& aggregator, const Buffer& bytes, const val& round) {
  aggregator.Add(bytes.Bytes(),
                 round.isUndefined() ? std::nullopt : std::optional(round.as<uint32_t>()));
}
val Finish(Aggregator& aggregator, uint32_t sender, uint32_t round) {
  return CopyOf(aggregator.Finish(sender, round));
}
val SaveAggregator(const Aggregator& aggregator) { return CopyOf(aggregator.Save()); }

EMSCRIPTEN_BINDINGS(sbc) {
  using emscripten::allow_raw_pointers;
  emscripten::function("methods", Guarded<&DescribeMethods>);
  emscripten::function("describeLayout", Guarded<&DescribeLayout>);
  emscripten::function("makeCompressor", Guarded<&MakeCompressor>, allow_raw_pointers());
  emscripten::function("restoreCompressor", Guarded<&RestoreCompressor>, allow_raw_pointers());
  emscripten::function("makeReader", Guarded<&MakeReader>, allow_raw_pointers());
  emscripten::function("makeAggregator", Guarded<&MakeAggregator>, allow_raw_pointers());
  emscripten::function("restoreAggregator", Guarded<&RestoreAggregator>, allow_raw_pointers());
  emscripten::class_<Compressor>("Compressor")
      .function("method", Guarded<&MethodName>)
      .function("tensors", Guarded<&CompressorTensors>)
      .function("layoutId", Guarded<&LayoutId>)
      .function("input", Guarded<&Input>)
      .function("residual", Guarded<&Residual>)
      .function("encode", Guarded<&Encode>)
      .function("takeBack", Guarded<&TakeBack>)
      .function("save", Guarded<&SaveCompressor>);
  emscripten::class_<MessageReader>("MessageReader")
      .function("decode", Guarded<&Decode>)
      .function("checkLayout", Guarded<&CheckLayout>)
      .function("head", Guarded<&Head>)
      .function("table", Guarded<&Table>)
      .function("positions", Guarded<&AllPositions>)
      .function("values", Guarded<&AllValues>);
  emscripten::class_<Aggregator>("Aggregator")
      .function("add", Guarded<&AddMessage>)
      .function("count", Guarded<&Aggregator::count>)
      .function("finish", Guarded<&Finish>)
      .function("save", Guarded<&SaveAggregator>);
}

}  // namespace
}  // namespace lowtropy::bindings
