#include "bench/paired.h"

#include <gtest/gtest.h>

#include <random>

namespace cinch::bench {
namespace {

TEST(Paired, QuantilesLieBetweenNeighbours) {
  const std::vector<double> values = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 4);
  EXPECT_DOUBLE_EQ(median(values), 2.5);
  EXPECT_DOUBLE_EQ(median({7}), 7);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(Paired, WhatIsNoNumberIsLeftOut) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(turn_medians({1, none, 3, 9, 9, 9}, 3), (std::vector<double>{2, 9}));
  // A whole turn of them has no ratio.
  EXPECT_EQ(turn_ratios({1, 1, none, none, 2, 2}, {1, 1, 1, 1, 1, 1}, 2), (std::vector<double>{2}));
}

TEST(Paired, TurnsThatAreNotWholeAreLeftOut) {
  EXPECT_EQ(turn_medians({1, 2, 9, 4, 4, 5, 7, 7}, 3), (std::vector<double>{2, 4}));
  EXPECT_EQ(turn_ratios({9, 2, 9, 6, 6, 6}, {1, 1, 1, 4, 4, 4, 1, 1}, 3), (std::vector<double>{3}));
  EXPECT_TRUE(turn_ratios({1, 1}, {1, 1}, 2).empty());
}

// Steps that take 2 % longer from turn to turn: pairs of steps of the same number, which lie a turn apart, would tell 2
// % too little.
TEST(Paired, AMachineThatGrowsSlowerLeavesNoTrace) {
  std::vector<double> with, without;
  double slowness = 1;
  for (int turn = 0; turn < 10; ++turn) {
    for (int i = 0; i < 5; ++i) with.push_back(1.1 * slowness);
    slowness *= 1.02;
    for (int i = 0; i < 5; ++i) without.push_back(slowness);
    slowness *= 1.02;
  }
  const std::vector<double> ratios = turn_ratios(with, without, 5);
  ASSERT_EQ(ratios.size(), 9u);
  for (const double ratio : ratios) EXPECT_NEAR(ratio, 1.1, 1e-9);
}

// 2,000 medians of 60 normal values scatter as one of them says on average.
TEST(Paired, TheStandardErrorIsWhatMediansScatterBy) {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal(1.05, 0.08);
  double said = 0, sum = 0, squares = 0;
  constexpr int kRuns = 2000;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> values(60);
    for (double& value : values) value = normal(engine);
    said += median_standard_error(values) / kRuns;
    const double m = median(values);
    sum += m;
    squares += m * m;
  }
  const double scatter = std::sqrt(squares / kRuns - (sum / kRuns) * (sum / kRuns));
  EXPECT_NEAR(said / scatter, 1, 0.05);
}

// One step that took long, as others may make it, moves neither much.
TEST(Paired, OutliersCountLittle) {
  std::vector<double> values(59, 1.0);
  for (size_t i = 0; i < values.size(); ++i) values[i] += i % 2 == 0 ? 0.01 : -0.01;
  const double before = median_standard_error(values);
  values.push_back(50);
  EXPECT_NEAR(median(values), 1, 0.011);
  EXPECT_NEAR(median_standard_error(values), before, 0.01 * before);
}

}  // namespace
}  // namespace cinch::bench
