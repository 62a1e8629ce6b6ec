#include <gtest/gtest.h>

#include "cinch/planner.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

Profile network() {
  return Profile::from_json_file(std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/network.profile.json");
}

Budget unbounded(int64_t limit_bytes) {
  Budget budget = Budget::bytes(limit_bytes);
  budget.min_effective_batch = 0;
  return budget;
}

// In order, none beaten by another, each the plan that its limit gives.
void expect_curve(const Profile& profile, const std::vector<FrontierPoint>& points) {
  ASSERT_FALSE(points.empty());
  for (size_t i = 0; i < points.size(); ++i) {
    const FrontierPoint& point = points[i];
    EXPECT_GE(point.limit_bytes, point.predicted_peak_bytes + profile.reserve_bytes);
    const Plan plan = make_plan(profile, unbounded(point.limit_bytes));
    EXPECT_LE(plan.predicted_noise, point.noise * (1 + 1e-9));
    EXPECT_LE(plan.predicted_peak_bytes, point.predicted_peak_bytes);
    if (i == 0) continue;
    EXPECT_LT(points[i - 1].predicted_peak_bytes, point.predicted_peak_bytes);
    EXPECT_TRUE(point.noise < points[i - 1].noise || point.extra_seconds < points[i - 1].extra_seconds) << i;
  }
}

TEST(Frontier, GoesFromTheSmallestFeasibleLimitToTheBaseline) {
  const Profile profile = network();
  const auto points = frontier(profile);
  expect_curve(profile, points);
  EXPECT_GE(points.size(), 10u);
  EXPECT_EQ(points.back().predicted_peak_bytes, profile.baseline_peak_bytes());
  EXPECT_EQ(points.back().noise, 0);
  EXPECT_EQ(points.back().extra_seconds, 0);
  EXPECT_EQ(points.back().effective_batch, 1);
  EXPECT_GE(points.front().predicted_peak_bytes, profile.floor_bytes());
  EXPECT_THROW(make_plan(profile, unbounded(points.front().limit_bytes - 1)), BudgetError);
}

TEST(Frontier, IsACurveForRandomProfiles) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Profile profile = planner::testing::random_profile(seed, {.payloads = 10, .irregular = seed % 2 == 1});
    profile.reserve_bytes = seed % 3 == 0 ? 5000 : 0;
    expect_curve(profile, frontier(profile));
  }
}

TEST(Frontier, IsTheSameEveryTime) {
  const auto first = frontier(network()), second = frontier(network());
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].limit_bytes, second[i].limit_bytes);
    EXPECT_EQ(first[i].noise, second[i].noise);
    EXPECT_EQ(first[i].extra_seconds, second[i].extra_seconds);
  }
}

TEST(Frontier, KeepsTheBoundsAndRulesOfABudget) {
  const Profile profile = network();
  Budget budget = Budget::bytes(1);  // the limit is not looked at
  budget.min_effective_batch = 0.999;
  const auto bounded = frontier(profile, budget);
  ASSERT_FALSE(bounded.empty());
  for (const FrontierPoint& point : bounded) EXPECT_GE(point.effective_batch, 0.999);
  EXPECT_GT(bounded.front().limit_bytes, frontier(profile).front().limit_bytes);

  budget.rules = {{"*", CodecSpec{}, std::nullopt}};
  const auto kept = frontier(profile, budget);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].predicted_peak_bytes, profile.baseline_peak_bytes());
}

TEST(Frontier, OfBoundsThatNoPlanKeepsIsABudgetError) {
  Budget budget;
  budget.max_gradient_noise = 0.0;
  budget.rules = {{"bn1/*", CodecSpec{"group_quant", {{"bits", int64_t{2}}}}, std::nullopt}};
  EXPECT_THROW(frontier(network(), budget), BudgetError);
}

TEST(Frontier, OfAnEmptyProfileIsOnePoint) {
  const auto points = frontier(Profile{});
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].predicted_peak_bytes, 0);
}

}  // namespace
}  // namespace cinch
