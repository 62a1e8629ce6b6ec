// The suites of cinch-bench in quick mode: whole rows of sane figures, and no promise broken.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bench/peers/peer.h"
#include "bench/suite.h"
#include "cinch/torch/meter.h"
#include "examples/data/data_set.h"

namespace cinch::bench {
namespace {

// First of all, as in the program: tensors made earlier would not be counted.
[[maybe_unused]] const DeviceMeter& meter = DeviceMeter::of(torch::kCPU);

SuiteResult run_suite(const std::string& name, const SuiteOptions& options) {
  for (const Suite& suite : suites())
    if (suite.name == name) return suite.run(options);
  ADD_FAILURE() << "no suite " << name;
  return {};
}

SuiteResult run_quick(const std::string& name, const std::string& model = "") {
  SuiteOptions quick;
  quick.quick = true;
  quick.model = model;
  return run_suite(name, quick);
}

void expect_no_failures(const SuiteResult& result) {
  EXPECT_FALSE(result.rows.empty());
  for (const std::string& failure : result.failures) ADD_FAILURE() << failure;
}

// Present, finite, above zero.
void expect_positive(const nlohmann::json& row, const std::vector<std::string>& fields) {
  for (const std::string& field : fields) {
    ASSERT_TRUE(row.contains(field)) << field << ": " << row.dump();
    ASSERT_TRUE(row[field].is_number()) << field << ": " << row.dump();  // JSON has no infinity: it would be null
    EXPECT_TRUE(std::isfinite(row[field].get<double>())) << field << ": " << row.dump();
    EXPECT_GT(row[field].get<double>(), 0) << field << ": " << row.dump();
  }
}

TEST(Suites, AreRegisteredByName) {
  std::vector<std::string> names;
  for (const Suite& suite : suites()) {
    names.push_back(suite.name);
    EXPECT_FALSE(suite.what.empty()) << suite.name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"codec", "exact", "gradient", "hook", "limit", "needs", "train"}));
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

const std::set<std::string> kLossy{"cast", "dither", "error_bound", "fixed_point", "group_quant", "lfc", "pool"};

void expect_codec_row(const nlohmann::json& row) {
  EXPECT_FALSE(row.at("source").get<std::string>().empty()) << row.dump();
  EXPECT_FALSE(row.at("isa").get<std::string>().empty()) << row.dump();
  EXPECT_FALSE(row.at("declined").get<bool>()) << row.dump();
  EXPECT_TRUE(row.at("verified").get<bool>()) << row.dump();
  expect_positive(row, {"raw_bytes", "coded_bytes", "charged_bytes", "ratio", "encode_gbps", "decode_gbps",
                        "memcpy_gbps", "encode_of_memcpy", "decode_of_memcpy"});
  if (::testing::Test::HasFatalFailure()) return;
  EXPECT_GT(row["ratio"].get<double>(), 1) << row.dump();
  EXPECT_GE(row["charged_bytes"], row["coded_bytes"]) << row.dump();
}

// What rows of our lossy codecs have beside.
void expect_lossy_row(const nlohmann::json& row) {
  expect_positive(row, {"rmse_sigma", "max_error", "estimate_bytes_ratio", "estimate_error_ratio"});
  if (::testing::Test::HasFatalFailure()) return;
  EXPECT_LT(row["rmse_sigma"].get<double>(), 10) << row.dump();
  EXPECT_TRUE(row.contains("estimate_promise_kept")) << row.dump();
  const std::string codec = row["codec"]["name"];
  const bool entropy_coded = codec == "dither" || codec == "error_bound";
  EXPECT_EQ(row.contains("entropy_bytes"), entropy_coded) << row.dump();
  if (entropy_coded) {
    EXPECT_GT(row.at("coded_of_entropy").get<double>(), 0.5) << row.dump();
    EXPECT_LT(row.at("coded_of_entropy").get<double>(), 1.5) << row.dump();
    EXPECT_EQ(row.contains("entropy_promise_kept"), row["raw_bytes"] >= 1 << 20) << row.dump();
  }
  if (row.contains("bound_sigma")) {
    EXPECT_LE(row["max_error"], row["codec"]["bound"]) << row.dump();
  }
}

// Rows of one thread and of two come in turns; bytes are the same.
void expect_threads(const std::vector<nlohmann::json>& rows) {
  std::set<std::string> codecs;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].at("threads") == 1) continue;
    ASSERT_EQ(rows[i]["threads"], 2);
    ASSERT_GT(i, 0u);
    codecs.insert(rows[i]["codec"]["name"].get<std::string>());
    EXPECT_EQ(rows[i - 1]["threads"], 1);
    for (const char* same : {"codec", "source", "dtype", "isa", "coded_bytes"})
      EXPECT_EQ(rows[i][same], rows[i - 1][same]) << same;
    expect_positive(rows[i], {"speedup_of_one_thread", "encode_speedup_of_one_thread", "decode_speedup_of_one_thread"});
  }
  EXPECT_EQ(codecs, (std::set<std::string>{"dither", "error_bound", "group_quant", "lfc"}));
}

void expect_peers(const std::vector<nlohmann::json>& rows, const SuiteResult& result, size_t activations) {
  const float value = 1;
  std::map<std::string, size_t> counts;
  for (const auto& row : rows) {
    const std::string name = row.at("codec").at("name");
    ++counts[name];
    EXPECT_EQ(row.contains("rmse_sigma"), name == "zfp") << row.dump();
    if (name != "zfp") continue;
    expect_positive(row, {"tolerance_sigma", "max_error"});
    EXPECT_LE(row["max_error"], row["codec"]["tolerance"]) << row.dump();
  }
  EXPECT_EQ(counts["zfp"], make_zfp({&value, 1}, {}, 1) ? 2 * activations : 0);
  EXPECT_EQ(counts["blosc"], make_blosc(1) ? activations : 0);
  const bool said = !result.notes.empty() && result.notes.front() == missing_peers();
  EXPECT_EQ(said, !missing_peers().empty());
}

TEST(CodecSuite, MeasuresEveryCodecOnRealActivations) {
  if (!std::filesystem::exists(data::kFashionMnistFolder)) GTEST_SKIP() << "no " << data::kFashionMnistFolder;
  const SuiteResult result = run_quick("codec");
  expect_no_failures(result);
  std::set<std::string> codecs, dtypes, sources;
  std::vector<nlohmann::json> ours, peers;
  for (const auto& row : result.rows) {
    expect_codec_row(row);
    if (HasFatalFailure()) return;
    const std::string codec = row["codec"]["name"], source = row["source"];
    if (codec == "zfp" || codec == "blosc") {
      peers.push_back(row);
      continue;
    }
    ours.push_back(row);
    codecs.insert(codec);
    dtypes.insert(row.at("dtype").get<std::string>());
    if (!kLossy.contains(codec)) {
      EXPECT_FALSE(row.contains("rmse_sigma")) << "an error of a lossless codec: " << row.dump();
      continue;
    }
    sources.insert(row.at("model").get<std::string>() + ": " + source.substr(0, source.find(',')));
    expect_lossy_row(row);
    if (HasFatalFailure()) return;
    if (codec == "lfc") {
      EXPECT_EQ(row.at("grid").at("inner").get<int64_t>() > 1, row["model"] == "gpt") << row.dump();
    }
  }
  std::set<std::string> all{"bits", "int", "mask"};
  all.insert(kLossy.begin(), kLossy.end());
  EXPECT_EQ(codecs, all);
  EXPECT_EQ(dtypes.size(), 5u) << "three floating-point types, bool, int64";
  EXPECT_EQ(sources, (std::set<std::string>{"gpt: gelu input", "gpt: key", "gpt: layer norm input", "gpt: linear input",
                                            "gpt: query", "gpt: value", "resnet18: batch norm input",
                                            "resnet18: convolution input", "resnet18: relu result"}));
  expect_threads(ours);
  expect_peers(peers, result, 2 * sources.size());
}

TEST(CodecSuite, WritesItsActivationsForOthers) {
  if (!std::filesystem::exists(data::kFashionMnistFolder)) GTEST_SKIP() << "no " << data::kFashionMnistFolder;
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "cinch_bench_dump";
  std::filesystem::remove_all(folder);
  SuiteOptions options;
  options.quick = true;
  options.dump = folder.string();
  const SuiteResult result = run_suite("codec", options);
  std::ifstream file(folder / "index.json");
  const auto index = nlohmann::json::parse(file);
  EXPECT_EQ(index.at("suite"), "activations");
  EXPECT_EQ(index.at("rows"), result.rows);
  EXPECT_EQ(result.rows.size(), 18u);
  for (const auto& row : result.rows) {
    expect_positive(row, {"sigma", "raw_bytes"});
    if (HasFatalFailure()) return;
    int64_t numel = 1;
    for (const int64_t side : row.at("shape")) numel *= side;
    EXPECT_EQ(numel * 4, row["raw_bytes"].get<int64_t>()) << row.dump();
    EXPECT_EQ(std::filesystem::file_size(folder / row.at("file").get<std::string>()), row["raw_bytes"]) << row.dump();
  }
  std::filesystem::remove_all(folder);
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
