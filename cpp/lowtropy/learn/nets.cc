// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/nets.h"

#include <algorithm>
#include <string>

#include "lowtropy/base/error.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

using NetPtr = std::unique_ptr<Net>;
using Value = Net::Value;

constexpr float kHe = 2;
constexpr float kLeCun = 1;

NetPtr MakeImageNet(const ExampleShape& examples) {
  return std::make_unique<Net>(ValueShape{.channels = examples.inputs()});
}

NetPtr MakeMlp(const ExampleShape& examples) {
  NetPtr net = MakeImageNet(examples);
  Value x = net->Add("fc1", MakeFullyConnected(300, kHe), 0);
  x = net->Add("relu1", MakeRelu(), x);
  x = net->Add("fc2", MakeFullyConnected(100, kHe), x);
  x = net->Add("relu2", MakeRelu(), x);
  net->Add("fc3", MakeFullyConnected(examples.classes, kLeCun), x);
  return net;
}

NetPtr MakeLenet5(const ExampleShape& examples) {
  if (std::min(examples.height, examples.width) < 16) {
    throw Error(ErrorKind::kValue,
                Text("The model lenet5 needs images of at least 16 x 16 pixels, not ",
                     examples.height, " x ", examples.width, "."));
  }
  NetPtr net = MakeImageNet(examples);
  Value x = net->Add("planes", MakePlanes(examples.channels, examples.height, examples.width), 0);
  x = net->Add("conv1", MakeConvolution({.outputs = 20, .kernel = 5, .gain = kLeCun}), x);
  x = net->Add("pool1", MakeMaxPool(2, 2), x);
  x = net->Add("conv2", MakeConvolution({.outputs = 50, .kernel = 5, .gain = kLeCun}), x);
  x = net->Add("pool2", MakeMaxPool(2, 2), x);
  x = net->Add("flatten", MakeFlatten(), x);
  x = net->Add("fc1", MakeFullyConnected(500, kLeCun), x);
  x = net->Add("relu1", MakeRelu(), x);
  net->Add("fc2", MakeFullyConnected(examples.classes, kLeCun), x);
  return net;
}

// Batch normalization makes a bias of the convolution idle.
Value AddNormalized(Net* net, const std::string& suffix, const ConvolutionSettings& settings,
                    Value x) {
  x = net->Add("conv" + suffix, MakeConvolution(settings), x);
  return net->Add("norm" + suffix, MakeBatchNorm(), x);
}

Value AddBlock(Net* net, const std::string& stage, size_t channels, size_t stride, Value x) {
  Value y = AddNormalized(
      net, stage + "a",
      {.outputs = channels, .kernel = 3, .stride = stride, .pad = 1, .bias = false}, x);
  y = net->Add("relu" + stage + "a", MakeRelu(), y);
  y = AddNormalized(net, stage + "b", {.outputs = channels, .kernel = 3, .pad = 1, .bias = false},
                    y);
  if (stride > 1) {
    x = AddNormalized(net, stage + "s", {.outputs = channels, .stride = stride, .bias = false}, x);
  }
  y = net->Add("add" + stage, MakeAdd(), y, x);
  return net->Add("relu" + stage, MakeRelu(), y);
}

NetPtr MakeResnet8(const ExampleShape& examples) {
  NetPtr net = MakeImageNet(examples);
  Value x = net->Add("planes", MakePlanes(examples.channels, examples.height, examples.width), 0);
  x = AddNormalized(net.get(), "0", {.outputs = 16, .kernel = 3, .pad = 1, .bias = false}, x);
  x = net->Add("relu0", MakeRelu(), x);
  x = AddBlock(net.get(), "1", 16, 1, x);
  x = AddBlock(net.get(), "2", 32, 2, x);
  x = AddBlock(net.get(), "3", 64, 2, x);
  x = net->Add("pool", MakeGlobalAveragePool(), x);
  net->Add("fc", MakeFullyConnected(examples.classes, kLeCun), x);
  return net;
}

NetPtr MakeCharLstm(const ExampleShape& examples) {
  auto net = std::make_unique<Net>(ValueShape{.channels = 1, .steps = examples.steps});
  Value x = net->Add("embedding", MakeEmbedding(examples.classes, 32), 0);
  x = net->Add("lstm", MakeLstm(128), x);
  net->Add("fc", MakeFullyConnected(examples.classes, kLeCun), x);
  return net;
}

struct Model {
  std::string_view name;
  bool reads_text;
  NetPtr (*make)(const ExampleShape&);
};
constexpr Model kModels[] = {
    {"mlp", false, &MakeMlp},
    {"lenet5", false, &MakeLenet5},
    {"resnet8", false, &MakeResnet8},
    {"charlstm", true, &MakeCharLstm},
};

}  // namespace

NetPtr MakeModel(std::string_view name, const ExampleShape& examples) {
  const std::string text(name);
  for (const Model& model : kModels) {
    if (model.name != name) continue;
    if (model.reads_text == (examples.steps > 0)) return model.make(examples);
    throw Error(ErrorKind::kValue,
                "The model " + text + " reads " +
                    (model.reads_text ? "text, not images." : "images, not text."));
  }
  throw Error(ErrorKind::kValue,
              "There is no model \"" + text + "\"; there are mlp, lenet5, resnet8 and charlstm.");
}

}  // namespace lowtropy
