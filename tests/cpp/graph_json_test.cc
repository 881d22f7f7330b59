// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/io/graph_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <string_view>

#include "floats.h"
#include "inputs.h"
#include "lowtropy/base/bits.h"
#include "lowtropy/base/error.h"
#include "lowtropy/graph/check.h"
#include "reference_network.h"

namespace lowtropy {
namespace {

// One node of every op that has fields, with values that are neither defaults nor equal, so that
// none can stand in for another.
Graph EveryField() {
  Graph graph;
  graph.name = "every field";
  graph.inputs = OneInput("data", {3, 32, 64});
  graph.outputs = {"add", "conv"};
  const auto add = [&](const Operator* op, const std::string& name) -> Node& {
    Node& node = graph.nodes.emplace_back(*op);
    node.name = name;
    node.inputs = {"data"};
    node.output = name;
    return node;
  };
  Node& conv = add(Op::kConv, "conv");
  conv["weight"].tensor = "conv.weight";
  conv["bias"].tensor = "conv.bias";
  conv["outChannels"].integers = {12};
  SetWindow(conv, {.kernel = {2, 3}, .stride = {4, 5}, .dilation = {6, 7}, .pad = {8, 9, 10, 11}});
  conv["groups"].integers = {3};
  Node& fc = add(Op::kFc, "fc");
  fc["weight"].tensor = "fc.weight";
  fc["outChannels"].integers = {4294967295U};
  Node& max = add(Op::kMaxPool, "maxpool");
  SetWindow(max, {.kernel = {3, 4}, .stride = {1, 2}, .dilation = {1, 1}, .pad = {0, 1, 2, 3}});
  max["ceil"].integers = {true};
  Node& avg = add(Op::kAvgPool, "avgpool");
  SetWindow(avg, WindowOf(max));
  avg["countPad"].integers = {true};
  Node& lrn = add(Op::kLrn, "lrn");
  lrn["size"].integers = {7};
  lrn["alpha"].number = 0.0002F;
  lrn["beta"].number = 0.625F;
  lrn["k"].number = 2.5e10F;
  Node& norm = add(Op::kBatchNorm, "norm");
  norm["mean"].tensor = "m";
  norm["variance"].tensor = "v";
  norm["gamma"].tensor = "g";
  norm["beta"].tensor = "b";
  norm["epsilon"].number = 1.00000003e-7F;
  add(Op::kAdd, "add").inputs = {"data", "data"};
  Node& embedding = add(Op::kEmbedding, "embedding");
  embedding["weight"].tensor = "rows";
  embedding["classes"].integers = {65};
  embedding["outChannels"].integers = {16777217};
  Node& lstm = add(Op::kLstm, "lstm");
  lstm["weight"].tensor = "recurrent";
  lstm["outChannels"].integers = {128};
  return graph;
}

constexpr std::string_view kEveryField =
    R"({"name":"every field","input":{"name":"data","shape":[3,32,64]},"outputs":["add","conv"],)"
    R"("nodes":[{"op":"conv","name":"conv","inputs":["data"],"output":"conv",)"
    R"("weight":"conv.weight","bias":"conv.bias","outChannels":12,"kernel":[2,3],"stride":[4,5],)"
    R"("pad":[8,9,10,11],"dilation":[6,7],"groups":3},)"
    R"({"op":"fc","name":"fc","inputs":["data"],"output":"fc","weight":"fc.weight",)"
    R"("outChannels":4294967295},)"
    R"({"op":"maxpool","name":"maxpool","inputs":["data"],"output":"maxpool","kernel":[3,4],)"
    R"("stride":[1,2],"pad":[0,1,2,3],"ceil":true},)"
    R"({"op":"avgpool","name":"avgpool","inputs":["data"],"output":"avgpool","kernel":[3,4],)"
    R"("stride":[1,2],"pad":[0,1,2,3],"ceil":false,"countPad":true},)"
    R"({"op":"lrn","name":"lrn","inputs":["data"],"output":"lrn","size":7,"alpha":0.0002,)"
    R"("beta":0.625,"k":2.5e+10},)"
    R"({"op":"batchnorm","name":"norm","inputs":["data"],"output":"norm","mean":"m",)"
    R"("variance":"v","gamma":"g","beta":"b","epsilon":1e-07},)"
    R"({"op":"add","name":"add","inputs":["data","data"],"output":"add"},)"
    R"({"op":"embedding","name":"embedding","inputs":["data"],"output":"embedding",)"
    R"("weight":"rows","classes":65,"outChannels":16777217},)"
    R"({"op":"lstm","name":"lstm","inputs":["data"],"output":"lstm","weight":"recurrent",)"
    R"("outChannels":128}]})";

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  if (at == text.npos) {
    ADD_FAILURE() << "no " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

void ExpectRefused(std::string_view json, const std::string& message) {
  try {
    ParseGraph(json);
    ADD_FAILURE() << "Accepted; expected: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile) << error.what();
    EXPECT_EQ(error.what(), message);
  }
}

// Changes the text of EveryField, which must be refused then, in words that end with `clause` and
// name a byte of what was changed.
void ExpectChangeRefused(std::string_view from, std::string_view to, const std::string& clause) {
  const size_t at = kEveryField.find(from);
  try {
    ParseGraph(Replaced(std::string(kEveryField), from, to));
    ADD_FAILURE() << "Accepted " << to.substr(0, 100) << "; expected: " << clause;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile) << error.what();
    const std::string message = error.what();
    EXPECT_TRUE(message.ends_with(" of the graph: " + clause + ".")) << message << " / " << clause;
    ASSERT_TRUE(message.starts_with("Byte ")) << message;
    const size_t byte = std::stoul(message.substr(5));
    EXPECT_GE(byte, at) << message;
    EXPECT_LE(byte, at + to.size()) << message;
  }
}

// ---- What is read and written ----

TEST(GraphJsonTest, WritesEveryFieldInCanonicalOrder) {
  EXPECT_EQ(FormatGraph(EveryField()), kEveryField);
}

TEST(GraphJsonTest, ReadsWhatItWrites) {
  EXPECT_EQ(FormatGraph(ParseGraph(kEveryField)), kEveryField);
  const Node conv = ParseGraph(kEveryField).nodes[0];
  EXPECT_EQ(conv.op, Op::kConv);
  EXPECT_EQ(WindowOf(conv), WindowOf(EveryField().nodes[0]));
  EXPECT_EQ(conv.inputs, std::vector<std::string>{"data"});
}

TEST(GraphJsonTest, KeepsEveryOp) {
  for (const Operator* op : Operators()) {
    Graph graph = EveryField();
    Node& node = graph.nodes[0];
    node = Node(*op);
    node.name = node.output = "node";
    for (size_t i = 0; i < node.attributes.size(); ++i) {
      const AttributeKind kind = op->attributes[i].kind;
      const bool names = kind == AttributeKind::kMatrix || kind == AttributeKind::kVector;
      if (names) node.attributes[i].tensor = "tensor";
    }
    const std::string json = FormatGraph(graph);
    EXPECT_EQ(ParseGraph(json).nodes[0].op, op);
    EXPECT_EQ(ParseGraph(json).nodes[0].attributes, node.attributes);
    EXPECT_EQ(FormatGraph(ParseGraph(json)), json);
  }
}

TEST(GraphJsonTest, ReadsRandomGraphs) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    reference::Builder builder(seed, {4, 12, 10});
    const Network network = builder.Build(reference::AddRandomGraph(builder, seed, 20));
    const std::string json = FormatGraph(network.graph);
    EXPECT_EQ(FormatGraph(ParseGraph(json)), json);
    EXPECT_TRUE(nlohmann::json::accept(json));
  }
}

TEST(GraphJsonTest, ReadsAnyKeyOrderAndSpaces) {
  const Graph graph = ParseGraph(
      " {\r\n\t\"nodes\" : [ { \"output\" : \"y\" , \"inputs\" : [ \"x\" ] , \"op\" : \"relu\","
      "\"name\":\"r\" } ] , \"outputs\":[\"y\"],\"input\":{\"shape\":[ 1 , 2,3],\"name\":\"x\"},"
      "\"name\":\"\"}\n");
  EXPECT_EQ(FormatGraph(graph),
            R"({"name":"","input":{"name":"x","shape":[1,2,3]},"outputs":["y"],)"
            R"("nodes":[{"op":"relu","name":"r","inputs":["x"],"output":"y"}]})");
}

TEST(GraphJsonTest, ReadsEscapesAndWritesUtf8) {
  Graph graph = EveryField();
  graph.name = "a\"b\\c/é€\xF0\x9F\x98\x80";
  EXPECT_NE(FormatGraph(graph).find("\"a\\\"b\\\\c/é€\xF0\x9F\x98\x80\""), std::string::npos);
  EXPECT_EQ(ParseGraph(FormatGraph(graph)).name, graph.name);
  EXPECT_EQ(ParseGraph(Replaced(std::string(kEveryField), "every field",
                                R"(a\u0022b\\c\/\u00E9\u20ac\ud83d\uDE00)"))
                .name,
            graph.name);
}

TEST(GraphJsonTest, FloatsSurviveBitByBit) {
  std::mt19937 random(1);
  std::vector<float> values{0.0F, -0.0F, 1.0F / 3, 16777216.0F, FloatOf(1), 0.1F};
  values.push_back(std::numeric_limits<float>::max());
  values.push_back(std::numeric_limits<float>::min());
  while (values.size() < 4000) {
    const float value = FloatOf(static_cast<uint32_t>(random()));
    if (std::isfinite(value)) values.push_back(value);
  }
  Graph graph = EveryField();
  for (const float value : values) {
    graph.nodes[4]["alpha"].number = value;
    const float read = ParseGraph(FormatGraph(graph)).nodes[4].Number("alpha");
    ASSERT_EQ(Bits(read), Bits(value)) << FormatGraph(graph);
  }
}

TEST(GraphJsonTest, ReadsNumbersAsJavaScriptWritesThem) {
  const auto alpha = [](std::string_view text) {
    const std::string json = Replaced(std::string(kEveryField), "0.0002", text);
    return ParseGraph(json).nodes[4].Number("alpha");
  };
  EXPECT_EQ(alpha("0.0001"), 1e-4F);
  EXPECT_EQ(alpha("0.30000001192092896"), 0.3F);
  EXPECT_EQ(alpha("1e-7"), 1e-7F);
  EXPECT_EQ(alpha("3.4028234663852886e+38"), std::numeric_limits<float>::max());
  EXPECT_EQ(alpha("1E2"), 100);
  EXPECT_EQ(alpha("-2"), -2);
  EXPECT_EQ(alpha("1e-999"), 0);
}

TEST(GraphJsonTest, RefusesToWriteNan) {
  Graph graph = EveryField();
  graph.nodes[4]["k"].number = std::nanf("");
  EXPECT_THROW(FormatGraph(graph), Error);
}

// ---- What is refused ----

TEST(GraphJsonTest, RefusesWhatIsNoJson) {
  ExpectRefused("", "Byte 0 of the graph: the text ends where a value is expected.");
  ExpectRefused("  ", "Byte 2 of the graph: the text ends where a value is expected.");
  ExpectRefused("<!DOCTYPE html>", "Byte 10 of the graph: something follows the value.");
  ExpectRefused("null", "Byte 0 of the graph: an object is expected, not null.");
  ExpectRefused("[1]", "Byte 0 of the graph: an object is expected, not [1].");
  ExpectRefused("{", "Byte 0 of the graph: this bracket is never closed.");
  ExpectRefused("{\"a", "Byte 1 of the graph: this string has no end.");
  ExpectRefused("{\"a\\", "Byte 1 of the graph: this string has no end.");
  ExpectRefused("{\"name\":\"\"]", "Byte 10 of the graph: a } is expected.");
  ExpectRefused("{\"name\":}", "Byte 8 of the graph: a value is expected.");
  ExpectRefused("{\"name\"}", "Byte 7 of the graph: a colon is expected.");
  ExpectRefused("{\"name\":\"\",}", "Byte 11 of the graph: a value is expected.");
  ExpectRefused("{,\"name\":\"\"}", "Byte 1 of the graph: a value is expected.");
  ExpectRefused("{\"a\":1 \"b\":2}", "Byte 7 of the graph: a comma is expected.");
  ExpectRefused("{a:1}", "Byte 1 of the graph: a string is expected, not a.");
}

TEST(GraphJsonTest, RefusesTrailingText) {
  ExpectRefused(std::string(kEveryField) + " x", "Byte " + std::to_string(kEveryField.size() + 1) +
                                                     " of the graph: something follows the value.");
  ExpectRefused(
      std::string(kEveryField) + std::string(1, '\0'),
      "Byte " + std::to_string(kEveryField.size()) + " of the graph: something follows the value.");
}

TEST(GraphJsonTest, RefusesWrongTypes) {
  ExpectChangeRefused("\"every field\"", "5", "a string is expected, not 5");
  ExpectChangeRefused("[3,32,64]", "{}", "an array is expected, not {}");
  ExpectChangeRefused("[3,32,64]", "[3,32]", "3 integers are expected");
  ExpectChangeRefused("[3,32,64]", "[3,32,64,1]", "3 integers are expected");
  ExpectChangeRefused("\"ceil\":true", "\"ceil\":1", "true or false is expected, not 1");
  ExpectChangeRefused("\"ceil\":true", "\"ceil\":truth", "true or false is expected, not truth");
  ExpectChangeRefused("[\"data\"]", "\"data\"", "an array is expected, not \"data\"");
  ExpectChangeRefused("\"conv.bias\"", "null", "a string is expected, not null");
  ExpectChangeRefused("0.625", "\"half\"", "a number is expected, not \"half\"");
  ExpectChangeRefused("\"beta\":\"b\"", "\"beta\":0.5", "a string is expected, not 0.5");
  ExpectChangeRefused("true", "\"\xC3\xA9\x1B\"", "true or false is expected, not \"???\"");
}

TEST(GraphJsonTest, RefusesIntegersOutOfRange) {
  const std::string kClause = "an integer from 0 to 4294967295 is expected, not ";
  for (const std::string text : {"-1", "1.0", "1e1", "01", "+1", "0x1", "NaN", "4294967296"}) {
    ExpectChangeRefused("12", text, kClause + text);
  }
  ExpectChangeRefused("12", std::string(30, '9'), kClause + std::string(24, '9') + "...");
}

TEST(GraphJsonTest, RefusesNumbersOutOfRange) {
  for (const std::string text :
       {"Infinity", "nan", "0x1p3", ".5", "5.", "1e", "--1", "00.5", "1e+", "-", "1.e1", "1f"}) {
    ExpectChangeRefused("0.625", text, "a number is expected, not " + text);
  }
  for (const std::string text : {"1e39", "-1e39", "1e999", "3.4028236e38"}) {
    ExpectChangeRefused("0.625", text, "a number that float32 can hold is expected, not " + text);
  }
  ExpectChangeRefused("0.625", "1 2", "a comma is expected");
  ExpectChangeRefused("0.625", "0." + std::string(100, '1'),
                      "a number is expected, not 0." + std::string(22, '1') + "...");
}

TEST(GraphJsonTest, RefusesKeysThatAreMissingTwiceOrUnknown) {
  const auto expect = [](std::string_view groups, const std::string& clause) {
    ExpectChangeRefused("\"groups\":3", groups, clause);
  };
  expect("\"groups\":3,\"groups\":3", "its key is there a second time");
  expect("\"groups\":3,\"\\u0067roups\":3", "its key is there a second time");
  expect("\"groups\":3,\"ceil\":true", "the key \"ceil\" does not belong here");
  expect("\"groups\":3,\"\\u001b[31m\":true", "its key does not belong here");
  ExpectChangeRefused("\"op\":\"conv\"", "\"op\":\"deconv\"", "there is no such op");
  ExpectRefused(Replaced(std::string(kEveryField), "\"groups\"", "\"group\""),
                "Byte 98 of the graph: this object has no key \"groups\".");
  ExpectRefused("{}", "Byte 0 of the graph: this object has no key \"name\".");
  std::string many;
  for (int i = 0; i < 40; ++i) many += ",\"k" + std::to_string(i) + "\":0";
  ExpectRefused(Replaced(std::string(kEveryField), ",\"groups\":3", many),
                "Byte 98 of the graph: this object has too many keys.");
}

TEST(GraphJsonTest, RefusesEveryMissingKey) {
  const auto whole = nlohmann::json::parse(kEveryField);
  int optional = 0;
  for (size_t node = 0; node < whole["nodes"].size(); ++node) {
    for (const auto& [key, value] : whole["nodes"][node].items()) {
      auto json = whole;
      json["nodes"][node].erase(key);
      try {
        ParseGraph(json.dump());
        ++optional;
        EXPECT_TRUE(key == "bias" || key == "gamma" || key == "beta") << key;
      } catch (const Error& error) {
        EXPECT_TRUE(std::string(error.what()).ends_with(" no key \"" + key + "\".")) << key;
      }
    }
  }
  EXPECT_EQ(optional, 3);
}

TEST(GraphJsonTest, RefusesNamesThatAreNone) {
  const auto expect = [](const std::string& name, const std::string& clause) {
    ExpectChangeRefused("\"add\"", "\"" + name + "\"", clause);
  };
  const std::string kNone = "this name is not 1 to 256 bytes of UTF-8 without control characters";
  for (const char* name : {"", "\\u0000", "\\n", "\x7F", "\xC3", "\xC0\x80", "\xED\xA0\x80",
                           "\xF4\x90\x80\x80", "\xFF", "\\u0080"}) {
    expect(name, kNone);
  }
  expect(std::string(257, 'a'), kNone);
  expect("\n", "a string holds a raw control character");
  for (const char* name :
       {"\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800x", "\\u12g4", "\\x41", "\\u12"}) {
    expect(name, "this escape is none of JSON's");
  }
  for (const std::string& name : {std::string("conv bias"), std::string(), std::string(129, 'a')}) {
    ExpectChangeRefused("\"conv.bias\"", "\"" + name + "\"",
                        "this name of a tensor is not 1 to 128 characters of A-Z a-z 0-9 _ . / -");
  }
}

TEST(GraphJsonTest, RefusesDeepNestingWithoutRecursion) {
  constexpr size_t kDepth = 1000000;
  const std::string nested = std::string(kDepth, '[') + std::string(kDepth, ']');
  ExpectRefused(nested.substr(0, kDepth), "Byte 0 of the graph: this bracket is never closed.");
  ExpectRefused(nested,
                "Byte 0 of the graph: an object is expected, not " + nested.substr(0, 24) + "....");
  ExpectChangeRefused(
      "[2,3]", nested,
      "an integer from 0 to 4294967295 is expected, not " + nested.substr(0, 24) + "...");
  std::string objects;
  for (size_t i = 0; i < kDepth; ++i) objects += "{\"a\":";
  ExpectRefused(objects + "0" + std::string(kDepth, '}'),
                "Byte 0 of the graph: this object has no key \"name\".");
}

TEST(GraphJsonTest, RefusesMoreThanItsLimits) {
  ExpectRefused(std::string(kMaxGraphBytes + 1, ' '),
                "The graph has 16777217 bytes of JSON; the limit is 16777216.");
  const std::string node = R"({"op":"relu","name":"a","inputs":["data"],"output":"b"},)";
  std::string nodes;
  for (size_t i = 0; i < kMaxNodes; ++i) nodes += node;
  ExpectChangeRefused("[{\"op\":\"conv\"", "[" + nodes + "{\"op\":\"conv\"",
                      "there are more than 16384 nodes");
  std::string names;
  for (size_t i = 0; i < kMaxNodes + 1; ++i) names += "\"a\",";
  ExpectChangeRefused("[\"add\"", "[" + names + "\"add\"", "there are more than 16385 names");
}

// ---- What version 5 has ----

constexpr std::string_view kPad =
    R"({"name":"","inputs":[{"name":"x","type":"int32","shape":[2,3]}],"outputs":["y"],"nodes":[)"
    R"({"op":"pad","name":"p","inputs":["x"],"output":"y","before":[-2147483648,0],)"
    R"("after":[2147483647,-1],"mode":"wrap","value":0.5}]})";

TEST(GraphJsonTest, SignedIntegersAndChoices) {
  const Graph graph = ParseGraph(kPad);
  const Node& node = graph.nodes[0];
  EXPECT_EQ(node["before"].integers, (Shape{2147483648, 0}));
  EXPECT_EQ(node["after"].integers, (Shape{2147483647, 4294967295}));
  EXPECT_EQ(node.Integer("mode"), 3U);
  EXPECT_EQ(FormatGraph(graph), kPad);
}

TEST(GraphJsonTest, SignedIntegersAndChoicesThatAreNone) {
  const auto refused = [](std::string_view from, std::string_view to, const std::string& clause) {
    std::string text(kPad);
    const size_t at = text.find(from);
    ASSERT_NE(at, text.npos);
    text.replace(at, from.size(), to);
    try {
      ParseGraph(text);
      ADD_FAILURE() << "Accepted: " << to;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(clause), message.npos) << message;
    }
  };
  const std::string expected = "an integer from -2147483648 to 2147483647 is expected, not ";
  for (const std::string none : {"2147483648", "-2147483649", "-", "-0", "-01", "01", "1.5", "1e3",
                                 "+1", "\"1\"", "99999999999999999999"}) {
    refused("2147483647", none, none == "+1" ? "" : expected + none);
  }
  refused("[-2147483648,0]", "[0,0,0,0,0,0,0,0,0]", "there are more than 8 integers");
  refused("\"wrap\"", "\"mirror\"", "there is no such choice");
  refused("\"wrap\"", "3", "a string is expected, not 3");
}

TEST(GraphJsonTest, WhatHasItsDefaultIsLeftOut) {
  constexpr std::string_view kText =
      R"({"name":"","inputs":[{"name":"x","type":"float32","shape":[2,3]}],"outputs":["y"],)"
      R"("nodes":[{"op":"softmax","name":"s","inputs":["x"],"output":"y","axis":8}]})";
  const Graph graph = ParseGraph(kText);
  EXPECT_EQ(FormatGraph(graph).find("axis"), std::string::npos);
  std::string other(kText);
  other.replace(other.find(":8"), 2, ":-1");
  EXPECT_EQ(FormatGraph(ParseGraph(other)), other);
}

// ---- Another implementation ----

// What we accept is JSON for nlohmann-json too, and says the same, number by number.
TEST(GraphJsonTest, AgreesWithNlohmannJsonOnMutations) {
  std::mt19937 random(7);
  constexpr std::string_view kPieces[] = {"\"", ",", ":", "[", "]", "{",     "}",  "\\", "0",
                                          "1",  "e", "-", ".", " ", "u0041", "\n", "a"};
  int accepted = 0;
  for (int round = 0; round < 8000; ++round) {
    std::string json(kEveryField);
    for (uint32_t edits = 1 + random() % 2; edits > 0; --edits) {
      json.replace(random() % json.size(), random() % 2, kPieces[random() % std::size(kPieces)]);
    }
    try {
      const std::string canonical = FormatGraph(ParseGraph(json));
      ++accepted;
      ASSERT_TRUE(nlohmann::json::accept(json)) << json;
      ASSERT_EQ(FormatGraph(ParseGraph(canonical)), canonical);
    } catch (const Error&) {
    }
  }
  EXPECT_GT(accepted, 300);
}

}  // namespace
}  // namespace lowtropy
