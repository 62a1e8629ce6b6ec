// Problems with nothing to decide, or nothing to decide by.
#include <gtest/gtest.h>

#include <cmath>

#include "cinch/error.h"
#include "cinch/planner.h"

namespace cinch {
namespace {

constexpr Objective kObjectives[] = {Objective::kLeastNoise, Objective::kLeastTime, Objective::kLeastBytes};

// `count` payloads of 1000 bytes alive together at instant 1, each with the same options.
Profile alike(int count, const std::vector<Option>& options) {
  Profile profile;
  for (int i = 0; i < count; ++i) {
    SiteProfile site;
    site.name = "layer" + std::to_string(i) + "/op#0:input";
    site.payload = i;
    profile.sites.push_back(site);
    PayloadProfile payload;
    payload.sites = {i};
    payload.numel = 250;
    payload.raw_bytes = 1000;
    payload.saved_at = payload.exclusive_at = 0;
    payload.freed_at = 3;
    payload.uses = {{2, 2}};
    payload.options = {{{"keep", {}}, 1000, 0, 0, true}};
    payload.options.insert(payload.options.end(), options.begin(), options.end());
    profile.payloads.push_back(payload);
  }
  const int64_t raw = INT64_C(1000) * count;
  for (const int64_t bytes : {raw, raw + 5000, raw, raw}) profile.timeline.emplace_back().bytes = bytes;
  return profile;
}

Option lossy(int64_t bits, int64_t bytes, double noise, double seconds) {
  return {{"group_quant", {{"bits", bits}}}, bytes, noise, seconds, false};
}

Budget wish(Objective objective, int64_t bytes) {
  Budget budget = bytes > 0 ? Budget::bytes(bytes) : Budget{};
  budget.objective = objective;
  budget.min_effective_batch = 0;
  return budget;
}

int coded(const Plan& plan) {
  int count = 0;
  for (const PlanEntry& entry : plan.entries) count += entry.spec.name != "keep";
  return count;
}

TEST(Degenerate, WithoutInstantsNothingBinds) {
  for (const Objective objective : kObjectives) {
    const Plan plan = make_plan(Profile{}, wish(objective, 1));
    EXPECT_TRUE(plan.entries.empty());
    EXPECT_TRUE(plan.binding.empty());
    EXPECT_EQ(plan.gap, 0);
    EXPECT_EQ(plan.saved_per_byte, 0);
  }
}

TEST(Degenerate, WithoutOptionsAPlanFitsOrDoesNot) {
  const Profile profile = alike(4, {});
  for (const Objective objective : kObjectives) {
    const Plan plan = make_plan(profile, wish(objective, 9000));
    EXPECT_EQ(coded(plan), 0);
    EXPECT_EQ(plan.gap, 0);
    EXPECT_EQ(plan.objective, objective);
    EXPECT_THROW(make_plan(profile, wish(objective, 8999)), BudgetError);
  }
}

TEST(Degenerate, WhatIsForcedIsItsOwnBound) {
  Budget budget = wish(Objective::kLeastNoise, 8000);
  budget.rules = {{"*", CodecSpec{"group_quant", {{"bits", int64_t{2}}}}, {}}};
  const Plan plan = make_plan(alike(3, {lossy(2, 100, 0.01, 1e-3), lossy(4, 200, 0.001, 1e-3)}), budget);
  EXPECT_EQ(coded(plan), 3);
  EXPECT_DOUBLE_EQ(plan.objective_value, 0.03);
  EXPECT_DOUBLE_EQ(plan.objective_bound, 0.03);
}

// Any 3 of the 8 may be coded: all choices of that size are equally good.
TEST(Degenerate, AmongEqualsAsFewAsTheLimitAsksFor) {
  const Profile profile = alike(8, {lossy(4, 100, 0.01, 1e-3)});
  for (const Objective objective : {Objective::kLeastNoise, Objective::kLeastTime}) {
    const Plan plan = make_plan(profile, wish(objective, 13000 - 2500));
    EXPECT_EQ(coded(plan), 3);
    EXPECT_LE(plan.gap, 1e-5) << "all choices of a small problem can be ruled out";
    EXPECT_EQ(make_plan(profile, wish(objective, 13000 - 2700)).objective_value, plan.objective_value);
  }
}

TEST(Degenerate, OptionsThatCostNothingAreFree) {
  const Plan plan = make_plan(alike(8, {lossy(4, 100, 0, 0)}), wish(Objective::kLeastNoise, 9000));
  EXPECT_EQ(plan.objective_value, 0);
  EXPECT_EQ(plan.gap, 0);
  EXPECT_EQ(plan.saved_per_byte, 0);
  EXPECT_LE(plan.predicted_peak_bytes, 9000);
}

TEST(Degenerate, OptionsThatAreLargerThanRawAreNeverTaken) {
  for (const Objective objective : kObjectives) {
    const Profile profile = alike(4, {lossy(8, 5000, 0, 0)});
    EXPECT_EQ(coded(make_plan(profile, wish(objective, 9000))), 0);
    EXPECT_THROW(make_plan(profile, wish(objective, 8999)), BudgetError);
  }
}

TEST(Degenerate, LeastBytesWithoutALimitTakesTheSmallestForms) {
  const Plan plan =
      make_plan(alike(5, {lossy(4, 100, 0.01, 1e-3), lossy(2, 50, 0.1, 1e-3)}), wish(Objective::kLeastBytes, 0));
  EXPECT_EQ(plan.objective_value, 250);
  EXPECT_EQ(plan.objective_bound, 250);
  EXPECT_TRUE(plan.binding.empty());
}

// Of five payloads two may be at 2 bits: the noise bound is used up, and no more.
TEST(Degenerate, ANoiseBoundIsFilledUp) {
  Budget budget = wish(Objective::kLeastBytes, 0);
  budget.max_gradient_noise = std::sqrt(0.235);
  const Plan plan = make_plan(alike(5, {lossy(4, 100, 0.01, 1e-3), lossy(2, 50, 0.1, 1e-3)}), budget);
  EXPECT_EQ(plan.objective_value, 3 * 100 + 2 * 50);
  EXPECT_LE(plan.predicted_noise, *budget.max_gradient_noise);
}

}  // namespace
}  // namespace cinch
