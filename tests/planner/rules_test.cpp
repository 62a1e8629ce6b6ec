#include <gtest/gtest.h>

#include <cmath>

#include "cinch/planner.h"
#include "planner/choosable.h"
#include "planner/problem.h"
#include "tests/planner/random_profile.h"

namespace cinch {
namespace {

CodecSpec group_quant(int64_t bits) { return {"group_quant", {{"bits", bits}}}; }
SiteRule codec_rule(const std::string& match, const CodecSpec& spec) { return {match, spec, std::nullopt}; }
SiteRule bits_rule(const std::string& match, double bits) { return {match, std::nullopt, bits}; }

// Two payloads of values (the second saved by two sites) and a mask.
Profile three_kinds() {
  Profile profile;
  profile.timeline.assign(10, {100'000});
  const char* names[] = {"a/linear#0:input", "b/linear#0:input", "b/mul#0:self", "c/relu#0:result"};
  const int32_t payloads[] = {0, 1, 1, 2};
  profile.payloads.resize(3);
  for (int32_t i = 0; i < 4; ++i) {
    SiteProfile site;
    site.name = names[i];
    site.payload = payloads[i];
    profile.sites.push_back(site);
    profile.payloads[payloads[i]].sites.push_back(i);
  }
  for (PayloadProfile& payload : profile.payloads) {
    payload.numel = 2000;
    payload.raw_bytes = 8000;
    payload.exclusive_at = 1;
    payload.freed_at = 9;
    payload.options = {{{"keep", {}}, 8000, 0, 0, true}};
    for (int64_t bits : {8, 4, 2})
      payload.options.push_back({group_quant(bits), 250 * bits + 63, 1e-6 * std::exp2(8 - bits), 1e-6, false});
  }
  profile.payloads[2].options = {{{"keep", {}}, 8000, 0, 0, true}, {{"mask", {}}, 250, 0, 1e-6, true}};
  return profile;
}

Plan plan_with(std::vector<SiteRule> rules, Objective objective = Objective::kLeastNoise) {
  Budget budget;
  budget.objective = objective;
  budget.rules = std::move(rules);
  return make_plan(three_kinds(), budget);
}

TEST(Rules, ACodecRuleForcesItsSpecHoweverItIsWritten) {
  EXPECT_EQ(plan_with({codec_rule("a/*", group_quant(4))}).entries[0].spec, group_quant(4));
  const CodecSpec in_full = normalise(group_quant(4));
  EXPECT_EQ(normalise(plan_with({codec_rule("a/*", in_full)}).entries[0].spec), in_full);
}

TEST(Rules, TheLastMatchWins) {
  EXPECT_EQ(plan_with({codec_rule("a/*", group_quant(4)), codec_rule("*", group_quant(2))}).entries[0].spec,
            group_quant(2));
  EXPECT_EQ(plan_with({codec_rule("*", group_quant(2)), codec_rule("a/*", CodecSpec{})}).entries[0].spec.name, "keep");
}

TEST(Rules, AnySiteOfAPayloadMayBeNamed) {
  const Plan plan = plan_with({codec_rule("b/mul*", group_quant(8))});
  EXPECT_EQ(plan.entries[1].spec, group_quant(8));
  EXPECT_EQ(plan.entries[2].spec, group_quant(8));
}

TEST(Rules, KeepIsNeverTouched) {
  EXPECT_EQ(plan_with({codec_rule("*", CodecSpec{})}).entries[3].spec.name, "keep");
  EXPECT_EQ(plan_with({codec_rule("c/*", CodecSpec{})}, Objective::kLeastBytes).entries[3].spec.name, "keep");
}

TEST(Rules, WildcardsPassOverPayloadsWithoutLossyForms) {
  const Plan plan = plan_with({codec_rule("*", group_quant(2))});
  EXPECT_EQ(plan.entries[0].spec, group_quant(2));
  EXPECT_EQ(plan.entries[1].spec, group_quant(2));
  EXPECT_EQ(plan.entries[3].spec.name, "mask");
}

// A spec that one payload was offered is not an error at another that it does not make smaller: what the rule leaves
// alone is planned as if it were not there.
TEST(Rules, WildcardsPassOverPayloadsThatWereNotOfferedTheSpec) {
  Profile profile = three_kinds();
  const CodecSpec lfc{"lfc", {}};
  profile.payloads[1].options.push_back({lfc, 700, 1e-4, 1e-6, false});
  Budget budget;
  budget.rules = {codec_rule("*", lfc)};
  const Plan plan = make_plan(profile, budget);
  EXPECT_EQ(plan.entries[0].spec.name, "keep");
  EXPECT_EQ(plan.entries[1].spec.name, "lfc");
  budget.rules = {codec_rule("a/linear#0:input", lfc)};
  EXPECT_THROW(make_plan(profile, budget), Error);
  budget.rules = {codec_rule("*", CodecSpec{"pool", {}})};
  EXPECT_THROW(make_plan(profile, budget), Error) << "the profile was made without that rule";
}

TEST(Rules, AMissingOptionNamesSiteAndWhatThereIs) {
  const auto what = [](const SiteRule& rule) -> std::string {
    try {
      plan_with({rule});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string exact_name = what(codec_rule("c/relu#0:result", group_quant(2)));
  for (const char* part : {"c/relu#0:result", "group_quant", "keep, mask"})
    EXPECT_NE(exact_name.find(part), std::string::npos) << exact_name;
  EXPECT_NE(what(codec_rule("a/*", group_quant(1))).find("a/linear#0:input"), std::string::npos);
}

TEST(Rules, MaxBitsCountsChargedBitsAndLetsLosslessThrough) {
  const auto limited = [](double bits) {
    Budget budget;
    budget.rules = {bits_rule("*", bits)};
    const planner::Problem problem = planner::make_problem(three_kinds(), budget);
    return std::pair(problem.items[0].candidates.size(), problem.items[2].candidates.size());
  };
  // 8, 4 and 2 bits are charged as 8.252, 4.252 and 2.252 with their sides.
  EXPECT_EQ(limited(9), std::pair(size_t{4}, size_t{2}));
  EXPECT_EQ(limited(8.2), std::pair(size_t{3}, size_t{2}));
  EXPECT_EQ(limited(2.26), std::pair(size_t{2}, size_t{2}));
  EXPECT_EQ(limited(2), std::pair(size_t{1}, size_t{2}));
}

TEST(Rules, AllowLeavesOnlyTheMethodsNamedAndKeep) {
  Budget budget;
  budget.objective = Objective::kLeastBytes;
  budget.allow = {"group_quant"};
  EXPECT_EQ(make_plan(three_kinds(), budget).entries[3].spec.name, "keep");
  budget.allow = {"exact"};
  const Plan plan = make_plan(three_kinds(), budget);
  EXPECT_EQ(plan.entries[0].spec.name, "keep");
  EXPECT_EQ(plan.entries[3].spec.name, "mask");
}

TEST(Rules, ChoosableIsWhatSomePlanMayTake) {
  const auto left = [](const Budget& budget) {
    std::vector<size_t> options;
    for (const PayloadProfile& payload : planner::choosable(three_kinds(), budget).payloads)
      options.push_back(payload.options.size());
    return options;
  };
  using Sizes = std::vector<size_t>;
  EXPECT_EQ(left(Budget::above_floor(0.5)), (Sizes{4, 4, 2}));
  Budget budget;
  EXPECT_EQ(left(budget), (Sizes{1, 1, 2})) << "no limit: lossless alone";
  budget.rules = {codec_rule("a/*", group_quant(2))};
  EXPECT_EQ(left(budget), (Sizes{2, 1, 2})) << "but for what is forced";
  budget.objective = Objective::kLeastBytes;
  EXPECT_EQ(left(budget), (Sizes{2, 4, 2}));
  budget.rules = {codec_rule("b/*", CodecSpec{}), bits_rule("a/*", 8.2)};
  EXPECT_EQ(left(budget), (Sizes{3, 1, 2}));
  budget.allow = {"exact"};
  EXPECT_EQ(left(budget), (Sizes{1, 1, 2}));
  budget.rules = {codec_rule("a/*", CodecSpec{"pool", {}})};
  EXPECT_THROW(make_plan(three_kinds(), budget), Error);
  EXPECT_EQ(left(budget), (Sizes{4, 4, 2})) << "no plan to leave anything out";
}

TEST(Rules, ForcedNoiseBeyondTheBoundIsInfeasible) {
  Budget budget;
  budget.rules = {codec_rule("*", group_quant(2))};
  budget.max_gradient_noise = 1e-4;
  try {
    make_plan(three_kinds(), budget);
    FAIL();
  } catch (const BudgetError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("rules"), what.npos) << what;
    EXPECT_NE(what.find("max_gradient_noise = "), what.npos) << what;
  }
}

}  // namespace
}  // namespace cinch
