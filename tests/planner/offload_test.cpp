// Plans that put payloads into host memory.
#include <gtest/gtest.h>

#include "cinch/planner.h"

namespace cinch {
namespace {

const CodecSpec kOffload{"offload", {}};

// Three payloads of values, all alive at instant 4. The last may not be offloaded.
Profile three_payloads(bool offered = true) {
  Profile profile;
  for (int32_t i = 0; i < 3; ++i) {
    SiteProfile site;
    site.name = std::string(1, static_cast<char>('a' + i)) + "/linear#0:input";
    site.payload = i;
    profile.sites.push_back(site);
    PayloadProfile payload;
    payload.sites = {i};
    payload.numel = 250'000;
    payload.raw_bytes = 1'000'000;
    payload.saved_at = payload.exclusive_at = i;
    payload.freed_at = 9 - i;
    payload.uses = {{9 - i, 9 - i}};
    payload.options = {{{"keep", {}}, 1'000'000, 0, 0, true},
                       {{"group_quant", {{"bits", int64_t{4}}}}, 132'000, 0.001, 1e-4, false}};
    if (offered && i < 2) payload.options.push_back({kOffload, 0, 0, 1e-3, true});
    profile.payloads.push_back(payload);
  }
  for (const int64_t raw : {1, 2, 3, 3, 3, 3, 3, 3, 2, 1})
    profile.timeline.emplace_back().bytes = raw * 1'000'000 + 5'000'000;
  return profile;
}

std::string methods(const Plan& plan) {
  std::string text;
  for (const PlanEntry& entry : plan.entries) text += (text.empty() ? "" : " ") + entry.spec.name;
  return text;
}

Plan plan_for(Budget budget, bool offered = true) { return make_plan(three_payloads(offered), budget); }

TEST(OffloadPlan, WithoutALimitNothingIsOffloaded) {
  EXPECT_EQ(methods(plan_for(Budget::exact())), "keep keep keep");
  Budget wish;
  EXPECT_EQ(methods(plan_for(wish)), "keep keep keep");
}

TEST(OffloadPlan, ComesBeforeNoise) {
  const Plan plan = plan_for(Budget::bytes(6'500'000));
  EXPECT_EQ(methods(plan), "offload offload keep");
  EXPECT_EQ(plan.predicted_noise, 0);
  EXPECT_EQ(plan.entries[0].charged_bytes, 0);
  EXPECT_LE(plan.predicted_peak_bytes, 6'500'000);
  EXPECT_DOUBLE_EQ(plan.predicted_extra_seconds, 2e-3);
}

TEST(OffloadPlan, NoMoreThanTheLimitAsksFor) {
  EXPECT_EQ(plan_for(Budget::bytes(7'000'000)).predicted_extra_seconds, 1e-3);
}

TEST(OffloadPlan, LeastTimeTakesTheQuickerOne) {
  Budget budget = Budget::bytes(7'300'000);
  budget.objective = Objective::kLeastTime;
  budget.min_effective_batch = 0;
  EXPECT_EQ(methods(plan_for(budget)).find("offload"), std::string::npos);
}

TEST(OffloadPlan, AllowDecides) {
  Budget budget = Budget::bytes(6'500'000);
  budget.allow = {"group_quant"};
  budget.min_effective_batch = 0;
  EXPECT_EQ(methods(plan_for(budget)).find("offload"), std::string::npos);
  budget.allow = {"offload"};
  EXPECT_EQ(methods(plan_for(budget)), "offload offload keep");
}

Budget with_rule(const std::string& match) {
  Budget budget;
  budget.rules.push_back({match, kOffload, {}});
  return budget;
}

TEST(OffloadPlan, ARuleWithWildcardsSpeaksOfWhatMayBeOffloaded) {
  EXPECT_EQ(methods(plan_for(with_rule("*"))), "offload offload keep");
}

TEST(OffloadPlan, ARuleThatNobodyCanFollowIsAnError) {
  EXPECT_THROW(plan_for(with_rule("c/linear#0:input")), Error);
  try {
    plan_for(with_rule("*"), false);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("asks for offload"), std::string::npos) << error.what();
  }
}

TEST(OffloadPlan, TravelsInPlanFiles) {
  const Plan plan = plan_for(Budget::bytes(6'500'000));
  const Plan read = Plan::from_json(plan.to_json());
  EXPECT_EQ(methods(read), methods(plan));
}

}  // namespace
}  // namespace cinch
