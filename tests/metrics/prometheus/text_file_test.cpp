#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cinch/error.h"
#include "cinch/metrics.h"
#include "tests/metrics/samples.h"
#include "tests/support/scratch_folder.h"

namespace cinch {
namespace {

namespace fs = std::filesystem;

class MetricsFile : public testing::Test {
 protected:
  std::string read() const {
    std::ostringstream text;
    text << std::ifstream(path()).rdbuf();
    return text.str();
  }
  std::string path() const { return (folder_ / "cinch.prom").string(); }

  const test::ScratchFolder folder_;
};

TEST_F(MetricsFile, HoldsTheMetricsOfThisMoment) {
  {
    const metrics::Source source("cpu", metrics::sample_reading);
    write_metrics_file(path());
    EXPECT_NE(read().find("\ncinch_limit_bytes{device=\"cpu\",rank=\"0\"} 10000\n"), std::string::npos) << read();
  }
  write_metrics_file(path());
  EXPECT_EQ(read().find("cinch_limit_bytes"), std::string::npos) << read();
}

TEST_F(MetricsFile, NothingElseIsLeftInTheFolder) {
  write_metrics_file(path());
  write_metrics_file(path());
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()), 1);
}

TEST_F(MetricsFile, TakesTheBoundOnSeries) {
  const metrics::Source source("cpu", metrics::sample_reading);
  write_metrics_file(path(), {1});
  EXPECT_NE(read().find("layer=\"(others)\""), std::string::npos) << read();
}

TEST_F(MetricsFile, ThatCannotBeWrittenIsNamed) {
  for (const std::string& bad : {folder_.path().string(), (folder_ / "no" / "such" / "folder.prom").string()}) {
    try {
      write_metrics_file(bad);
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(bad), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace cinch
