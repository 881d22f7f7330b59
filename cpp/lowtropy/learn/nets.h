// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "lowtropy/learn/data/dataset.h"
#include "lowtropy/learn/net.h"

namespace lowtropy {

// The models by name, fit for examples of this shape; not finished yet (Net::Finish).
//
//   mlp       LeNet-300-100: fully connected, 300, 100 and as many as there are classes, ReLU
//   lenet5    Caffe's: convolutions of 20 and 50 channels, 5 x 5, each with 2 x 2 maximum pooling;
//             fully connected, 500, ReLU, classes
//   resnet8   CIFAR-style (arXiv:1512.03385, section 4.2, n = 1): a convolution and three stages of
//             one block, 16, 32 and 64 channels, batch normalization, mean over the pixels, fully
//             connected. Shortcuts between stages are 1 x 1 convolutions with batch normalization.
//   charlstm  an embedding of 32, an LSTM of 128, fully connected: the next character of a text
//
// Throws Error(kValue) with a sentence for another name, and for a model that cannot read such
// examples.
std::unique_ptr<Net> MakeModel(std::string_view name, const ExampleShape& examples);

}  // namespace lowtropy
