// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowtropy/base/array.h"
#include "lowtropy/matrix/matrix.h"

namespace lowtropy {

// What a node computes. The names in graphs (`Name`) are those of FORMAT.md.
enum class Op : uint8_t {
  kConv,           // weight x input windows + bias
  kFc,             // weight x flattened input + bias
  kRelu,           // max(x, 0)
  kMaxPool,        // maximum of each window
  kAvgPool,        // mean of each window
  kGlobalAvgPool,  // mean of each channel
  kLrn,            // local response normalization across channels
  kBatchNorm,      // (x - mean) / sqrt(variance + epsilon) · gamma + beta, per channel
  kAdd,            // sum of inputs of one shape
  kConcat,         // inputs one after the other along the channels
  kFlatten,        // C x H x W to C·H·W x 1 x 1
  kSoftmax,        // over the channels, for each pixel
  kDropout,        // identity: inference only
  kEmbedding,      // 1 x T x 1 numbers of classes to the weight's rows, one a step
  kLstm,           // what an LSTM does from step to step; see Lstm in sequence.h
};

std::string_view Name(Op op);
std::optional<Op> ParseOp(std::string_view name);

// Whether nodes of the op have a matrix: conv, fc, embedding and lstm.
bool HasWeight(Op op);

// One sample's shape. Vectors are C x 1 x 1, sequences features x steps x 1.
struct Shape {
  uint32_t channels = 0;
  uint32_t height = 0;
  uint32_t width = 0;

  uint64_t size() const { return uint64_t{channels} * height * width; }
  bool operator==(const Shape&) const = default;
};

// A sliding window over rows and columns: {vertical, horizontal}; padding is top, left, bottom,
// right.
struct Window {
  std::array<uint32_t, 2> kernel{1, 1};
  std::array<uint32_t, 2> stride{1, 1};
  std::array<uint32_t, 2> dilation{1, 1};  // conv only
  std::array<uint32_t, 4> pad{0, 0, 0, 0};
  bool operator==(const Window&) const = default;
};

// A node of the graph. Fields that its op does not use keep their defaults.
struct Node {
  Op op = Op::kRelu;
  std::string name;
  std::vector<std::string> inputs;  // names of values: the graph's input or other nodes' outputs
  std::string output;               // the name of the one value that it makes

  // Names of tensors; empty means none. The weight is a Matrix: outChannels rows, and
  // (inChannels / groups) · kernel height · kernel width columns (conv) or C·H·W columns (fc);
  // classes x outChannels (embedding); 4 · outChannels x outChannels (lstm).
  // The others are vectors with one value an output channel.
  std::string weight;
  std::string bias;
  std::string mean;
  std::string variance;
  std::string gamma;
  std::string beta;

  uint32_t out_channels = 0;  // conv, fc, embedding, lstm
  uint32_t classes = 0;       // embedding
  uint32_t groups = 1;        // conv
  Window window;              // conv, pools
  bool ceil = false;        // pools: round the output size up; the last window still starts inside
  bool count_pad = false;   // avgpool: divide by the window's size with its padding
  uint32_t lrn_size = 5;    // channels in the window
  float lrn_alpha = 1e-4F;  // divided by lrn_size
  float lrn_beta = 0.75F;
  float lrn_k = 1.0F;
  float epsilon = 1e-5F;  // batchnorm
};

// A directed acyclic graph of nodes, in any order.
struct Graph {
  std::string name;
  std::string input;  // the name of the input value
  Shape input_shape;
  std::vector<std::string> outputs;  // names of values
  std::vector<Node> nodes;
};

// A graph with its weights.
struct Network {
  Graph graph;
  std::map<std::string, Matrix> matrices;
  std::map<std::string, Array> vectors;  // float32
};

}  // namespace lowtropy
