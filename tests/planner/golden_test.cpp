// Plans for kept profiles, byte for byte. A changed plan is a decision: look at the difference, then write the new file
// with
//   CINCH_UPDATE_GOLDEN=1 cinch_test_planner --gtest_filter='*Golden*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "cinch/planner.h"
#include "planner/file_io.h"

namespace cinch {
namespace {

std::string data(const std::string& name) { return std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/" + name; }

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, PlanIsTheKeptOne) {
  const std::string budget = GetParam();
  const Profile profile = Profile::from_json_file(data("network.profile.json"));
  Plan plan = make_plan(profile, Budget::from_json_file(data(budget + ".budget.json")));
  plan.cinch_version = "any";
  const std::string path = data(budget + ".plan.json"), text = plan.to_json();
  if (std::getenv("CINCH_UPDATE_GOLDEN")) planner::write_file_atomically(path, text);
  EXPECT_EQ(text, planner::read_file(path));
  EXPECT_EQ(Plan::from_json_file(path).to_json(), text);
}

INSTANTIATE_TEST_SUITE_P(Budgets, Golden,
                         ::testing::Values("least_noise", "least_time", "least_bytes", "exact", "rules"),
                         [](const auto& info) { return std::string(info.param); });

TEST(GoldenProfile, IsWrittenAsItWasRead) {
  const std::string path = data("network.profile.json");
  EXPECT_EQ(Profile::from_json_file(path).to_json(), planner::read_file(path));
}

}  // namespace
}  // namespace cinch
