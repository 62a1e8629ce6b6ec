#include <nlohmann/json.hpp>

#include "cinch/planner.h"
#include "src/report/report.h"
#include "tests/cli/program.h"

namespace cinch::cli {
namespace {

const std::string kProfile = std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/network.profile.json";

class ProgramReport : public Program {
 protected:
  void SetUp() override {
    try {
      report::require_page();
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
    ASSERT_EQ(run("plan " + kProfile + " --budget floor+12% -o plan.json").code, 0);
  }
};

TEST_F(ProgramReport, WritesThePageAndItsFigures) {
  const Ended ended = run("report " + kProfile + " plan.json -o page.html --json figures.json");
  ASSERT_EQ(ended.code, 0) << ended.err;
  const Plan plan = Plan::from_json_file(path("plan.json"));
  EXPECT_NE(ended.out.find("page.html: 12 sites, predicted peak " + format_bytes(plan.predicted_peak_bytes)),
            std::string::npos)
      << ended.out;
  const auto document = nlohmann::ordered_json::parse(read(path("figures.json")));
  EXPECT_EQ(document["schema"], "cinch.report/1");
  EXPECT_EQ(document["title"], "network");
  EXPECT_EQ(document["figures"]["predicted_peak_bytes"], plan.predicted_peak_bytes);
  EXPECT_EQ(read(path("page.html")), report::render(document));
  EXPECT_EQ(run("report " + kProfile + " plan.json -o -").out, read(path("page.html")));
  EXPECT_EQ(run("report " + kProfile + " plan.json --json -").out, read(path("figures.json")));
}

TEST_F(ProgramReport, NeedsNoPlanAndHasADefaultName) {
  const Ended ended = run("report " + kProfile + " --title 'my run'");
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out.find("predicted"), std::string::npos) << ended.out;
  EXPECT_NE(read(path("report.html")).find("<title>my run"), std::string::npos);
}

TEST_F(ProgramReport, RefusesBadInput) {
  expect_refused("report", "profile is required");
  expect_refused("report missing.json", "missing.json: document: cannot be read");
  expect_refused("report plan.json", "/schema: expected \"cinch.profile/1\"");
  expect_refused("report " + kProfile + " " + kProfile, "/schema: expected \"cinch.plan/1\"");
  expect_refused("report " + kProfile + " plan.json -o nowhere/page.html", "'nowhere/page.html' cannot be written");
  expect_refused("report " + kProfile + " plan.json -o .", "'.' cannot be written");
  expect_refused("report " + kProfile + " plan.json --json nowhere/a.json", "'nowhere/a.json' cannot be written");
  expect_refused("report " + kProfile + " -o - --json -", "cannot both write to standard output");
  auto other = nlohmann::json::parse(read(kProfile));
  other["fingerprint"] = "another";
  write("other.json", other.dump());
  expect_refused("report other.json plan.json", "other.json shows another program than the one that plan.json");
}

}  // namespace
}  // namespace cinch::cli
