// The suite of codecs on a GPU: skipped, and counted, where there is none.
#include "bench/device_suite.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "bench/device_timing.h"
#include "cinch/error.h"
#include "src/backend/cuda/runtime.h"

namespace cinch::bench {
namespace {

TEST(CodecSuite, SaysWhyThereIsNoGpu) {
  const std::string problem = backend::cuda_problem();
  if (problem.empty()) GTEST_SKIP() << "there is a GPU";
  try {
    run_codec_on_device(0, true);
    FAIL() << "measured without a GPU";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), "codec: " + problem);
  }
  const float value = 1;
  EXPECT_THROW(time_codec_on_device(*make_codec({"group_quant", {}}), {&value, 1, DType::kFloat32}, {}, 1, 0), Error);
}

TEST(CodecSuiteCuda, MeasuresEveryCodecBesideACopy) {
  if (const std::string problem = backend::cuda_problem(); !problem.empty()) GTEST_SKIP() << problem;
  const SuiteResult result = run_codec_on_device(0, true);
  for (const std::string& failure : result.failures) ADD_FAILURE() << failure;
  std::set<std::string> codecs;
  for (const auto& row : result.rows) {
    codecs.insert(row.at("codec").at("name").get<std::string>());
    EXPECT_TRUE(row.at("verified").get<bool>()) << row.dump();
    EXPECT_GT(row.at("ratio").get<double>(), 1) << row.dump();
    for (const char* field : {"encode_gbps", "decode_gbps", "device_copy_gbps", "encode_of_copy", "decode_of_copy"})
      EXPECT_TRUE(row.at(field).get<double>() > 0 && std::isfinite(row.at(field).get<double>())) << row.dump();
  }
  EXPECT_EQ(codecs,
            (std::set<std::string>{"bits", "cast", "fixed_point", "group_quant", "int", "lfc", "mask", "pool"}));
}

TEST(CodecSuiteCuda, AnIndexThatTheCodecDeclinesIsARowWithoutFigures) {
  if (const std::string problem = backend::cuda_problem(); !problem.empty()) GTEST_SKIP() << problem;
  const int64_t index = 1;
  const DeviceTiming t = time_codec_on_device(*make_codec({"int", {}}), {&index, 1, DType::kInt64}, {}, 1, 0);
  EXPECT_TRUE(t.declined);
  EXPECT_FALSE(t.verified);
}

}  // namespace
}  // namespace cinch::bench
