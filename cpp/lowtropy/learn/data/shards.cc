// SPDX-License-Identifier: Apache-2.0
#include "lowtropy/learn/data/shards.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "lowtropy/base/checked.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/random.h"
#include "lowtropy/base/text.h"

namespace lowtropy {
namespace {

class SliceOf final : public Dataset {
 public:
  SliceOf(std::shared_ptr<const Dataset> data, uint32_t from, size_t count)
      : data_(std::move(data)), from_(from), count_(count) {}

  size_t size() const override { return count_; }
  const ExampleShape& shape() const override { return data_->shape(); }

  // One at a time, so that no list of shifted numbers is needed.
  void Read(std::span<const uint32_t> examples, std::span<float> inputs,
            std::span<uint32_t> labels) const override {
    const size_t input_size = shape().inputs();
    const size_t label_size = shape().labels();
    for (size_t i = 0; i < examples.size(); ++i) {
      const uint32_t example = from_ + examples[i];
      data_->Read({&example, 1}, inputs.subspan(i * input_size, input_size),
                  labels.subspan(i * label_size, label_size));
    }
  }

 private:
  std::shared_ptr<const Dataset> data_;
  uint32_t from_;
  size_t count_;
};

[[noreturn]] void RefuseSharing(const std::string& sentence) {
  throw Error(ErrorKind::kValue, sentence);
}

void CheckWorkers(size_t workers, size_t examples) {
  if (workers == 0) RefuseSharing("There must be at least 1 worker.");
  if (workers > examples) {
    RefuseSharing(Text(examples, " examples are too few for ", workers, " workers."));
  }
}

// The examples of each class that occurs, classes and examples in random order.
std::vector<Shard> ExamplesByClass(const Dataset& data, Random* random) {
  std::vector<Shard> classes(data.shape().classes);
  std::vector<float> inputs(data.shape().inputs());
  for (uint32_t example = 0; example < data.size(); ++example) {
    uint32_t label = 0;
    data.Read({&example, 1}, inputs, {&label, 1});
    classes[label].push_back(example);
  }
  classes.erase(std::remove_if(classes.begin(), classes.end(),
                               [](const Shard& examples) { return examples.empty(); }),
                classes.end());
  random->Shuffle(&classes);
  for (Shard& examples : classes) random->Shuffle(&examples);
  return classes;
}

struct SharedClass {
  const Shard* examples;
  std::vector<size_t> viewers;  // the workers who see it
};

// Workers take turns at the classes, around and around; none comes to a class twice.
std::vector<SharedClass> ShareClasses(const std::vector<Shard>& classes, size_t workers,
                                      size_t labels_per_worker) {
  std::vector<SharedClass> shared;
  for (const Shard& examples : classes) shared.push_back({&examples, {}});
  const size_t turns = CheckedProduct({workers, labels_per_worker});
  for (size_t turn = 0; turn < turns; ++turn) {
    shared[turn % classes.size()].viewers.push_back(turn / labels_per_worker);
  }
  return shared;
}

void DealToSmallest(const SharedClass& one, std::vector<Shard>* shards) {
  if (one.viewers.empty()) return;
  const auto is_smaller = [&](size_t a, size_t b) {
    return (*shards)[a].size() < (*shards)[b].size();
  };
  for (const uint32_t example : *one.examples) {
    const size_t smallest = *std::min_element(one.viewers.begin(), one.viewers.end(), is_smaller);
    (*shards)[smallest].push_back(example);
  }
}

void CheckNoneEmpty(const std::vector<Shard>& shards) {
  for (size_t worker = 0; worker < shards.size(); ++worker) {
    if (!shards[worker].empty()) continue;
    RefuseSharing(Text("Worker ", worker, " of ", shards.size(), " would have no examples."));
  }
}

}  // namespace

std::shared_ptr<const Dataset> Slice(std::shared_ptr<const Dataset> data, size_t from,
                                     size_t count) {
  const size_t size = data->size();
  if (count == 0) RefuseSharing("A slice has at least 1 example.");
  if (from > size || count > size - from) {
    RefuseSharing(Text("A slice of ", count, " examples from example ", from, " goes beyond the ",
                       size, " there are."));
  }
  return std::make_shared<SliceOf>(std::move(data), static_cast<uint32_t>(from), count);
}

std::vector<Shard> SplitIid(size_t count, size_t workers, uint64_t seed) {
  CheckWorkers(workers, count);
  Shard all(count);
  std::iota(all.begin(), all.end(), 0U);
  Random(seed).Shuffle(&all);
  std::vector<Shard> shards(workers);
  for (size_t i = 0; i < count; ++i) shards[i % workers].push_back(all[i]);
  return shards;
}

std::vector<Shard> SplitByLabels(const Dataset& data, size_t workers, uint32_t labels_per_worker,
                                 uint64_t seed) {
  if (data.shape().steps > 0) RefuseSharing("Text has no labels to split by.");
  CheckWorkers(workers, data.size());
  Random random(seed);
  const std::vector<Shard> classes = ExamplesByClass(data, &random);
  if (labels_per_worker < 1 || labels_per_worker > classes.size()) {
    RefuseSharing(Text("A worker can see 1 to ", classes.size(), " classes of this data, not ",
                       labels_per_worker, "."));
  }
  std::vector<SharedClass> shared = ShareClasses(classes, workers, labels_per_worker);
  // Those with few viewers first: those with many make up for the difference.
  std::stable_sort(shared.begin(), shared.end(), [](const SharedClass& a, const SharedClass& b) {
    return a.viewers.size() < b.viewers.size();
  });
  std::vector<Shard> shards(workers);
  for (const SharedClass& one : shared) DealToSmallest(one, &shards);
  CheckNoneEmpty(shards);
  return shards;
}

}  // namespace lowtropy
