// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/net.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "lowtropy/base/checked.h"

namespace lowtropy {

Net::Net(const ValueShape& input) {
  input.CheckedSize();
  values_.emplace_back();
  values_.back().shape = input;
}

Net::Value Net::Add(std::string name, LayerPtr layer, Value input) {
  const ValueShape shapes[] = {values_[input].shape};
  return AddNode({std::move(name), std::move(layer), {input}, 0}, shapes);
}

Net::Value Net::Add(std::string name, LayerPtr layer, Value input, Value input2) {
  const ValueShape shapes[] = {values_[input].shape, values_[input2].shape};
  return AddNode({std::move(name), std::move(layer), {input, input2}, 0}, shapes);
}

Net::Value Net::AddNode(Node node, std::span<const ValueShape> shapes) {
  Held output;
  output.shape = node.layer->Configure(shapes);
  output.shape.CheckedSize();
  output.maker = node.layer.get();
  output.learns = !node.layer->parameters().empty();
  for (const Value input : node.inputs) {
    output.learns = output.learns || values_[input].learns;
    ++values_[input].readers;
  }
  node.output = values_.size();
  values_.push_back(output);
  nodes_.push_back(std::move(node));
  return values_.size() - 1;
}

size_t Net::WeightCount() const {
  size_t count = 0;
  for (const Node& node : nodes_) {
    for (const Parameter& parameter : node.layer->parameters()) {
      count = CheckedSum(count, parameter.size);
    }
  }
  return count;
}

size_t Net::ScratchSize(size_t examples) const {
  size_t size = 0;
  for (const Node& node : nodes_) size = std::max(size, node.layer->ScratchSize(examples));
  return size;
}

size_t Net::MemoryFor(size_t examples) const {
  size_t floats = CheckedProduct({2, WeightCount()});  // with their gradients
  for (const Node& node : nodes_) floats = CheckedSum(floats, node.layer->KeptSize(examples));
  floats = CheckedSum(floats, ScratchSize(examples));
  floats = CheckedSum(floats, ArenaSize(examples));
  return CheckedSum(floats, CheckedProduct({2, AddendSize(), examples}));
}

void Net::Finish(size_t examples, Random* random) {
  MemoryFor(examples);  // before anything is allocated
  examples_ = examples;
  for (const Node& node : nodes_) node.layer->Reserve(examples);
  scratch_.resize(ScratchSize(examples));
  LayOutTensors(random);
  LayOutValues();
  MakeCalls();
}

void Net::LayOutTensors(Random* random) {
  std::map<std::string, Parameter*> all;
  for (const Node& node : nodes_) {
    for (Parameter& parameter : node.layer->parameters()) {
      all.emplace(node.name + "." + parameter.name, &parameter);
    }
  }
  size_t total = 0;  // no more than WeightCount
  for (const auto& [name, parameter] : all) {
    tensors_.push_back({name, parameter->size, total});
    total += parameter->size;
  }
  weights_.resize(total);
  gradients_.resize(total);
  for (const TensorInfo& tensor : tensors_) {
    Parameter& parameter = *all[tensor.name];
    parameter.values = weights_.data() + tensor.offset;
    parameter.gradients = gradients_.data() + tensor.offset;
    for (size_t i = 0; i < parameter.size; ++i) {
      parameter.values[i] = parameter.bound > 0 ? random->Uniform(-parameter.bound, parameter.bound)
                                                : parameter.value;
    }
  }
}

// A layer that can do so works in place where nobody else needs what it overwrites.
bool Net::WorksInPlace(const Node& node) const {
  const Held& input = values_[node.inputs[0]];
  return node.layer->InPlace() && input.readers == 1 &&
         input.learns == values_[node.output].learns &&
         (input.maker == nullptr || !input.maker->ReadsOutput());
}

// Whose memory a value lies in.
std::vector<Net::Value> Net::Owners() const {
  std::vector<Value> owners(values_.size());
  for (Value v = 0; v < owners.size(); ++v) owners[v] = v;
  for (const Node& node : nodes_) {
    if (WorksInPlace(node)) owners[node.output] = owners[node.inputs[0]];
  }
  return owners;
}

// All values and, where something is learned, their gradients.
size_t Net::ArenaSize(size_t examples) const {
  const std::vector<Value> owners = Owners();
  size_t total = 0;
  for (Value v = 0; v < owners.size(); ++v) {
    if (owners[v] != v) continue;
    const size_t copies = values_[v].learns ? 2 : 1;
    total = CheckedSum(total, CheckedProduct({copies, examples, values_[v].shape.size()}));
  }
  return total;
}

void Net::LayOutValues() {
  const std::vector<Value> owners = Owners();
  const auto floats = [&](Value v) { return values_[v].shape.size() * examples_; };
  arena_.resize(ArenaSize(examples_));
  float* next = arena_.data();
  for (Value v = 0; v < owners.size(); ++v) {
    Held& value = values_[v];
    const bool own = owners[v] == v;
    value.data = own ? std::exchange(next, next + floats(v)) : values_[owners[v]].data;
    if (!value.learns) continue;
    value.gradient = own ? std::exchange(next, next + floats(v)) : values_[owners[v]].gradient;
  }
}

// Floats of one example in the largest gradient that is the sum of two layers'.
size_t Net::AddendSize() const {
  std::vector<bool> written(values_.size(), false);
  size_t addend = 0;
  for (size_t n = nodes_.size(); n-- > 0;) {
    for (const Value input : nodes_[n].inputs) {
      if (values_[input].learns && written[input]) {
        addend = std::max(addend, values_[input].shape.size());
      }
      written[input] = true;
    }
  }
  return addend;
}

void Net::MakeCalls() {
  std::vector<bool> written(values_.size(), false);
  const size_t addend = AddendSize();
  calls_.resize(nodes_.size());
  for (size_t n = nodes_.size(); n-- > 0;) {
    const Node& node = nodes_[n];
    Call& call = calls_[n];
    call.layer = node.layer.get();
    call.pass.x = values_[node.inputs[0]].data;
    call.pass.y = values_[node.output].data;
    call.pass.dy = values_[node.output].gradient;
    call.pass.scratch = scratch_.data();
    if (node.inputs.size() > 1) call.pass.x2 = values_[node.inputs[1]].data;
    float** targets[2] = {&call.pass.dx, &call.pass.dx2};
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Held& input = values_[node.inputs[i]];
      *targets[i] = input.gradient;
      if (input.gradient != nullptr && written[node.inputs[i]]) {
        call.sums[i] = input.gradient;
        call.sizes[i] = input.shape.size();
      }
      written[node.inputs[i]] = true;
    }
  }
  addend_.resize(2 * addend * examples_);
  for (Call& call : calls_) {
    if (call.sums[0] != nullptr) call.pass.dx = addend_.data();
    if (call.sums[1] != nullptr) call.pass.dx2 = addend_.data() + addend * examples_;
  }
}

void Net::Forward(size_t examples, bool training, float statistics_weight) {
  for (Call& call : calls_) {
    call.pass.examples = examples;
    call.pass.training = training;
    call.pass.statistics_weight = statistics_weight;
    call.layer->Forward(call.pass);
  }
}

void Net::Backward(size_t examples) {
  for (size_t n = calls_.size(); n-- > 0;) {
    Call& call = calls_[n];
    if (call.pass.dy == nullptr) continue;  // nothing is learned up to there
    call.pass.examples = examples;
    call.layer->Backward(call.pass);
    const float* addends[2] = {call.pass.dx, call.pass.dx2};
    for (size_t i = 0; i < 2; ++i) {
      for (size_t k = 0; k < call.sizes[i] * examples; ++k) call.sums[i][k] += addends[i][k];
    }
  }
}

size_t Net::StateSize() const {
  size_t size = 0;  // each a part of a layer's memory
  for (const Node& node : nodes_) size += node.layer->State().size();
  return size;
}

void Net::CopyState(float* to) const {
  for (const Node& node : nodes_) {
    const std::span<const float> state = node.layer->State();
    to = std::copy(state.begin(), state.end(), to);
  }
}

void Net::SetState(const float* from) {
  for (const Node& node : nodes_) {
    const std::span<float> state = node.layer->State();
    std::copy_n(from, state.size(), state.begin());
    from += state.size();
  }
}

}  // namespace lowtropy
