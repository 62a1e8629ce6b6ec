// The program as users run it: bad input ends with exit code 2, one line on standard error, and nothing written.
#include <nlohmann/json.hpp>

#include "src/backend/cuda/runtime.h"
#include "tests/examples/train/command.h"

namespace cinch::train {
namespace {

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
