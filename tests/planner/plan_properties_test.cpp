// Promises that hold for every profile, tried on random ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/planner_instances.h"
#include "cinch/planner.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

using planner::testing::random_profile;

constexpr Objective kObjectives[] = {Objective::kLeastNoise, Objective::kLeastTime, Objective::kLeastBytes};

Budget budget_of(double share, Objective objective, double min_effective_batch) {
  Budget budget = Budget::above_floor(share);
  budget.objective = objective;
  budget.min_effective_batch = min_effective_batch;
  return budget;
}

// The choice of a plan, found again by spec. Specs of one payload differ in these profiles.
std::vector<int32_t> choice_of(const Profile& profile, const Plan& plan) {
  std::vector<int32_t> choice;
  for (size_t i = 0; i < profile.payloads.size(); ++i) {
    const auto& options = profile.payloads[i].options;
    const auto it =
        std::find_if(options.begin(), options.end(), [&](const Option& o) { return o.spec == plan.entries[i].spec; });
    choice.push_back(static_cast<int32_t>(it - options.begin()));
  }
  return choice;
}

TEST(PlanProperties, NoPlanPassesItsLimitOrItsNoiseBound) {
  int feasible = 0, infeasible = 0;
  for (uint64_t seed = 1; seed <= 45; ++seed) {
    const Profile profile = random_profile(seed, {.payloads = 10, .options = 7, .irregular = seed % 3 == 0});
    for (Objective objective : kObjectives) {
      for (double share : {0.05, 0.3, 0.8}) {
        const Budget budget = budget_of(share, objective, 0.99);
        const int64_t limit = resolve_limit(profile, budget);
        try {
          const Plan plan = make_plan(profile, budget);
          ++feasible;
          EXPECT_LE(simulate_peak(profile, choice_of(profile, plan)), limit);
          EXPECT_EQ(simulate_peak(profile, choice_of(profile, plan)), plan.predicted_peak_bytes);
          EXPECT_GE(plan.predicted_effective_batch, 0.99 - 1e-12);
        } catch (const BudgetError& error) {
          ++infeasible;
          const int64_t smallest = error.breakdown().smallest_limit_bytes;
          ASSERT_GT(smallest, limit);
          Budget enough = budget;
          enough.limit = {LimitKind::kBytes, static_cast<double>(smallest)};
          EXPECT_LE(make_plan(profile, enough).predicted_peak_bytes, smallest);
        }
      }
    }
  }
  EXPECT_GT(feasible, 100);
  EXPECT_GT(infeasible, 20);
}

// At every share of a fine grid and, near some of them, byte by byte.
void expect_more_budget_never_costs_more(const Profile& profile, Objective objective, double batch) {
  double before = INFINITY;
  int64_t limit_before = 0;
  for (double share = 0.02; share <= 1.1; share += 0.03) {
    const Budget budget = budget_of(share, objective, batch);
    for (const int64_t more : {0, 1, 2, 700, 5000}) {
      Budget exact = budget;
      const int64_t limit = resolve_limit(profile, budget) + more;
      if (limit < limit_before) continue;
      limit_before = limit;
      exact.limit = {LimitKind::kBytes, static_cast<double>(limit)};
      double cost = INFINITY;
      try {
        cost = make_plan(profile, exact).objective_value;
      } catch (const BudgetError&) {
      }
      ASSERT_LE(cost, before) << "share " << share << " + " << more;
      before = cost;
    }
  }
  if (batch == 0 && objective != Objective::kLeastBytes) {
    EXPECT_EQ(before, 0) << "a limit above the baseline costs nothing";
  }
}

TEST(PlanProperties, MoreBudgetNeverCostsMore) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const Profile profile = random_profile(seed, {.payloads = 10, .options = 6, .irregular = seed % 3 == 0});
    for (const Objective objective : kObjectives) {
      for (const double batch : {0.0, 0.99}) {
        SCOPED_TRACE("seed " + std::to_string(seed) + " objective " + std::to_string(static_cast<int>(objective)));
        expect_more_budget_never_costs_more(profile, objective, batch);
      }
    }
  }
}

TEST(PlanProperties, MoreBudgetNeverCostsMoreWithManyPayloads) {
  const Profile profile = bench::planner_profile(5, {.payloads = 80, .options = 9, .instants = 160});
  for (const Objective objective : kObjectives) {
    SCOPED_TRACE("objective " + std::to_string(static_cast<int>(objective)));
    expect_more_budget_never_costs_more(profile, objective, objective == Objective::kLeastNoise ? 0 : 0.95);
  }
}

TEST(PlanProperties, MoreNoiseNeverNeedsMoreBytes) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Profile profile = random_profile(seed, {.payloads = 12, .options = 6});
    int64_t before = 0;
    for (double batch : {0.5, 0.9, 0.99, 0.999, 0.99999}) {
      Budget budget = Budget::bytes(1);
      budget.min_effective_batch = batch;
      try {
        make_plan(profile, budget);
        FAIL();
      } catch (const BudgetError& error) {
        ASSERT_GE(error.breakdown().smallest_limit_bytes, before);
        before = error.breakdown().smallest_limit_bytes;
      }
    }
  }
}

TEST(PlanProperties, TheSameInputGivesTheSamePlan) {
  for (Objective objective : kObjectives) {
    const Profile profile = random_profile(11, {.payloads = 40, .options = 10});
    const Budget budget = budget_of(0.4, objective, 0);
    EXPECT_EQ(make_plan(profile, budget).to_json(), make_plan(profile, budget).to_json());
  }
}

// Noise differs from payload to payload here, so that nothing is a tie.
TEST(PlanProperties, TheOrderOfOptionsDoesNotMatter) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Profile profile = random_profile(seed, {.payloads = 10, .options = 7});
    Profile turned = profile;
    for (PayloadProfile& payload : turned.payloads) std::reverse(payload.options.begin() + 1, payload.options.end());
    const Budget budget = budget_of(0.35, Objective::kLeastNoise, 0);
    EXPECT_EQ(make_plan(profile, budget).to_json(), make_plan(turned, budget).to_json()) << "seed " << seed;
  }
}

TEST(PlanProperties, TheOrderOfPayloadsChangesLittle) {
  double worst = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Profile profile = random_profile(seed, {.payloads = 30, .options = 7});
    Profile turned = profile;
    const auto last = static_cast<int32_t>(profile.payloads.size()) - 1;
    std::reverse(turned.payloads.begin(), turned.payloads.end());
    for (SiteProfile& site : turned.sites) site.payload = last - site.payload;
    const Budget budget = budget_of(0.35, Objective::kLeastNoise, 0);
    const double a = make_plan(profile, budget).predicted_noise, b = make_plan(turned, budget).predicted_noise;
    worst = std::max(worst, std::fabs(a - b) / std::max({a, b, 1e-6}));
  }
  EXPECT_LT(worst, 0.2);
}

// Every choice of a small instance, tried out.
double least_noise_of_all(const Profile& profile, int64_t limit) {
  std::vector<int32_t> choice(profile.payloads.size(), 0);
  double best = INFINITY;
  for (;;) {
    double noise = 0;
    for (size_t i = 0; i < choice.size(); ++i) noise += profile.payloads[i].options[choice[i]].noise_variance;
    if (noise < best && simulate_peak(profile, choice) <= limit) best = noise;
    size_t i = 0;
    while (i < choice.size() && ++choice[i] == static_cast<int32_t>(profile.payloads[i].options.size()))
      choice[i++] = 0;
    if (i == choice.size()) return best;
  }
}

TEST(PlanProperties, ComesCloseToTheBestOfAllChoices) {
  std::vector<double> gaps;
  int missed = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    const Profile profile = random_profile(seed, {.payloads = 5, .options = 5, .irregular = seed % 3 == 0});
    for (double share : {0.15, 0.3, 0.5, 0.7}) {
      const Budget budget = budget_of(share, Objective::kLeastNoise, 0);
      const double best = least_noise_of_all(profile, resolve_limit(profile, budget));
      if (best == INFINITY) continue;
      try {
        const double noise = make_plan(profile, budget).predicted_noise;
        gaps.push_back(best > 0 ? noise / std::sqrt(best) - 1 : noise);
      } catch (const BudgetError&) {
        ++missed;
      }
    }
  }
  ASSERT_GT(gaps.size(), 150u);
  std::sort(gaps.begin(), gaps.end());
  const auto at = [&](double share) { return gaps[static_cast<size_t>(share * static_cast<double>(gaps.size() - 1))]; };
  RecordProperty("gap_p50", std::to_string(at(0.5)));
  RecordProperty("gap_p95", std::to_string(at(0.95)));
  RecordProperty("gap_max", std::to_string(at(1.0)));
  RecordProperty("missed", missed);
  EXPECT_GE(gaps.front(), -1e-9);
  EXPECT_LE(at(0.5), 1e-9);
  EXPECT_LE(at(0.9), 0.05);
  EXPECT_LE(missed, 2);
}

TEST(PlanProperties, LargeProfilesArePlannedWithAllTheirPayloads) {
  const Profile profile = bench::planner_profile(7);
  for (Objective objective : kObjectives) {
    const Plan plan = make_plan(profile, budget_of(0.15, objective, 0.95));
    EXPECT_EQ(plan.entries.size(), 1000u);
    EXPECT_LE(plan.predicted_peak_bytes, plan.limit_bytes);
    EXPECT_LE(plan.gap, 0.01);
    EXPECT_GE(plan.gap, 0);
  }
}

// Lifetimes that have nothing to do with a forward and a backward.
TEST(PlanProperties, IrregularLifetimesAreNoExcuse) {
  const Profile profile = random_profile(9, {.payloads = 300, .options = 12, .instants = 600, .irregular = true});
  for (double share : {0.3, 0.6}) {
    const Plan plan = make_plan(profile, budget_of(share, Objective::kLeastNoise, 0));
    EXPECT_LE(plan.predicted_peak_bytes, plan.limit_bytes);
    EXPECT_LE(plan.gap, 0.5);
  }
}

}  // namespace
}  // namespace cinch
