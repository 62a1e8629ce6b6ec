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

TEST(Paired, AsManyPairsAsBothHave) { EXPECT_EQ(pair_ratios({2, 9, 5}, {1, 3}), (std::vector<double>{2, 3})); }

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
