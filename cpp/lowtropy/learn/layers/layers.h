// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "lowtropy/learn/layers/layer.h"

namespace lowtropy {

using LayerPtr = std::unique_ptr<Layer>;

// Weights start uniform in ±sqrt(3 · gain / inputs), whose variance is gain / inputs: gain 2 is
// He's (arXiv:1502.01852), for layers before a ReLU; gain 1 is LeCun's, Caffe's "xavier".

// y = x · weightᵀ + bias on the channels of every row. Parameters: weight (outputs x inputs), bias.
LayerPtr MakeFullyConnected(size_t outputs, float gain);

struct ConvolutionSettings {
  size_t outputs = 0;
  size_t kernel = 1;  // in both directions, as all below
  size_t stride = 1;
  size_t pad = 0;  // zeros on all sides
  bool bias = true;
  float gain = 2;
};

// Planes to planes. Parameters: weight (outputs rows; column (c · kernel + i) · kernel + j is
// channel c at row i and column j of the window), bias.
LayerPtr MakeConvolution(const ConvolutionSettings& settings);

// The maximum of every window of planes; the last windows may reach over the edge, as in Caffe. The
// gradient goes to the first of equal maxima.
LayerPtr MakeMaxPool(size_t kernel, size_t stride);

// The mean of every channel: planes to rows.
LayerPtr MakeGlobalAveragePool();

// (x - mean) / sqrt(variance + 1e-5) · gamma + beta for every channel of planes (arXiv:1502.03167).
// In training, by the mean and the variance of the batch, else by the running ones. Parameters:
// gamma, beta. State: the running means, then the running variances.
LayerPtr MakeBatchNorm();

// Element by element, on either arrangement.
LayerPtr MakeRelu();
LayerPtr MakeTanh();
LayerPtr MakeAdd();  // of two inputs

// Rows that hold channels x height x width, an image each, to planes and back.
LayerPtr MakePlanes(size_t channels, size_t height, size_t width);
LayerPtr MakeFlatten();

// A vector for each of `count` symbols: rows of one channel, a symbol's number each, to rows of
// `width` channels. Parameters: weight (count x width).
LayerPtr MakeEmbedding(size_t count, size_t width);

// A long short-term memory (Hochreiter and Schmidhuber 1997, with forget gates) of `hidden` cells
// over the steps, from a state of zeros. Parameters: weight_input (4 · hidden x inputs),
// weight_hidden (4 · hidden x hidden) and bias, whose rows are for the input gates, the forget
// gates, the candidates and the output gates, in this order. Forget gates have 1 added to their
// bias.
LayerPtr MakeLstm(size_t hidden);

}  // namespace lowtropy
