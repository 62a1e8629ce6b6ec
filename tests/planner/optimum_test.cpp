// Plans beside the best of all choices, which small profiles allow to try; and what plans say of themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "bench/all_choices.h"
#include "bench/planner_instances.h"
#include "cinch/error.h"
#include "cinch/planner.h"
#include "planner/problem.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

using bench::AllChoices;
using planner::testing::random_profile;

constexpr Objective kObjectives[] = {Objective::kLeastNoise, Objective::kLeastTime, Objective::kLeastBytes};
constexpr double kBatches[] = {0.0, 0.95, 0.99, 0.9999};
constexpr double kShares[] = {0.08, 0.2, 0.4, 0.7};

Profile small_profile(uint64_t seed) {
  if (seed % 2 == 0) return bench::small_planner_profile(seed);
  return random_profile(seed, {.payloads = 5, .options = 5, .irregular = seed % 3 == 0});
}

// Every budget that these tests try for one profile, and what is best for it.
template <typename Look>
void for_each_budget(uint64_t seed, const Look& look) {
  const Profile profile = small_profile(seed);
  const AllChoices all(profile);
  for (const Objective objective : kObjectives) {
    for (const double batch : kBatches) {
      for (const double share : kShares) {
        Budget budget = Budget::above_floor(share);
        budget.objective = objective;
        budget.min_effective_batch = batch;
        const double noise_bound = planner::noise_variance_bound(profile, budget);
        const double best = all.best(objective, resolve_limit(profile, budget), noise_bound);
        SCOPED_TRACE("seed " + std::to_string(seed) + " objective " + std::to_string(static_cast<int>(objective)) +
                     " batch " + std::to_string(batch) + " share " + std::to_string(share));
        look(profile, budget, best);
      }
    }
  }
}

TEST(Optimum, PlansAreWithinHalfAPercentOfTheBestOfAllChoices) {
  int plans = 0, exact = 0, missed = 0;
  double worst = 0;
  for (uint64_t seed = 1; seed <= 210; ++seed) {
    for_each_budget(seed, [&](const Profile& profile, const Budget& budget, double best) {
      try {
        const Plan plan = make_plan(profile, budget);
        ASSERT_TRUE(std::isfinite(best)) << "a plan where there is none";
        EXPECT_GE(plan.objective_value, best * (1 - 1e-9));
        EXPECT_LE(plan.objective_value, best * 1.005);
        worst = std::max(worst, best > 0 ? plan.objective_value / best - 1 : 0.0);
        ++plans;
        exact += plan.objective_value <= best * (1 + 1e-9);
      } catch (const BudgetError&) {
        missed += std::isfinite(best);
      }
    });
  }
  RecordProperty("plans", plans);
  RecordProperty("exact", exact);
  RecordProperty("worst", std::to_string(worst));
  EXPECT_EQ(missed, 0) << "budgets that a plan meets were refused";
  EXPECT_GT(plans, 5000);
}

TEST(Optimum, TheBoundIsNeverAboveTheBestOfAllChoices) {
  int tight = 0, plans = 0;
  for (uint64_t seed = 301; seed <= 360; ++seed) {
    for_each_budget(seed, [&](const Profile& profile, const Budget& budget, double best) {
      if (!std::isfinite(best)) return;
      const Plan plan = make_plan(profile, budget);
      EXPECT_LE(plan.objective_bound, best * (1 + 1e-9));
      EXPECT_GE(plan.objective_bound, 0);
      EXPECT_LE(plan.objective_bound, plan.objective_value);
      const double value = plan.objective_value;
      EXPECT_DOUBLE_EQ(plan.gap, value > 0 ? (value - plan.objective_bound) / value : 0);
      ++plans;
      tight += plan.gap < 1e-3;
    });
  }
  EXPECT_GT(tight, plans * 9 / 10);
}

// The smallest limit is one byte away from what nothing fits into.
TEST(Optimum, TheSmallestLimitIsTheLowestPeakOfAllChoices) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Profile profile = small_profile(seed);
    const AllChoices all(profile);
    for (const double batch : kBatches) {
      Budget budget = Budget::bytes(1);
      budget.min_effective_batch = batch;
      try {
        make_plan(profile, budget);
        ADD_FAILURE() << "seed " << seed;
      } catch (const BudgetError& error) {
        const double bound = planner::noise_variance_bound(profile, budget);
        EXPECT_EQ(error.breakdown().smallest_limit_bytes, all.lowest_peak(bound)) << "seed " << seed;
      }
    }
  }
}

TEST(Optimum, WhatBindsAddsUpToTheShadowPrice) {
  int priced = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Profile profile = small_profile(seed);
    const AllChoices all(profile);
    for (const double share : kShares) {
      Budget budget = Budget::above_floor(share);
      budget.min_effective_batch = 0;
      const int64_t limit = resolve_limit(profile, budget);
      if (!std::isfinite(all.best(Objective::kLeastNoise, limit, INFINITY))) continue;
      const Plan plan = make_plan(profile, budget);
      double sum = 0;
      for (const BindingInstant& b : plan.binding) {
        EXPECT_GT(b.saved_per_byte, 0);
        EXPECT_LT(b.instant, static_cast<int32_t>(profile.timeline.size()));
        sum += b.saved_per_byte;
      }
      EXPECT_DOUBLE_EQ(sum, plan.saved_per_byte);
      priced += sum > 0;
      if (plan.objective_value == 0) {
        EXPECT_EQ(plan.saved_per_byte, 0);
      }
    }
  }
  EXPECT_GT(priced, 60);
}

}  // namespace
}  // namespace cinch
