// What the program writes, and what it refuses to write before it trains.
#include <map>
#include <nlohmann/json.hpp>

#include "tests/examples/train/command.h"

namespace cinch::train {
namespace {

// What would be lost after the training is refused before it.
TEST_F(Command, RefusesReportsThatItCouldNotWrite) {
  const std::string run = "--model lstm --steps 1 --eval-samples 0 --json result.json --report ";
  expect_refused(run + "no/such/folder/page.html", "no/such/folder/page.html");
  expect_refused(run + ".", "'.' cannot be written: it is a folder");
  expect_refused(run + "-", "--report needs the name of a file");
  expect_refused(run + "page.html --budget 2GiB", "--report needs a profile, and so at least 2 steps");
  EXPECT_FALSE(fs::exists(folder_ / "page.html"));
  // Written where a link leads, so that is where it must be possible.
  fs::create_symlink("/dev/null", folder_ / "link.html");
  expect_refused(run + "link.html", "'link.html' cannot be written: it is not a regular file");
  // Another file of the run cannot be written either, and training for nothing would be worse than a refusal.
  expect_refused("--model lstm --steps 1 --trace no/such/trace.json --json result.json", "no/such/trace.json");
  expect_refused("--model lstm --steps 1 --trace - --json result.json", "--trace needs a file");
  expect_refused("--device cpu --baseline --load-plan missing.json --report page.html --budget 2GiB", "missing.json");
}

// How many steps an epoch has is in the data.
TEST_F(Command, RefusesReportsOfRunsThatEndBeforeTheyHaveAProfile) {
  write("text.txt", std::string(20000, 'a'));  // 140 samples to train on
  const std::string training = "--model gpt --text text.txt --eval-samples 0 --json result.json --report page.html ";
  for (const char* budget : {"exact", "2GiB"}) {
    const std::string one_step = training + "--epochs 1 --batch 100 --budget " + budget;
    expect_refused(one_step, "--report needs a profile, and so at least 2 steps");
    EXPECT_EQ(run(one_step).out, "") << "it had begun";
  }
  EXPECT_FALSE(fs::exists(folder_ / "page.html"));
  const Ended ended = run(training + "--epochs 2 --batch 100 --budget exact");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(fs::exists(folder_ / "page.html"));
}

// Without them so short a run would end as if all were well.
TEST_F(Command, RefusesToSaveWhatSoShortARunDoesNotKnow) {
  const std::string one_step = "--model lstm --steps 1 --eval-samples 0 --json result.json --budget 2GiB ";
  expect_refused(one_step + "--save-plan plan.json", "--save-plan needs a plan, and so at least 2 steps");
  expect_refused(one_step + "--save-profile profile.json", "--save-profile needs a profile, and so at least 2 steps");
  EXPECT_FALSE(fs::exists(folder_ / "profile.json"));
}

TEST_F(Command, SaysWhatARunUnderALoadedPlanDidNotSave) {
  write("text.txt", std::string(20000, 'a'));
  const std::string training = "--model gpt --text text.txt --batch 2 --steps 2 --eval-samples 0 --quiet --budget ";
  const Ended made = run(training + "exact --save-plan plan.json --save-profile profile.json");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.err, "");
  ASSERT_TRUE(fs::exists(folder_ / "plan.json"));
  ASSERT_TRUE(fs::exists(folder_ / "profile.json"));
  const Ended loaded =
      run(training + "exact --load-plan plan.json --save-plan other.json --save-profile other_profile.json");
  EXPECT_EQ(loaded.code, 0) << loaded.err;
  EXPECT_EQ(loaded.error_lines(), 2u) << loaded.err;
  EXPECT_NE(loaded.err.find("nothing was written into 'other.json'"), std::string::npos) << loaded.err;
  EXPECT_NE(loaded.err.find("nothing was written into 'other_profile.json'"), std::string::npos) << loaded.err;
  EXPECT_FALSE(fs::exists(folder_ / "other.json"));
  EXPECT_FALSE(fs::exists(folder_ / "other_profile.json"));
}

// A relative budget is rehearsed, so that a step is enough.
TEST_F(Command, SavesWhatTheRehearsalShowed) {
  write("text.txt", std::string(20000, 'a'));
  const std::string training = "--model gpt --text text.txt --batch 2 --steps 1 --eval-samples 0 --quiet ";
  const Ended made = run(training + "--budget floor+50% --save-plan plan.json --save-profile profile.json");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_TRUE(fs::exists(folder_ / "profile.json"));
  fs::remove(folder_ / "profile.json");
  // A limit that this plan surely keeps.
  const Ended loaded = run(training + "--budget floor+80% --load-plan plan.json --save-profile profile.json");
  EXPECT_EQ(loaded.code, 0) << loaded.err;
  EXPECT_TRUE(fs::exists(folder_ / "profile.json")) << loaded.err;
}

TEST_F(Command, RefusesTwoOutputsThatAreOne) {
  const std::string training = "--model lstm --steps 3 --json result.json ";
  for (const char* option : {"--report", "--trace", "--save-plan", "--save-profile", "--metrics-file"})
    expect_refused(training + option + " ./result.json",
                   "--json 'result.json' and " + std::string(option) + " './result.json' are the same");
  expect_refused("--model lstm --steps 3 --save-plan plan.json --save-profile no/../plan.json", "are the same");
}

// Without progress the address is all that tells which port it is.
TEST_F(Command, QuietStillSaysWhereMetricsAre) {
  write("text.txt", std::string(20000, 'a'));
  const Ended ended =
      run("--model gpt --text text.txt --batch 2 --steps 2 --eval-samples 0 --budget exact --quiet --metrics "
          "127.0.0.1:0");
  if (ended.err.find("has no metrics") != std::string::npos) GTEST_SKIP() << ended.err;
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.err.rfind("metrics at http://127.0.0.1:", 0), 0u) << ended.err;
  EXPECT_EQ(ended.error_lines(), 1u) << ended.err;
  EXPECT_EQ(ended.out.find("step 1/2"), std::string::npos) << ended.out;
}

TEST_F(Command, RefusesOutputsWithoutAName) {
  for (const char* option : {"--json", "--report", "--trace", "--save-plan", "--load-plan", "--save-profile",
                             "--metrics", "--metrics-file", "--text"})
    for (const char* empty : {" ''", "= --quiet"})
      expect_refused("--model lstm --steps 1 " + std::string(option) + empty, option);
}

TEST_F(Command, ARunThatIsRefusedLeavesNoTrace) {
  expect_refused("--model lstm --steps 3 --trace trace.json --metrics nowhere", "nowhere");
  EXPECT_FALSE(fs::exists(folder_ / "trace.json"));
  fs::create_symlink("elsewhere.json", folder_ / "trace.json");
  expect_refused("--model lstm --steps 3 --trace trace.json --metrics nowhere", "nowhere");
  EXPECT_TRUE(fs::is_symlink(folder_ / "trace.json")) << "what was there is left";
  expect_refused("--model lstm --steps 3 --trace " + std::string(300, 'x'), "cannot be written");
}

TEST_F(Command, TracesWhatItDoes) {
  write("text.txt", std::string(20000, 'a'));
  const Ended ended =
      run("--model gpt --text text.txt --batch 2 --steps 5 --eval-samples 0 --budget floor+50% --quiet --trace "
          "trace.json --json result.json");
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto trace = nlohmann::json::parse(std::ifstream(folder_ / "trace.json"));
  std::map<std::string, int> events;
  double highest = 0;
  for (const auto& event : trace) {
    ++events[event.at("name")];
    if (event.at("name") == "peak bytes") highest = std::max(highest, event.at("args").at("in_use").get<double>());
  }
  EXPECT_EQ(events["step"], 5);
  EXPECT_GE(events["plan"], 1);
  EXPECT_GT(events["pack"], 0);
  EXPECT_GT(events["unpack"], 0);
  EXPECT_EQ(events["peak bytes"], 5);
  const auto result = nlohmann::json::parse(std::ifstream(folder_ / "result.json"));
  EXPECT_EQ(highest, result.at("rows").at(0).at("peak_bytes").get<double>());
}

TEST_F(Command, RefusesToWriteWhatAnInertGuardDoesNotKnow) {
  ASSERT_EQ(setenv("CINCH_DISABLE", "1", 1), 0);
  for (const char* option :
       {"--report page.html", "--trace trace.json", "--save-plan plan.json", "--save-profile p.json"})
    expect_refused("--model lstm --steps 1 --json result.json " + std::string(option), "CINCH_DISABLE is set");
  ASSERT_EQ(unsetenv("CINCH_DISABLE"), 0);
}

TEST_F(Command, ThePeakOfTheReportIsTheMeters) {
  write("text.txt", std::string(20000, 'a'));
  const Ended ended =
      run("--model gpt --text text.txt --batch 4 --steps 4 --eval-samples 0 --budget floor+50% --quiet --json "
          "result.json --report page.html --save-profile profile.json --save-plan plan.json");
  if (ended.err.find("libjs-chart.js") != std::string::npos) GTEST_SKIP() << ended.err;
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto row = nlohmann::json::parse(slurp(folder_ / "result.json")).at("rows").at(0);
  const std::string page = slurp(folder_ / "page.html"), begin = "id=\"report-data\">";
  const size_t at = page.find(begin);
  ASSERT_NE(at, std::string::npos);
  const auto document =
      nlohmann::json::parse(page.substr(at + begin.size(), page.find("</script>", at) - at - begin.size()));
  const auto& figures = document.at("figures");
  EXPECT_EQ(figures.at("measured_peak_bytes"), row.at("peak_bytes"));
  EXPECT_EQ(figures.at("limit_bytes"), row.at("limit_bytes"));
  EXPECT_EQ(figures.at("floor_bytes"), row.at("floor_bytes"));
  EXPECT_EQ(figures.at("steps"), 4);
  const auto plan = nlohmann::json::parse(slurp(folder_ / "plan.json"));
  EXPECT_EQ(figures.at("predicted_peak_bytes"), plan.at("predicted_peak_bytes"));
  EXPECT_EQ(document.at("sites").size(), plan.at("entries").size());
}

}  // namespace
}  // namespace cinch::train
