#include <gtest/gtest.h>

#include <cmath>

#include "cinch/error.h"
#include "cinch/planner.h"
#include "planner/plan_options.h"
#include "planner/simulate.h"
#include "src/report/report.h"
#include "tests/planner/random_profile.h"

namespace cinch::report {
namespace {

using nlohmann::ordered_json;

constexpr const char* kCategories[] = {"parameters_bytes", "optimizer_bytes", "gradients_bytes", "payloads_bytes",
                                       "transients_bytes"};

int64_t bytes(const ordered_json& curve, size_t i) {
  int64_t sum = 0;
  for (const char* category : kCategories) sum += curve.at(category).at(i).get<int64_t>();
  return sum;
}

int64_t peak(const ordered_json& curve, size_t instants) {
  int64_t most = 0;
  for (size_t i = 0; i < instants; ++i) most = std::max(most, bytes(curve, i));
  return most;
}

template <typename Number>
Number sum(const ordered_json& rows, const char* key) {
  Number all{};
  for (const auto& row : rows) all += row.at(key).get<Number>();
  return all;
}

Input with_plan(Profile profile, double above_floor) {
  Budget budget = Budget::above_floor(above_floor);
  budget.min_effective_batch = 0;
  Plan plan = make_plan(profile, budget);
  return {"test", std::move(profile), std::move(plan), {}};
}

// What must hold of every page: it says what profile and plan say, and its parts say the same.
void expect_agreement(const Input& input) {
  const ordered_json document = make_document(input);
  const Profile& profile = input.profile;
  const Plan& plan = *input.plan;
  const auto& figures = document["figures"];
  EXPECT_EQ(figures["baseline_peak_bytes"], profile.baseline_peak_bytes());
  EXPECT_EQ(figures["floor_bytes"], profile.floor_bytes());
  EXPECT_EQ(figures["predicted_peak_bytes"], plan.predicted_peak_bytes);
  EXPECT_EQ(figures["limit_bytes"], plan.limit_bytes);
  EXPECT_EQ(figures["raw_bytes"], plan.raw_bytes);
  EXPECT_EQ(figures["charged_bytes"], plan.charged_bytes);
  EXPECT_DOUBLE_EQ(figures["noise"], plan.predicted_noise);
  EXPECT_DOUBLE_EQ(figures["effective_batch"], plan.predicted_effective_batch);

  const auto& timeline = document["timeline"];
  const std::vector<int32_t> at = timeline["at"];
  EXPECT_EQ(peak(timeline["before"], at.size()), profile.baseline_peak_bytes());
  EXPECT_EQ(peak(timeline["after"], at.size()), plan.predicted_peak_bytes);
  EXPECT_EQ(timeline["before"]["peak_bytes"], profile.baseline_peak_bytes());
  EXPECT_EQ(timeline["after"]["peak_bytes"], plan.predicted_peak_bytes);
  const auto simulated = planner::simulate(profile, planner::plan_options(plan, profile).options);
  for (size_t i = 0; i < at.size(); ++i) {
    EXPECT_EQ(bytes(timeline["before"], i), profile.timeline[static_cast<size_t>(at[i])].bytes);
    EXPECT_EQ(bytes(timeline["after"], i), simulated[static_cast<size_t>(at[i])]);
  }

  int64_t raw = 0, charged = 0;
  for (const PlanEntry& entry : plan.entries) {
    raw += entry.raw_bytes;
    charged += entry.charged_bytes;
  }
  ASSERT_EQ(document["sites"].size(), profile.sites.size());
  for (const char* part : {"sites", "layers"}) {
    EXPECT_EQ(sum<int64_t>(document[part], "raw_bytes"), raw) << part;
    EXPECT_EQ(sum<int64_t>(document[part], "charged_bytes"), charged) << part;
    EXPECT_NEAR(sum<double>(document[part], "noise_share"), plan.predicted_noise > 0 ? 1 : 0, 1e-9) << part;
  }
  for (const auto& layer : document["layers"]) {
    EXPECT_EQ(sum<int64_t>(layer["methods"], "charged_bytes"), layer["charged_bytes"]);
    EXPECT_NEAR(sum<double>(layer["methods"], "noise_share"), layer["noise_share"], 1e-12);
  }
  EXPECT_NEAR(sum<double>(document["sites"], "seconds"), plan.predicted_extra_seconds, 1e-9);
}

Profile network() {
  return Profile::from_json_file(std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/network.profile.json");
}

TEST(ReportDocument, SaysWhatProfileAndPlanSay) {
  expect_agreement(with_plan(network(), 0.12));
  expect_agreement(with_plan(network(), 1));
}

TEST(ReportDocument, AgreesWithItselfForAnyProgram) {
  for (uint64_t seed = 0; seed < 20; ++seed)
    expect_agreement(with_plan(planner::testing::random_profile(
                                   seed, {.payloads = 12, .options = 4, .instants = 0, .irregular = seed % 2 == 1}),
                               1));
}

// The page has room for about a thousand instants.
TEST(ReportDocument, LongTimelinesLoseNoPeak) {
  const Input input =
      with_plan(planner::testing::random_profile(7, {.payloads = 40, .options = 3, .instants = 20000}), 1);
  EXPECT_EQ(make_document(input)["timeline"]["instants"], 20000);
  EXPECT_LT(make_document(input)["timeline"]["at"].size(), 2000u);
  expect_agreement(input);
}

TEST(ReportDocument, SitesSayWhatTheirEntriesSay) {
  const Input input = with_plan(network(), 0.12);
  const auto sites = make_document(input)["sites"];
  for (size_t i = 0; i < sites.size(); ++i) {
    const PlanEntry& entry = input.plan->entries[i];
    EXPECT_EQ(sites[i]["site"], entry.site);
    EXPECT_EQ(sites[i]["spec"], to_string(entry.spec));
    EXPECT_EQ(sites[i]["method"], entry.spec.name);
    EXPECT_EQ(sites[i]["need"], to_string(entry.need));
    EXPECT_EQ(sites[i]["shared"], entry.raw_bytes == 0);
    EXPECT_EQ(sites[i]["raw_bytes"], entry.raw_bytes);
  }
}

TEST(ReportDocument, TheCurveIsTheFrontierWithThePlanOnIt) {
  const Input input = with_plan(network(), 0.12);
  const auto curve = make_document(input)["frontier"];
  const auto points = frontier(input.profile);
  ASSERT_EQ(curve["points"].size(), points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(curve["points"][i]["limit_bytes"], points[i].limit_bytes);
    EXPECT_DOUBLE_EQ(curve["points"][i]["noise"], points[i].noise);
  }
  EXPECT_EQ(curve["chosen"]["limit_bytes"], input.plan->limit_bytes);
  EXPECT_DOUBLE_EQ(curve["chosen"]["noise"], input.plan->predicted_noise);
  EXPECT_DOUBLE_EQ(curve["chosen"]["extra_seconds"], input.plan->predicted_extra_seconds);
}

TEST(ReportDocument, WithoutAPlanAllIsRaw) {
  const auto document = make_document({"", network(), {}, {}});
  EXPECT_FALSE(document["planned"]);
  EXPECT_FALSE(document["figures"].contains("predicted_peak_bytes"));
  EXPECT_FALSE(document["timeline"].contains("after"));
  EXPECT_FALSE(document["frontier"].contains("chosen"));
  EXPECT_EQ(sum<int64_t>(document["sites"], "raw_bytes"), sum<int64_t>(document["sites"], "charged_bytes"));
  EXPECT_NE(document["notes"].dump().find("There is no plan"), std::string::npos);
}

TEST(ReportDocument, HasWhatWasMeasured) {
  Input input = with_plan(network(), 0.12);
  input.run = MeasuredRun{.peak_bytes = input.plan->limit_bytes + 512,
                          .limit_bytes = input.plan->limit_bytes,
                          .steps = 7,
                          .steps_over_limit = 1,
                          .reclaims = 3,
                          .step_seconds = 0.5,
                          .baseline_peak_bytes = 1 << 27};
  const auto document = make_document(input);
  EXPECT_EQ(document["figures"]["measured_peak_bytes"], input.plan->limit_bytes + 512);
  EXPECT_EQ(document["figures"]["measured_baseline_peak_bytes"], 1 << 27);
  EXPECT_EQ(document["figures"]["steps"], 7);
  EXPECT_EQ(document["figures"]["reclaims"], 3);
  EXPECT_NE(document["notes"].dump().find("above the limit in 1 step."), std::string::npos) << document["notes"];
}

TEST(ReportDocument, APlanOfAnotherProgramIsRefused) {
  Input input = with_plan(network(), 0.12);
  input.plan->fingerprint = "0dd";
  try {
    make_document(input);
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("fingerprint 0dd, the profile's is 5eed"), std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace cinch::report
