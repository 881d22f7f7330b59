// SPDX-License-Identifier: Apache-2.0
// What `auto` picks, and that the reason it gives is true.
#include "lowtropy/matrix/choose/choose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "format_testing.h"
#include "lowtropy/matrix/choose/tuning.h"
#include "lowtropy/matrix/cost.h"

namespace lowtropy {
namespace {

using namespace testing_formats;
using Sizes = std::vector<size_t>;

// `rows` x `cols`, a share `density` of elements with one of `distinct` values, the others 0.
Profile SparseProfile(size_t rows, size_t cols, double density, size_t distinct) {
  std::mt19937 rng(11);
  std::uniform_real_distribution<double> uniform;
  Values m{rows, cols, std::vector<float>(rows * cols, 0.0F)};
  for (float& v : m.data) {
    if (uniform(rng) < density) v = 0.5F + static_cast<float>(rng() % distinct);
  }
  return Profile::Of(m.View());
}

const Candidate& Of(const Choice& choice, Format format) {
  return choice.candidates[static_cast<size_t>(format)];
}

bool IsWorthwhile(const Candidate& c, const Candidate& dense) {
  return c.bytes < dense.bytes &&
         c.nanoseconds * static_cast<double>(c.bytes) <=
             tuning::kDenseTolerance * dense.nanoseconds * static_cast<double>(dense.bytes);
}

// The fastest of those that may be preferred to dense; dense if there is none.
const Candidate& Fastest(const Choice& choice) {
  const Candidate& dense = choice.candidates[0];
  const Candidate* fastest = &dense;
  for (const Candidate& c : choice.candidates) {
    const bool first = fastest == &dense;
    if (IsWorthwhile(c, dense) && (first || c.nanoseconds < fastest->nanoseconds)) fastest = &c;
  }
  return *fastest;
}

// The numbers of the sentence against the candidates that it speaks of.
void ExpectTrueReason(const Choice& choice) {
  const Candidate& chosen = Of(choice, choice.format);
  const Candidate& dense = Of(choice, Format::kDense);
  const Candidate& fastest = Fastest(choice);
  std::string text = choice.reason;
  const size_t semicolon = text.find("; ");
  const std::string rest = semicolon == std::string::npos ? "" : text.substr(semicolon + 2);
  text = text.substr(0, semicolon);
  if (choice.format == Format::kDense) {
    EXPECT_EQ(text, "no format is smaller and not much slower");
    for (const Candidate& c : choice.candidates) {
      EXPECT_FALSE(IsWorthwhile(c, dense)) << Name(c.format);
    }
  } else {
    double smaller = 0;
    double faster = 0;
    int end = 0;
    ASSERT_EQ(
        std::sscanf(text.c_str(), "%lf times smaller than dense, predicted %lf times as fast%n",
                    &smaller, &faster, &end),
        2)
        << text;
    EXPECT_EQ(static_cast<size_t>(end), text.size());
    EXPECT_NEAR(smaller, static_cast<double>(dense.bytes) / static_cast<double>(chosen.bytes),
                0.051);
    EXPECT_NEAR(faster, dense.nanoseconds / chosen.nanoseconds, 0.051);
  }
  if (fastest.format == choice.format) {
    EXPECT_EQ(rest, "");
    return;
  }
  char name[16] = {};
  double percent = 0;
  double larger = 0;
  const int no_faster =
      std::sscanf(rest.c_str(), "%15s would be no faster but %lf times as large", name, &larger);
  if (no_faster != 2) {
    ASSERT_EQ(std::sscanf(rest.c_str(), "%15s would be %lf %% faster but %lf times as large", name,
                          &percent, &larger),
              3)
        << choice.reason;
    EXPECT_GE(percent, 1);
  }
  EXPECT_EQ(name, Name(fastest.format));
  EXPECT_NEAR(percent, 100 * (chosen.nanoseconds / fastest.nanoseconds - 1), 0.51);
  EXPECT_NEAR(larger, static_cast<double>(fastest.bytes) / static_cast<double>(chosen.bytes),
              0.051);
}

void CheckChoice(const Profile& profile, size_t columns) {
  const Choice choice = Choose(profile, columns);
  for (size_t i = 0; i < kFormats.size(); ++i) {
    const Candidate& c = choice.candidates[i];
    ASSERT_EQ(c.format, kFormats[i]);
    ASSERT_EQ(c.bytes, BytesOf(c.format, profile));
    ASSERT_EQ(c.nanoseconds, PredictNanoseconds(c.format, profile, columns));
    ASSERT_GT(c.nanoseconds, 0);
  }
  const Candidate& chosen = Of(choice, choice.format);
  EXPECT_LE(chosen.bytes, Of(choice, Format::kDense).bytes);
  for (const Candidate& c : choice.candidates) {
    EXPECT_FALSE(c.bytes < chosen.bytes && c.nanoseconds < chosen.nanoseconds)
        << Name(c.format) << " is smaller and faster than " << Name(chosen.format);
  }
  ExpectTrueReason(choice);
}

TEST(ChooseTest, random_matrices) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 rng(seed);
    const Profile profile = Profile::Of(RandomValues(rng, 60).View());
    for (const size_t columns : Sizes{1, 2, 4, 7, 28, 49, 196, 3025}) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", columns " + std::to_string(columns));
      ASSERT_NO_FATAL_FAILURE(CheckChoice(profile, columns));
    }
  }
}

TEST(ChooseTest, layers_of_real_sizes) {
  for (const double density : {0.0, 0.01, 0.09, 0.33, 0.7, 1.0}) {
    for (const size_t distinct : Sizes{1, 4, 32, 255, 40000}) {
      const Profile profile = SparseProfile(128, 576, density, distinct);
      for (const size_t columns : Sizes{1, 196, 784}) {
        SCOPED_TRACE(std::to_string(density) + " " + std::to_string(distinct) + " " +
                     std::to_string(columns));
        ASSERT_NO_FATAL_FAILURE(CheckChoice(profile, columns));
      }
    }
  }
}

// ---- The time model against measurements ----

// A matrix as scripts/sweep/matrix.js draws it: a share of elements in random places other than 0,
// among which values are equally frequent.
Profile SweptProfile(size_t rows, size_t cols, double density, size_t values) {
  const size_t distinct = density < 1 ? values - 1 : values;
  std::mt19937 rng(5);
  std::uniform_real_distribution<double> uniform;
  Values m{rows, cols, std::vector<float>(rows * cols, 0.0F)};
  for (float& v : m.data) {
    if (uniform(rng) >= density) continue;
    const size_t index = rng() % distinct;
    const size_t step = 1 + index / 2;
    const size_t steps = 1 + distinct / 2;
    const double size = static_cast<double>(step) / static_cast<double>(steps);
    v = static_cast<float>(index % 2 == 0 ? size : -size);
  }
  return Profile::Of(m.View());
}

std::vector<std::string> SplitLine(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
  return fields;
}

// The medians of `npm run sweep`: 1024 x 1024, from few to all elements, from 2 to 1024 values,
// with one column (weights from memory) and with 64. Those of cer and cser with one column differ
// more, for what a run takes depends on how well its end is predicted. What takes microseconds is
// mostly the call.
TEST(ChooseTest, predictions_are_close_to_measured_times) {
  std::ifstream csv(LOWTROPY_TEST_FOLDER "/../scripts/sweep/results.csv");
  std::string line;
  ASSERT_TRUE(std::getline(csv, line));
  const std::vector<std::string> heads = SplitLine(line);
  const auto column = [&](const char* name) {
    const auto found = std::find(heads.begin(), heads.end(), name);
    EXPECT_NE(found, heads.end()) << name;
    return static_cast<size_t>(found - heads.begin());
  };
  struct Score {
    int close = 0;
    int all = 0;
  };
  std::map<std::pair<Format, size_t>, Score> scores;
  std::map<std::string, std::optional<Profile>> profiles;  // of each third, which takes a second
  while (std::getline(csv, line)) {
    const std::vector<std::string> row = SplitLine(line);
    const size_t columns = std::stoul(row[column("batch")]);
    if (row[column("rows")] != "1024" || row[column("cols")] != "1024") continue;
    const std::string what = row[column("density")] + " " + row[column("values")];
    if (!profiles.contains(what)) {
      std::optional<Profile>& profile = profiles[what];
      if (profiles.size() % 3 == 1) {
        profile = SweptProfile(1024, 1024, std::stod(row[column("density")]),
                               std::stoul(row[column("values")]));
      }
    }
    if (!profiles[what]) continue;
    const std::optional<Format> format = ParseFormat(row[column("format")]);
    ASSERT_TRUE(format) << line;
    const char* measured = columns == 1 ? "memory_microseconds" : "microseconds";
    const double microseconds = std::stod(row[column(measured)]);
    const double predicted = PredictNanoseconds(*format, *profiles[what], columns) / 1000;
    if (microseconds < 20 || !std::isfinite(predicted)) continue;
    const bool runs = *format == Format::kCer || *format == Format::kCser;
    const double factor = runs && columns == 1 ? 4 : 2;
    Score& score = scores[{*format, columns == 1 ? 1 : 2}];
    ++score.all;
    if (predicted < factor * microseconds && microseconds < factor * predicted) ++score.close;
  }
  EXPECT_GE(scores.size(), 15U);
  for (const auto& [of, score] : scores) {
    EXPECT_GE(score.all, 12) << Name(of.first);
    EXPECT_GE(score.close, 0.9 * score.all)
        << Name(of.first) << (of.second == 1 ? " with one column" : " with several columns") << ": "
        << score.close << " of " << score.all;
  }
}

// Nothing lossless is smaller than noise.
TEST(ChooseTest, noise_stays_dense) {
  const Choice choice = Choose(SparseProfile(64, 64, 1.0, 1U << 24), 1);
  EXPECT_EQ(choice.format, Format::kDense);
  EXPECT_EQ(choice.reason, "no format is smaller and not much slower");
}

// Where rows are only looked up there is nothing to predict.
TEST(ChooseTest, lookups_take_the_smallest) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    const Choice choice = Choose(Profile::Of(RandomValues(rng, 60).View()), 0);
    const Candidate& chosen = Of(choice, choice.format);
    for (const Candidate& c : choice.candidates) {
      if (c.format == Format::kBlocks || c.bytes == kNotHeld)
        continue;  // slow to look up, or not held
      EXPECT_GE(c.bytes, chosen.bytes) << Name(c.format);
      EXPECT_EQ(c.nanoseconds, 0) << Name(c.format);
    }
    if (choice.format == Format::kDense) {
      EXPECT_EQ(choice.reason, "no format is smaller, and rows are only looked up");
      continue;
    }
    const double smaller =
        static_cast<double>(Of(choice, Format::kDense).bytes) / static_cast<double>(chosen.bytes);
    char text[96];
    std::snprintf(text, sizeof text, "%.1f times smaller than dense, and rows are only looked up",
                  smaller);
    EXPECT_EQ(choice.reason, text);
  }
}

// Tables of products are for one column, for matrices whose most frequent value is 0, and must be
// small: what there is no kernel of its own for is not predicted, and not chosen.
TEST(ChooseTest, blocks_are_predicted_only_where_they_are_meant_to_be_used) {
  const auto predict = [](const Profile& profile, size_t columns) {
    return PredictNanoseconds(Format::kBlocks, profile, columns);
  };
  const Profile sparse = SparseProfile(64, 256, 0.1, 15);
  EXPECT_TRUE(std::isfinite(predict(sparse, 1)));
  for (const size_t columns : Sizes{0, 2, 64}) EXPECT_TRUE(std::isinf(predict(sparse, columns)));
  // 0.5 is the most frequent value.
  const Profile shifted = SparseProfile(64, 256, 0.9, 1);
  ASSERT_EQ(shifted.values.omega()[0], 0.5F);
  EXPECT_TRUE(std::isinf(predict(shifted, 1)));
  EXPECT_NE(Choose(shifted, 1).format, Format::kBlocks);
  EXPECT_TRUE(std::isinf(predict(SparseProfile(256, 512, 0.3, 40000), 1)));
  for (const Format format : kFormats) {
    if (format == Format::kBlocks || BytesOf(format, shifted) == kNotHeld) continue;
    for (const size_t columns : Sizes{0, 1, 64}) {
      EXPECT_TRUE(std::isfinite(PredictNanoseconds(format, shifted, columns))) << Name(format);
    }
  }
}

// The layers of the paper: few values, most of them 0.
TEST(ChooseTest, sparse_layers_of_few_values_do_not_stay_dense) {
  for (const size_t columns : Sizes{1, 28, 196}) {
    const Choice choice = Choose(SparseProfile(256, 1024, 0.09, 32), columns);
    EXPECT_NE(choice.format, Format::kDense);
    EXPECT_GT(Of(choice, Format::kDense).bytes, 5 * Of(choice, choice.format).bytes);
    EXPECT_LT(2 * Of(choice, choice.format).nanoseconds, Of(choice, Format::kDense).nanoseconds)
        << columns;
  }
}

}  // namespace
}  // namespace lowtropy
