#include "examples/train/outcome.h"

#include <gtest/gtest.h>

#include <sstream>

namespace cinch::train {
namespace {

Outcome full_outcome() {
  Outcome out;
  out.options.budget = "floor+25%";
  out.options.steps = 300;
  out.data = "fashion-mnist";
  out.metric = "next-character accuracy";
  for (int i = 0; i < 10; ++i) out.cinch_run.steps.push_back({i < 3 ? 9.0 : 1.5, 0.5, int64_t{1} << 38});
  out.cinch_run.evaluation = Evaluation{0.4, 0.87654, 10000};
  out.baseline_run.emplace();
  for (int i = 0; i < 10; ++i) out.baseline_run->steps.push_back({1.0, 0.5, int64_t{1} << 39});
  out.baseline_run->evaluation = Evaluation{0.4, 0.88, 10000};
  out.limit_bytes = (int64_t{1} << 38) + 1;
  out.floor_bytes = int64_t{1} << 37;
  out.usage.raw_bytes = int64_t{3} << 37;
  out.usage.charged_bytes = int64_t{1} << 36;
  out.usage.effective_batch = 0.97;
  out.planned = true;
  out.first_timed_step = 3;
  return out;
}

TEST(Table, FitsInEightyColumns) {
  std::istringstream lines(to_table(full_outcome(), false));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(Table, LeavesObservedStepsOutOfTheRatio) {
  EXPECT_NE(to_table(full_outcome(), false).find("ratio 1.500"), std::string::npos) << to_table(full_outcome(), false);
  EXPECT_DOUBLE_EQ(to_row(full_outcome()).at("step_ratio").get<double>(), 1.5);
}

TEST(Table, SaysWhenTheLimitWasExceeded) {
  Outcome out = full_outcome();
  EXPECT_NE(to_table(out, false).find("held"), std::string::npos);
  out.steps_over_limit = 2;
  EXPECT_FALSE(out.limit_held());
  EXPECT_NE(to_table(out, false).find("exceeded in 2 steps"), std::string::npos);
}

TEST(Outcome, EvaluationIsInsideTheLimitToo) {
  Outcome out = full_outcome();
  EXPECT_TRUE(out.limit_held());
  out.evaluation_peak_bytes = out.limit_bytes + 1;
  EXPECT_FALSE(out.limit_held());
}

TEST(Row, LeavesOutWhatWasNotMeasured) {
  Outcome out = full_outcome();
  out.baseline_run.reset();
  out.planned = false;
  out.cinch_run.evaluation.reset();
  const auto row = to_row(out);
  for (const char* key :
       {"baseline_step_seconds", "step_ratio", "baseline_accuracy", "accuracy", "noise", "effective_batch"}) {
    EXPECT_FALSE(row.contains(key)) << key;
  }
  EXPECT_EQ(row.at("limit_bytes"), out.limit_bytes);
}

TEST(Row, HasEveryStepWhereLossesAreAskedFor) {
  Outcome out = full_outcome();
  for (const char* key : {"losses", "seconds", "coding_seconds", "baseline_losses", "baseline_seconds"})
    EXPECT_FALSE(to_row(out).contains(key)) << key;
  out.options.losses = true;
  out.cinch_run.steps.back().coding_seconds = 0.25;
  out.baseline_run->steps.back() = {2.0, 0.125, 0};
  const auto row = to_row(out);
  EXPECT_EQ(row.at("losses"), std::vector<double>(10, 0.5));
  EXPECT_EQ(row.at("seconds").front(), 9.0);
  EXPECT_EQ(row.at("seconds").back(), 1.5);
  EXPECT_EQ(row.at("coding_seconds").front(), 0.0);
  EXPECT_EQ(row.at("coding_seconds").back(), 0.25);
  EXPECT_EQ(row.at("baseline_losses").back(), 0.125);
  EXPECT_EQ(row.at("baseline_seconds").back(), 2.0);
  EXPECT_EQ(row.at("baseline_seconds").size(), 10u);
}

TEST(Row, SaysWhereAndHowFast) {
  Outcome out = full_outcome();
  out.options.device = "cuda:1", out.options.amp = "bf16", out.options.batch = 30;
  const auto row = to_row(out);
  EXPECT_EQ(row.at("device"), "cuda:1");
  EXPECT_EQ(row.at("amp"), "bf16");
  EXPECT_DOUBLE_EQ(row.at("samples_per_second").get<double>(), 20.0);
  EXPECT_DOUBLE_EQ(row.at("baseline_samples_per_second").get<double>(), 30.0);
  EXPECT_DOUBLE_EQ(row.at("raw_of_charged").get<double>(), 6.0);
}

TEST(Row, OfARefusedTrainingHasNoTimes) {
  Outcome out = full_outcome();
  out.refusal = "the budget cannot be met";
  out.cinch_run.steps.resize(1);
  auto row = to_row(out);
  EXPECT_EQ(row.at("refusal"), out.refusal);
  EXPECT_EQ(row.at("steps"), 1);
  EXPECT_EQ(row.at("first_step_peak_bytes"), int64_t{1} << 38);
  EXPECT_TRUE(row.contains("baseline_step_seconds"));
  for (const char* key : {"step_seconds", "samples_per_second", "step_ratio", "raw_of_charged", "charged_bytes"})
    EXPECT_FALSE(row.contains(key)) << key;
  out.cinch_run.steps.clear();
  row = to_row(out);
  EXPECT_EQ(row.at("steps"), 0);
  EXPECT_FALSE(row.contains("peak_bytes"));
}

TEST(Row, SaysThatStockRanOutOfMemory) {
  Outcome out = full_outcome();
  out.baseline_run.reset();
  out.baseline_out_of_memory = true;
  EXPECT_TRUE(to_row(out).at("baseline_out_of_memory").get<bool>());
  EXPECT_FALSE(to_row(full_outcome()).contains("baseline_out_of_memory"));
}

TEST(Table, SaysThatStockRanOutOfMemory) {
  Outcome out = full_outcome();
  out.baseline_run.reset();
  out.baseline_out_of_memory = true;
  EXPECT_NE(to_table(out, false).find("Without cinch the training ran out of memory."), std::string::npos);
}

}  // namespace
}  // namespace cinch::train
