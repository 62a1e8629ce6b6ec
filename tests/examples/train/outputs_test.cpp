#include "examples/train/outputs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cinch/error.h"
#include "tests/support/scratch_folder.h"

namespace cinch::train {
namespace {

namespace fs = std::filesystem;

class Outputs : public testing::Test {
 protected:
  std::string in_folder(const std::string& name) const { return (folder_ / name).string(); }

  template <typename Check>
  static std::string error_in(const Check& check) {
    try {
      check();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  static std::string error_of(const Options& options) {
    return error_in([&] { check_outputs(options); });
  }

  const test::ScratchFolder folder_;
};

constexpr std::pair<const char*, std::string Options::*> kOutputs[] = {{"--json", &Options::json},
                                                                       {"--report", &Options::report},
                                                                       {"--trace", &Options::trace},
                                                                       {"--save-plan", &Options::save_plan},
                                                                       {"--save-profile", &Options::save_profile},
                                                                       {"--metrics-file", &Options::metrics_file}};

TEST_F(Outputs, NoTwoAreTheSame) {
  for (const auto& [one, first] : kOutputs)
    for (const auto& [other, second] : kOutputs) {
      if (first == second) continue;
      Options options;
      options.*first = in_folder("x");
      options.*second = in_folder("./no/../x");
      const std::string error = error_of(options);
      EXPECT_NE(error.find(std::string(one) + " '"), std::string::npos) << one << other << error;
      EXPECT_NE(error.find(std::string(other) + " '"), std::string::npos) << one << other << error;
      EXPECT_NE(error.find("are the same"), std::string::npos) << error;
    }
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

TEST_F(Outputs, OneMayBeNamedFromHereTheOtherFromTheRoot) {
  Options options;
  options.json = "result.json";
  options.save_plan = (fs::current_path() / "result.json").string();
  EXPECT_EQ(error_of(options), "--json 'result.json' and --save-plan '" + options.save_plan +
                                   "' are the same: each needs an output of its own");
}

TEST_F(Outputs, StandardOutputIsOneToo) {
  Options options;
  options.json = "-";
  EXPECT_EQ(error_of(options), "");
  options.save_profile = "-";
  EXPECT_NE(error_of(options).find("--json '-' and --save-profile '-'"), std::string::npos) << error_of(options);
}

TEST_F(Outputs, OfNamesOfTheirOwnAreFine) {
  Options options;
  for (const auto& [name, path] : kOutputs) options.*path = in_folder(name);
  EXPECT_EQ(error_of(options), "");
  EXPECT_EQ(error_of(Options{}), "");
}

TEST_F(Outputs, NeedStepsThatGiveThemWhatIsWritten) {
  const auto error_after = [](const Options& options, const Budget& budget, int64_t steps) {
    return error_in([&] { check_steps(options, budget, steps); });
  };
  for (const auto& [option, path, what] :
       {std::tuple("--report", &Options::report, "profile"), std::tuple("--save-plan", &Options::save_plan, "plan"),
        std::tuple("--save-profile", &Options::save_profile, "profile")}) {
    Options options;
    options.*path = in_folder("x");
    const std::string start = std::string(option) + " needs a " + what + ", and so at least 2 steps";
    EXPECT_EQ(error_after(options, Budget::bytes(1 << 20), 1).rfind(start, 0), 0u) << option;
    EXPECT_EQ(error_after(options, Budget::exact(), 1).rfind(start, 0), 0u) << option;
    EXPECT_EQ(error_after(options, Budget::exact(), 2), "") << option;
    EXPECT_EQ(error_after(options, Budget::above_floor(0.5), 1), "") << option << ": the rehearsal gives it";
  }
  EXPECT_EQ(error_after(Options{}, Budget::exact(), 1), "");
}

TEST_F(Outputs, OfRunsThatSavedAllAreNotSpokenOf) {
  Outcome out;
  EXPECT_TRUE(unwritten(out).empty()) << "nothing was asked for";
  out.options.save_plan = "plan.json";
  out.options.save_profile = "profile.json";
  out.plan = std::make_shared<Plan>();
  out.profile = std::make_shared<Profile>();
  EXPECT_TRUE(unwritten(out).empty());
  out.options.load_plan = "old.json";
  out.usage.replans = 1;
  EXPECT_TRUE(unwritten(out).empty()) << "a plan has taken the loaded one's place";
}

TEST_F(Outputs, ThatWereNotWrittenAreNamedWithWhatToDo) {
  Outcome out;
  out.options.save_plan = "plan.json";
  out.options.save_profile = "profile.json";
  EXPECT_EQ(unwritten(out), (std::vector<std::string>{
                                "--save-plan: nothing was written into 'plan.json': the run ended without a plan; "
                                "train more steps",
                                "--save-profile: nothing was written into 'profile.json': the run was not observed; "
                                "train more steps"}));
  out.plan = std::make_shared<Plan>();
  out.options.load_plan = "old.json";
  const auto sentences = unwritten(out);
  ASSERT_EQ(sentences.size(), 2u);
  EXPECT_NE(sentences[0].find("the plan of --load-plan 'old.json' stayed in force; copy that file"), std::string::npos);
  EXPECT_NE(sentences[1].find("leave --load-plan out, or take a relative budget"), std::string::npos);
}

}  // namespace
}  // namespace cinch::train
