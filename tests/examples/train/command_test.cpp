// The program as users run it: bad input ends with exit code 2, one line on standard error, and nothing written.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "src/backend/cuda/runtime.h"

namespace cinch::train {
namespace {

namespace fs = std::filesystem;

struct Ended {
  int code = -1;
  std::string out, err;
  size_t error_lines() const { return static_cast<size_t>(std::count(err.begin(), err.end(), '\n')); }
};

class Command : public testing::Test {
 protected:
  Command() : folder_(fs::temp_directory_path() / ("cinch_command_" + std::to_string(getpid()))) {
    fs::create_directory(folder_);
  }
  ~Command() override { fs::remove_all(folder_); }

  static std::string slurp(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }

  // `arguments` as a shell takes them; the program runs in the test's folder.
  Ended run(const std::string& arguments, const std::string& program = "cinch-train") const {
    const fs::path out = folder_ / ".out", err = folder_ / ".err";
    const std::string line = "cd '" + folder_.string() + "' && '" + std::string(CINCH_BINARY_DIR) + "/bin/" + program +
                             "' " + arguments + " >'" + out.string() + "' 2>'" + err.string() + "'";
    const int status = std::system(line.c_str());
    Ended ended{WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(out), slurp(err)};
    fs::remove(out);
    fs::remove(err);
    return ended;
  }

  void expect_refused(const std::string& arguments, const std::string& named,
                      const std::string& program = "cinch-train") const {
    const Ended ended = run(arguments, program);
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.err;
    EXPECT_EQ(ended.error_lines(), 1u) << arguments << "\n" << ended.err;
    EXPECT_NE(ended.err.find(named), std::string::npos) << arguments << "\n" << ended.err;
    EXPECT_FALSE(fs::exists(folder_ / "result.json")) << arguments;
    EXPECT_FALSE(fs::exists(folder_ / "plan.json")) << arguments;
  }

  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  const fs::path folder_;
};

TEST_F(Command, RefusesUnknownNames) {
  expect_refused("--model resnet19 --json result.json", "resnet18");
  expect_refused("--data mnist", "fashion-mnist");
  expect_refused("--amp fp16", "bf16");
  expect_refused("--no-such-option", "no-such-option");
  expect_refused("nosuite", "unknown suite", "cinch-bench");
}

TEST_F(Command, RefusesDevicesThatAreNotThere) {
  expect_refused("--device tpu --json result.json", "cpu, cuda or cuda:N");
  // Out of range where there are GPUs, unusable where there are none.
  expect_refused("--device cuda:99 --json result.json", "cuda:99");
  if (backend::cuda_problem().empty()) GTEST_SKIP() << "there is a GPU";
  expect_refused("--device cuda --json result.json", backend::cuda_problem());
  for (const char* suite : {"train", "limit"})
    expect_refused(std::string(suite) + " --device cuda", backend::cuda_problem(), "cinch-bench");
}

TEST_F(Command, RefusesModelsForOtherData) {
  expect_refused("--model vit_b16 --data fashion-mnist", "large images");
  expect_refused("--model vgg16 --data synthetic-images", "small images");
  expect_refused("--model gpt2 --data synthetic-images", "text");
}

TEST_F(Command, RefusesAbsurdNumbers) {
  for (const char* arguments :
       {"--batch 0", "--batch -3", "--steps 0", "--epochs 0", "--lr -1", "--lr nan", "--momentum 1.5"}) {
    expect_refused(arguments, std::string(arguments).substr(0, std::string(arguments).find(' ')));
  }
}

TEST_F(Command, RefusesZeroAndAbsurdBudgets) {
  for (const char* budget :
       {"0", "-5GiB", "0%", "floor", "floor-10%", "device:0%", "device:200%", "nan%", "lots", "''", "12parsecs"}) {
    expect_refused("--steps 1 --json result.json --save-plan plan.json --budget=" + std::string(budget), "");
  }
}

TEST_F(Command, RefusesBudgetsThatCannotBeMet) {
  // Less than the parameters alone, and less than the first step needs.
  for (const char* budget : {"1MiB", "6MiB"})
    expect_refused("--steps 3 --model lstm --json result.json --save-plan plan.json --budget " + std::string(budget),
                   "the smallest feasible limit is");
}

TEST_F(Command, RefusesDamagedBudgetFiles) {
  expect_refused("--steps 1 --budget missing.json", "missing.json");
  write("broken.json", "{\"schema\": \"cinch.budget/1\", ");
  expect_refused("--steps 1 --budget broken.json", "broken.json");
  write("key.json", R"({"schema": "cinch.budget/1", "limit": "1GiB", "objektive": "least_noise"})");
  expect_refused("--steps 1 --budget key.json", "objektive");
  write("method.json", R"({"schema": "cinch.budget/1", "limit": "1GiB", "allow": ["group_quantum"]})");
  expect_refused("--steps 1 --budget method.json", "group_quantum");
  write("type.json", R"({"schema": "cinch.budget/1", "limit": true})");
  expect_refused("--steps 1 --budget type.json", "/limit");
}

TEST_F(Command, RefusesMissingFiles) {
  expect_refused("--model gpt --text missing.txt", "missing.txt");
  expect_refused("--steps 1 --load-plan missing.json", "missing.json");
  expect_refused("--steps 1 --json no/such/folder/result.json", "no/such/folder");
  expect_refused("codec --json no/such/folder/result.json", "no/such/folder", "cinch-bench");
}

TEST_F(Command, SaysWhyThereIsNoGpu) {
  const std::string problem = backend::cuda_problem();
  if (problem.empty()) GTEST_SKIP() << "there is a GPU";
  expect_refused("codec --device cuda --json result.json", problem, "cinch-bench");
}

TEST_F(Command, HelpIsNoError) {
  const Ended ended = run("--help");
  EXPECT_EQ(ended.code, 0);
  EXPECT_NE(ended.out.find("--budget"), std::string::npos);
}

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

TEST_F(Command, TrainsUnderABudgetAndReports) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text.push_back(static_cast<char>('a' + i * i % 23));
  write("text.txt", text);
  const Ended ended =
      run("--model gpt --text text.txt --batch 4 --steps 12 --budget floor+50% --baseline --json - --save-profile "
          "profile.json");
  ASSERT_EQ(ended.code, 0) << ended.err;
  const auto document = nlohmann::json::parse(ended.out);
  EXPECT_EQ(document.at("schema"), "cinch.bench/1");
  const auto& row = document.at("rows").at(0);
  EXPECT_EQ(row.at("steps"), 12);
  EXPECT_LE(row.at("peak_bytes").get<int64_t>(), row.at("limit_bytes").get<int64_t>());
  EXPECT_LT(row.at("limit_bytes").get<int64_t>(), row.at("baseline_peak_bytes").get<int64_t>());
  EXPECT_GT(row.at("limit_bytes").get<int64_t>(), row.at("floor_bytes").get<int64_t>());
  EXPECT_LT(row.at("charged_bytes").get<int64_t>(), row.at("raw_bytes").get<int64_t>());
  EXPECT_GT(row.at("baseline_step_seconds").get<double>(), 0);
  EXPECT_TRUE(row.contains("accuracy"));
  EXPECT_TRUE(row.contains("baseline_accuracy"));
  EXPECT_TRUE(fs::exists(folder_ / "profile.json"));
}

}  // namespace
}  // namespace cinch::train
