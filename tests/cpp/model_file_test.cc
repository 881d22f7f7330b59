// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/io/model_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "forged_model.h"
#include "inputs.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"
#include "lowtropy/io/graph_json.h"
#include "lowtropy/run/executor.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

using forged::Model;
using reference::Builder;

// The matrix of the worked example of the formats; its arrays are known by heart.
constexpr float kExample[] = {0, 4, 4, 2, 3, 0, 0, 4, 0, 0, 2, 2, 4, 0, 4, 0};

// y = W · x + bias: the example of FORMAT.md.
Network ExampleNetwork(Format format = Format::kCser) {
  Network network;
  network.graph.name = "example";
  network.graph.inputs = OneInput("x", {4, 1, 1});
  network.graph.outputs = {"y"};
  Node node(*Op::kFc);
  node.name = "fc";
  node.inputs = {"x"};
  node.output = "y";
  node["weight"].tensor = "fc.weight";
  node["bias"].tensor = "fc.bias";
  node["outChannels"].integers = {4};
  network.graph.nodes.push_back(node);
  network.matrices.emplace("fc.weight", Matrix::From(DenseView(kExample, 4, 4), format));
  network.vectors.emplace("fc.bias", Array::Copy<float>(std::vector<float>{1, 0, -1, 0.5F}));
  return network;
}

// Two characters and an LSTM of one cell: a graph that has no file of version 1.
Network SequenceNetwork() {
  Network network;
  network.graph.name = "sequence";
  network.graph.inputs = OneInput("x", {1, 3, 1});
  network.graph.outputs = {"h"};
  Node embedding(*Op::kEmbedding);
  embedding.name = "embedding";
  embedding.inputs = {"x"};
  embedding.output = "gates";
  embedding["weight"].tensor = "rows";
  embedding["classes"].integers = {2};
  embedding["outChannels"].integers = {4};
  Node lstm(*Op::kLstm);
  lstm.name = "lstm";
  lstm.inputs = {"gates"};
  lstm.output = "h";
  lstm["weight"].tensor = "recurrent";
  lstm["outChannels"].integers = {1};
  network.graph.nodes = {embedding, lstm};
  constexpr float kRows[] = {0, 1, 0, 1, 1, 1, 1, 0};
  constexpr float kRecurrent[] = {0.5F, -1, 2, 0.25F};
  network.matrices.emplace("rows", Matrix::From(DenseView(kRows, 2, 4), Format::kPalette));
  network.matrices.emplace("recurrent", Matrix::From(DenseView(kRecurrent, 4, 1), Format::kDense));
  return network;
}

Network RandomNetwork(uint32_t seed) {
  Builder builder(seed, {4, 9, 10});
  std::vector<std::string> outputs = reference::AddRandomGraph(builder, seed, 16);
  outputs.push_back(builder.Fc(outputs[0], 3));
  const std::set<std::string> distinct(outputs.begin(), outputs.end());
  return builder.Build({distinct.begin(), distinct.end()});
}

// Keeps the file for the fuzzer's corpus, tests/fuzz/corpus/model, when it is asked for. Not large
// ones, which would let libFuzzer make all its inputs large.
void Keep(const std::string& file) {
  const char* folder = std::getenv("LOWTROPY_WRITE_CORPUS");
  if (folder == nullptr || file.size() > 16384) return;
  static std::map<std::string, int> counts;
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  const int count = counts[name]++;
  std::ofstream(std::string(folder) + "/" + name + (count > 0 ? std::to_string(count) : ""),
                std::ios::binary)
      << file;
}

// ---- Round trips ----

void ExpectSame(const Network& a, const Network& b) {
  EXPECT_EQ(FormatGraph(a.graph), FormatGraph(b.graph));
  ASSERT_EQ(a.matrices.size(), b.matrices.size());
  for (const auto& [name, matrix] : a.matrices) {
    const Matrix& other = b.matrices.at(name);
    EXPECT_EQ(matrix.format(), other.format());
    EXPECT_EQ(matrix.cols(), other.cols());
    EXPECT_EQ(matrix.ToDense(), other.ToDense());
  }
  ASSERT_EQ(a.vectors.size(), b.vectors.size());
  for (const auto& [name, vector] : a.vectors) {
    const auto values = vector.As<float>();
    const auto others = b.vectors.at(name).As<float>();
    EXPECT_TRUE(std::equal(values.begin(), values.end(), others.begin(), others.end()));
  }
}

TEST(ModelFileTest, EveryFormatSurvives) {
  for (const Format format : kFormats) {
    const Network network = ExampleNetwork(format);
    const std::string file = forged::Write(network);
    Keep(file);
    const Network read = forged::Read(file);
    ExpectSame(network, read);
    EXPECT_EQ(forged::Write(read), file) << Name(format);
  }
}

TEST(ModelFileTest, RandomNetworksSurvive) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Network network = RandomNetwork(seed);
    const std::string file = forged::Write(network);
    const Network read = forged::Read(file);
    ExpectSame(network, read);
    EXPECT_EQ(forged::Write(read), file) << seed;
  }
}

TEST(ModelFileTest, AReadNetworkRunsToTheSameBits) {
  const Network network = RandomNetwork(5);
  const std::string file = forged::Write(network);
  Keep(file);
  Executor before(network);
  Executor after(forged::Read(file));
  Builder values(1, {1, 1, 1});
  const std::vector<float> input = values.Uniform(4 * 9 * 10, -1, 1);
  const auto run = [&](Executor& executor) {
    std::vector<std::vector<float>> outputs;
    std::vector<std::span<float>> spans;
    for (const auto& [type, shape] : executor.output_types()) {
      outputs.emplace_back(static_cast<size_t>(shape.size()));
    }
    for (std::vector<float>& output : outputs) spans.emplace_back(output);
    executor.Run(input, spans);
    return outputs;
  };
  EXPECT_EQ(run(before), run(after));
}

TEST(ModelFileTest, ArraysAreViewsThatKeepTheFileAlive) {
  const std::string file = forged::Write(ExampleNetwork());
  std::shared_ptr<std::byte> memory = AllocateBytes(file.size());
  std::memcpy(memory.get(), file.data(), file.size());
  Network network = ReadModel(memory, file.size());
  const std::byte* begin = memory.get();
  const std::weak_ptr<std::byte> alive = memory;
  memory.reset();
  for (const NamedArray& part : network.matrices.at("fc.weight").Arrays()) {
    const auto* data = static_cast<const std::byte*>(part.array.data());
    EXPECT_GE(data, begin) << part.name;
    EXPECT_LE(data + part.array.byte_size(), begin + file.size()) << part.name;
  }
  EXPECT_EQ(network.matrices.at("fc.weight").ToDense(),
            std::vector<float>(std::begin(kExample), std::end(kExample)));
  EXPECT_FALSE(alive.expired());
  network = {};
  EXPECT_TRUE(alive.expired());
}

TEST(ModelLoaderTest, AnyPiecesGiveTheSameNetwork) {
  const Network network = RandomNetwork(5);
  const std::string file = forged::Write(network);
  for (const size_t piece : {1U, 8U, 9U, 64U, 1000U, 1U << 20}) {
    ExpectSame(network, forged::ReadPieces(file, piece, ModelLoader()));
    ExpectSame(network, forged::ReadPieces(file, piece, ModelLoader(file.size())));
  }
}

TEST(ModelLoaderTest, ArraysHaveMemoryOfTheirOwn) {
  const std::string file = forged::Write(ExampleNetwork());
  Network network = forged::ReadPieces(file, 1 << 20, ModelLoader());
  for (const NamedArray& part : network.matrices.at("fc.weight").Arrays()) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(part.array.data()) % 64, 0U) << part.name;
  }
}

TEST(ModelLoaderTest, TellsTheSizeOfTheFile) {
  const std::string file = forged::Write(ExampleNetwork());
  EXPECT_EQ(ModelLoader(file.size()).FileSize(), file.size());
  ModelLoader loader;
  EXPECT_EQ(loader.FileSize(), std::nullopt);
  size_t at = 0;
  for (int i = 0; i < 2; ++i) {  // the header's start, and the header
    EXPECT_EQ(loader.FileSize(), std::nullopt);
    const std::span<std::byte> space = loader.Space();
    std::memcpy(space.data(), file.data() + at, space.size());
    at += space.size();
    loader.Advance(space.size());
  }
  EXPECT_EQ(loader.FileSize(), file.size());
}

TEST(ModelLoaderTest, SaysWhereAFileOfUnknownSizeEnds) {
  const std::string file = forged::Write(ExampleNetwork());
  const std::string size = std::to_string(file.size());
  const auto refusal = [](const std::string& bytes) {
    return forged::MessageOf([&] { forged::ReadPieces(bytes, 50, ModelLoader()); }).substr(1);
  };
  EXPECT_EQ(refusal(file.substr(0, 8)),
            "This is not a safetensors file: it has 8 bytes, too few for a header.");
  EXPECT_EQ(refusal(file.substr(0, file.size() - 1)),
            "The file ends after " + std::to_string(file.size() - 1) + " of " + size + " bytes.");
  EXPECT_EQ(refusal(file + "more"), "The file goes on after its last array.");
  EXPECT_TRUE(refusal(file.substr(0, 300))
                  .starts_with("The file ends after 300 bytes, within its header, which has "));
}

TEST(ModelFileTest, NetworksWithoutTensorsAndWithOddNamesSurvive) {
  Builder builder(1, {1, 1, 1});
  Node node = builder.Make(Op::kRelu, {"data"});
  node.name = "re\"lu \\ é";
  node.output = "\xF0\x9F\x98\x80";
  builder.Push(node);
  const Network network = builder.Build({node.output});
  const std::string file = forged::Write(network);
  Keep(file);
  EXPECT_EQ(file.size() % 64, 0U);
  EXPECT_EQ(forged::Write(forged::Read(file)), file);
}

TEST(ModelFileTest, AMatrixAndAVectorMayHaveTheirNamesFromEachOther) {
  Network network = ExampleNetwork();
  network.graph.nodes[0]["weight"].tensor = "fc";
  network.graph.nodes[0]["bias"].tensor = "fc.bias";
  network.matrices.emplace("fc", network.matrices.at("fc.weight"));
  network.matrices.erase("fc.weight");
  const std::string file = forged::Write(network);
  ExpectSame(network, forged::Read(file));
}

// ---- The document ----

std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.good()) << path;
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The bytes of the one dump in FORMAT.md: lines of an offset and up to 16 bytes.
std::string DocumentedBytes() {
  std::istringstream document(ReadFile(LOWTROPY_TEST_FOLDER "/../cpp/lowtropy/io/FORMAT.md"));
  std::string bytes;
  std::string line;
  bool inside = false;
  while (std::getline(document, line)) {
    if (line.starts_with("```")) {
      inside = line == "```hexdump";
      continue;
    }
    if (!inside) continue;
    std::istringstream columns(line.substr(0, 58));
    size_t offset;
    columns >> std::hex >> offset;
    EXPECT_EQ(offset, bytes.size()) << line;
    for (unsigned byte; columns >> std::hex >> byte;) bytes += static_cast<char>(byte);
  }
  return bytes;
}

TEST(ModelFileTest, WritesTheBytesOfTheDocument) {
  const std::string file = forged::Write(ExampleNetwork());
  if (const char* path = std::getenv("LOWTROPY_WRITE_EXAMPLE")) {
    std::ofstream(path, std::ios::binary) << file;
  }
  EXPECT_EQ(DocumentedBytes(), file);
}

TEST(ModelFileTest, ReadsTheBytesOfTheDocument) {
  ExpectSame(ExampleNetwork(), forged::Read(DocumentedBytes()));
}

TEST(ModelFileTest, SequencesHaveFilesOfVersion2) {
  // CRC-32 of header and arrays by zlib.
  constexpr std::string_view kHeader =
      R"({"__metadata__":{"format":"lowtropy","version":"2","checksum":"d953d6f6",)"
      R"("graph":"{\"name\":\"sequence\",\"input\":{\"name\":\"x\",\"shape\":[1,3,1]},)"
      R"(\"outputs\":[\"h\"],\"nodes\":[{\"op\":\"embedding\",\"name\":\"embedding\",)"
      R"(\"inputs\":[\"x\"],\"output\":\"gates\",\"weight\":\"rows\",\"classes\":2,)"
      R"(\"outChannels\":4},{\"op\":\"lstm\",\"name\":\"lstm\",\"inputs\":[\"gates\"],)"
      R"(\"output\":\"h\",\"weight\":\"recurrent\",\"outChannels\":1}]}",)"
      R"("matrices":"{\"recurrent\":{\"format\":\"dense\",\"rows\":4,\"cols\":1},)"
      R"(\"rows\":{\"format\":\"palette\",\"rows\":2,\"cols\":4}}",)"
      R"("checksums":"{\"recurrent.values\":\"1f7ba8ab\",\"rows.omega\":\"58e3e4e6\",)"
      R"(\"rows.codes\":\"32756e88\"}"},)"
      R"("recurrent.values":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
      R"("rows.omega":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},)"
      R"("rows.codes":{"dtype":"U8","shape":[2],"data_offsets":[24,26]}})";
  // 0.5, -1, 2, 0.25; 1, 0, for there are five ones; the codes 1 0 1 0 and 0 0 0 1 of a bit each.
  constexpr char kData[] =
      "\0\0\0\x3F\0\0\x80\xBF\0\0\0\x40\0\0\x80\x3E\0\0\x80\x3F\0\0\0\0\x05\x08";
  std::string expected = forged::LengthBytes(888) + std::string(kHeader);
  expected.append(8 + 888 - expected.size(), ' ');
  expected.append(kData, 26);
  EXPECT_EQ(forged::Write(SequenceNetwork()), expected);
  ExpectSame(SequenceNetwork(), forged::Read(expected));
  Keep(expected);
}

// The example in one of the formats of version 2, byte by byte. CRC-32 of header and arrays by
// zlib. `format`, `checksum`, `checksums` and `arrays` are what differs in the header.
std::string ExampleOfVersion2(const std::string& format, const std::string& checksum,
                              const std::string& checksums, const std::string& arrays,
                              const std::string& data) {
  const std::string header =
      R"({"__metadata__":{"format":"lowtropy","version":"2","checksum":")" + checksum +
      R"(","graph":"{\"name\":\"example\",\"input\":{\"name\":\"x\",\"shape\":[4,1,1]},)"
      R"(\"outputs\":[\"y\"],\"nodes\":[{\"op\":\"fc\",\"name\":\"fc\",\"inputs\":[\"x\"],)"
      R"(\"output\":\"y\",\"weight\":\"fc.weight\",\"bias\":\"fc.bias\",\"outChannels\":4}]}",)"
      R"("matrices":"{\"fc.weight\":{\"format\":\")" +
      format + R"(\",\"rows\":4,\"cols\":4}}","checksums":"{\"fc.bias\":\"75803a8d\",)" +
      R"(\"fc.weight.omega\":\"0a7a178f\",)" + checksums +
      R"(}"},"fc.bias":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},)"
      R"("fc.weight.omega":{"dtype":"F32","shape":[4],"data_offsets":[16,32]},)" +
      arrays + "}";
  // 1, 0, -1, 0.5; 0, 4, 2, 3.
  constexpr char kFloats[] =
      "\0\0\x80\x3F\0\0\0\0\0\0\x80\xBF\0\0\0\x3F"
      "\0\0\0\0\0\0\x80\x40\0\0\0\x40\0\0\x40\x40";
  std::string file = forged::LengthBytes(952) + header;
  file.append(8 + 952 - file.size(), ' ');
  return file.append(kFloats, 32) + data;
}

void ExpectBytes(Format format, const std::string& expected) {
  EXPECT_EQ(forged::Write(ExampleNetwork(format)), expected);
  ExpectSame(ExampleNetwork(format), forged::Read(expected));
}

TEST(ModelFileTest, MasksHaveFilesOfVersion2) {
  // Bits 1 2 3, 0 3, 2 3, 0 2; the codes 0 0 1, 2 0, 1 1, 0 0 of two bits each.
  constexpr char kData[] = "\x90\x14\0\x0E\x09\x0C\x05\0\3\5\7\x09";
  ExpectBytes(
      Format::kMask,
      ExampleOfVersion2("mask", "749d3505",
                        R"(\"fc.weight.codes\":\"2cfcb6b7\",\"fc.weight.mask\":\"12952823\",)"
                        R"(\"fc.weight.rowPtr\":\"e4c1b47b\")",
                        R"("fc.weight.codes":{"dtype":"U8","shape":[3],"data_offsets":[32,35]},)"
                        R"("fc.weight.mask":{"dtype":"U8","shape":[4],"data_offsets":[35,39]},)"
                        R"("fc.weight.rowPtr":{"dtype":"U8","shape":[5],"data_offsets":[39,44]})",
                        std::string(kData, 12)));
}

TEST(ModelFileTest, BlocksHaveFilesOfVersion2) {
  // One block of 2048 columns, in which row 0 has two units and three rows have one. Indices times
  // four, with 20 in the high byte for each step in omega: 0 is no element, 2004 is 4 in column 1.
  constexpr char kData[] =
      "\0\0\x04\x20\x08\x20\x0C\x40\x0C\x20\0\x60\x08\x40\x0C\x40\0\x20\x08\x20"
      "\2\1\1\3\0\0\1\2\3";
  ExpectBytes(
      Format::kBlocks,
      ExampleOfVersion2("blocks", "0dce5107",
                        R"(\"fc.weight.codes\":\"eaa0860a\",)"
                        R"(\"fc.weight.classes\":\"2eb1faec\",\"fc.weight.rowI\":\"8bb98613\")",
                        R"("fc.weight.codes":{"dtype":"U16","shape":[10],"data_offsets":[32,52]},)"
                        R"("fc.weight.classes":{"dtype":"U8","shape":[5],"data_offsets":[52,57]},)"
                        R"("fc.weight.rowI":{"dtype":"U8","shape":[4],"data_offsets":[57,61]})",
                        std::string(kData, 29)));
}

// Two layers that share nothing, each in its own format.
Network TwoLayers(Format first, Format second) {
  Network network = ExampleNetwork(first);
  Node node = network.graph.nodes[0];
  node.name = "fc2";
  node.inputs = {"y"};
  node.output = "z";
  node["weight"].tensor = "fc2.weight";
  network.graph.nodes.push_back(node);
  network.graph.outputs = {"z"};
  network.matrices.emplace("fc2.weight", Matrix::From(DenseView(kExample, 4, 4), second));
  return network;
}

// One layer is enough to need a later version; without any, the file is one that older readers
// know.
TEST(ModelFileTest, NewerFormatsAloneNeedLaterVersions) {
  const auto version = [](Format f) {
    return f == Format::kGrid ? '4' : f == Format::kMask || f == Format::kBlocks ? '2' : '1';
  };
  for (const Format first : kFormats) {
    for (const Format second : kFormats) {
      const Network network = TwoLayers(first, second);
      const std::string file = forged::Write(network);
      const std::string names = std::string(Name(first)) + " " + std::string(Name(second));
      EXPECT_EQ(file[56], std::max(version(first), version(second))) << names;
      const Network read = forged::Read(file);
      ExpectSame(network, read);
      EXPECT_EQ(forged::Write(read), file) << names;
    }
  }
  Keep(forged::Write(TwoLayers(Format::kMask, Format::kBlocks)));
  Keep(forged::Write(TwoLayers(Format::kGrid, Format::kCser)));
}

// Few elements, so that the indices of blocks are packed, two in three bytes; several blocks, the
// last of them narrower; rows and blocks without elements; codes that end within a byte.
Network SparseNetwork(Format format) {
  constexpr size_t kRows = 9;
  constexpr size_t kCols = 2500;
  std::vector<float> values(kRows * kCols, 0.0F);
  for (size_t i = 0; i < 41; ++i) {
    const size_t row = i % 7;  // none in the last two
    values[row * kCols + i * i % kCols] = static_cast<float>(i % 5) - 2.5F;
  }
  Network network = ExampleNetwork();
  network.graph.inputs[0].type.shape = {static_cast<uint32_t>(kCols), 1, 1};
  network.graph.nodes[0]["outChannels"].integers = {kRows};
  network.graph.nodes[0]["bias"].tensor = "";
  network.vectors.clear();
  network.matrices.at("fc.weight") = Matrix::From(DenseView(values.data(), kRows, kCols), format);
  return network;
}

// The example, each row of which has a scale of its own.
Network ScaledNetwork(Format format) {
  constexpr float kScales[] = {0.3F, 0.1F, 7, 0.25F};
  Network network = ExampleNetwork(format);
  Matrix& matrix = network.matrices.at("fc.weight");
  matrix = Matrix(matrix.storage(), Array::Copy<float>(kScales));
  return network;
}

TEST(ModelFileTest, RowScalesHaveFilesOfVersion3) {
  for (const Format format : kFormats) {
    SCOPED_TRACE(Name(format));
    const Network network = ScaledNetwork(format);
    const std::string file = forged::Write(network);
    Keep(file);
    EXPECT_EQ(file[56], format == Format::kGrid ? '4' : '3');
    EXPECT_NE(file.find(R"(\"rows\":4,\"cols\":4,\"scaled\":true})"), file.npos);
    EXPECT_NE(file.find(R"("fc.weight.rowScale":{"dtype":"F32","shape":[4])"), file.npos);
    const Network read = forged::Read(file);
    ExpectSame(network, read);
    EXPECT_EQ(read.matrices.at("fc.weight").ToDense()[1], 0.3F * 4);
    EXPECT_EQ(forged::Write(read), file);
  }
}

// What is called so where a matrix has no scales is a vector, as it always was.
TEST(ModelFileTest, AVectorMayBeCalledAsRowScales) {
  Network network = ExampleNetwork();
  network.graph.nodes[0]["bias"].tensor = "fc.weight.rowScale";
  network.vectors.emplace("fc.weight.rowScale", network.vectors.at("fc.bias"));
  network.vectors.erase("fc.bias");
  const std::string file = forged::Write(network);
  EXPECT_EQ(file[56], '1');
  ExpectSame(network, forged::Read(file));
}

TEST(ModelFileTest, SparseMasksAndBlocksSurvive) {
  for (const Format format : {Format::kMask, Format::kBlocks}) {
    const Network network = SparseNetwork(format);
    const std::string file = forged::Write(network);
    Keep(file);
    const Network read = forged::Read(file);
    ExpectSame(network, read);
    EXPECT_EQ(forged::Write(read), file) << Name(format);
    for (const NamedArray& part : read.matrices.at("fc.weight").Arrays()) {
      if (part.name == "codes") EXPECT_EQ(part.array.type(), DType::kU8) << Name(format);
    }
  }
}

// What a reader of safetensors demands, written down from the format's own description.
TEST(ModelFileTest, IsASafetensorsFile) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const std::string file = forged::Write(RandomNetwork(seed));
    uint64_t length;
    std::memcpy(&length, file.data(), 8);
    ASSERT_LE(8 + length, file.size());
    ASSERT_EQ(file[8], '{');
    const auto header = nlohmann::json::parse(file.substr(8, static_cast<size_t>(length)));
    std::map<uint64_t, uint64_t> ranges;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        for (const auto& [key, text] : value.items()) EXPECT_TRUE(text.is_string()) << key;
        continue;
      }
      const std::string dtype = value["dtype"];
      const uint64_t width = dtype == "U8" ? 1 : dtype == "U16" ? 2 : 4;
      EXPECT_TRUE(dtype == "U8" || dtype == "U16" || dtype == "U32" || dtype == "F32");
      const uint64_t begin = value["data_offsets"][0];
      const uint64_t end = value["data_offsets"][1];
      EXPECT_EQ(value["shape"].size(), 1U);
      EXPECT_EQ(end - begin, value["shape"][0].get<uint64_t>() * width);
      EXPECT_EQ((8 + length + begin) % width, 0U);
      if (begin != end) EXPECT_TRUE(ranges.emplace(begin, end).second);
    }
    uint64_t covered = 0;
    for (const auto& [begin, end] : ranges) {
      EXPECT_EQ(begin, covered);
      covered = end;
    }
    EXPECT_EQ(8 + length + covered, file.size());
  }
}

// ---- Damage ----

bool IsRefused(std::string_view file) {
  try {
    forged::Read(file);
    return false;
  } catch (const Error& error) {
    const std::string_view message = error.what();
    EXPECT_FALSE(message.empty());
    EXPECT_EQ(message.back(), '.') << message;
    EXPECT_LT(message.size(), 1000U) << message;
    return true;
  }
}

TEST(ModelFileDamageTest, EveryTruncationIsRefused) {
  const std::string file = forged::Write(ExampleNetwork());
  for (size_t size = 0; size < file.size(); ++size) {
    ASSERT_TRUE(IsRefused(std::string_view(file).substr(0, size))) << size;
  }
}

TEST(ModelFileDamageTest, EveryFlippedBitIsRefused) {
  std::string file = forged::Write(ExampleNetwork());
  for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
    ASSERT_TRUE(IsRefused(file)) << "bit " << bit;
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ 1 << bit % 8);
  }
  EXPECT_FALSE(IsRefused(file));
}

// Whatever is wrong with one byte of a header whose checksum is right: it is refused, or it is the
// file of another network.
TEST(ModelFileDamageTest, EveryChangedByteOfTheHeaderIsRefusedOrCanonical) {
  const Model model = forged::Split(forged::Write(ExampleNetwork()));
  int accepted = 0;
  for (size_t at = 0; at < model.header.size(); ++at) {
    for (const char c :
         {'0', '1', '9', 'a', 'A', '"', '\\', ' ', '\n', '[', '}', ',', '\0', '\xFF'}) {
      Model spoiled = model;
      spoiled.header[at] = c;
      const std::string file = forged::Join(spoiled);
      if (IsRefused(file)) continue;
      ++accepted;
      ASSERT_EQ(forged::Write(forged::Read(file)), file) << at << " " << c;
    }
  }
  EXPECT_GT(accepted, 0);
}

// ---- Attacks ----

void ExpectRefused(const std::string& file, ErrorKind kind, const std::string& message) {
  Keep(file);
  try {
    forged::Read(file);
    ADD_FAILURE() << "Accepted; expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_EQ(error.what(), message);
  }
}

// The example, spoiled, with checksums that are right.
void ExpectForgeryRefused(const std::function<void(Model&)>& spoil, const std::string& message,
                          Format format = Format::kCser, ErrorKind kind = ErrorKind::kFile) {
  Model model = forged::Split(forged::Write(ExampleNetwork(format)));
  spoil(model);
  forged::FixArrayChecksums(&model);
  ExpectRefused(forged::Join(model), kind, message);
}

void Replace(std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  ASSERT_NE(at, text.npos) << from;
  text.replace(at, from.size(), to);
}

// Replaces in the header.
std::function<void(Model&)> InHeader(const std::string& from, const std::string& to) {
  return [=](Model& model) { Replace(model.header, from, to); };
}

// Where the arrays of the example start in its data.
enum : size_t { kBias = 0, kOmega = 16, kColI = 32, kOmegaI = 41, kOmegaPtr = 47, kRowPtr = 54 };

std::function<void(Model&)> InData(size_t at, const std::string& bytes) {
  return [=](Model& model) { model.data.replace(at, bytes.size(), bytes); };
}

std::string FloatBytes(float value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(ModelFileAttackTest, NotSafetensors) {
  const std::string kStart = "This is not a safetensors file: ";
  ExpectRefused("", ErrorKind::kFile, kStart + "it has 0 bytes, too few for a header.");
  ExpectRefused("12345678", ErrorKind::kFile, kStart + "it has 8 bytes, too few for a header.");
  for (const char* file : {"<!DOCTYPE html><html></html>", "PK\3\4--------", "GIF89a;;;;"}) {
    ExpectRefused(file, ErrorKind::kFile,
                  kStart + "its byte 8 is not the \"{\" that a header begins with.");
  }
}

TEST(ModelFileAttackTest, SafetensorsOfSomebodyElse) {
  const std::string kMessage =
      "This safetensors file is not a Lowtropy model: its header does not begin with "
      "{\"__metadata__\":{\"format\":\"lowtropy\",\"version\":\".";
  for (const char* header :
       {"{}", "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
        "{\"__metadata__\":{\"format\":\"pt\"}}", "{\"__metadata__\":{\"format\":\"lowtropy\"}}"}) {
    ExpectRefused(forged::Join({header, "    "}), ErrorKind::kFile, kMessage);
  }
}

TEST(ModelFileAttackTest, LaterVersion) {
  ExpectForgeryRefused(
      InHeader("\"1\"", "\"6\""),
      "The file is of version 6 of the model format; this program reads versions 1 to 5.",
      Format::kCser, ErrorKind::kUnsupported);
  ExpectForgeryRefused(
      [](Model& model) {
        model.header = R"({"__metadata__":{"format":"lowtropy","version":"123456789"}})";
      },
      "The file is of version 123456789 of the model format; this program reads versions 1 to 5.",
      Format::kCser, ErrorKind::kUnsupported);
}

TEST(ModelFileAttackTest, RowScalesThatAreNotThere) {
  const std::string file = forged::Write(ExampleNetwork());
  Model model = forged::Split(file);
  const std::string from = R"(\"cols\":4})";
  const size_t at = model.header.find(from);
  ASSERT_NE(at, model.header.npos);
  model.header.replace(at, from.size(), R"(\"cols\":4,\"scaled\":true})");
  ExpectRefused(forged::Join(model), ErrorKind::kFile,
                "The file is of version 1 of the model format, but its graph and formats are of "
                "version 3.");
  model.header.replace(model.header.find("\"1\""), 3, "\"3\"");
  ExpectRefused(forged::Join(model), ErrorKind::kFile,
                Text("Byte ", 8 + at + from.size() - 1,
                     " of the file: the header is not in its canonical form from here on."));
  model.header.replace(model.header.find(R"(\"scaled\":true)"), 15, R"(\"scaled\":false)");
  ExpectRefused(forged::Join(model), ErrorKind::kFile,
                "The file is of version 3 of the model format, but its graph and formats are of "
                "version 1.");
}

TEST(ModelFileAttackTest, RowScalesThatAreNotValid) {
  Network network = ScaledNetwork(Format::kCser);
  Matrix& matrix = network.matrices.at("fc.weight");
  matrix = Matrix(matrix.storage(), Array::Copy<float>(std::vector<float>{1, 2, -3, 4}));
  ExpectRefused(forged::Write(network), ErrorKind::kFile,
                "In the tensor \"fc.weight\", the cser matrix is not valid: rowScale[2] is not "
                "positive.");
}

// There is just one file for a network.
TEST(ModelFileAttackTest, VersionOfAnotherGraph) {
  ExpectForgeryRefused(
      InHeader("\"1\"", "\"2\""),
      "The file is of version 2 of the model format, but its graph and formats are of "
      "version 1.");
  Model model = forged::Split(forged::Write(SequenceNetwork()));
  Replace(model.header, "\"2\"", "\"1\"");
  ExpectRefused(
      forged::Join(model), ErrorKind::kFile,
      "The file is of version 1 of the model format, but its graph and formats are of version 2.");
}

// A reader of version 1 alone must be able to rely on what a file says.
TEST(ModelFileAttackTest, Version1WithFormatsOfVersion2) {
  for (const Format format : {Format::kMask, Format::kBlocks}) {
    ExpectForgeryRefused(
        InHeader("\"2\"", "\"1\""),
        "The file is of version 1 of the model format, but its graph and formats are of version 2.",
        format);
    Model model = forged::Split(forged::Write(TwoLayers(Format::kCser, format)));
    Replace(model.header, "\"2\"", "\"1\"");
    ExpectRefused(forged::Join(model), ErrorKind::kFile,
                  "The file is of version 1 of the model format, but its graph and formats are of "
                  "version 2.");
  }
}

TEST(ModelFileAttackTest, Version3WithTheFormatOfVersion4) {
  ExpectForgeryRefused(
      InHeader("\"4\"", "\"3\""),
      "The file is of version 3 of the model format, but its graph and formats are of version 4.",
      Format::kGrid);
}

TEST(ModelFileAttackTest, SequencesThatDoNotFit) {
  const auto expect = [](const std::string& from, const std::string& to,
                         const std::string& message) {
    Model model = forged::Split(forged::Write(SequenceNetwork()));
    Replace(model.header, from, to);
    ExpectRefused(forged::Join(model), ErrorKind::kShape, message);
  };
  expect("\\\"classes\\\":2", "\\\"classes\\\":3",
         "The embedding node \"embedding\": its weight \"rows\" is 2 x 4, not 3 x 4.");
  expect("\\\"outChannels\\\":1}", "\\\"outChannels\\\":1073741825}",
         "The lstm node \"lstm\": it takes 4294967300 x steps x 1, four gates of each output "
         "channel, not 4 x 3 x 1.");
}

TEST(ModelFileAttackTest, VersionIsNoNumber) {
  for (const char* version : {"", "0", "01", "-1", "1.0", "1234567890", "\\u0031", "x"}) {
    ExpectForgeryRefused(InHeader("\"1\"", "\"" + std::string(version) + "\""),
                         "The version in the file's header is not a number.");
  }
}

TEST(ModelFileAttackTest, HeaderLengthHuge) {
  const std::string file = forged::Write(ExampleNetwork()).substr(8);
  ExpectRefused(std::string(8, '\xFF') + file, ErrorKind::kFile,
                "The file's header is said to have 18446744073709551615 bytes; the limit is "
                "16777216.");
  ExpectRefused(forged::LengthBytes(kMaxHeaderBytes + 1) + file, ErrorKind::kFile,
                "The file's header is said to have 16777217 bytes; the limit is 16777216.");
  ExpectRefused(forged::LengthBytes(kMaxHeaderBytes) + file, ErrorKind::kFile,
                "The file ends after " + std::to_string(8 + file.size()) +
                    " bytes, within its header, which has 16777216 bytes.");
}

TEST(ModelFileAttackTest, HeaderLengthTooSmall) {
  const std::string file = forged::Write(ExampleNetwork()).substr(8);
  ExpectRefused(forged::LengthBytes(0) + file, ErrorKind::kFile,
                "This safetensors file is not a Lowtropy model: its header does not begin with "
                "{\"__metadata__\":{\"format\":\"lowtropy\",\"version\":\".");
  ExpectRefused(forged::LengthBytes(70) + file, ErrorKind::kFile,
                "Byte 57 of the file: the header's checksum is missing.");
}

TEST(ModelFileAttackTest, HeaderChecksumWrong) {
  std::string file = forged::Write(ExampleNetwork());
  Replace(file, "example", "exemple");
  ExpectRefused(file, ErrorKind::kFile,
                "The file's header is damaged: its checksum is not the one stored at byte 71.");
}

TEST(ModelFileAttackTest, HeaderChecksumInUpperCase) {
  std::string file = forged::Write(ExampleNetwork());
  for (size_t i = 71; i < 79; ++i) file[i] = static_cast<char>(std::toupper(file[i]));
  ASSERT_NE(file, forged::Write(ExampleNetwork()));
  ExpectRefused(file, ErrorKind::kFile,
                "The file's header is damaged: its checksum is not the one stored at byte 71.");
}

TEST(ModelFileAttackTest, ArrayChecksumWrong) {
  std::string file = forged::Write(ExampleNetwork());
  file.back() = static_cast<char>(file.back() ^ 1);
  ExpectRefused(file, ErrorKind::kFile,
                "The array \"fc.weight.rowPtr\" is damaged: its checksum is not the one in the "
                "file's header.");
}

TEST(ModelFileAttackTest, DataNotAligned) {
  Model model = forged::Split(forged::Write(ExampleNetwork()));
  while ((8 + model.header.size()) % 64 != 0) model.header += ' ';
  std::string file = forged::Join({model.header + ' ', ""});
  // Join has padded to the next multiple: cut that to a length that is none.
  file = forged::LengthBytes(model.header.size() + 4) + file.substr(8, model.header.size() + 4);
  file.replace(71, 8, "00000000");
  file.replace(71, 8, forged::Hex(Crc32(file.data(), file.size())));
  ExpectRefused(file + model.data, ErrorKind::kFile,
                "The file's data starts at byte " + std::to_string(file.size()) +
                    ", which is not a multiple of 64.");
}

TEST(ModelFileAttackTest, OffsetsOverlap) {
  ExpectForgeryRefused(InHeader("[16,32]", "[12,28]"),
                       "The array \"fc.weight.omega\" has the offsets 12 to 28, which overlap the "
                       "array before it: that one ends at 16.");
}

TEST(ModelFileAttackTest, OffsetsLeaveAHole) {
  ExpectForgeryRefused(InHeader("[16,32]", "[17,33]"),
                       "The array \"fc.weight.omega\" has the offsets 17 to 33, which leave a "
                       "hole: the array before it ends at 16.");
}

TEST(ModelFileAttackTest, OffsetsOutOfBounds) {
  ExpectForgeryRefused(
      [](Model& model) {
        Replace(model.header, "[5],\"data_offsets\":[54,59]", "[500],\"data_offsets\":[54,554]");
      },
      "The array \"fc.weight.rowPtr\" has the offsets 54 to 554, but the file has just 59 bytes of "
      "data.");
  ExpectForgeryRefused(InHeader("[54,59]", "[54,9007199254740991]"),
                       "The array \"fc.weight.rowPtr\" has the offsets 54 to 9007199254740991, but "
                       "its shape and dtype take 5 bytes.");
}

TEST(ModelFileAttackTest, OffsetsBackwards) {
  ExpectForgeryRefused(InHeader("[16,32]", "[16,0]"),
                       "The array \"fc.weight.omega\" has the offsets 16 to 0, but its shape and "
                       "dtype take 16 bytes.");
}

TEST(ModelFileAttackTest, OffsetsNegativeFractionalOrHuge) {
  ExpectForgeryRefused(
      InHeader("[16,32]", "[-16,32]"),
      "Byte 728 of the file: an integer from 0 to 9007199254740991 is expected, not -16.");
  ExpectForgeryRefused(
      InHeader("[16,32]", "[16.0,32]"),
      "Byte 728 of the file: an integer from 0 to 9007199254740991 is expected, not 16.0.");
  ExpectForgeryRefused(InHeader("[16,32]", "[16,18446744073709551648]"),
                       "Byte 731 of the file: an integer from 0 to 9007199254740991 is expected, "
                       "not 18446744073709551648.");
}

TEST(ModelFileAttackTest, OffsetsTooManyOrTooFew) {
  ExpectForgeryRefused(InHeader("[16,32]", "[16]"),
                       "Byte 727 of the file: 2 integers are expected.");
  ExpectForgeryRefused(InHeader("[16,32]", "[16,32,32]"),
                       "Byte 727 of the file: 2 integers are expected.");
}

TEST(ModelFileAttackTest, ShapeProductOverflows) {
  ExpectForgeryRefused(
      InHeader("[4],\"data_offsets\":[16,32]", "[4611686018427387908],\"data_offsets\":[16,32]"),
      "Byte 709 of the file: an integer from 0 to 9007199254740991 is expected, not "
      "4611686018427387908.");
  ExpectForgeryRefused(
      InHeader("[4],\"data_offsets\":[16,32]", "[9007199254740991],\"data_offsets\":[16,32]"),
      "The array \"fc.weight.omega\" has the offsets 16 to 32, but its shape and dtype take "
      "36028797018963964 bytes.");
  ExpectForgeryRefused(InHeader("[4],\"data_offsets\":[16,32]", "[2,2],\"data_offsets\":[16,32]"),
                       "Byte 708 of the file: one integer is expected.");
  ExpectForgeryRefused(InHeader("[4],\"data_offsets\":[16,32]", "[],\"data_offsets\":[16,32]"),
                       "Byte 708 of the file: one integer is expected.");
}

TEST(ModelFileAttackTest, MatrixShapeOverflows) {
  ExpectForgeryRefused(InHeader("\\\"rows\\\":4", "\\\"rows\\\":4294967296"),
                       "In the tensor \"fc.weight\", a matrix of 4294967296 x 4 is outside 1 to "
                       "4294967295 elements.");
  ExpectForgeryRefused(
      InHeader("\\\"rows\\\":4", "\\\"rows\\\":0"),
      "In the tensor \"fc.weight\", a matrix of 0 x 4 is outside 1 to 4294967295 elements.");
  ExpectForgeryRefused(InHeader("\\\"cols\\\":4", "\\\"cols\\\":9007199254740991"),
                       "In the tensor \"fc.weight\", a matrix of 4 x 9007199254740991 is outside 1 "
                       "to 4294967295 elements.");
  ExpectForgeryRefused(InHeader("\\\"cols\\\":4", "\\\"cols\\\":1000000000"),
                       "The fc node \"fc\": its weight \"fc.weight\" is 4 x 1000000000, not 4 x 4.",
                       Format::kCser, ErrorKind::kShape);
}

TEST(ModelFileAttackTest, GraphShapeOverflows) {
  ExpectForgeryRefused(InHeader("[4,1,1]", "[65536,65536,65536]"),
                       "The graph's input \"x\" cannot be 65536 x 65536 x 65536.", Format::kCser,
                       ErrorKind::kShape);
  ExpectForgeryRefused(InHeader("\\\"outChannels\\\":4", "\\\"outChannels\\\":4294967295"),
                       "The fc node \"fc\": its output of 4294967295 x 1 x 1 is empty or larger "
                       "than 2147483648 values.",
                       Format::kCser, ErrorKind::kShape);
}

TEST(ModelFileAttackTest, WrongDtype) {
  ExpectForgeryRefused(
      InHeader("\"F32\"", "\"F16\""),
      "Byte 626 of the file: this dtype is none of U8, U16, U32, F32, I32 and BOOL.");
  ExpectForgeryRefused(InHeader("\"F32\"", "\"U32\""),
                       "The fc node \"fc\": its bias \"fc.bias\" does not hold float32 values.",
                       Format::kCser);
  ExpectForgeryRefused(
      [](Model& model) {
        Replace(model.header, "omega\":{\"dtype\":\"F32\"", "omega\":{\"dtype\":\"U32\"");
      },
      "In the tensor \"fc.weight\", the cser matrix is not valid: omega is U32 where F32 is "
      "needed.");
  ExpectForgeryRefused(
      [](Model& model) { Replace(model.header, "\"U8\",\"shape\":[6]", "\"U16\",\"shape\":[3]"); },
      "Byte 822 of the file: the array \"fc.weight.omegaI\" is out of order.");
}

TEST(ModelFileAttackTest, ArraysOutOfOrder) {
  ExpectForgeryRefused(
      [](Model& model) {
        for (int i = 0; i < 2; ++i) Replace(model.header, "fc.weight.colI", "fc.weight.z");
      },
      "Byte 816 of the file: the array \"fc.weight.omegaI\" is out of order.");
}

TEST(ModelFileAttackTest, DuplicateArrays) {
  ExpectForgeryRefused(
      [](Model& model) {
        for (int i = 0; i < 2; ++i) Replace(model.header, "fc.weight.omegaPtr", "fc.weight.omegaI");
      },
      "Byte 889 of the file: the array \"fc.weight.omegaI\" is out of order.");
  // Of different widths, so that they are in order.
  ExpectForgeryRefused(
      [](Model& model) {
        for (int i = 0; i < 2; ++i) Replace(model.header, "fc.weight.colI", "fc.bias");
      },
      "The array \"fc.bias\" is there twice.");
}

TEST(ModelFileAttackTest, DuplicateKeys) {
  ExpectForgeryRefused(InHeader("\"dtype\":\"F32\"", "\"dtype\":\"F32\",\"dtype\":\"F32\""),
                       "Byte 640 of the file: its key is there a second time.");
  ExpectForgeryRefused(InHeader("\"matrices\"", "\"graph\":\"\",\"matrices\""),
                       "Byte 331 of the file: its key is there a second time.");
  ExpectForgeryRefused(InHeader("\\\"op\\\"", "\\\"name\\\":\\\"fc\\\",\\\"op\\\""),
                       "Byte 110 of the graph: its key is there a second time.");
  ExpectForgeryRefused(InHeader("\\\"fc.weight\\\":{",
                                "\\\"fc.weight\\\":{\\\"format\\\":\\\"cser\\\",\\\"rows\\\":4,"
                                "\\\"cols\\\":4},\\\"fc.weight\\\":{"),
                       "Byte 61 of the list of matrices: the matrix \"fc.weight\" is there twice.");
}

TEST(ModelFileAttackTest, UnknownKeys) {
  ExpectForgeryRefused(InHeader("\"matrices\"", "\"note\":\"\",\"matrices\""),
                       "Byte 330 of the file: the key \"note\" does not belong here.");
  ExpectForgeryRefused(InHeader("\"dtype\"", "\"note\":0,\"dtype\""),
                       "Byte 625 of the file: the key \"note\" does not belong here.");
  ExpectForgeryRefused(InHeader("\\\"rows\\\"", "\\\"note\\\":0,\\\"rows\\\""),
                       "Byte 37 of the list of matrices: the key \"note\" does not belong here.");
}

TEST(ModelFileAttackTest, MissingKeys) {
  ExpectForgeryRefused(InHeader("\"matrices\"", "\"matrixes\""),
                       "Byte 24 of the file: this object has no key \"matrices\".");
  ExpectForgeryRefused(InHeader("\"dtype\":\"F32\",", ""),
                       "Byte 617 of the file: this object has no key \"dtype\".");
  ExpectForgeryRefused(InHeader("\\\"rows\\\":4,", ""),
                       "Byte 13 of the list of matrices: this object has no key \"rows\".");
}

TEST(ModelFileAttackTest, UnknownFormat) {
  ExpectForgeryRefused(InHeader("\\\"cser\\\"", "\\\"zip\\\""),
                       "Byte 23 of the list of matrices: there is no such format.");
}

TEST(ModelFileAttackTest, FormatOfOtherArrays) {
  ExpectForgeryRefused(InHeader("\\\"cser\\\"", "\\\"cer\\\""),
                       "In the tensor \"fc.weight\", a cer matrix has 4 arrays, but 5 are given.");
  ExpectForgeryRefused(
      InHeader("\\\"cser\\\"", "\\\"pcsr\\\""),
      "In the tensor \"fc.weight\", a pcsr matrix needs the array codes, which is missing.");
}

TEST(ModelFileAttackTest, MissingTensor) {
  ExpectForgeryRefused(InHeader("\\\"weight\\\":\\\"fc.weight\\\"", "\\\"weight\\\":\\\"w\\\""),
                       "The fc node \"fc\": its weight \"w\" is not among the network's matrices.");
  ExpectForgeryRefused(InHeader("\\\"bias\\\":\\\"fc.bias\\\"", "\\\"bias\\\":\\\"b\\\""),
                       "The fc node \"fc\": its bias \"b\" is not among the network's vectors.");
}

TEST(ModelFileAttackTest, MissingArray) {
  ExpectForgeryRefused(
      [](Model& model) {
        for (int i = 0; i < 2; ++i) Replace(model.header, "fc.weight.colI", "fc.weight.codes");
      },
      "In the tensor \"fc.weight\", a cser matrix needs the array colI, which is missing.");
}

TEST(ModelFileAttackTest, SurplusTensor) {
  ExpectForgeryRefused(InHeader(",\\\"bias\\\":\\\"fc.bias\\\"", ""),
                       "No node uses the tensor \"fc.bias\".");
}

TEST(ModelFileAttackTest, SurplusMatrix) {
  ExpectForgeryRefused(
      InHeader("\\\"fc.weight\\\":{",
               "\\\"a\\\":{\\\"format\\\":\\\"cser\\\",\\\"rows\\\":4,"
               "\\\"cols\\\":4},\\\"fc.weight\\\":{"),
      "In the tensor \"a\", a cser matrix needs the array omega, which is missing.");
}

TEST(ModelFileAttackTest, SurplusChecksum) {
  ExpectForgeryRefused(
      InHeader("\\\"}\"},", "\\\",\\\"z\\\":\\\"00000000\\\"}\"},"),
      "The file has a checksum of the array \"z\", but no such array in its place.");
}

TEST(ModelFileAttackTest, MissingChecksum) {
  ExpectForgeryRefused(
      InHeader("\"checksums\":\"{\\\"fc.bias\\\":\\\"", "\"checksums\":\"{\\\"fc.base\\\":\\\""),
      "Byte 617 of the file: the array \"fc.bias\" has no checksum in its place.");
  ExpectForgeryRefused(
      [](Model& model) {
        const size_t at = model.header.find("\"checksums\":\"{") + 14;
        model.header.erase(at, model.header.find("}\"", at) - at);
      },
      "Byte 424 of the file: the array \"fc.bias\" has no checksum in its place.");
}

TEST(ModelFileAttackTest, SurplusBytes) {
  ExpectForgeryRefused([](Model& model) { model.data += "abc"; },
                       "3 bytes follow the last array in the file.");
}

TEST(ModelFileAttackTest, CyclicGraph) {
  ExpectForgeryRefused(InHeader("\\\"inputs\\\":[\\\"x\\\"]", "\\\"inputs\\\":[\\\"y\\\"]"),
                       "The fc node \"fc\": it is in a cycle, or depends on one.");
}

TEST(ModelFileAttackTest, UnknownInput) {
  ExpectForgeryRefused(InHeader("\\\"inputs\\\":[\\\"x\\\"]", "\\\"inputs\\\":[\\\"z\\\"]"),
                       "The fc node \"fc\": no node makes its input \"z\".");
}

TEST(ModelFileAttackTest, DeepNesting) {
  const std::string nested = std::string(100000, '[') + std::string(100000, ']');
  ExpectForgeryRefused(InHeader("[16,32]", nested),
                       "Byte 728 of the file: an integer from 0 to 9007199254740991 is expected, "
                       "not [[[[[[[[[[[[[[[[[[[[[[[[....");
  ExpectForgeryRefused(InHeader("\\\"outChannels\\\":4", "\\\"outChannels\\\":" + nested),
                       "Byte 183 of the graph: an integer from 0 to 4294967295 is expected, not "
                       "[[[[[[[[[[[[[[[[[[[[[[[[....");
  ExpectForgeryRefused(
      [](Model& model) {
        model.header.resize(model.header.find("\"graph\""));
        for (int i = 0; i < 100000; ++i) model.header += "\"graph\":{";
      },
      "Byte 8 of the file: this bracket is never closed.");
}

TEST(ModelFileAttackTest, InvalidUtf8) {
  ExpectForgeryRefused(
      InHeader("example", "ex\xFFmple"),
      "Byte 8 of the graph: this name is not 1 to 256 bytes of UTF-8 without control characters.");
  ExpectForgeryRefused(
      InHeader("example", "ex\xED\xA0\x80mple"),
      "Byte 8 of the graph: this name is not 1 to 256 bytes of UTF-8 without control characters.");
  ExpectForgeryRefused(InHeader("\"fc.bias\"", "\"fc.b\xC3(s\""),
                       "Byte 617 of the file: its key is not the name of an array.");
}

TEST(ModelFileAttackTest, ControlCharactersInNames) {
  ExpectForgeryRefused(
      InHeader("example", "ex\\\\u001b[31mmple"),
      "Byte 8 of the graph: this name is not 1 to 256 bytes of UTF-8 without control characters.");
  ExpectForgeryRefused(InHeader("\"fc.bias\":{", "\"\\u001b[31m\":{"),
                       "Byte 620 of the file: its key is not the name of an array.");
}

TEST(ModelFileAttackTest, GraphIsNoJson) {
  ExpectForgeryRefused(
      InHeader("{\\\"name\\\":\\\"example\\\"", "<html>{\\\"name\\\":\\\"example\\\""),
      "Byte 6 of the graph: something follows the value.");
}

TEST(ModelFileAttackTest, NotCanonicalSpaces) {
  ExpectForgeryRefused(
      InHeader("\"dtype\":", "\"dtype\": "),
      "Byte 626 of the file: the header is not in its canonical form from here on.");
  ExpectForgeryRefused(
      InHeader("\\\"rows\\\":", "\\\"rows\\\": "),
      "Byte 380 of the file: the header is not in its canonical form from here on.");
  ExpectForgeryRefused(
      InHeader("[4,1,1]", "[4,1, 1]"),
      "Byte 153 of the file: the header is not in its canonical form from here on.");
}

TEST(ModelFileAttackTest, NotCanonicalEscapes) {
  ExpectForgeryRefused(
      InHeader("\"dtype\"", "\"d\\u0074ype\""),
      "Byte 620 of the file: the header is not in its canonical form from here on.");
  ExpectForgeryRefused(
      InHeader("example", "ex\\\\u0061mple"),
      "Byte 104 of the file: the header is not in its canonical form from here on.");
}

TEST(ModelFileAttackTest, NotCanonicalOrder) {
  ExpectForgeryRefused(
      InHeader("\\\"format\\\":\\\"cser\\\",\\\"rows\\\":4",
               "\\\"rows\\\":4,\\\"format\\\":\\\"cser\\\""),
      "Byte 353 of the file: the header is not in its canonical form from here on.");
}

TEST(ModelFileAttackTest, NotCanonicalPadding) {
  ExpectForgeryRefused(
      [](Model& model) { model.header += std::string(64, ' '); },
      "Byte 1024 of the file: the header is not in its canonical form from here on.");
  ExpectForgeryRefused(
      [](Model& model) { model.header += "\n"; },
      "Byte 1012 of the file: the header is not in its canonical form from here on.");
}

TEST(ModelFileAttackTest, NanAndInfinityWithRightChecksums) {
  ExpectForgeryRefused(
      InData(kOmega + 4, FloatBytes(std::nanf(""))),
      "In the tensor \"fc.weight\", the cser matrix is not valid: omega[1] is not finite.");
  ExpectForgeryRefused(
      InData(kOmega, FloatBytes(std::numeric_limits<float>::infinity())),
      "In the tensor \"fc.weight\", the cser matrix is not valid: omega[0] is not finite.");
  ExpectForgeryRefused(InData(kBias, FloatBytes(std::nanf(""))),
                       "The fc node \"fc\": its bias \"fc.bias\" holds NaN or infinity.",
                       Format::kCser, ErrorKind::kValue);
}

TEST(ModelFileAttackTest, CserIndicesWithRightChecksums) {
  ExpectForgeryRefused(InData(kColI, "\4"),
                       "In the tensor \"fc.weight\", the cser matrix is not valid: colI holds 4, "
                       "beyond the last one allowed, 3.");
  ExpectForgeryRefused(
      InData(kColI, "\2\1"),
      "In the tensor \"fc.weight\", the cser matrix is not valid: colI does not rise at 1.");
  ExpectForgeryRefused(InData(kOmegaI, "\4"),
                       "In the tensor \"fc.weight\", the cser matrix is not valid: omegaI holds 4, "
                       "beyond the last one allowed, 3.");
  ExpectForgeryRefused(InData(kOmegaI, std::string(1, '\0')),
                       "In the tensor \"fc.weight\", the cser matrix is not valid: run 0 lists the "
                       "most frequent value.");
  ExpectForgeryRefused(
      InData(kOmegaPtr, "\1"),
      "In the tensor \"fc.weight\", the cser matrix is not valid: omegaPtr does not start at 0.");
  ExpectForgeryRefused(InData(kOmegaPtr + 6, "\xFF"),
                       "In the tensor \"fc.weight\", the cser matrix is not valid: omegaPtr holds "
                       "255, beyond the last one allowed, 9.");
  ExpectForgeryRefused(
      InData(kOmegaPtr + 1, "\3\2"),
      "In the tensor \"fc.weight\", the cser matrix is not valid: omegaPtr falls at 2.");
  ExpectForgeryRefused(InData(kRowPtr + 4, "\7"),
                       "In the tensor \"fc.weight\", the cser matrix is not valid: rowPtr holds 7, "
                       "beyond the last one allowed, 6.");
  ExpectForgeryRefused(
      InData(kRowPtr + 1, "\5\4"),
      "In the tensor \"fc.weight\", the cser matrix is not valid: rowPtr falls at 2.");
}

TEST(ModelFileAttackTest, OtherFormatsWithRightChecksums) {
  const auto expect = [](Format format, const std::function<void(Model&)>& spoil,
                         const std::string& reason) {
    ExpectForgeryRefused(spoil,
                         "In the tensor \"fc.weight\", the " + std::string(Name(format)) +
                             " matrix is not valid: " + reason + ".",
                         format);
  };
  // The last byte is the end of rowPtr, or the last code; the weight's floats follow the bias.
  const auto last_byte = [](Model& model) { model.data.back() = '\x7F'; };
  expect(Format::kCsr, last_byte, "rowPtr holds 127, beyond the last one allowed, 9");
  expect(Format::kCer, last_byte, "rowPtr holds 127, beyond the last one allowed, 8");
  expect(Format::kCser, last_byte, "rowPtr holds 127, beyond the last one allowed, 6");
  expect(Format::kPcsr, last_byte, "rowPtr holds 127, beyond the last one allowed, 9");
  expect(Format::kPalette, last_byte, "omega[3] occurs more often than the one before");
  expect(Format::kDense, InData(16, FloatBytes(std::nanf(""))), "values[0] is not finite");
}

void ExpectMatrixRefused(Format format, const std::function<void(Model&)>& spoil,
                         const std::string& reason) {
  ExpectForgeryRefused(spoil,
                       "In the tensor \"fc.weight\", the " + std::string(Name(format)) +
                           " matrix is not valid: " + reason + ".",
                       format);
}

TEST(ModelFileAttackTest, MasksWithRightChecksums) {
  enum : size_t { kCodes = 32, kMask = 35, kRows = 39 };
  const auto expect = [](const std::function<void(Model&)>& spoil, const std::string& reason) {
    ExpectMatrixRefused(Format::kMask, spoil, reason);
  };
  expect(InData(kOmega, FloatBytes(std::nanf(""))), "omega[0] is not finite");
  expect(InData(kOmega + 4, FloatBytes(0)), "omega holds a value twice");
  expect(InData(kMask, "\x0F"), "rowPtr ends at 9 instead of 10");
  expect(InData(kMask, "\x06\x0D"), "rowPtr does not count the bits of mask in row 0");
  expect(InData(kMask, "\x86"), "unused bits of mask are set after row 0");
  expect(InData(kCodes, "\xD0"), "code 3 is beyond omega");
  expect(InData(kCodes + 2, "\4"), "unused bits are set after the last code");
  expect(InData(kCodes, "\x94\x55"), "omega[2] occurs more often than the one before");
  expect(InData(kRows, "\1"), "rowPtr does not start at 0");
  expect(InData(kRows + 4, "\x7F"), "rowPtr holds 127, beyond the last one allowed, 9");
  expect(InData(kRows + 1, "\5\3"), "rowPtr falls at 2");
  expect(
      [](Model& model) {  // the first code is no more
        model.data.erase(kCodes, 1);
        Replace(model.header, "[3],\"data_offsets\":[32,35]", "[2],\"data_offsets\":[32,34]");
        Replace(model.header, "[35,39]", "[34,38]");
        Replace(model.header, "[39,44]", "[38,43]");
      },
      "codes has 2 elements where 3 are needed");
}

TEST(ModelFileAttackTest, BlocksWithRightChecksums) {
  enum : size_t { kCodes = 32, kClasses = 52, kRowI = 57 };
  const auto expect = [](const std::function<void(Model&)>& spoil, const std::string& reason) {
    ExpectMatrixRefused(Format::kBlocks, spoil, reason);
  };
  expect(InData(kOmega, FloatBytes(std::nanf(""))), "omega[0] is not finite");
  expect(InData(kCodes + 4, std::string("\x08\0", 2)),
         "codes holds 2, which is no element's index, in block 0 of row 0");
  expect(InData(kCodes + 4, "\x09"),
         "codes holds 8201, which is not four times an index, in block 0 of row 0");
  expect(InData(kCodes + 11, "\x80"),
         "codes holds 8192, which is no element's index, in block 0 of row 1");
  expect(InData(kCodes + 6, "\x04\x20"),
         "codes does not rise, or names a column twice, in block 0 of row 0");
  expect(InData(kRowI + 3, "\4"), "rowI holds 4, beyond the last one allowed, 3");
  expect(InData(kRowI, "\1"), "rowI holds a row twice in block 0");
  expect(InData(kClasses, "\1\3\2\1"),
         "classes is not descending, or has a class without rows, in block 0");
  expect(InData(kClasses + 1, std::string(1, '\0')),
         "classes is not descending, or has a class without rows, in block 0");
  expect(InData(kClasses + 3, "\xFF"), "rowI has 4 elements where 256 are needed");
  expect(InData(kClasses + 4, "\1"),
         "classes is not descending, or has a class without rows, in block 0");
}

// Whatever one bit is changed to: refused, or the one file of another network.
TEST(ModelFileAttackTest, EveryFlippedBitOfMasksAndBlocksIsRefusedOrCanonical) {
  for (const Format format : {Format::kMask, Format::kBlocks}) {
    const Model model = forged::Split(forged::Write(ExampleNetwork(format)));
    int accepted = 0;
    int refused = 0;
    for (size_t at = 0; at < model.data.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        Model spoiled = model;
        spoiled.data[at] = static_cast<char>(spoiled.data[at] ^ (1 << bit));
        forged::FixArrayChecksums(&spoiled);
        const std::string file = forged::Join(spoiled);
        if (IsRefused(file)) {
          ++refused;
          continue;
        }
        ++accepted;
        ASSERT_EQ(forged::Write(forged::Read(file)), file) << Name(format) << " " << at;
      }
    }
    EXPECT_GT(accepted, 0) << Name(format);  // other values of omega
    EXPECT_GT(refused, 0) << Name(format);
  }
}

// ---- What cannot be written ----

void ExpectNotWritten(const Network& network, ErrorKind kind, const std::string& message) {
  try {
    forged::Write(network);
    ADD_FAILURE() << "Written; expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_EQ(error.what(), message);
  }
}

TEST(ModelFileTest, RefusesAVectorWithTheNameOfAnArray) {
  // Whatever the matrix's format: a cser matrix has no codes.
  for (const std::string array : {"values", "omega", "colI", "rowPtr", "omegaPtr", "omegaI",
                                  "codes", "mask", "rowI", "classes"}) {
    Network network = ExampleNetwork();
    network.vectors.emplace("fc.weight." + array, network.vectors.at("fc.bias"));
    network.vectors.erase("fc.bias");
    network.graph.nodes[0]["bias"].tensor = "fc.weight." + array;
    ExpectNotWritten(network, ErrorKind::kValue,
                     "The vector \"fc.weight." + array +
                         "\" has the name of an array of the matrix \"fc.weight\".");
  }
}

TEST(ModelFileTest, KnowsTheNamesOfAllArrays) {
  for (const Format format : kFormats) {
    for (const NamedArray& part : ExampleNetwork(format).matrices.at("fc.weight").Arrays()) {
      Network network = ExampleNetwork();
      const std::string name = "fc.weight." + std::string(part.name);
      network.vectors.emplace(name, network.vectors.at("fc.bias"));
      network.vectors.erase("fc.bias");
      network.graph.nodes[0]["bias"].tensor = name;
      EXPECT_THROW(ModelSize(network), Error) << name;
    }
  }
}

TEST(ModelFileTest, RefusesBrokenNetworks) {
  Network network = ExampleNetwork();
  network.graph.outputs = {"z"};
  ExpectNotWritten(network, ErrorKind::kFile,
                   "No node makes the value \"z\", an output of the graph.");
}

TEST(ModelFileTest, RefusesAHeaderBeyondTheLimit) {
  Builder builder(1, {1, 1, 1});
  std::string value = "data";
  for (int i = 0; i < 16000; ++i) {
    Node node = builder.Make(Op::kRelu, {value});
    node.output = value = std::to_string(i) + std::string(250, '"');
    node.name = std::string(250, '\\');
    builder.Push(node);
  }
  ExpectNotWritten(builder.Build({value}), ErrorKind::kUnsupported,
                   "The network's graph is too large for a model file: the header would take "
                   "49194040 bytes, and the limit is 16777216.");
}

TEST(ModelFileTest, RefusesAnotherSize) {
  const Network network = ExampleNetwork();
  std::vector<std::byte> out(static_cast<size_t>(ModelSize(network)) + 1);
  EXPECT_THROW(WriteModel(network, out), Error);
  EXPECT_THROW(WriteModel(network, std::span(out).first(out.size() - 2)), Error);
  WriteModel(network, std::span(out).first(out.size() - 1));
}

TEST(ModelFileTest, RefusesMemoryThatIsNotAligned) {
  const std::string file = forged::Write(ExampleNetwork());
  const std::shared_ptr<std::byte> memory = AllocateBytes(file.size() + 4);
  std::memcpy(memory.get() + 4, file.data(), file.size());
  EXPECT_THROW(ReadModel(std::shared_ptr<const std::byte>(memory, memory.get() + 4), file.size()),
               Error);
}

}  // namespace
}  // namespace lowtropy
