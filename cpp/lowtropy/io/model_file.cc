// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/io/model_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/sort.h"
#include "lowtropy/base/text.h"
#include "lowtropy/graph/check.h"
#include "lowtropy/graph/graph.h"
#include "lowtropy/graph/ops/operator.h"
#include "lowtropy/graph/topology.h"
#include "lowtropy/io/graph_json.h"
#include "lowtropy/io/notes_json.h"
#include "lowtropy/json/json.h"
#include "lowtropy/matrix/row_scales.h"
#include "lowtropy/run/plan.h"

namespace lowtropy {
namespace {

constexpr size_t kLengthBytes = 8;  // the header's length, before the header
constexpr size_t kAlignment = 64;   // of the data in the file
constexpr uint64_t kMaxJsonInteger = (uint64_t{1} << 53) - 1;

// How every file goes on after the header's length: format, version and checksum come first, so
// that they are found without parsing, in damaged files and in those of later versions.
constexpr std::string_view kFormatStart = R"({"__metadata__":{"format":"lowtropy","version":")";
constexpr size_t kVersionDigits = 1;  // of the versions that this program reads
constexpr std::string_view kChecksumStart = R"(","checksum":")";
constexpr std::string_view kNoChecksum = "00000000";
constexpr size_t kChecksumAt =
    kLengthBytes + kFormatStart.size() + kVersionDigits + kChecksumStart.size();
constexpr size_t kMaxVersionDigits = 9;

// One array of the file. `name` is unique.
struct Entry {
  std::string name;
  Array array;
  uint32_t checksum = 0;
};

[[noreturn]] void Refuse(const std::string& message) { throw Error(ErrorKind::kFile, message); }
[[noreturn]] void RefuseWithinHeader(uint64_t file_size, uint64_t header_length) {
  Refuse(Text("The file ends after ", file_size, " bytes, within its header, which has ",
              header_length, " bytes."));
}

std::string Hex(uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(8, '0');
  for (size_t i = 8; i-- > 0; value >>= 4) hex[i] = kDigits[value & 15];
  return hex;
}

// The matrix and the array that a name like "conv1.weight.colI" speaks of. No vector may be called
// "<matrix>.<an array of any format>", whatever the matrix's format, so that changing the format
// never makes a network unwritable; but "<matrix>.rowScale" is free where the matrix has none.
struct ArrayName {
  std::string matrix;
  std::string_view array;
};
std::optional<ArrayName> SplitName(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == name.npos) return std::nullopt;
  const std::string_view array = FindArrayName(name.substr(dot + 1));
  if (array.empty()) return std::nullopt;
  return ArrayName{std::string(name.substr(0, dot)), array};
}

bool IsArrayOf(const ArrayName& name, bool scaled) {
  return scaled || name.array != kRowScaleArray;
}

// The lowest version that has all of the network's ops and formats, so that files of older ones
// stay as they were. `formats` is a range of them.
constexpr unsigned kRowScalesVersion = 3;

// Of the attributes that a text of the node has.
unsigned VersionOf(const Node& node) {
  unsigned version = node.op->version;
  for (size_t i = 0; i < node.attributes.size(); ++i) {
    const AttributeSpec& spec = node.op->attributes[i];
    if (!IsLeftOut(spec, node.attributes[i])) version = std::max<unsigned>(version, spec.version);
  }
  return version;
}

// Of nodes whose inputs are not of float32. In graphs of `version`, which is older, only the
// graph's own inputs can have made them so.
unsigned VersionOfTypes(const Graph& graph, unsigned version) {
  const bool is_plain =
      std::all_of(graph.inputs.begin(), graph.inputs.end(),
                  [](const GraphInput& input) { return input.type.type == ElementType::kFloat32; });
  const bool is_newer = std::any_of(graph.nodes.begin(), graph.nodes.end(),
                                    [&](const Node& node) { return node.op->any_type > version; });
  if (is_plain || !is_newer) return version;
  const std::map<std::string, ValueType> types = InferTypes(graph);
  for (const Node& node : graph.nodes) {
    for (const std::string& input : node.inputs) {
      if (types.at(input).type == ElementType::kFloat32) continue;
      version = std::max<unsigned>(version, node.op->any_type);
    }
  }
  return version;
}

template <class Formats>
unsigned VersionOf(const Graph& graph, const Formats& formats, bool scaled) {
  unsigned version = scaled ? kRowScalesVersion : 1;
  if (HasNamedInputs(graph)) version = std::max(version, kNamedInputsVersion);
  if (!graph.notes.empty()) version = std::max(version, kNotesVersion);
  for (const Node& node : graph.nodes) version = std::max(version, VersionOf(node));
  for (const Format format : formats) version = std::max(version, RowOf(format).file_version);
  return VersionOfTypes(graph, version);
}

unsigned NewestVersion() {
  unsigned version = VersionOf({}, kFormats, true);
  for (const Operator* op : Operators()) version = std::max<unsigned>(version, op->version);
  return version;
}

std::vector<Format> FormatsOf(const Network& network) {
  std::vector<Format> formats;
  for (const auto& [name, matrix] : network.matrices) formats.push_back(matrix.format());
  return formats;
}

bool IsScaled(const Network& network) {
  return std::any_of(network.matrices.begin(), network.matrices.end(),
                     [](const auto& entry) { return entry.second.scaled(); });
}

// The order of arrays in the file: wide elements first, so that each array is aligned for its type
// without holes between them.
bool ComesBefore(const Entry& a, const Entry& b) {
  const size_t a_size = ByteSize(a.array.type());
  const size_t b_size = ByteSize(b.array.type());
  return a_size != b_size ? a_size > b_size : a.name < b.name;
}

// CRC-32 of the header and its length, with the checksum's own digits taken as zeros.
uint32_t HeaderChecksum(const char* file, size_t data_start) {
  constexpr size_t kAfter = kChecksumAt + kNoChecksum.size();
  uint32_t crc = Crc32(file, kChecksumAt);
  crc = Crc32(kNoChecksum.data(), kNoChecksum.size(), crc);
  return Crc32(file + kAfter, data_start - kAfter, crc);
}

// ---- The header ----

std::string FormatMatrices(const Network& network) {
  JsonWriter json;
  json.Open('{');
  for (const auto& [name, matrix] : network.matrices) {
    json.Key(name);
    json.Open('{');
    json.Key("format");
    json.String(Name(matrix.format()));
    json.Key("rows");
    json.Integer(matrix.rows());
    json.Key("cols");
    json.Integer(matrix.cols());
    if (matrix.scaled()) {
      json.Key("scaled");
      json.Bool(true);
    }
    json.Close('}');
  }
  json.Close('}');
  return std::move(json).Take();
}

std::string FormatChecksums(const std::vector<Entry>& entries) {
  JsonWriter json;
  json.Open('{');
  for (const Entry& entry : entries) {
    json.Key(entry.name);
    json.String(Hex(entry.checksum));
  }
  json.Close('}');
  return std::move(json).Take();
}

void FormatEntries(const std::vector<Entry>& entries, JsonWriter* json) {
  uint64_t offset = 0;
  for (const Entry& entry : entries) {
    json->Key(entry.name);
    json->Open('{');
    json->Key("dtype");
    json->String(Name(entry.array.type()));
    json->Key("shape");
    json->Open('[');
    json->Integer(entry.array.size());
    json->Close(']');
    json->Key("data_offsets");
    json->Open('[');
    json->Integer(offset);
    offset += entry.array.byte_size();
    json->Integer(offset);
    json->Close(']');
    json->Close('}');
  }
}

// All bytes before the data: the header's length and the padded header.
std::string FormatHeader(const Network& network, const std::vector<Entry>& entries) {
  JsonWriter json;
  json.Open('{');
  json.Key("__metadata__");
  json.Open('{');
  json.Key("format");
  json.String("lowtropy");
  json.Key("version");
  json.String(Text(VersionOf(network.graph, FormatsOf(network), IsScaled(network))));
  json.Key("checksum");
  json.String(kNoChecksum);
  json.Key("graph");
  json.String(FormatGraph(network.graph));
  json.Key("matrices");
  json.String(FormatMatrices(network));
  json.Key("checksums");
  json.String(FormatChecksums(entries));
  json.Close('}');
  FormatEntries(entries, &json);
  json.Close('}');
  std::string header = Text(std::string(kLengthBytes, '\0'), std::move(json).Take());
  header.append((kAlignment - header.size() % kAlignment) % kAlignment, ' ');
  const uint64_t length = header.size() - kLengthBytes;
  if (length > kMaxHeaderBytes) {
    throw Error(ErrorKind::kUnsupported,
                Text("The network's graph is too large for a model file: the header would take ",
                     length, " bytes, and the limit is ", kMaxHeaderBytes, "."));
  }
  std::memcpy(header.data(), &length, kLengthBytes);
  header.replace(kChecksumAt, kNoChecksum.size(),
                 Hex(HeaderChecksum(header.data(), header.size())));
  return header;
}

// ---- Writing ----

// The network's arrays in the order of the file, without checksums.
std::vector<Entry> ListEntries(const Network& network) {
  std::vector<Entry> entries;
  for (const auto& [name, matrix] : network.matrices) {
    for (const NamedArray& part : matrix.Arrays()) {
      entries.push_back({Text(name, ".", part.name), part.array});
    }
  }
  for (const auto& [name, vector] : network.vectors) {
    const std::optional<ArrayName> split = SplitName(name);
    const auto found = split ? network.matrices.find(split->matrix) : network.matrices.end();
    if (found != network.matrices.end() && IsArrayOf(*split, found->second.scaled())) {
      throw Error(ErrorKind::kValue, "The vector " + Quote(name) +
                                         " has the name of an array of the matrix " +
                                         Quote(split->matrix) + ".");
    }
    entries.push_back({name, vector});
  }
  SortSmall(&entries, ComesBefore);
  return entries;
}

uint64_t DataBytes(const std::vector<Entry>& entries) {
  uint64_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.array.byte_size();
  return bytes;
}

// ---- Reading ----

// Where the data starts. `start`: the first kStartBytes of the file; `file_size`: where it is
// known.
constexpr size_t kStartBytes = kLengthBytes + 1;
uint64_t FindData(std::string_view start, std::optional<uint64_t> file_size) {
  if (start.size() < kStartBytes) {
    Refuse(Text("This is not a safetensors file: it has ", start.size(),
                " bytes, too few for a header."));
  }
  if (start[kLengthBytes] != '{') {
    Refuse(
        "This is not a safetensors file: its byte 8 is not the \"{\" that a header begins "
        "with.");
  }
  uint64_t length;
  std::memcpy(&length, start.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    Refuse(Text("The file's header is said to have ", length, " bytes; the limit is ",
                kMaxHeaderBytes, "."));
  }
  if (file_size && length > *file_size - kLengthBytes) RefuseWithinHeader(*file_size, length);
  return kLengthBytes + length;
}

// Reads a header, which tells what arrays follow, and builds the network when they are there.
class Reader {
 public:
  // `header`: the file's bytes before the data, which stay where they are for as long as this
  // lives; `file_size`: where it is known.
  Reader(std::string_view header, std::optional<uint64_t> file_size, const Limits& limits)
      : header_(header), file_size_(file_size), limits_(limits) {}

  void ReadHeader() {
    CheckVersion();
    CheckHeaderChecksum();
    const JsonText text{header_.substr(kLengthBytes), "the file", kLengthBytes};
    ReadItems(JsonValue(text));
    CheckGraph(network_.graph);
    MakePlan(network_.graph, limits_, data_read_);
  }

  uint64_t file_size() const { return header_.size() + data_read_; }
  size_t array_count() const { return entries_.size(); }
  size_t array_bytes(size_t index) const { return entries_[index].array.byte_size(); }

  // Gives an array its bytes, whose checksum was computed.
  void SetArray(size_t index, const std::byte* data, std::shared_ptr<const void> owner,
                uint32_t checksum) {
    Entry& entry = entries_[index];
    if (Hex(checksum) != checksums_[index].second) {
      Refuse("The array " + Quote(entry.name) +
             " is damaged: its checksum is not the one in the file's header.");
    }
    entry.array = Array(entry.array.type(), data, entry.array.size(), std::move(owner));
    entry.checksum = checksum;
  }

  // When all arrays are set: builds one more matrix. Returns whether there are more.
  bool BuildNext() {
    if (!sorted_) SortArrays();
    if (matrices_.empty()) return false;
    const auto next = matrices_.begin();
    network_.matrices.emplace(next->first, BuildMatrix(next->first, next->second));
    matrices_.erase(next);
    return !matrices_.empty();
  }

  Network Build() {
    while (BuildNext()) {
    }
    CheckNetwork(network_);
    CheckCanonical();
    return std::move(network_);
  }

 private:
  struct MatrixInfo {
    Format format;
    uint64_t rows;
    uint64_t cols;
    bool scaled;
    std::vector<NamedArray> arrays;
  };

  void CheckVersion() const {
    const std::string_view header = header_.substr(kLengthBytes);
    if (!header.starts_with(kFormatStart)) {
      Refuse(Text("This safetensors file is not a Lowtropy model: its header does not begin with ",
                  kFormatStart, "."));
    }
    std::string_view version = header.substr(kFormatStart.size(), kMaxVersionDigits + 1);
    version = version.substr(0, version.find('"'));
    const bool is_version = !version.empty() && version.size() <= kMaxVersionDigits &&
                            version[0] != '0' &&
                            version.find_first_not_of("0123456789") == version.npos;
    if (!is_version) Refuse("The version in the file's header is not a number.");
    const unsigned newest = NewestVersion();
    if (version.size() > kVersionDigits || version[0] > static_cast<char>('0' + newest)) {
      throw Error(ErrorKind::kUnsupported,
                  Text("The file is of version ", version,
                       " of the model format; this program reads versions 1 to ", newest, "."));
    }
  }

  void CheckHeaderChecksum() const {
    constexpr size_t kStartAt = kChecksumAt - kChecksumStart.size();
    if (header_.substr(kStartAt, kChecksumStart.size()) != kChecksumStart ||
        header_.size() < kChecksumAt + kNoChecksum.size()) {
      Refuse(Text("Byte ", kStartAt, " of the file: the header's checksum is missing."));
    }
    const std::string_view stored = header_.substr(kChecksumAt, kNoChecksum.size());
    if (stored != Hex(HeaderChecksum(header_.data(), header_.size()))) {
      Refuse(Text("The file's header is damaged: its checksum is not the one stored at byte ",
                  kChecksumAt, "."));
    }
    if (header_.size() % kAlignment != 0) {
      Refuse(Text("The file's data starts at byte ", header_.size(),
                  ", which is not a multiple of ", kAlignment, "."));
    }
  }

  void ReadItems(const JsonValue& header) {
    JsonItems items = JsonItems::Object(header);
    items.Next();  // is there and is "__metadata__", as CheckVersion saw
    ReadMetadata(items.value());
    while (items.Next()) ReadEntry(items.key(), items.value());
    if (entries_.size() < checksums_.size()) {
      Refuse("The file has a checksum of the array " + Quote(checksums_[entries_.size()].first) +
             ", but no such array in its place.");
    }
    if (file_size_ && file_size() < *file_size_) {
      Refuse(Text(*file_size_ - file_size(), " bytes follow the last array in the file."));
    }
  }

  void ReadMetadata(const JsonValue& value) {
    JsonObject metadata(value);
    metadata.Get("format");
    const std::string version = metadata.Get("version").String();
    metadata.Get("checksum");
    network_.graph = ParseGraph(metadata.Get("graph").String());
    ReadMatrices(metadata.Get("matrices").String());
    CheckNeeded(version);
    ReadChecksums(metadata.Get("checksums").String());
    metadata.CheckAllRead();
  }

  void CheckNeeded(const std::string& version) const {
    std::vector<Format> formats;
    bool scaled = false;
    for (const auto& [name, info] : matrices_) {
      formats.push_back(info.format);
      scaled = scaled || info.scaled;
    }
    const std::string needed = Text(VersionOf(network_.graph, formats, scaled));
    if (version == needed) return;
    Refuse(Text("The file is of version ", version,
                " of the model format, but its graph and formats are of version ", needed, "."));
  }

  void ReadMatrices(const std::string& json) {
    const JsonText text{json, "the list of matrices"};
    JsonItems items = JsonItems::Object(JsonValue(text));
    while (items.Next()) {
      if (!IsTensorName(items.key())) items.value().Refuse("its key is not the name of a tensor");
      JsonObject object(items.value());
      const JsonValue name = object.Get("format");
      const std::optional<Format> format = ParseFormat(name.String());
      if (!format) name.Refuse("there is no such format");
      MatrixInfo info{*format,
                      object.Get("rows").Integer(kMaxJsonInteger),
                      object.Get("cols").Integer(kMaxJsonInteger),
                      false,
                      {}};
      if (const auto scaled = object.Find("scaled")) info.scaled = scaled->Bool();
      object.CheckAllRead();
      if (!matrices_.emplace(items.key(), std::move(info)).second) {
        items.value().Refuse("the matrix " + Quote(items.key()) + " is there twice");
      }
    }
  }

  void ReadChecksums(const std::string& json) {
    const JsonText text{json, "the list of checksums"};
    JsonItems items = JsonItems::Object(JsonValue(text));
    while (items.Next()) {
      // Quoted in messages before it is compared with the name of an array.
      if (!IsName(items.key())) items.value().Refuse("its key is not the name of an array");
      checksums_.emplace_back(items.key(), items.value().String());
    }
  }

  void ReadEntry(const std::string& name, const JsonValue& value) {
    if (!IsName(name)) value.Refuse("its key is not the name of an array");
    const size_t index = entries_.size();
    if (index >= checksums_.size() || checksums_[index].first != name) {
      value.Refuse("the array " + Quote(name) + " has no checksum in its place");
    }
    JsonObject object(value);
    const JsonValue dtype = object.Get("dtype");
    const DType type = ReadType(dtype);
    uint64_t size;
    ReadIntegers(object.Get("shape"), {&size, 1});
    std::array<uint64_t, 2> offsets;
    ReadIntegers(object.Get("data_offsets"), offsets);
    object.CheckAllRead();
    CheckOffsets(name, offsets, size * ByteSize(type));
    Entry entry{name, Array(type, nullptr, static_cast<size_t>(size), nullptr)};
    if (!entries_.empty() && !ComesBefore(entries_.back(), entry)) {
      value.Refuse("the array " + Quote(name) + " is out of order");
    }
    entries_.push_back(std::move(entry));
    data_read_ = offsets[1];
  }

  static DType ReadType(const JsonValue& value) {
    const std::string name = value.String();
    for (const DType type :
         {DType::kU8, DType::kU16, DType::kU32, DType::kF32, DType::kI32, DType::kBool}) {
      if (Name(type) == name) return type;
    }
    value.Refuse("this dtype is none of U8, U16, U32, F32, I32 and BOOL");
  }

  static void ReadIntegers(const JsonValue& value, std::span<uint64_t> out) {
    JsonItems items = JsonItems::Array(value);
    size_t count = 0;
    for (; items.Next(); ++count) {
      if (count < out.size()) out[count] = items.value().Integer(kMaxJsonInteger);
    }
    if (count == out.size()) return;
    value.Refuse(out.size() == 1 ? "one integer is expected"
                                 : Text(out.size(), " integers are expected"));
  }

  // Arrays follow each other without holes and end where the file does, so that none overlap.
  void CheckOffsets(const std::string& name, const std::array<uint64_t, 2>& offsets,
                    uint64_t bytes) const {
    const auto& [begin, end] = offsets;
    const std::string which =
        Text("The array ", Quote(name), " has the offsets ", begin, " to ", end);
    if (begin < data_read_) {
      Refuse(
          Text(which, ", which overlap the array before it: that one ends at ", data_read_, "."));
    }
    if (begin > data_read_) {
      Refuse(Text(which, ", which leave a hole: the array before it ends at ", data_read_, "."));
    }
    if (end < begin || end - begin != bytes) {
      Refuse(Text(which, ", but its shape and dtype take ", bytes, " bytes."));
    }
    if (file_size_ && end > *file_size_ - header_.size()) {
      Refuse(
          Text(which, ", but the file has just ", *file_size_ - header_.size(), " bytes of data."));
    }
    if (end > std::numeric_limits<uintptr_t>::max()) {
      throw Error(ErrorKind::kMemory,
                  Text("Out of memory: the file's arrays take ", end,
                       " bytes and more, which is more than can be addressed."));
    }
  }

  // To the matrices that they belong to; others are vectors.
  void SortArrays() {
    sorted_ = true;
    for (const Entry& entry : entries_) {
      const std::optional<ArrayName> split = SplitName(entry.name);
      const auto matrix = split ? matrices_.find(split->matrix) : matrices_.end();
      if (matrix != matrices_.end() && IsArrayOf(*split, matrix->second.scaled)) {
        matrix->second.arrays.push_back({split->array, entry.array});
      } else if (!network_.vectors.emplace(entry.name, entry.array).second) {
        Refuse("The array " + Quote(entry.name) + " is there twice.");
      }
    }
  }

  static Matrix BuildMatrix(const std::string& name, const MatrixInfo& info) {
    try {
      return Matrix::FromArrays(info.format, info.rows, info.cols, info.arrays);
    } catch (const Error& error) {
      std::string clause = error.what();
      if (clause[0] >= 'A' && clause[0] <= 'Z') clause[0] = static_cast<char>(clause[0] | 0x20);
      throw Error(error.kind(), "In the tensor " + Quote(name) + ", " + clause);
    }
  }

  void CheckCanonical() const {
    const std::string canonical = FormatHeader(network_, entries_);
    if (header_ == canonical) return;
    const size_t shorter = std::min(header_.size(), canonical.size());
    // The length and the checksum differ whenever anything does.
    size_t at = kChecksumAt + kNoChecksum.size();
    while (at < shorter && header_[at] == canonical[at]) ++at;
    Refuse(
        Text("Byte ", at, " of the file: the header is not in its canonical form from here on."));
  }

  std::string_view header_;
  std::optional<uint64_t> file_size_;
  const Limits limits_;
  Network network_;
  std::map<std::string, MatrixInfo> matrices_;  // that are not built yet
  bool sorted_ = false;
  std::vector<std::pair<std::string, std::string>> checksums_;
  std::vector<Entry> entries_;
  uint64_t data_read_ = 0;  // bytes of data that entries_ cover
};

}  // namespace

Network ReadModel(const std::shared_ptr<const std::byte>& bytes, uint64_t size,
                  const Limits& limits) {
  if (reinterpret_cast<uintptr_t>(bytes.get()) % kAlignment != 0) {
    throw Error(ErrorKind::kValue, "A model file must lie in memory aligned to 64 bytes.");
  }
  const std::string_view file(reinterpret_cast<const char*>(bytes.get()),
                              static_cast<size_t>(size));
  const auto data_start = static_cast<size_t>(FindData(file.substr(0, kStartBytes), size));
  Reader reader(file.substr(0, data_start), size, limits);
  reader.ReadHeader();
  const std::byte* data = bytes.get() + data_start;
  for (size_t i = 0; i < reader.array_count(); ++i) {
    const size_t array_bytes = reader.array_bytes(i);
    reader.SetArray(i, data, bytes, Crc32(data, array_bytes));
    data += array_bytes;
  }
  return reader.Build();
}

// ---- Reading piece by piece ----

class ModelLoader::State {
 public:
  State(std::optional<uint64_t> file_size, const Limits& limits)
      : file_size_(file_size), limits_(limits) {
    header_.resize(kStartBytes);
    if (file_size && *file_size < kStartBytes) RefuseEnd(*file_size);
  }

  std::optional<uint64_t> FileSize() const {
    return reader_ ? std::optional(reader_->file_size()) : file_size_;
  }

  std::span<std::byte> Space() {
    if (!reader_) return std::as_writable_bytes(std::span(header_)).subspan(filled_);
    if (array_ == arrays_.size()) return {};
    return {arrays_[array_].get() + filled_, reader_->array_bytes(array_) - filled_};
  }

  void Advance(size_t bytes) {
    const std::span<std::byte> space = Space();
    if (bytes > space.size()) Refuse("The file goes on after its last array.");
    // While the bytes are in the cache.
    if (reader_) checksum_ = Crc32(space.data(), bytes, checksum_);
    filled_ += bytes;
    if (filled_ < header_.size() && !reader_) return;
    if (!reader_) ContinueHeader();
    while (array_ < arrays_.size() && filled_ == reader_->array_bytes(array_)) FinishArray();
  }

  bool BuildNext() {
    CheckComplete();
    return reader_->BuildNext();
  }

  Network Finish() {
    CheckComplete();
    return reader_->Build();
  }

  const Limits& limits() const { return limits_; }

 private:
  void CheckComplete() {
    if (!Space().empty()) RefuseEnd(reader_ ? reader_->file_size() - Missing() : filled_);
  }

  // When all of header_ is there: of the start or of the whole header.
  void ContinueHeader() {
    const auto data_start = static_cast<size_t>(FindData(header_, file_size_));
    if (header_.size() < data_start) return header_.resize(data_start);
    reader_.emplace(header_, file_size_, limits_);
    reader_->ReadHeader();
    // All at once, so that a lack of memory shows before a long download and not after it.
    for (size_t i = 0; i < reader_->array_count(); ++i) {
      arrays_.push_back(AllocateBytes(reader_->array_bytes(i)));
    }
    filled_ = 0;
  }

  void FinishArray() {
    const std::shared_ptr<std::byte>& memory = arrays_[array_];
    reader_->SetArray(array_, memory.get(), memory, checksum_);
    ++array_;
    filled_ = 0;
    checksum_ = 0;
  }

  // Bytes of arrays that have not come.
  uint64_t Missing() const {
    uint64_t bytes = 0;
    for (size_t i = array_; i < arrays_.size(); ++i) bytes += reader_->array_bytes(i);
    return bytes - filled_;
  }

  [[noreturn]] void RefuseEnd(uint64_t received) const {
    if (reader_) {
      Refuse(Text("The file ends after ", received, " of ", reader_->file_size(), " bytes."));
    }
    const std::string_view start =
        std::string_view(header_).substr(0, static_cast<size_t>(received));
    RefuseWithinHeader(received, FindData(start.substr(0, kStartBytes), {}) - kLengthBytes);
  }

  std::optional<uint64_t> file_size_;
  const Limits limits_;
  std::string header_;            // its start until its length is known, then all of it
  std::optional<Reader> reader_;  // once the header is there; looks into header_
  std::vector<std::shared_ptr<std::byte>> arrays_;
  size_t array_ = 0;   // the one that is being filled
  size_t filled_ = 0;  // bytes of it, or of the header
  uint32_t checksum_ = 0;
};

ModelLoader::ModelLoader(std::optional<uint64_t> file_size, const Limits& limits)
    : state_(std::make_unique<State>(file_size, limits)) {}
ModelLoader::~ModelLoader() = default;

std::span<std::byte> ModelLoader::Space() { return state_->Space(); }
void ModelLoader::Advance(size_t bytes) { state_->Advance(bytes); }
std::optional<uint64_t> ModelLoader::FileSize() const { return state_->FileSize(); }
bool ModelLoader::BuildNext() { return state_->BuildNext(); }
Network ModelLoader::Finish() { return state_->Finish(); }
const Limits& ModelLoader::limits() const { return state_->limits(); }

// ---- Writing ----

ModelWriter::ModelWriter(const Network& network) {
  CheckNetwork(network);
  std::vector<Entry> entries = ListEntries(network);
  for (Entry& entry : entries) {
    entry.checksum = Crc32(entry.array.data(), entry.array.byte_size());
  }
  header_ = FormatHeader(network, entries);
  size_ = header_.size() + DataBytes(entries);
  for (Entry& entry : entries) arrays_.push_back(std::move(entry.array));
}

std::span<const std::byte> ModelWriter::Piece(size_t index) const {
  if (index == 0) return std::as_bytes(std::span(header_));
  const Array& array = arrays_[index - 1];
  return {static_cast<const std::byte*>(array.data()), array.byte_size()};
}

uint64_t ModelSize(const Network& network) {
  CheckNetwork(network);
  const std::vector<Entry> entries = ListEntries(network);
  return FormatHeader(network, entries).size() + DataBytes(entries);
}

void WriteModel(const Network& network, std::span<std::byte> out) {
  const ModelWriter writer(network);
  if (out.size() != writer.size()) {
    throw Error(ErrorKind::kShape, Text("The model file takes ", writer.size(),
                                        " bytes, but there is room for ", out.size(), "."));
  }
  std::byte* to = out.data();
  for (size_t i = 0; i < writer.piece_count(); ++i) {
    const std::span<const std::byte> piece = writer.Piece(i);
    to = std::copy(piece.begin(), piece.end(), to);
  }
}

}  // namespace lowtropy
