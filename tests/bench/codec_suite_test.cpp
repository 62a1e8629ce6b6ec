// `cinch-bench codec` in quick mode.
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "bench/peers/peer.h"
#include "examples/data/data_set.h"
#include "tests/bench/suite_support.h"
#include "tests/support/scratch_folder.h"

namespace cinch::bench {
namespace {

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
  const test::ScratchFolder scratch;
  const std::filesystem::path folder = scratch / "dump";
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
}

}  // namespace
}  // namespace cinch::bench
