// The suites of cinch-bench in quick mode: whole rows of sane figures, and no promise broken.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cinch/error.h"
#include "cinch/metrics.h"
#include "examples/data/data_set.h"
#include "tests/bench/suite_support.h"

namespace cinch::bench {
namespace {

TEST(Suites, AreRegisteredByName) {
  std::vector<std::string> names;
  for (const Suite& suite : suites()) {
    names.push_back(suite.name);
    EXPECT_FALSE(suite.what.empty()) << suite.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"batch", "codec", "exact", "gradient", "hook", "limit", "metrics", "needs",
                                             "planner", "predicted", "train"}));
}

TEST(HookSuite, TimesEveryChainAndGetsEveryByteBack) {
  const SuiteResult result = run_quick("hook");
  expect_no_failures(result);
  std::set<std::string> cases;
  int timed = 0, counted = 0;
  for (const auto& row : result.rows) {
    EXPECT_TRUE(cases.insert(row.at("case").get<std::string>()).second) << row.dump();
    if (row.contains("nanoseconds")) {
      ++timed;
      expect_positive(row, {"nanoseconds", "stock_nanoseconds", "ratio"});
      EXPECT_TRUE(row.contains("added_nanoseconds")) << row.dump();
      EXPECT_FALSE(row.contains("before_bytes")) << row.dump();
    } else {
      ++counted;
      ASSERT_TRUE(row.contains("before_bytes") && row.contains("after_bytes")) << row.dump();
      EXPECT_EQ(row["before_bytes"], row["after_bytes"]) << row.dump();
    }
  }
  EXPECT_EQ(timed, 3 * 4) << "chains: forward and backward, observing and running";
  EXPECT_GE(counted, 8);
  EXPECT_EQ(cases.count("backward/payload_save"), 1u);
}

TEST(MetricsSuite, ComparesScrapedStepsWithOthers) {
  try {
    metrics_collectable();
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const SuiteResult result = run_quick("metrics");
  expect_no_failures(result);
  ASSERT_EQ(result.rows.size(), 1u);
  const auto& row = result.rows.front();
  expect_positive(row, {"step_seconds", "without_step_seconds", "step_ratio", "turn_ratio", "scrapes", "scrape_seconds",
                        "scrape_bytes", "sites"});
  EXPECT_GE(row.at("exporter_bytes").get<int64_t>(), 0);
  // Six series of each site, and those of the device.
  EXPECT_GT(row.at("samples").get<int64_t>(), 6 * row.at("sites").get<int64_t>() + 13);
}

TEST(BatchSuite, FindsABatchThatTrains) {
  const SuiteResult result = run_quick("batch");
  expect_no_failures(result);
  ASSERT_EQ(result.rows.size(), 1u);
  const auto& row = result.rows.front();
  EXPECT_GT(row.at("found_batch"), 1);
  EXPECT_GE(row.at("largest_batch"), row.at("found_batch"));
}

TEST(PredictedSuite, PutsPlansBesideWhatHappens) {
  const SuiteResult result = run_quick("predicted");
  expect_no_failures(result);
  ASSERT_EQ(result.rows.size(), 1u);
  const auto& row = result.rows.front();
  expect_positive(row, {"predicted_peak_bytes", "peak_bytes", "raw_bytes", "predicted_charged_bytes", "charged_bytes",
                        "raw_of_charged", "noise_predicted", "noise", "effective_batch", "gradient_variance",
                        "predicted_step_ratio", "step_ratio"});
  EXPECT_LE(row["peak_bytes"], row["limit_bytes"]);
}

TEST(PlannerSuite, ComparesPlansWithTheBest) {
  const SuiteResult result = run_quick("planner");
  expect_no_failures(result);
  ASSERT_EQ(result.rows.size(), 18u);
  for (const auto& row : result.rows) {
    if (row["case"] == "large") {
      EXPECT_GT(row["seconds"], 0);
      EXPECT_GE(row["gap"], 0);
      EXPECT_EQ(row["sites"], 1000);
      EXPECT_EQ(row["options"], 24);
      EXPECT_EQ(row["instants"], 2000);
    } else {
      EXPECT_GE(row["worst_distance"], row["mean_distance"]);
    }
  }
}

// Seven networks, real data: the same gradients as stock's, and the least savings.
TEST(ExactSuite, GradientsOfAllNetworksAreStocksBitForBit) {
  if (!std::filesystem::exists(data::kFashionMnistFolder)) GTEST_SKIP() << "no " << data::kFashionMnistFolder;
  const SuiteResult result = run_quick("exact");
  expect_no_failures(result);
  EXPECT_EQ(result.rows.size(), 7u);
  for (const auto& row : result.rows) {
    EXPECT_TRUE(row.at("identical").get<bool>()) << row.dump();
    EXPECT_TRUE(row.at("stock_repeatable").get<bool>()) << row.dump();
    EXPECT_EQ(row.at("fallbacks").get<int64_t>(), 0) << row.dump();
    EXPECT_LE(row.at("charged_bytes").get<int64_t>(), row.at("raw_bytes").get<int64_t>()) << row.dump();
  }
}

// Of a network: bytes that are at most `most` of raw ones, and noise.
void expect_gradient(const SuiteResult& result, const std::string& model, double most) {
  expect_no_failures(result);
  std::set<std::string> codecs;
  for (const auto& row : result.rows) {
    EXPECT_EQ(row.at("model"), model);
    codecs.insert(row.at("codec").at("name").get<std::string>());
    EXPECT_TRUE(row.at("finite").get<bool>()) << row.dump();
    EXPECT_EQ(row.at("fallbacks").get<int64_t>(), 0) << row.dump();
    expect_positive(
        row, {"lossy_sites", "raw_bytes", "charged_bytes", "bits_of_32", "noise_variance", "bias_variance", "cosine"});
    EXPECT_LT(row.at("charged_bytes").get<double>(), row.at("raw_bytes").get<double>() * most) << row.dump();
    EXPECT_LT(row.at("noise_variance").get<double>(), 1) << row.dump();
    // Unbiased methods all: the mean of five draws has about a fifth of one draw's variance.
    EXPECT_NEAR(row.at("bias_of_noise").get<double>(), 0.2, 0.1) << row.dump();
  }
  EXPECT_EQ(codecs, (std::set<std::string>{"dither", "group_quant", "lfc"}));
}

TEST(GradientSuite, EveryMethodHasBytesAndNoise) {
  if (!std::filesystem::exists(data::kFashionMnistFolder)) GTEST_SKIP() << "no " << data::kFashionMnistFolder;
  expect_gradient(run_quick("gradient"), "resnet18", 0.25);
}

// Its softmaxes stay as they are.
TEST(GradientSuite, TakesANetworkOfText) { expect_gradient(run_quick("gradient", "gpt"), "gpt", 0.3); }

// The fields that every finished training has.
void expect_training(const nlohmann::json& row) {
  for (const char* field : {"model", "data", "device", "amp", "budget"})
    EXPECT_FALSE(row.at(field).get<std::string>().empty()) << field << ": " << row.dump();
  expect_positive(row, {"batch", "steps", "baseline_peak_bytes", "floor_bytes", "peak_bytes", "first_step_peak_bytes",
                        "raw_bytes", "charged_bytes", "raw_of_charged", "payload_bytes", "raw_of_payloads",
                        "step_seconds", "baseline_step_seconds", "step_ratio", "effective_batch", "samples_per_second",
                        "baseline_samples_per_second"});
  EXPECT_TRUE(row.at("baseline_peak_measured").get<bool>()) << row.dump();
}

TEST(TrainSuite, MeasuresStockLosslessAndTwoBits) {
  const SuiteResult result = run_quick("train");
  expect_no_failures(result);
  ASSERT_EQ(result.rows.size(), 4u) << "float32 and bf16, two budgets each";
  for (const auto& row : result.rows) {
    expect_training(row);
    if (HasFatalFailure()) return;
    EXPECT_EQ(row["device"], "cpu");
    EXPECT_EQ(row.at("fallbacks").get<int64_t>(), 0) << row.dump();
  }
  for (const size_t first : {size_t{0}, size_t{2}}) {
    const auto &exact = result.rows[first], &coded = result.rows[first + 1];
    EXPECT_EQ(exact["loss"], exact["baseline_loss"]) << exact.dump();
    EXPECT_EQ(exact.at("noise").get<double>(), 0.0) << exact.dump();
    EXPECT_GT(coded.at("noise").get<double>(), 0.0) << coded.dump();
    // Every value in two bits and a little, masks in one: far less than the lossless forms leave.
    EXPECT_GT(coded["raw_of_charged"].get<double>(), 3 * exact["raw_of_charged"].get<double>()) << coded.dump();
  }
  EXPECT_EQ(result.rows[0]["amp"], "none");
  EXPECT_EQ(result.rows[2]["amp"], "bf16");
}

TEST(LimitSuite, TrainsWhereStockRunsOutOfMemory) {
  const SuiteResult result = run_quick("limit");
  expect_no_failures(result);
  std::set<double> shares;
  int trained = 0;
  for (const auto& row : result.rows) {
    shares.insert(row.at("above_floor").get<double>());
    expect_positive(row, {"limit_bytes", "floor_bytes", "baseline_peak_bytes"});
    if (HasFatalFailure()) return;
    EXPECT_LT(row["limit_bytes"], row["baseline_peak_bytes"]) << row.dump();
    EXPECT_TRUE(row.at("stock_out_of_memory").get<bool>()) << row.dump();
    if (row.at("refused").get<bool>()) {
      EXPECT_FALSE(row.at("refusal").get<std::string>().empty()) << row.dump();
      continue;
    }
    ++trained;
    expect_training(row);
    expect_positive(row, {"completed_steps"});
    if (HasFatalFailure()) return;
    EXPECT_LE(row["peak_bytes"], row["limit_bytes"]) << row.dump();
    EXPECT_LE(row["first_step_peak_bytes"], row["limit_bytes"]) << row.dump();
    EXPECT_TRUE(row.contains("reclaims") && row.contains("noise")) << row.dump();
  }
  EXPECT_EQ(shares, (std::set<double>{0.0, 0.05, 0.1, 0.25, 0.5}));
  EXPECT_GE(trained, 2) << "half and a quarter of the way up to the baseline";
}

}  // namespace
}  // namespace cinch::bench
