// Rows that miss a promise are marked and named, worst first, once for all instruction sets.
#include "bench/codec_promises.h"

#include <gtest/gtest.h>

namespace cinch::bench {
namespace {

nlohmann::json row(const char* source, double coded_of_entropy, double bytes, double error, int64_t raw = 1 << 20) {
  return {{"codec", {{"name", "dither"}, {"step_sigma", 1.0}}},
          {"model", "m"},
          {"source", source},
          {"dtype", "float32"},
          {"raw_bytes", raw},
          {"coded_of_entropy", coded_of_entropy},
          {"estimate_bytes_ratio", bytes},
          {"estimate_error_ratio", error}};
}

SuiteResult results() {
  SuiteResult r;
  r.rows = {row("good", 1.03, 1.09, 0.86),
            row("slightly", 1.031, 1.11, 1.16),
            row("worst", 1.2, 0.5, 3),
            row("worst", 1.2, 0.5, 3),  // on another instruction set
            row("small", 1.2, 1, 1, (1 << 20) - 1),
            {{"codec", {{"name", "mask"}}}, {"raw_bytes", 1 << 20}}};
  return r;
}

TEST(CodecPromises, MarksEachRow) {
  SuiteResult r = results();
  check_promises(false, r);
  EXPECT_TRUE(r.rows[0].at("entropy_promise_kept") && r.rows[0].at("estimate_promise_kept"));
  for (const size_t i : {1, 2, 3}) {
    EXPECT_FALSE(r.rows[i].at("entropy_promise_kept"));
    EXPECT_FALSE(r.rows[i].at("estimate_promise_kept"));
  }
  EXPECT_FALSE(r.rows[4].contains("entropy_promise_kept")) << "made for a MiB and more";
  EXPECT_FALSE(r.rows[5].contains("estimate_promise_kept"));
}

TEST(CodecPromises, NamesWhatMissesWorstFirst) {
  SuiteResult r = results();
  check_promises(false, r);
  EXPECT_TRUE(r.notes.empty());
  ASSERT_EQ(r.failures.size(), 9u) << "three promises, two that miss each";
  EXPECT_NE(r.failures[0].find("2 of 3"), std::string::npos) << r.failures[0];
  EXPECT_EQ(r.failures[1], "  1.200 of the entropy: dither (step_sigma 1.0) on m, worst, float32");
  EXPECT_NE(r.failures[2].find("slightly"), std::string::npos) << r.failures[2];
  EXPECT_NE(r.failures[3].find("2 of 4"), std::string::npos) << r.failures[3];
}

TEST(CodecPromises, AreNotesWhereNetworksAreHardlyTrained) {
  SuiteResult r = results();
  check_promises(true, r);
  EXPECT_TRUE(r.failures.empty());
  EXPECT_EQ(r.notes.size(), 9u);
}

}  // namespace
}  // namespace cinch::bench
