#include <gtest/gtest.h>

#include "cinch/planner.h"

namespace cinch {
namespace {

Profile network() {
  return Profile::from_json_file(std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/network.profile.json");
}

const PlanEntry& entry_of(const Plan& plan, const std::string& site) {
  for (const PlanEntry& entry : plan.entries)
    if (entry.site == site) return entry;
  throw Error("no site " + site);
}

TEST(ApplyPlan, ToItsOwnProfileChangesNothing) {
  const Profile profile = network();
  const Plan plan = make_plan(profile, Budget::above_floor(0.2)), applied = apply_plan(plan, profile);
  EXPECT_TRUE(applied.unknown_sites.empty());
  EXPECT_EQ(applied.predicted_peak_bytes, plan.predicted_peak_bytes);
  EXPECT_EQ(applied.predicted_noise, plan.predicted_noise);
  EXPECT_EQ(applied.limit_bytes, plan.limit_bytes);
  for (size_t i = 0; i < plan.entries.size(); ++i) EXPECT_EQ(applied.entries[i].spec, plan.entries[i].spec);
}

TEST(ApplyPlan, SitesThatItDoesNotKnowStayExactAndAreNamed) {
  Profile other = network();
  const Plan plan = make_plan(other, Budget::above_floor(0.12));
  const std::string was = other.sites[1].name;
  ASSERT_NE(entry_of(plan, was).spec.name, "keep");
  other.sites[1].name = "stem.bn/native_batch_norm#0:input";
  other.fingerprint = "another";
  const Plan applied = apply_plan(plan, other);
  EXPECT_EQ(applied.fingerprint, "another");
  EXPECT_EQ(applied.unknown_sites, std::vector<std::string>{other.sites[1].name});
  EXPECT_EQ(entry_of(applied, other.sites[1].name).spec.name, "keep");
  EXPECT_EQ(entry_of(applied, other.sites[2].name).spec, entry_of(plan, other.sites[2].name).spec);
  EXPECT_GT(applied.predicted_peak_bytes, plan.predicted_peak_bytes);
  EXPECT_LT(applied.predicted_noise, plan.predicted_noise);
}

TEST(ApplyPlan, APayloadOfWhichOneSiteIsUnknownStaysExact) {
  Profile other = network();
  const Plan plan = make_plan(other, Budget::above_floor(0.12));
  ASSERT_EQ(other.sites[2].payload, other.sites[3].payload);
  ASSERT_NE(entry_of(plan, other.sites[3].name).spec.name, "keep");
  other.sites[3].name = "head/linear#0:input";
  const Plan applied = apply_plan(plan, other);
  EXPECT_EQ(applied.unknown_sites, (std::vector<std::string>{other.sites[2].name, other.sites[3].name}));
  EXPECT_EQ(entry_of(applied, other.sites[2].name).spec.name, "keep");
}

TEST(ApplyPlan, AFormThatIsNotOfferedStaysExact) {
  Profile other = network();
  const Plan plan = make_plan(other, Budget::above_floor(0.12));
  other.payloads[1].options.resize(1);
  const Plan applied = apply_plan(plan, other);
  EXPECT_EQ(applied.unknown_sites, std::vector<std::string>{other.sites[1].name});
}

}  // namespace
}  // namespace cinch
