#include "examples/train/outputs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cinch/error.h"

namespace cinch::train {
namespace {

namespace fs = std::filesystem;

class Outputs : public testing::Test {
 protected:
  Outputs() : folder_(fs::temp_directory_path() / ("cinch_outputs_" + std::to_string(getpid()))) {
    fs::create_directory(folder_);
  }
  ~Outputs() override { fs::remove_all(folder_); }

  std::string in_folder(const std::string& name) const { return (folder_ / name).string(); }

  static std::string error_of(const Options& options) {
    try {
      check_outputs(options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  const fs::path folder_;
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
  EXPECT_TRUE(fs::is_empty(folder_));
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

}  // namespace
}  // namespace cinch::train
