// SPDX-License-Identifier: Apache-2.0
// What a graph says of pictures and of its classes.
#include "lowtropy/graph/notes.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "forged_model.h"
#include "inputs.h"
#include "lowtropy/io/graph_json.h"
#include "nodes.h"

namespace lowtropy {
namespace {

constexpr std::string_view kNoted =
    R"({"name":"noted","input":{"name":"x","shape":[3,2,2]},"outputs":["y"],)"
    R"("image":{"layout":"NHWC","order":"BGR","mean":[1,2.5,3],"std":[4,5,6],"scale":0.5,)"
    R"("fit":"contain","fill":114},"labels":["cat","hot dog"],)"
    R"("nodes":[{"op":"relu","name":"y","inputs":["x"],"output":"y"}]})";

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text(kNoted);
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(NotesTest, Json) {
  const Graph graph = ParseGraph(kNoted);
  ASSERT_TRUE(graph.notes.picture);
  EXPECT_EQ(*graph.notes.picture, (PictureInput{.layout = PictureLayout::kChannelsLast,
                                                .order = PictureOrder::kBgr,
                                                .mean = {1, 2.5F, 3},
                                                .std = {4, 5, 6},
                                                .scale = 0.5F,
                                                .fit = PictureFit::kContain,
                                                .fill = 114}));
  EXPECT_EQ(graph.notes.labels, (std::vector<std::string>{"cat", "hot dog"}));
  EXPECT_EQ(FormatGraph(graph), kNoted);
}

TEST(NotesTest, JsonOfEveryKind) {
  for (const std::string_view layout : kPictureLayoutNames) {
    for (const auto& [order, numbers] :
         {std::pair{"BGR", "[0,1,2]"}, {"RGB", "[1e-05,1,2]"}, {"gray", "[1]"}}) {
      for (const std::string_view fit : {R"("crop","side":256)", R"("contain","fill":0)",
                                         R"("corner","fill":255)", R"("stretch")"}) {
        const std::string image = std::string(R"("image":{"layout":")") + std::string(layout) +
                                  R"(","order":")" + order + R"(","mean":)" + numbers +
                                  R"(,"std":)" + (order[0] == 'g' ? "[3]" : "[3,4,5]") +
                                  R"(,"scale":-1,"fit":)" + std::string(fit) + "},";
        const std::string text(kNoted);
        const size_t begin = text.find(R"("image")");
        const size_t end = text.find(R"("labels")");
        const std::string other = text.substr(0, begin) + image + text.substr(end);
        EXPECT_EQ(FormatGraph(ParseGraph(other)), other);
      }
    }
  }
}

TEST(NotesTest, JsonRefusals) {
  const auto refused = [](std::string_view from, std::string_view to, const std::string& clause) {
    ExpectRefused([&] { ParseGraph(Replaced(from, to)); }, clause);
  };
  refused("NHWC", "NWHC", "Byte 87 of the graph: there is no such choice.");
  refused("[1,2.5,3]", "[1,2.5]", "Byte 115 of the graph: 3 numbers are expected.");
  refused("[1,2.5,3]", "[1,2.5,3,4]", "Byte 115 of the graph: 3 numbers are expected.");
  refused("[4,5,6]", "[4,0,6]", "Byte 131 of the graph: a standard deviation is above 0.");
  refused(R"("fill":114)", R"("fill":256)", "Byte 174 of the graph: a pixel is from 0 to 255.");
  refused(R"("fill":114)", R"("fill":-1)", "Byte 174 of the graph: a pixel is from 0 to 255.");
  refused(R"("contain","fill":114)", R"("crop","side":65536)",
          "Byte 171 of the graph: an integer from 0 to 65535 is expected, not 65536.");
  refused(R"("contain","fill":114)", R"("stretch","fill":114)",
          "Byte 174 of the graph: the key \"fill\" does not belong here.");
  refused(R"(["cat","hot dog"])", "[]", "Byte 188 of the graph: there are no labels.");
  refused(R"("cat")", R"("")",
          "Byte 189 of the graph: this label is not 1 to 256 bytes of UTF-8 without control "
          "characters.");
}

// Older programs refuse a file of a version that they do not know, but not a key.
TEST(NotesTest, AModelFileHasThem) {
  Network network = MakeNetwork(OneInput("x", {3, 2, 2}), {MakeNode("relu", "y", {"x"})}, {"y"});
  const std::string plain = forged::Write(network);
  EXPECT_NE(plain.find(R"("version":"1")"), plain.npos);
  network.graph.notes.labels = {"cat", "dog", "\xC3\xA9l\xC3\xA9phant"};
  const std::string labelled = forged::Write(network);
  EXPECT_NE(labelled.find(R"("version":"5")"), labelled.npos);
  network.graph.notes.picture = PictureInput();
  const std::string noted = forged::Write(network);
  const Network read = forged::Read(noted);
  EXPECT_EQ(read.graph.notes, network.graph.notes);
  EXPECT_EQ(forged::Write(read), noted);
}

}  // namespace
}  // namespace lowtropy
