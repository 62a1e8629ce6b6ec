#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cinch/planner.h"
#include "tests/cli/program.h"

namespace cinch::cli {
namespace {

const std::string kProfile = std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/network.profile.json";

void expect_width(const std::string& text, size_t most) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), most) << line;
}

TEST_F(Program, PlanWritesWhatMakePlanGives) {
  const Ended ended = run("plan " + kProfile + " --budget floor+20% -o plan.json");
  ASSERT_EQ(ended.code, 0) << ended.err;
  const Plan expected = make_plan(Profile::from_json_file(kProfile), Budget::above_floor(0.2));
  EXPECT_EQ(read(path("plan.json")), expected.to_json());
  EXPECT_NE(ended.out.find("predicted peak " + format_bytes(expected.predicted_peak_bytes)), std::string::npos);
  EXPECT_EQ(run("plan " + kProfile + " --budget floor+20% -o -").out, expected.to_json());
  EXPECT_EQ(run("plan " + kProfile + " --budget " + data("rules.budget.json") + " --json -").out,
            make_plan(Profile::from_json_file(kProfile), Budget::from_json_file(data("rules.budget.json"))).to_json());
  const Ended shown = run("plan " + kProfile + " --budget exact");
  EXPECT_EQ(shown.code, 0);
  EXPECT_NE(shown.out.find("no limit"), std::string::npos) << shown.out;
}

TEST_F(Program, ABudgetThatNoPlanMeetsNamesLimitsBreakdownAndBound) {
  expect_refused("plan " + kProfile + " --budget 10MiB -o plan.json", "smallest feasible limit is");
  expect_refused("plan " + kProfile + " --budget 10MiB", "at the peak: parameters 11.4 MiB");
  expect_refused("plan " + kProfile + " --budget floor+5%", "min_effective_batch = 0.9");
  write("quiet.json", R"({"schema": "cinch.budget/1", "limit": {"above_floor": 0.1}, "max_gradient_noise": 1e-4})");
  expect_refused("plan " + kProfile + " --budget quiet.json", "max_gradient_noise = 0.0");
}

TEST_F(Program, PlanRefusesBadInput) {
  expect_refused("plan missing.json --budget 60%", "missing.json: document: cannot be read: No such file");
  expect_refused("plan " + kProfile + " --budget lots", "budget \"lots\" is not understood");
  expect_refused("plan " + kProfile + " --budget missing.json", "missing.json: document: cannot be read");
  expect_refused("plan " + kProfile, "--budget is required");
  expect_refused("plan " + kProfile + " --budget 60% -o nowhere/plan.json", "'nowhere/plan.json' cannot be written");
  expect_refused("plan " + kProfile + " --budget 60% -o .", "'.' cannot be written");
  auto damaged = nlohmann::json::parse(read(kProfile));
  damaged["payloads"][3]["numel"] = "many";
  write("damaged.json", damaged.dump());
  expect_refused("plan damaged.json --budget 60%", "damaged.json: /payloads/3/numel: expected an integer");
  write("half.json", read(kProfile).substr(0, 4000));
  expect_refused("plan half.json --budget 60%", "half.json: document: malformed JSON at line");
  write("rules.json",
        R"({"schema": "cinch.budget/1", "sites": [{"match": "*", "max_bits": 2}, {"match": "*", "max_bits": 4}]})");
  expect_refused("plan " + kProfile + " --budget rules.json",
                 "rules.json: /sites/1: rules 0 and 1 for \"*\" contradict");
  expect_refused("", "subcommand is required");
  expect_refused("plan " + kProfile + " --budget 60% --nonsense", "--nonsense");
}

TEST_F(Program, FrontierIsATableOfEightyColumnsAndAllPointsAsJson) {
  const Ended shown = run("frontier " + kProfile);
  ASSERT_EQ(shown.code, 0) << shown.err;
  expect_width(shown.out, 80);
  const auto points = frontier(Profile::from_json_file(kProfile));
  EXPECT_NE(shown.out.find(std::to_string(points.size()) + " points"), std::string::npos) << shown.out;
  EXPECT_EQ(run("frontier " + kProfile + " --json points.json --rows 5").code, 0);
  const auto document = nlohmann::json::parse(read(path("points.json")));
  EXPECT_EQ(document["schema"], "cinch.frontier/1");
  ASSERT_EQ(document["points"].size(), points.size());
  EXPECT_EQ(document["points"][0]["limit_bytes"], points[0].limit_bytes);
  EXPECT_EQ(document["points"].back()["noise"], 0.0);
  const Ended few = run("frontier " + kProfile + " --rows 5");
  EXPECT_EQ(std::ranges::count(few.out, '\n'), 7) << few.out;
  EXPECT_EQ(run("frontier " + kProfile + " --json -").out, read(path("points.json")));
  expect_refused("frontier " + kProfile + " --json nowhere/points.json", "'nowhere/points.json' cannot be written");
  expect_refused("frontier missing.json", "missing.json");
}

TEST_F(Program, ExplainSaysWhatBindsAndWhatMoreMemoryBuys) {
  ASSERT_EQ(run("plan " + kProfile + " --budget floor+12% -o plan.json").code, 0);
  const Ended ended = run("explain plan.json --profile " + kProfile);
  ASSERT_EQ(ended.code, 0) << ended.err;
  expect_width(ended.out, 120);
  for (const char* part : {"\nbinds     ", "\n10 % more planned anew for ", "\npeak      instant ", " of noise ",
                           "shared", "native_batch_norm", "nonlinear", "layer1.0.conv1"})
    EXPECT_NE(ended.out.find(part), std::string::npos) << part << "\n" << ended.out;
  const Plan plan = Plan::from_json_file(path("plan.json"));
  const auto document = nlohmann::json::parse(run("explain plan.json --json -").out);
  EXPECT_EQ(document["schema"], "cinch.explanation/1");
  double shares = 0;
  for (const auto& entry : document["entries"]) shares += entry["noise_share"].get<double>();
  EXPECT_NEAR(shares, 1, 1e-9);
  EXPECT_EQ(document["entries"].size(), plan.entries.size());
  const auto larger =
      nlohmann::json::parse(run("explain plan.json --json - --profile " + kProfile).out)["with_more_memory"];
  EXPECT_EQ(larger["from"], "profile");
  EXPECT_LE(larger["noise"], plan.predicted_noise);
  EXPECT_NEAR(larger["limit_bytes"].get<double>(), 1.1 * static_cast<double>(plan.limit_bytes), 1);
}

TEST_F(Program, ExplainCutsNamesToItsWidth) {
  ASSERT_EQ(run("plan " + kProfile + " --budget floor+12% -o plan.json").code, 0);
  const std::string all = run("explain plan.json --width 100").out, table = all.substr(all.find("\n\n") + 2);
  expect_width(table, 100);
  EXPECT_NE(table.find(".."), std::string::npos) << table;
}

TEST_F(Program, ExplainRefusesBadInput) {
  ASSERT_EQ(run("plan " + kProfile + " --budget 90% -o plan.json").code, 0);
  expect_refused("explain " + kProfile, "/schema: expected \"cinch.plan/1\"");
  expect_refused("explain plan.json --budget 60%", "--budget needs --profile");
  auto other = nlohmann::json::parse(read(kProfile));
  other["fingerprint"] = "another";
  write("other.json", other.dump());
  expect_refused("explain plan.json --profile other.json", "other.json shows another program");
  expect_refused("explain plan.json --width 20", "--width");
}

TEST_F(Program, CheckSaysWhatAFileIs) {
  EXPECT_NE(run("check " + kProfile).out.find("cinch.profile/1, valid\n  12 sites, 10 payloads"), std::string::npos);
  EXPECT_NE(run("check " + data("rules.plan.json")).out.find("cinch.plan/1, valid"), std::string::npos);
  const Ended budget = run("check " + data("rules.budget.json") + " --profile " + kProfile);
  EXPECT_EQ(budget.code, 0) << budget.err;
  EXPECT_NE(budget.out.find("cinch.budget/1, valid\n  3 rules\n"), std::string::npos) << budget.out;
  EXPECT_NE(budget.out.find("there is a plan"), std::string::npos) << budget.out;
  write("other.json", R"({"schema": "cinch.bench/1"})");
  expect_refused("check other.json", "other.json: /schema: expected \"cinch.budget/1\"");
  write("none.json", "{}");
  expect_refused("check none.json", "none.json: /schema: missing");
  write("twice.json", R"({"schema": "cinch.budget/1", "limit": 1, "limit": 2})");
  expect_refused("check twice.json", "twice.json: /limit: duplicate key");
  expect_refused("check .", "it is a folder");
  expect_refused("check " + kProfile + " --profile " + kProfile, "is itself a profile");
}

TEST_F(Program, CheckNamesRulesThatContradictOrHaveNoEffect) {
  write("against.json", R"({"schema": "cinch.budget/1", "sites": [
      {"match": "fc/*", "codec": {"name": "keep"}}, {"match": "fc/*", "codec": {"name": "cast"}}]})");
  expect_refused("check against.json", "/sites/1: rules 0 and 1 for \"fc/*\" contradict each other: keep and cast");
  write("hidden.json", R"({"schema": "cinch.budget/1", "sites": [
      {"match": "bn1/*", "codec": {"name": "keep"}}, {"match": "*", "max_bits": 6}, {"match": "head/*", "max_bits": 2}]})");
  const Ended ended = run("check hidden.json --profile " + kProfile + " --json found.json");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("rule 0 for \"bn1/*\" (keep) never holds: rule 1 for \"*\" (max_bits 6)"), std::string::npos)
      << ended.out;
  EXPECT_NE(ended.out.find("rule 2 for \"head/*\" (max_bits 2) matches no site of the profile"), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(read(path("found.json")))["notes"].size(), 4u);
}

TEST_F(Program, CheckListsSitesThatStayExactAndEndsWithOneWhereThePlanDoesNotHold) {
  ASSERT_EQ(run("plan " + kProfile + " --budget floor+12% -o plan.json").code, 0);
  const Ended same = run("check plan.json --profile " + kProfile);
  EXPECT_EQ(same.code, 0) << same.out;
  EXPECT_NE(same.out.find("0 stay exact"), std::string::npos) << same.out;
  auto other = nlohmann::json::parse(read(kProfile));
  other["fingerprint"] = "another";
  other["sites"][1]["name"] = "stem.bn/native_batch_norm#0:input";
  write("other.json", other.dump());
  const Ended ended = run("check plan.json --profile other.json --json found.json");
  EXPECT_EQ(ended.code, 1) << ended.out;
  for (const char* part :
       {"made for another program", "exact: stem.bn/native_batch_norm#0:input", "not kept: the predicted peak"})
    EXPECT_NE(ended.out.find(part), std::string::npos) << part << "\n" << ended.out;
  const auto document = nlohmann::json::parse(read(path("found.json")));
  EXPECT_EQ(document["unknown_sites"], nlohmann::json::array({"stem.bn/native_batch_norm#0:input"}));
  EXPECT_EQ(document["not_kept"].size(), 1u);
}

TEST_F(Program, AdviseGivesTheLargestBatchAndTheSmallestLimits) {
  const Ended ended = run("advise " + kProfile + " --budget 100MiB");
  ASSERT_EQ(ended.code, 0) << ended.err;
  expect_width(ended.out, 100);
  const Profile profile = Profile::from_json_file(kProfile);
  const BatchAdvice advice = advise_batch(profile, Budget::bytes(100 << 20));
  EXPECT_NE(ended.out.find("largest batch  " + std::to_string(advice.largest_batch.value()) + " within 100 MiB"),
            std::string::npos)
      << ended.out;
  const auto document = nlohmann::json::parse(run("advise " + kProfile + " --batch 64 128 --json -").out);
  EXPECT_EQ(document["schema"], "cinch.advice/1");
  ASSERT_EQ(document["smallest_limits"].size(), 2u);
  EXPECT_EQ(document["smallest_limits"][0]["limit_bytes"], advice.smallest_limit_bytes);
  EXPECT_FALSE(document.contains("largest_batch"));
  auto unknown = nlohmann::json::parse(read(kProfile));
  unknown.erase("batch");
  write("unknown.json", unknown.dump());
  expect_refused("advise unknown.json --budget 100MiB",
                 "unknown.json does not know its batch: give it with --observed");
  EXPECT_EQ(run("advise unknown.json --budget 100MiB --observed 64").out, ended.out);
  expect_refused("advise unknown.json " + kProfile, "does not know its batch");
  expect_refused("advise " + kProfile + " " + kProfile, "same batch of 64");
  expect_refused("advise " + kProfile + " --batch 0", "--batch");
}

TEST_F(Program, AFullDiskIsAnError) {
  const Ended ended = run("frontier " + kProfile + " --json /dev/full");
  EXPECT_EQ(ended.code, 2);
  EXPECT_NE(ended.err.find("/dev/full"), std::string::npos) << ended.err;
  EXPECT_EQ(run("codecs >/dev/full 2>.full; exit $?; :").code, 2);
  EXPECT_EQ(read(path(".full")), "cinch: standard output cannot be written\n");
}

TEST_F(Program, HelpIsNoError) {
  EXPECT_EQ(run("--help").code, 0);
  EXPECT_NE(run("plan --help").out.find("--budget"), std::string::npos);
  EXPECT_NE(run("--version").out.find("0."), std::string::npos);
}

}  // namespace
}  // namespace cinch::cli
