// Stock torch in a process of its own: the same training, and an end where its memory ends.
#include "examples/train/stock.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cinch/error.h"
#include "cinch/torch/meter.h"
#include "examples/train/device.h"
#include "examples/train/session.h"
#include "tests/support/scratch_folder.h"

namespace cinch::train {
namespace {

namespace fs = std::filesystem;

[[maybe_unused]] const DeviceMeter& meter = DeviceMeter::of(torch::kCPU);

class Stock : public testing::Test {
 protected:
  Stock() {
    std::string text;
    for (int i = 0; i < 20000; ++i) text.push_back(static_cast<char>('a' + i * i % 23));
    std::ofstream(folder_ / "text.txt") << text;
    options_.model = "gpt";
    options_.text = folder_ / "text.txt";
    options_.batch = 2;
    options_.steps = 3;
    options_.eval_samples = 4;
    options_.quiet = true;
    options_.program = std::string(CINCH_BINARY_DIR) + "/bin/cinch-train";
  }

  const test::ScratchFolder folder_;
  Options options_;
};

TEST_F(Stock, IsTheTrainingThatHappensHereWithoutAGuard) {
  const StockRun stock = train_stock(options_, 3);
  EXPECT_FALSE(stock.out_of_memory);
  const auto data = load_data(options_);
  Training training(options_, *data);
  LocalRun here(training, nullptr);
  ASSERT_EQ(stock.run.steps.size(), 3u);
  for (const StepRecord& step : stock.run.steps) {
    const StepRecord mine = here.step();
    EXPECT_EQ(step.loss, mine.loss);
    EXPECT_GT(step.seconds, 0);
    EXPECT_GT(step.peak_bytes, 0);
  }
  ASSERT_TRUE(stock.run.evaluation);
  EXPECT_EQ(stock.run.evaluation->loss, here.evaluate(4).loss);
}

TEST_F(Stock, RunsOutOfMemoryUnderALimitBelowItsPeak) {
  const StockRun free = train_stock(options_, 2);
  const int64_t peak = free.run.peak_bytes();
  EXPECT_TRUE(train_stock(options_, 2, peak - 1).out_of_memory);
  const StockRun enough = train_stock(options_, 2, peak);
  EXPECT_FALSE(enough.out_of_memory);
  EXPECT_EQ(enough.run.steps.size(), 2u);
}

TEST_F(Stock, EndsWithAnErrorWhereItsProgramIsMissing) {
  options_.program = "/nowhere/cinch-train";
  EXPECT_THROW(train_stock(options_, 1), Error);
}

TEST_F(Stock, SaysWhatItRefused) {
  options_.text = "/nowhere.txt";
  try {
    train_stock(options_, 1);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere.txt"), std::string::npos) << error.what();
  }
}

TEST_F(Stock, MadeBeforeIsTakenOver) {
  options_.baseline = true;
  StockRun stock;
  stock.run.steps.assign(3, {0.5, 1.0, int64_t{1} << 40});
  const Outcome outcome = train(options_, &stock);
  EXPECT_EQ(outcome.baseline_peak_bytes(), int64_t{1} << 40);
  stock.out_of_memory = true;
  const Outcome other = train(options_, &stock);
  EXPECT_TRUE(other.baseline_out_of_memory);
  EXPECT_FALSE(other.baseline_run);
}

// With the guard gone: what follows is not coded, not metered against a limit, and starts from the trained parameters.
TEST_F(Stock, WhatWasTrainedIsHandedOn) {
  options_.budget = "exact";
  int calls = 0;
  options_.after_training = [&](Training& training) {
    ++calls;
    EXPECT_EQ(training.steps_done(), 3);
    EXPECT_EQ(DeviceMeter::of(torch::kCPU).limit_bytes(), 0);
    LocalRun run(training, nullptr);
    EXPECT_EQ(run.step().coding_seconds, 0);
  };
  const Outcome outcome = train(options_);
  EXPECT_EQ(calls, 1);
  double coding = 0;
  for (const StepRecord& step : outcome.cinch_run.steps) {
    EXPECT_GT(step.seconds, step.coding_seconds);
    coding += step.coding_seconds;
  }
  EXPECT_GT(coding, 0);
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Sanitizers have allocators of their own. 24 MiB are 6144 pages, each a fault where they are the system's again.
TEST_F(Stock, BothRunsKeepMemoryThatIsFreed) {
  open_device("cpu");
  const auto faults = [] {
    constexpr size_t kBytes = 24 << 20;
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    auto* block = static_cast<volatile char*>(std::malloc(kBytes));
    for (size_t i = 0; i < kBytes; i += 4096) block[i] = 1;
    std::free(const_cast<char*>(block));
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
  };
  faults();
  EXPECT_LT(faults(), 600);
}
#endif

TEST_F(Stock, IsNotNeededToRefuseABudget) {
  options_.budget = "1MiB";
  const Outcome outcome = try_train(options_);
  EXPECT_NE(outcome.refusal, "");
  EXPECT_TRUE(outcome.cinch_run.steps.empty());
  options_.budget = "12parsecs";
  EXPECT_THROW(try_train(options_), Error);
}

}  // namespace
}  // namespace cinch::train
