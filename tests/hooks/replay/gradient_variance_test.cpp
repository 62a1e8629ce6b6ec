#include "hooks/replay/gradient_variance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace cinch::hooks {
namespace {

constexpr size_t kValues = 20000;

// A gradient of squared norm 1 (in the mean): a fixed part, chance of the batch, and on top the variance of codes,
// which is relative to the exact gradient.
struct Source {
  double v, coded;
  std::mt19937_64 random{7};
  std::vector<float> next(float scale = 1) {
    std::normal_distribution<double> normal;
    std::vector<float> out(kValues);
    for (size_t i = 0; i < kValues; ++i) {
      const double fixed = std::sqrt((1 - v) / kValues) * (i % 2 == 0 ? 1 : -1);
      out[i] = scale * static_cast<float>(fixed + normal(random) * std::sqrt((v + coded) / kValues));
    }
    return out;
  }
};

TEST(GradientVariance, IsWhatNeighboursDifferBy) {
  for (const double v : {0.05, 0.3, 0.62, 0.9}) {
    Source source{v, 0};
    GradientVariance variance;
    EXPECT_FALSE(variance.value());
    for (int i = 0; i < 9; ++i) variance.add(1, source.next(), 0);
    ASSERT_TRUE(variance.value());
    EXPECT_EQ(variance.pairs(), 8);
    EXPECT_NEAR(*variance.value(), v, 0.02);
  }
}

TEST(GradientVariance, LeavesOutWhatCodesAdd) {
  Source source{0.4, 0.3};
  GradientVariance variance;
  for (int i = 0; i < 9; ++i) variance.add(1, source.next(), 0.3);
  ASSERT_TRUE(variance.value());
  EXPECT_NEAR(*variance.value(), 0.4, 0.02);
}

TEST(GradientVariance, ComparesOnlyGradientsOfTheSameParameters) {
  Source first{0.2, 0}, second{0.8, 0};
  GradientVariance variance;
  for (int i = 0; i < 5; ++i) {
    variance.add(1, first.next(), 0);
    variance.add(2, second.next(), 0);
  }
  EXPECT_EQ(variance.pairs(), 8);
  EXPECT_NEAR(*variance.value(), 0.5, 0.02) << "the mean of both";
}

TEST(GradientVariance, ALossThatIsScaledWeighsNoMore) {
  Source source{0.3, 0};
  GradientVariance variance;
  for (int i = 0; i < 5; ++i) variance.add(1, source.next(), 0);
  variance.interrupt();
  for (int i = 0; i < 5; ++i) variance.add(1, source.next(1024), 0);
  EXPECT_EQ(variance.pairs(), 8) << "the one across the gap is none";
  EXPECT_NEAR(*variance.value(), 0.3, 0.02);
}

TEST(GradientVariance, NothingComesOfNothing) {
  GradientVariance variance;
  for (int i = 0; i < 9; ++i) variance.add(1, std::vector<float>(8, 0.0f), 0);
  EXPECT_FALSE(variance.value());
  for (int i = 0; i < 9; ++i) variance.add(1, std::vector<float>(8, std::nanf("")), 0);
  EXPECT_FALSE(variance.value());
}

}  // namespace
}  // namespace cinch::hooks
