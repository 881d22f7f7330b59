// SPDX-License-Identifier: Apache-2.0
// Every format on layers of the sizes that networks have: both kernels, encoding, decoding,
// validation. FLOP/s count what the dense product would take, 2 · rows · cols · columns, so that
// formats can be compared; `bytes` is the size of the matrix.
//
//   lowtropy_bench --benchmark_filter='columns/.*/cser'
#include <benchmark/benchmark.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "lowtropy/matrix/kernels/kernels.h"
#include "lowtropy/matrix/matrix.h"

namespace lowtropy {
namespace {

struct MeasuredLayer {
  const char* name;
  size_t rows;
  size_t cols;
  size_t columns;   // right-hand sides: 1 for a vector, pixels for a convolution
  double density;   // share of elements other than `common`
  size_t distinct;  // values among them
  float common;
};
constexpr MeasuredLayer kLayers[] = {
    {"alexnet_fc6", 4096, 9216, 1, 0.09, 32, 0.0F},
    {"alexnet_fc8", 1000, 4096, 1, 0.25, 32, 0.0F},
    {"quantized_fc", 1000, 4096, 1, 1.0, 256, 0.0F},
    {"shifted_fc", 1000, 4096, 1, 0.25, 32, -0.5F},
    {"vgg_conv5", 512, 4608, 196, 0.10, 32, 0.0F},
    {"resnet_conv3", 256, 2304, 784, 0.33, 256, 0.0F},
    {"squeezenet_expand1x1", 64, 16, 3025, 0.6, 16, 0.0F},
    {"squeezenet_expand3x3", 64, 144, 3025, 0.3, 16, 0.0F},
    {"shifted_conv", 64, 144, 3025, 0.3, 16, -0.5F},
};

std::vector<float> Draw(const MeasuredLayer& layer) {
  std::mt19937 rng(1);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<double> uniform;
  std::vector<float> values(layer.distinct);
  for (float& v : values) v = normal(rng);
  std::vector<float> weights(layer.rows * layer.cols);
  for (float& w : weights) {
    w = uniform(rng) < layer.density ? values[rng() % layer.distinct] : layer.common;
  }
  return weights;
}

// Made at the start of each benchmark, for all layers in all formats would not fit into memory.
Matrix Make(const MeasuredLayer& layer, Format format) {
  const std::vector<float> weights = Draw(layer);
  return Matrix::From(DenseView(weights.data(), layer.rows, layer.cols), format);
}

void Report(benchmark::State& state, const MeasuredLayer& layer, uint64_t bytes) {
  const double flops = 2.0 * static_cast<double>(layer.rows * layer.cols * layer.columns) *
                       static_cast<double>(state.iterations());
  state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsRate);
  state.counters["bytes"] = static_cast<double>(bytes);
}

void Product(benchmark::State& state, const MeasuredLayer& layer, Format format) {
  const Matrix w = Make(layer, format);
  const size_t n = layer.columns;
  std::vector<uint32_t> offsets;
  for (size_t k = 0; k < layer.cols; ++k) offsets.push_back(static_cast<uint32_t>(k * n));
  const std::vector<float> x(layer.cols * n + kColumnSlack, 0.5F);
  std::vector<float> y(layer.rows * n);
  std::vector<float> workspace(n == 1 ? VectorWorkspace(w)
                                      : ColumnsWorkspace(layer.rows, layer.cols));
  for (auto _ : state) {
    if (n == 1) {
      MultiplyVector(w, {0, layer.rows}, x.data(), y.data(), {}, workspace.data());
    } else {
      MultiplyColumns(w, {0, layer.rows}, {x.data(), offsets.data(), n, n, n}, {y.data(), n}, {},
                      workspace.data());
    }
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  Report(state, layer, w.ByteLength());
}

// The other three count dense elements a second.
void ReportElements(benchmark::State& state, const MeasuredLayer& layer, uint64_t bytes) {
  const double elements =
      static_cast<double>(layer.rows * layer.cols) * static_cast<double>(state.iterations());
  state.counters["elements/s"] = benchmark::Counter(elements, benchmark::Counter::kIsRate);
  state.counters["bytes"] = static_cast<double>(bytes);
}

void Encode(benchmark::State& state, const MeasuredLayer& layer, Format format) {
  const std::vector<float> weights = Draw(layer);
  const DenseView view(weights.data(), layer.rows, layer.cols);
  uint64_t bytes = 0;
  for (auto _ : state) bytes = Matrix::From(view, format).ByteLength();
  ReportElements(state, layer, bytes);
}

void Decode(benchmark::State& state, const MeasuredLayer& layer, Format format) {
  const Matrix w = Make(layer, format);
  for (auto _ : state) benchmark::DoNotOptimize(w.ToDense().data());
  ReportElements(state, layer, w.ByteLength());
}

void Validate(benchmark::State& state, const MeasuredLayer& layer, Format format) {
  const Matrix w = Make(layer, format);
  for (auto _ : state) {
    if (!w.Validate(nullptr)) state.SkipWithError("not valid");
  }
  ReportElements(state, layer, w.ByteLength());
}

using Benchmark = void (*)(benchmark::State&, const MeasuredLayer&, Format);

void Register(const char* kind, const MeasuredLayer& layer, Benchmark benchmark) {
  for (const Format format : kFormats) {
    const std::string name = std::string(kind) + "/" + layer.name + "/" + std::string(Name(format));
    benchmark::RegisterBenchmark(name.c_str(), benchmark, layer, format)
        ->Unit(benchmark::kMicrosecond);
  }
}

const bool kRegistered = [] {
  for (const MeasuredLayer& layer : kLayers) {
    Register(layer.columns == 1 ? "vector" : "columns", layer, Product);
  }
  for (const MeasuredLayer& layer : {kLayers[1], kLayers[5]}) {
    Register("encode", layer, Encode);
    Register("decode", layer, Decode);
    Register("validate", layer, Validate);
  }
  return true;
}();

}  // namespace
}  // namespace lowtropy
