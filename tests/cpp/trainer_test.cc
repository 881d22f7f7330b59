// SPDX-License-Identifier: Apache-2.0
// Optimizers against their definitions, losses, models, and what a trainer promises.
#include "lowtropy/learn/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "allocation_counter.h"
#include "lowtropy/base/checked.h"
#include "lowtropy/base/crc32.h"
#include "lowtropy/base/error.h"
#include "lowtropy/base/random.h"
#include "lowtropy/learn/layers/loss.h"
#include "lowtropy/learn/nets.h"
#include "lowtropy/learn/optimizer.h"

namespace lowtropy {
namespace {

// Images of noise with a bright spot whose place tells the class; or a text that counts.
class Toy : public Dataset {
 public:
  Toy(const ExampleShape& shape, size_t size) : shape_(shape), size_(size) {}

  size_t size() const override { return size_; }
  const ExampleShape& shape() const override { return shape_; }

  void Read(std::span<const uint32_t> examples, std::span<float> inputs,
            std::span<uint32_t> labels) const override {
    for (size_t e = 0; e < examples.size(); ++e) {
      float* input = inputs.data() + e * shape_.inputs();
      uint32_t* label = labels.data() + e * shape_.labels();
      if (shape_.steps > 0) {
        ReadText(examples[e], input, label);
      } else {
        ReadImage(examples[e], input, label);
      }
    }
  }

 private:
  void ReadImage(uint32_t example, float* input, uint32_t* label) const {
    Random random(7, example);
    *label = random.Below(shape_.classes);
    for (size_t i = 0; i < shape_.inputs(); ++i) input[i] = 0.3F * random.Uniform();
    const size_t column = *label * (shape_.width - 4) / shape_.classes;
    for (size_t r = 4; r < 12; ++r) {
      for (size_t c = column; c < column + 4; ++c) input[r * shape_.width + c] = 1;
    }
  }

  void ReadText(uint32_t example, float* input, uint32_t* label) const {
    for (uint32_t t = 0; t < shape_.steps; ++t) {
      input[t] = static_cast<float>((example + t) % shape_.classes);
      label[t] = (example + t + 1) % shape_.classes;
    }
  }

  ExampleShape shape_;
  size_t size_;
};

constexpr ExampleShape kImages{1, 17, 16, 0, 3};
constexpr ExampleShape kColour{3, 16, 16, 0, 3};
constexpr ExampleShape kText{1, 1, 1, 6, 5};

std::vector<uint32_t> Range(size_t size) {
  std::vector<uint32_t> range(size);
  std::iota(range.begin(), range.end(), 0U);
  return range;
}

TrainerOptions OptionsFor(const std::string& model) {
  TrainerOptions options;
  options.model = model;
  options.batch = 8;
  options.optimizer.learning_rate = 0.05F;
  options.optimizer.momentum = 0.9F;
  return options;
}

Trainer MakeTrainer(const TrainerOptions& options, const ExampleShape& shape, size_t size = 60) {
  return {options, std::make_shared<Toy>(shape, size), Range(size)};
}

struct ModelCase {
  const char* model;
  ExampleShape shape;
};
const ModelCase kModels[] = {{"mlp", kImages},
                             {"lenet5", kImages},
                             {"resnet8", kImages},
                             {"resnet8", kColour},
                             {"charlstm", kText}};

std::vector<float> Copy(std::span<const float> values) { return {values.begin(), values.end()}; }

// The sentence of the error that `work` throws.
template <class F>
std::string Refused(ErrorKind kind, const F& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "nothing was thrown";
}

// ---- loss

TEST(LossTest, softmax_cross_entropy) {
  const std::vector<float> x = {1, 2, 3, -1, 0, 0, 500, 100, -700};
  const std::vector<uint32_t> labels = {2, 1, 1};
  std::vector<float> gradient(x.size());
  const LossSum sum = SoftmaxCrossEntropy(x.data(), labels.data(), 3, 3, gradient.data());
  EXPECT_EQ(sum.correct, 2U);  // the first of equal ones in row 1
  double loss = 0;
  for (size_t r = 0; r < 3; ++r) {
    const double most = *std::max_element(&x[r * 3], &x[r * 3] + 3);
    double total = 0;
    for (size_t i = 0; i < 3; ++i) total += std::exp(x[r * 3 + i] - most);
    loss += std::log(total) - (x[r * 3 + labels[r]] - most);
    for (size_t i = 0; i < 3; ++i) {
      const double p = std::exp(x[r * 3 + i] - most) / total;
      EXPECT_NEAR(gradient[r * 3 + i], (p - (i == labels[r] ? 1 : 0)) / 3, 1e-6);
    }
  }
  EXPECT_NEAR(sum.loss, loss, 1e-4);
}

TEST(LossTest, nan_is_not_hidden) {
  const std::vector<float> x = {1, std::nanf(""), 2};
  const uint32_t label = 0;
  EXPECT_TRUE(std::isnan(SoftmaxCrossEntropy(x.data(), &label, 1, 3, nullptr).loss));
}

// ---- optimizers

TEST(OptimizerTest, sgd_is_that_of_pytorch) {
  OptimizerOptions options;
  options.learning_rate = 0.1F;
  options.momentum = 0.5F;
  options.weight_decay = 0.25F;
  Optimizer optimizer(options, 1);
  std::vector<float> weight = {4};
  double w = 4;
  double v = 0;
  for (const float g : {1.0F, -2.0F, 3.0F}) {
    std::vector<float> gradient = {g};
    optimizer.Step(weight, gradient);
    v = 0.5 * v + g + 0.25 * w;
    w -= 0.1 * v;
    EXPECT_NEAR(weight[0], w, 1e-5);
    EXPECT_NEAR(optimizer.momentum()[0], v, 1e-5);
  }
  EXPECT_EQ(optimizer.steps(), 3U);
}

TEST(OptimizerTest, adam) {
  OptimizerOptions options;
  options.kind = OptimizerOptions::Kind::kAdam;
  options.learning_rate = 0.1F;
  Optimizer optimizer(options, 1);
  std::vector<float> weight = {4};
  double w = 4;
  double m = 0;
  double s = 0;
  for (int t = 1; t <= 20; ++t) {
    std::vector<float> gradient = {static_cast<float>(t % 3)};
    const double g = t % 3;
    optimizer.Step(weight, gradient);
    m = 0.9 * m + 0.1 * g;
    s = 0.999 * s + 0.001 * g * g;
    w -= 0.1 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(s / (1 - std::pow(0.999, t))) + 1e-8);
    EXPECT_NEAR(weight[0], w, 1e-4);
  }
}

TEST(OptimizerTest, gradients_with_a_large_norm_are_scaled_down) {
  OptimizerOptions options;
  options.learning_rate = 1;
  options.clip_norm = 5;
  Optimizer optimizer(options, 2);
  std::vector<float> weights = {0, 0};
  std::vector<float> gradients = {30, 40};
  optimizer.Step(weights, gradients);
  EXPECT_NEAR(weights[0], -3, 1e-6);
  gradients = {0.3F, 0.4F};
  optimizer.Step(weights, gradients);
  EXPECT_NEAR(weights[1], -4.4, 1e-6);
}

TEST(OptimizerTest, schedules) {
  OptimizerOptions options;
  options.learning_rate = 1;
  const auto rates = [&](const std::vector<double>& expected) {
    Optimizer optimizer(options, 1);
    std::vector<float> weight = {0};
    std::vector<float> gradient = {0};
    for (const double rate : expected) {
      EXPECT_NEAR(optimizer.LearningRate(), rate, 1e-6);
      optimizer.Step(weight, gradient);
    }
  };
  rates({1, 1, 1});
  options.schedule.kind = Schedule::Kind::kSteps;
  options.schedule.steps = {2, 3, 5};
  options.schedule.factor = 0.5F;
  rates({1, 1, 0.5, 0.25, 0.25, 0.125, 0.125});
  options.schedule = {};
  options.schedule.kind = Schedule::Kind::kCosine;
  options.schedule.length = 4;
  rates({1, 0.5 + std::sqrt(2) / 4, 0.5, 0.5 - std::sqrt(2) / 4, 0, 0});
}

TEST(OptimizerTest, options_that_cannot_be_are_refused) {
  const auto refused = [](const auto& change) {
    OptimizerOptions options;
    change(&options);
    return Refused(ErrorKind::kValue, [&] { Optimizer(options, 1); });
  };
  const float nan = std::nanf("");
  EXPECT_EQ(refused([](auto* o) { o->learning_rate = 0; }),
            "The learning rate must be a number above 0.");
  EXPECT_NE(refused([&](auto* o) { o->learning_rate = nan; }).find("rate"), std::string::npos);
  EXPECT_NE(refused([](auto* o) { o->momentum = 1; }).find("momentum"), std::string::npos);
  EXPECT_NE(refused([&](auto* o) { o->weight_decay = nan; }).find("decay"), std::string::npos);
  EXPECT_NE(refused([](auto* o) { o->beta2 = 1; }).find("betas"), std::string::npos);
  EXPECT_NE(refused([](auto* o) { o->epsilon = 0; }).find("epsilon"), std::string::npos);
  EXPECT_NE(refused([](auto* o) { o->clip_norm = -1; }).find("norm"), std::string::npos);
  EXPECT_NE(refused([](auto* o) { o->schedule.steps = {3, 2}; }).find("rise"), std::string::npos);
  EXPECT_NE(refused([](auto* o) { o->schedule.kind = Schedule::Kind::kCosine; }).find("length"),
            std::string::npos);
  EXPECT_EQ(Refused(ErrorKind::kValue, [] { OptimizerKindOf("rmsprop"); }),
            "There is no optimizer \"rmsprop\"; there are sgd and adam.");
}

// ---- models

TEST(ModelsTest, weights_are_as_many_as_in_the_papers) {
  const ExampleShape digits{1, 28, 28, 0, 10};
  const auto count = [&](const char* name, const ExampleShape& shape) {
    const std::unique_ptr<Net> net = MakeModel(name, shape);
    Random random(1);
    net->Finish(1, &random);
    return net->weights().size();
  };
  EXPECT_EQ(count("mlp", digits), 266610U);     // LeNet-300-100
  EXPECT_EQ(count("lenet5", digits), 431080U);  // Caffe's
  EXPECT_EQ(count("resnet8", {3, 32, 32, 0, 10}), 78042U);
}

TEST(ModelsTest, initial_weights_are_the_same_everywhere) {
  // CRC-32 of the weights: sums of whole-number arithmetic and one rounded product each.
  const auto checksum = [](const char* name, const ExampleShape& shape) {
    Trainer trainer = MakeTrainer(OptionsFor(name), shape);
    const std::span<const float> weights = trainer.weights();
    return Crc32(weights.data(), weights.size_bytes());
  };
  EXPECT_EQ(checksum("mlp", kImages), 275449840U);
  EXPECT_EQ(checksum("resnet8", kImages), 370382491U);
  EXPECT_EQ(checksum("charlstm", kText), 3550795987U);
}

// Without FMA products are rounded before they are added, as in WebAssembly.
#if defined(__EMSCRIPTEN__) || (defined(__SSE2__) && !defined(__FMA__))
TEST(ModelsTest, trained_weights_are_the_same_on_x86_64_and_as_webassembly) {
  const auto checksum = [](const char* name, const ExampleShape& shape) {
    Trainer trainer = MakeTrainer(OptionsFor(name), shape);
    trainer.Step(5);
    const std::span<const float> weights = trainer.weights();
    return Crc32(weights.data(), weights.size_bytes());
  };
  EXPECT_EQ(checksum("mlp", kImages), 286901898U);
  EXPECT_EQ(checksum("lenet5", kImages), 4188775868U);
  EXPECT_EQ(checksum("resnet8", kColour), 1285017239U);
  EXPECT_EQ(checksum("charlstm", kText), 3654619099U);
}
#endif

TEST(ModelsTest, that_do_not_fit_are_refused) {
  const auto refused = [](const char* name, const ExampleShape& shape) {
    return Refused(ErrorKind::kValue, [&] { MakeModel(name, shape); });
  };
  EXPECT_EQ(refused("charlstm", kImages), "The model charlstm reads text, not images.");
  EXPECT_EQ(refused("mlp", kText), "The model mlp reads images, not text.");
  EXPECT_EQ(refused("vgg", kImages),
            "There is no model \"vgg\"; there are mlp, lenet5, resnet8 and charlstm.");
  EXPECT_EQ(refused("lenet5", {1, 28, 15, 0, 10}),
            "The model lenet5 needs images of at least 16 x 16 pixels, not 28 x 15.");
}

// ---- the trainer

TEST(TrainerTest, every_model_learns) {
  for (const auto& [model, shape] : kModels) {
    SCOPED_TRACE(model);
    Trainer trainer = MakeTrainer(OptionsFor(model), shape);
    const Evaluation before = trainer.Evaluate();
    EXPECT_NEAR(before.loss, std::log(shape.classes), 1.5);
    EXPECT_EQ(before.examples, 60U);
    trainer.Step(60);
    trainer.Calibrate(7);
    const Evaluation after = trainer.Evaluate();
    EXPECT_LT(after.loss, before.loss / 2);
    EXPECT_GT(after.accuracy, 0.9);
  }
}

TEST(TrainerTest, adam_learns) {
  TrainerOptions options = OptionsFor("charlstm");
  options.optimizer.kind = OptimizerOptions::Kind::kAdam;
  options.optimizer.learning_rate = 0.01F;
  Trainer trainer = MakeTrainer(options, kText);
  trainer.Step(60);
  EXPECT_GT(trainer.Evaluate().accuracy, 0.9);
}

TEST(TrainerTest, equal_seeds_give_equal_bits_and_streams_other_orders) {
  for (const auto& [model, shape] : kModels) {
    SCOPED_TRACE(model);
    TrainerOptions options = OptionsFor(model);
    Trainer first = MakeTrainer(options, shape);
    Trainer second = MakeTrainer(options, shape);
    options.stream = 1;
    Trainer third = MakeTrainer(options, shape);
    options.seed = 2;
    Trainer fourth = MakeTrainer(options, shape);
    EXPECT_EQ(Copy(first.weights()), Copy(third.weights()));
    EXPECT_NE(Copy(first.weights()), Copy(fourth.weights()));
    EXPECT_EQ(first.Step(3), second.Step(3));
    third.Step(3);
    EXPECT_EQ(Copy(first.weights()), Copy(second.weights()));
    EXPECT_NE(Copy(first.weights()), Copy(third.weights()));
  }
}

TEST(TrainerTest, steps_in_one_call_or_in_many_are_the_same) {
  Trainer first = MakeTrainer(OptionsFor("resnet8"), kImages);
  Trainer second = MakeTrainer(OptionsFor("resnet8"), kImages);
  const double mean = first.Step(4);
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    sum += second.Step(1);
    second.Evaluate();
    second.Calibrate(1);  // the order goes on as if it had not been
  }
  EXPECT_NEAR(mean, sum / 4, 1e-9);
  EXPECT_EQ(Copy(first.weights()), Copy(second.weights()));
}

TEST(TrainerTest, an_epoch_sees_each_example_once) {
  Sampler sampler(Range(10), 1, 0);
  std::multiset<uint32_t> seen;
  std::vector<uint32_t> batch(4);
  std::vector<uint32_t> order;
  for (int i = 0; i < 5; ++i) {
    sampler.Next(batch);
    seen.insert(batch.begin(), batch.end());
    order.insert(order.end(), batch.begin(), batch.end());
  }
  for (uint32_t example = 0; example < 10; ++example) EXPECT_EQ(seen.count(example), 2U);
  EXPECT_NE(std::vector(order.begin(), order.begin() + 10),
            std::vector(order.begin() + 10, order.end()));
}

TEST(TrainerTest, steps_and_evaluations_do_not_allocate) {
  for (const auto& [model, shape] : kModels) {
    Trainer trainer = MakeTrainer(OptionsFor(model), shape);
    trainer.Step(1);
    const size_t before = Allocations();
    trainer.Step(10);
    trainer.Evaluate();
    EXPECT_EQ(Allocations(), before) << model;
  }
}

TEST(TrainerTest, evaluation_has_a_limit_and_a_last_batch_that_is_not_full) {
  Trainer trainer = MakeTrainer(OptionsFor("mlp"), kImages, 21);
  trainer.Step(5);
  const Evaluation all = trainer.Evaluate();
  EXPECT_EQ(all.examples, 21U);
  double loss = 0;
  for (uint32_t i = 0; i < 21; ++i) {
    TrainerOptions options = OptionsFor("mlp");
    const Toy data(kImages, 21);
    const std::span<const float> outputs = trainer.Predict(data, {&i, 1});
    uint32_t label = 0;
    std::vector<float> input(kImages.inputs());
    data.Read({&i, 1}, input, {&label, 1});
    loss += SoftmaxCrossEntropy(outputs.data(), &label, 1, 3, nullptr).loss / 21;
  }
  EXPECT_NEAR(all.loss, loss, 1e-5);
  EXPECT_EQ(trainer.Evaluate(Toy(kImages, 21), 10).examples, 10U);
  EXPECT_EQ(trainer.Evaluate(Toy(kImages, 5), 10).examples, 5U);
}

TEST(TrainerTest, predictions_of_text_are_rows_by_step) {
  Trainer trainer = MakeTrainer(OptionsFor("charlstm"), kText);
  trainer.Step(60);
  const uint32_t examples[] = {0, 2};
  const std::span<const float> outputs = trainer.Predict(Toy(kText, 60), examples);
  ASSERT_EQ(outputs.size(), 2 * 6 * 5U);
  for (size_t t = 1; t < 6; ++t) {
    for (size_t e = 0; e < 2; ++e) {
      const float* row = outputs.data() + (t * 2 + e) * 5;
      EXPECT_EQ(std::max_element(row, row + 5) - row,
                static_cast<ptrdiff_t>((examples[e] + t + 1) % 5));
    }
  }
}

TEST(TrainerTest, calibration_makes_up_for_other_weights) {
  Trainer learned = MakeTrainer(OptionsFor("resnet8"), kImages);
  learned.Step(60);
  Trainer other = MakeTrainer(OptionsFor("resnet8"), kImages);
  std::copy(learned.weights().begin(), learned.weights().end(), other.weights().begin());
  const double before = other.Evaluate().loss;
  other.Calibrate(7);
  const double after = other.Evaluate().loss;
  learned.Calibrate(7);
  EXPECT_LT(after, before);
  EXPECT_NEAR(after, learned.Evaluate().loss, 0.05);
}

TEST(TrainerTest, restored_training_goes_on_to_the_same_bits) {
  for (const auto& [model, shape] : kModels) {
    for (const auto kind : {OptimizerOptions::Kind::kSgd, OptimizerOptions::Kind::kAdam}) {
      SCOPED_TRACE(model);
      TrainerOptions options = OptionsFor(model);
      options.optimizer.kind = kind;
      options.optimizer.learning_rate = 0.003F;
      options.optimizer.schedule.kind = Schedule::Kind::kSteps;
      options.optimizer.schedule.steps = {12};
      Trainer first = MakeTrainer(options, shape);
      first.Step(11);
      const std::vector<uint8_t> saved = first.Save();
      Trainer second = MakeTrainer(options, shape);
      second.Step(2);
      second.Restore(saved);
      EXPECT_EQ(second.Save(), saved);
      EXPECT_EQ(first.Evaluate().loss, second.Evaluate().loss);
      EXPECT_EQ(first.Step(5), second.Step(5));
      EXPECT_EQ(first.Save(), second.Save());
      EXPECT_EQ(second.steps(), 16U);
    }
  }
}

// One goes on as it is, the other is saved and restored at any moment, in a round or between two.
TEST(TrainerTest, a_saved_state_is_the_whole_state) {
  for (const auto kind : {OptimizerOptions::Kind::kSgd, OptimizerOptions::Kind::kAdam}) {
    for (const auto& [model, shape] : {kModels[0], kModels[2], kModels[4]}) {
      SCOPED_TRACE(model);
      TrainerOptions options = OptionsFor(model);
      options.optimizer.kind = kind;
      options.optimizer.schedule.kind = Schedule::Kind::kCosine;
      options.optimizer.schedule.length = 30;
      Trainer twin = MakeTrainer(options, shape);
      Trainer saved = MakeTrainer(options, shape);
      Random random(3);
      for (int i = 0; i < 16; ++i) {
        const uint32_t chance = random.Below(6);
        for (Trainer* each : {&twin, &saved}) {
          if (chance == 0) each->BeginRound();
          if (chance == 1) each->EndRound();
          if (chance == 2) each->SetScheduleStep(random.state()[0] % 30);
          if (chance > 2) each->Step(1);
        }
        if (random.Below(2) == 0) {
          const std::vector<uint8_t> state = saved.Save();
          saved.BeginRound();
          saved.Step(1);
          saved.Restore(state);
        }
        std::vector<float> one(twin.weights().size());
        std::vector<float> other(one.size());
        std::string said[2];
        said[0] = Refused(ErrorKind::kValue, [&] { twin.Movement(one); });
        said[1] = Refused(ErrorKind::kValue, [&] { saved.Movement(other); });
        EXPECT_EQ(said[0], said[1]);
        EXPECT_EQ(one, other);
        ASSERT_EQ(saved.Save(), twin.Save()) << i;
      }
    }
  }
}

void Seal(std::vector<uint8_t>* bytes) {
  const uint32_t crc = Crc32(bytes->data(), bytes->size() - 4);
  std::memcpy(bytes->data() + bytes->size() - 4, &crc, 4);
}

// Of the time before rounds and the step of the schedule were part of it.
TEST(TrainerTest, version_one_is_read) {
  TrainerOptions options = OptionsFor("mlp");
  options.optimizer.schedule.kind = Schedule::Kind::kCosine;
  options.optimizer.schedule.length = 9;
  Trainer first = MakeTrainer(options, kImages);
  first.Step(3);
  std::vector<uint8_t> old = first.Save();
  old.erase(old.begin() + 64, old.begin() + 80);
  old[4] = 1;
  Seal(&old);
  Trainer second = MakeTrainer(options, kImages);
  second.BeginRound();
  second.Restore(old);
  EXPECT_EQ(second.Save(), first.Save());
  EXPECT_EQ(second.Step(2), first.Step(2));
}

TEST(TrainerTest, counters_at_their_ends) {
  TrainerOptions options = OptionsFor("mlp");
  options.optimizer.kind = OptimizerOptions::Kind::kAdam;
  Trainer trainer = MakeTrainer(options, kImages);
  trainer.Step(1);
  const std::vector<uint8_t> saved = trainer.Save();
  const auto with = [&](size_t at, uint64_t number) {
    std::vector<uint8_t> state = saved;
    std::memcpy(state.data() + at, &number, sizeof number);
    Seal(&state);
    return state;
  };
  constexpr size_t kSteps = 56;
  constexpr size_t kScheduleStep = 64;
  constexpr size_t kInRound = 72;
  for (const size_t at : {kSteps, kScheduleStep}) {
    for (const uint64_t number : {kMostSteps + 1, UINT64_MAX}) {
      EXPECT_EQ(Refused(ErrorKind::kFile, [&] { trainer.Restore(with(at, number)); }),
                "The saved trainer has made more steps than are counted.");
    }
    // The last that are counted: it goes on, and what it then is can be restored.
    trainer.Restore(with(at, kMostSteps));
    EXPECT_TRUE(std::isfinite(trainer.Step(2)));
    for (const float weight : trainer.weights()) ASSERT_TRUE(std::isfinite(weight));
    const std::vector<uint8_t> after = trainer.Save();
    trainer.Restore(after);
    EXPECT_EQ(trainer.Save(), after);
  }
  EXPECT_EQ(Refused(ErrorKind::kFile, [&] { trainer.Restore(with(kInRound, 2)); }),
            "The saved trainer is neither in a round nor between two.");
  EXPECT_EQ(Refused(ErrorKind::kFile, [&] { trainer.Restore(with(kInRound, 1)); }),
            "The saved trainer has a length that is not its model's.");
}

TEST(TrainerTest, restore_refuses_what_is_not_its_own) {
  Trainer trainer = MakeTrainer(OptionsFor("mlp"), kImages);
  trainer.Step(2);
  const std::vector<uint8_t> before = trainer.Save();
  const auto refused = [&](const std::vector<uint8_t>& bytes) {
    std::string sentence = Refused(ErrorKind::kFile, [&] { trainer.Restore(bytes); });
    EXPECT_EQ(trainer.Save(), before);
    return sentence;
  };
  const auto from = [&](const std::string& model, const auto& change, const ExampleShape& shape,
                        size_t size = 60) {
    TrainerOptions options = OptionsFor(model);
    change(&options);
    return refused(MakeTrainer(options, shape, size).Save());
  };
  const auto same = [](TrainerOptions*) {};
  EXPECT_EQ(from("lenet5", same, kImages),
            "The saved trainer has another model, or one for other data.");
  EXPECT_EQ(from("mlp", same, kColour),
            "The saved trainer has another model, or one for other data.");
  EXPECT_EQ(from(
                "mlp", [](auto* o) { o->batch = 4; }, kImages),
            "The saved trainer has batches of 4 examples, not of 8.");
  EXPECT_EQ(from(
                "mlp", [](auto* o) { o->seed = 4; }, kImages),
            "The saved trainer has another seed or stream.");
  EXPECT_EQ(from(
                "mlp", [](auto* o) { o->stream = 4; }, kImages),
            "The saved trainer has another seed or stream.");
  EXPECT_EQ(from("mlp", same, kImages, 61), "The saved trainer learns from other examples.");
  EXPECT_EQ(from(
                "mlp", [](auto* o) { o->optimizer.kind = OptimizerOptions::Kind::kAdam; }, kImages),
            "The saved trainer has another optimizer.");
}

TEST(TrainerTest, restore_refuses_damaged_bytes) {
  Trainer trainer = MakeTrainer(OptionsFor("mlp"), kImages);
  trainer.Step(2);
  const std::vector<uint8_t> saved = trainer.Save();
  const auto refused = [&](std::vector<uint8_t> bytes) {
    std::string sentence = Refused(ErrorKind::kFile, [&] { trainer.Restore(bytes); });
    EXPECT_EQ(trainer.Save(), saved);
    return sentence;
  };
  for (const ptrdiff_t size : {0, 3, 67}) {
    EXPECT_EQ(refused({saved.begin(), saved.begin() + size}), "The saved trainer is too short.");
  }
  Random random(1);
  for (int i = 0; i < 30; ++i) {
    std::vector<uint8_t> bytes = saved;
    bytes[i < 10 ? static_cast<size_t>(i) * 6
                 : random.Below(static_cast<uint32_t>(bytes.size()))] ^= 1 << random.Below(8);
    EXPECT_NE(refused(bytes), "nothing was thrown");
  }
  std::vector<uint8_t> shorter(saved.begin(), saved.end() - 4);
  Seal(&shorter);
  EXPECT_EQ(refused(shorter), "The saved trainer has a length that is not its model's.");
  std::vector<uint8_t> beyond = saved;
  const uint32_t position = 61;
  std::memcpy(beyond.data() + 52, &position, 4);
  Seal(&beyond);
  EXPECT_EQ(refused(beyond), "The saved trainer is at an example that its shard does not have.");
  std::vector<uint8_t> version = saved;
  version[4] = 9;
  Seal(&version);
  EXPECT_EQ(refused(version), "The saved trainer has version 9, which is not known here.");
}

TEST(TrainerTest, options_that_cannot_be_are_refused) {
  const auto data = std::make_shared<Toy>(kImages, 60);
  TrainerOptions options = OptionsFor("mlp");
  const auto refused = [&](std::vector<uint32_t> shard, ErrorKind kind = ErrorKind::kValue) {
    return Refused(kind, [&] { Trainer(options, data, std::move(shard)); });
  };
  EXPECT_EQ(refused({}), "A shard must have at least 1 example.");
  EXPECT_EQ(refused({0, 60}), "The shard names example 60, and the data set has 60.");
  options.batch = 0;
  EXPECT_EQ(refused({0}), "A batch must have at least 1 example.");
  options.batch = 0xFFFFFFFF;
  options.model = "resnet8";
  EXPECT_EQ(refused({0}, ErrorKind::kMemory)
                .find("The model resnet8 is too large for images of "
                      "17 x 16 pixels in batches of 4294967295: "),
            0U);
  EXPECT_EQ(Refused(ErrorKind::kValue, [] { Trainer({}, nullptr, {0}); }),
            "A trainer needs a data set.");
  Trainer trainer = MakeTrainer(OptionsFor("mlp"), kImages);
  EXPECT_NE(Refused(ErrorKind::kShape, [&] { trainer.Evaluate(Toy(kColour, 5), 5); }).find("shape"),
            std::string::npos);
  EXPECT_NE(Refused(ErrorKind::kShape, [&] { trainer.Predict(*data, Range(9)); }).find("at most 8"),
            std::string::npos);
  const uint32_t beyond = 60;
  EXPECT_NE(Refused(ErrorKind::kValue,
                    [&] {
                      trainer.Predict(*data, {&beyond, 1});
                    })
                .find("60"),
            std::string::npos);
}

// Sizes whose products pass 2^32 are refused before anything is allocated, wherever size_t is as
// narrow as that and wherever it is not.
TEST(TrainerTest, models_that_ask_for_much_are_refused) {
  struct Case {
    const char* model;
    ExampleShape shape;
    uint32_t batch;
  };
  const Case cases[] = {
      {"mlp", {1, 3784, 3784, 0, 10}, 1},     // 300 x pixels are 2^32 + 629,504
      {"mlp", {1, 65536, 65536, 0, 10}, 1},   // pixels are 2^32
      {"mlp", {4, 32768, 32768, 0, 10}, 1},   // so are channels x pixels
      {"mlp", {1, 4096, 4096, 0, 10}, 256},   // so are pixels x batch
      {"lenet5", {1, 4096, 4096, 0, 10}, 1},  // the weights of fc1 are 24 · 2^30
      {"lenet5", {1, 16, 16, 0, 10}, UINT32_MAX},
      {"resnet8", {3, 4096, 4096, 0, 10}, 1},
      {"resnet8", {1, 1, 65535, 0, 10}, 65537},
      {"charlstm", {1, 1, 1, 65536, 200}, 65536},  // steps x batch are 2^32
      {"charlstm", {1, 1, 1, UINT32_MAX, 200}, UINT32_MAX},
  };
  for (const auto& [model, shape, batch] : cases) {
    TrainerOptions options = OptionsFor(model);
    options.batch = batch;
    const auto data = std::make_shared<Toy>(shape, 1);
    const size_t before = AllocatedBytes();
    const std::string sentence = Refused(ErrorKind::kMemory, [&] { Trainer(options, data, {0}); });
    EXPECT_EQ(sentence.find(std::string("The model ") + model + " is too large for "), 0U)
        << sentence;
    EXPECT_LT(AllocatedBytes() - before, 100000U) << model;
  }
}

TEST(TrainerTest, its_memory_is_what_was_foretold) {
  for (const auto& [model, shape] : kModels) {
    SCOPED_TRACE(model);
    TrainerOptions options = OptionsFor(model);
    const auto data = std::make_shared<Toy>(shape, 1);
    options.max_memory = 1;
    const std::string sentence = Refused(ErrorKind::kMemory, [&] { Trainer(options, data, {0}); });
    const size_t at = sentence.find("batches of 8: ");
    ASSERT_NE(at, std::string::npos) << sentence;
    const uint64_t needed = std::stoull(sentence.substr(at + 14));
    options.max_memory = needed - 1;
    EXPECT_NE(Refused(ErrorKind::kMemory, [&] { Trainer(options, data, {0}); }).find("allowed"),
              std::string::npos);
    options.max_memory = needed;
    const size_t before = AllocatedBytes();
    const Trainer trainer(options, data, {0});
    // Layers, names and lists beside it.
    EXPECT_NEAR(static_cast<double>(AllocatedBytes() - before), static_cast<double>(needed), 4e4);
  }
}

TEST(CheckedTest, products_and_sums) {
  EXPECT_EQ(CheckedProduct({3, 5, 7}), 105U);
  EXPECT_EQ(CheckedProduct({SIZE_MAX, 0, SIZE_MAX}), 0U);
  EXPECT_EQ(CheckedProduct({}), 1U);
  EXPECT_EQ(CheckedProduct({kMostFloats, 1}), kMostFloats);
  EXPECT_EQ(CheckedSum(kMostFloats - 1, 1), kMostFloats);
  const std::string most = std::to_string(kMostFloats);
  EXPECT_EQ(Refused(ErrorKind::kMemory,
                    [] {
                      CheckedProduct({kMostFloats, 2});
                    }),
            most + " x 2 numbers are more than memory has room for.");
  EXPECT_EQ(Refused(ErrorKind::kMemory, [] { CheckedSum(1, kMostFloats); }),
            "1 and " + most + " numbers are more than memory has room for.");
  EXPECT_NE(Refused(ErrorKind::kMemory, [] { CheckedProduct({SIZE_MAX / 2, 2, 2}); }), "");
  EXPECT_NE(Refused(ErrorKind::kMemory, [] { CheckedSum(SIZE_MAX, 1); }), "");
}

TEST(TrainerTest, a_shard_smaller_than_a_batch_repeats) {
  Trainer trainer(OptionsFor("mlp"), std::make_shared<Toy>(kImages, 60), {3, 4});
  trainer.Step(10);
  const uint32_t examples[] = {3, 4};
  EXPECT_EQ(trainer.Predict(Toy(kImages, 60), examples).size(), 6U);
}

}  // namespace
}  // namespace lowtropy
