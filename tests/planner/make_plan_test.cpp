#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "cinch/planner.h"
#include "planner/simulate.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

using planner::testing::random_profile;

CodecSpec group_quant(int64_t bits) { return {"group_quant", {{"bits", bits}}}; }

// Four payloads of 4000 bytes on top of 10000, alive together at instant 4; each can be 8, 4 or 2 bits. The first is a
// mask.
Profile pyramid() {
  Profile profile;
  profile.device = "cpu";
  profile.device_bytes = 100'000;
  profile.parameters_bytes = 3000;
  profile.gradients_bytes = 2000;
  profile.gradient_variance = 0.5;
  for (int32_t i = 0; i < 4; ++i) {
    SiteProfile site;
    site.name = "layer" + std::to_string(i) + "/linear#0:input";
    site.payload = i;
    profile.sites.push_back(site);
    PayloadProfile payload;
    payload.sites = {i};
    payload.numel = 1000;
    payload.raw_bytes = 4000;
    payload.saved_at = payload.exclusive_at = i;
    payload.freed_at = 9 - i;
    payload.uses = {{9 - i, 9 - i}};
    payload.options = {{{"keep", {}}, 4000, 0, 0, true}};
    const double noise = 0.001 * (i + 1);
    if (i == 0)
      payload.options.push_back({{"mask", {}}, 125, 0, 1e-5, true});
    else
      for (int64_t bits : {8, 4, 2})
        payload.options.push_back(
            {group_quant(bits), 125 * bits + 100, noise * std::exp2(-2.0 * bits + 4), 1e-5, false});
    profile.payloads.push_back(payload);
  }
  for (int64_t bytes : {14000, 18000, 22000, 26000, 26000, 26000, 26000, 22000, 18000, 14000})
    profile.timeline.emplace_back().bytes = bytes;
  return profile;
}

Budget bytes(int64_t n) { return Budget::bytes(n); }

std::map<std::string, std::string> codecs(const Plan& plan) {
  std::map<std::string, std::string> out;
  for (const PlanEntry& entry : plan.entries) out[entry.site.substr(0, 6)] = to_string(entry.spec);
  return out;
}

TEST(MakePlan, CodesNothingWhereEverythingFits) {
  const Plan plan = make_plan(pyramid(), bytes(26000));
  for (const PlanEntry& entry : plan.entries) EXPECT_EQ(entry.spec.name, "keep");
  EXPECT_EQ(plan.predicted_noise, 0);
  EXPECT_EQ(plan.predicted_effective_batch, 1);
  EXPECT_EQ(plan.baseline_peak_bytes, 26000);
  EXPECT_EQ(plan.predicted_peak_bytes, 26000);
}

TEST(MakePlan, SpendsLosslessOptionsBeforeNoise) {
  const Plan plan = make_plan(pyramid(), bytes(23000));
  EXPECT_EQ(codecs(plan), (std::map<std::string, std::string>{
                              {"layer0", "mask"}, {"layer1", "keep"}, {"layer2", "keep"}, {"layer3", "keep"}}));
  EXPECT_EQ(plan.predicted_noise, 0);
  EXPECT_LE(plan.predicted_peak_bytes, 23000);
}

TEST(MakePlan, SpendsNoiseWhereItIsCheapest) {
  const auto chosen = codecs(make_plan(pyramid(), bytes(20500)));
  EXPECT_EQ(chosen.at("layer1"), to_string(group_quant(8)));
  EXPECT_EQ(chosen.at("layer3"), "keep");
}

TEST(MakePlan, ExactTakesTheSmallestLosslessForms) {
  const Plan plan = make_plan(pyramid(), Budget::exact());
  EXPECT_EQ(codecs(plan).at("layer0"), "mask");
  EXPECT_EQ(codecs(plan).at("layer1"), "keep");
  EXPECT_EQ(plan.limit_bytes, 0);
  EXPECT_EQ(plan.predicted_noise, 0);
}

TEST(MakePlan, ExactLeavesWhatWouldSaveNothingWorthwhile) {
  Profile profile = pyramid();
  profile.payloads[0].options[1].charged_bytes = 3500;
  EXPECT_EQ(codecs(make_plan(profile, Budget::exact())).at("layer0"), "keep");
}

TEST(MakePlan, LeastTimeWithoutALimitCodesNothing) {
  Budget budget;
  budget.objective = Objective::kLeastTime;
  for (const PlanEntry& entry : make_plan(pyramid(), budget).entries) EXPECT_EQ(entry.spec.name, "keep");
}

TEST(MakePlan, LeastTimePrefersTheQuickOption) {
  Profile profile = pyramid();
  profile.payloads[0].options[1].seconds = 1.0;
  Budget budget = bytes(23000);
  EXPECT_EQ(codecs(make_plan(profile, budget)).at("layer0"), "mask");
  budget.objective = Objective::kLeastTime;
  const Plan plan = make_plan(profile, budget);
  EXPECT_EQ(codecs(plan).at("layer0"), "keep");
  EXPECT_LT(plan.predicted_extra_seconds, 1e-3);
  EXPECT_LE(plan.predicted_peak_bytes, 23000);
}

TEST(MakePlan, LeastBytesGoesAsFarAsTheNoiseBoundLets) {
  Budget budget;
  budget.objective = Objective::kLeastBytes;
  budget.min_effective_batch = 0;
  Plan plan = make_plan(pyramid(), budget);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(plan.entries[i].spec, group_quant(2));
  budget.max_gradient_noise = 0.02;
  plan = make_plan(pyramid(), budget);
  EXPECT_LE(plan.predicted_noise, 0.02);
  EXPECT_GT(plan.predicted_noise, 0.01);
}

TEST(MakePlan, EachBoundOfTheNoiseBinds) {
  Budget budget;
  budget.objective = Objective::kLeastBytes;
  budget.min_effective_batch = 0.999;
  const Plan by_batch = make_plan(pyramid(), budget);
  EXPECT_GE(by_batch.predicted_effective_batch, 0.999);
  budget.max_gradient_noise = 0.001;
  const Plan by_both = make_plan(pyramid(), budget);
  EXPECT_LE(by_both.predicted_noise, 0.001);
  EXPECT_GT(by_both.entries[1].charged_bytes, by_batch.entries[1].charged_bytes);
}

TEST(MakePlan, SharedPayloadsAreChargedToTheirFirstSite) {
  Profile profile = pyramid();
  SiteProfile second = profile.sites[0];
  second.name = "layer9/other#0:self";
  profile.sites.push_back(second);
  profile.payloads[0].sites.push_back(4);
  SiteProfile passed;
  passed.name = "layer8/parameter#0:weight";
  profile.sites.push_back(passed);
  const Plan plan = make_plan(profile, Budget::exact());
  ASSERT_EQ(plan.entries.size(), 6u);
  EXPECT_EQ(plan.entries[0].charged_bytes, 125);
  EXPECT_EQ(plan.entries[4].spec.name, "mask");
  EXPECT_EQ(plan.entries[4].charged_bytes, 0);
  EXPECT_EQ(plan.entries[4].raw_bytes, 0);
  EXPECT_EQ(plan.entries[5].spec.name, "keep");
}

TEST(MakePlan, ResolvesEveryKindOfLimit) {
  const Profile profile = pyramid();
  const int64_t floor = profile.floor_bytes();
  EXPECT_EQ(resolve_limit(profile, Budget{}), 0);
  EXPECT_EQ(resolve_limit(profile, bytes(5)), 5);
  EXPECT_EQ(resolve_limit(profile, Budget::fraction_of_device(0.5)), 50'000);
  EXPECT_EQ(resolve_limit(profile, Budget::fraction_of_baseline(0.5)), 13'000);
  EXPECT_EQ(resolve_limit(profile, Budget::above_floor(0.25)), floor + (26000 - floor) / 4);
  Profile unknown = profile;
  unknown.device_bytes = 0;
  EXPECT_THROW(resolve_limit(unknown, Budget::fraction_of_device(0.5)), Error);
}

TEST(MakePlan, LeavesAloneWhatTheUserHolds) {
  Profile profile = pyramid();
  for (PayloadProfile& payload : profile.payloads) payload.exclusive_at = -1;
  EXPECT_EQ(profile.floor_bytes(), 26000);
  for (const PlanEntry& entry : make_plan(profile, Budget::exact()).entries) EXPECT_EQ(entry.spec.name, "keep");
  EXPECT_THROW(make_plan(profile, bytes(25999)), BudgetError);
}

TEST(MakePlan, AProfileWithoutPayloadsHasATrivialPlan) {
  Profile profile;
  EXPECT_TRUE(make_plan(profile, bytes(1)).entries.empty());
  profile.timeline = {{100}};
  EXPECT_EQ(make_plan(profile, bytes(100)).predicted_peak_bytes, 100);
  EXPECT_THROW(make_plan(profile, bytes(99)), BudgetError);
}

TEST(MakePlan, RefusesAnInvalidBudgetAndADamagedProfile) {
  Budget budget;
  budget.min_effective_batch = 2;
  EXPECT_THROW(make_plan(pyramid(), budget), Error);
  Profile profile = pyramid();
  profile.payloads[1].options[2].noise_variance = std::nan("");
  EXPECT_THROW(make_plan(profile, Budget::exact()), Error);
  profile = pyramid();
  profile.payloads[1].freed_at = 1'000'000;
  EXPECT_THROW(make_plan(profile, Budget::exact()), Error);
}

BudgetError infeasible(const Profile& profile, const Budget& budget) {
  try {
    make_plan(profile, budget);
  } catch (const BudgetError& error) {
    return error;
  }
  ADD_FAILURE() << "a plan was found";
  return BudgetError("", {});
}

TEST(MakePlan, AnInfeasibleLimitNamesTheSmallestThatIs) {
  const BudgetError error = infeasible(pyramid(), bytes(14500));
  const int64_t smallest = error.breakdown().smallest_limit_bytes;
  const std::string what = error.what();
  EXPECT_GT(smallest, 14500);
  EXPECT_LE(make_plan(pyramid(), bytes(smallest)).predicted_peak_bytes, smallest);
  EXPECT_THROW(make_plan(pyramid(), bytes(smallest - 1)), BudgetError);
  for (const std::string& part :
       {std::string("14500"), std::to_string(smallest), format_bytes(pyramid().floor_bytes()), format_bytes(26000)})
    EXPECT_NE(what.find(part), what.npos) << what;
  EXPECT_EQ(error.breakdown().floor_bytes, pyramid().floor_bytes());
  EXPECT_EQ(error.breakdown().parameters_bytes, 3000);
  EXPECT_EQ(error.breakdown().gradients_bytes, 2000);
}

TEST(MakePlan, TheBreakdownAddsUpToTheSmallestLimit) {
  const MemoryBreakdown b = infeasible(pyramid(), bytes(14500)).breakdown();
  EXPECT_EQ(b.parameters_bytes + b.gradients_bytes + b.optimizer_bytes + b.payloads_bytes + b.transients_bytes,
            b.smallest_limit_bytes);
}

TEST(MakePlan, WhereTheNoiseBoundStopsItTheOneThatWouldDoIsNamed) {
  Budget budget = bytes(16000);
  budget.min_effective_batch = 0.9999;
  const BudgetError error = infeasible(pyramid(), budget);
  const std::string what = error.what();
  const size_t at = what.find("min_effective_batch = ");
  ASSERT_NE(at, what.npos) << what;
  budget.min_effective_batch = std::stod(what.substr(at + 22));
  EXPECT_LE(make_plan(pyramid(), budget).predicted_peak_bytes, 16000);
}

TEST(MakePlan, BothNoiseBoundsAreNamedWhereBothStopIt) {
  Budget budget = bytes(16000);
  budget.min_effective_batch = 0.9999;
  budget.max_gradient_noise = 1e-4;
  const std::string what = infeasible(pyramid(), budget).what();
  EXPECT_NE(what.find("min_effective_batch = "), what.npos) << what;
  const size_t at = what.find("max_gradient_noise = ");
  ASSERT_NE(at, what.npos) << what;
  budget.min_effective_batch = 0;
  budget.max_gradient_noise = std::stod(what.substr(at + 21));
  EXPECT_LE(make_plan(pyramid(), budget).predicted_peak_bytes, 16000);
}

}  // namespace
}  // namespace cinch
