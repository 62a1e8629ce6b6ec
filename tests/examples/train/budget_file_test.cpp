// A budget file that is edited while a training runs, as a user at an editor would.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include "cinch/budget.h"
#include "cinch/plan.h"
#include "examples/train/session.h"
#include "tests/support/scratch_folder.h"

namespace cinch::train {
namespace {

namespace fs = std::filesystem;

class BudgetFile : public testing::Test {
 protected:
  void write(int64_t limit_bytes) const {
    Budget budget = Budget::bytes(limit_bytes);
    budget.min_effective_batch = 0;
    const fs::path part = folder_ / "part.json";
    std::ofstream(part) << budget.to_json();
    // Times of files may be as coarse as a tick of the clock.
    fs::last_write_time(part, fs::file_time_type::clock::now() + std::chrono::seconds(++written_));
    fs::rename(part, folder_ / "budget.json");
  }

  const test::ScratchFolder folder_;
  mutable int written_ = 0;
};

TEST_F(BudgetFile, EditedWhileTrainingBindsAndLosesNothing) {
  constexpr int64_t kSteps = 40, kAmple = int64_t{2} << 30;
  write(kAmple);
  std::ofstream(folder_ / "text.txt") << [] {
    std::string text;
    for (int i = 0; i < 60000; ++i) text.push_back(static_cast<char>('a' + i * i % 23));
    return text;
  }();
  Options options;
  options.model = "gpt";
  options.batch = 4;
  options.steps = kSteps;
  options.eval_samples = 0;
  options.quiet = true;
  options.text = (folder_ / "text.txt").string();
  options.budget = (folder_ / "budget.json").string();
  options.save_plan = (folder_ / "plan.json").string();

  int64_t lower = 0;
  std::jthread editor([&] {
    while (!fs::exists(options.save_plan)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const Plan plan = Plan::from_json_file(options.save_plan);
    lower = plan.floor_bytes + (plan.baseline_peak_bytes - plan.floor_bytes) / 2;
    write(lower);
  });
  const Outcome out = train(options);
  editor.join();

  EXPECT_EQ(out.limit_bytes, lower);
  EXPECT_EQ(out.steps_over_limit, 0) << "each step's peak is held against the limit that was in force when it began";
  ASSERT_EQ(out.cinch_run.steps.size(), static_cast<size_t>(kSteps));
  for (const StepRecord& step : out.cinch_run.steps) EXPECT_TRUE(std::isfinite(step.loss));
  EXPECT_GT(out.cinch_run.steps.front().peak_bytes, lower);
  EXPECT_LE(out.cinch_run.steps.back().peak_bytes, lower);
  EXPECT_EQ(Plan::from_json_file(options.save_plan).limit_bytes, lower) << "the plan is a new one";
}

}  // namespace
}  // namespace cinch::train
