// With gnuplot itself, where it is there.
#include "src/cli/plot.h"
#include "tests/cli/program.h"

namespace cinch::cli {
namespace {

const std::string kProfile = std::string(CINCH_SOURCE_DIR) + "/tests/planner/data/network.profile.json";

class ProgramPlot : public Program {
 protected:
  void SetUp() override {
    if (std::system("gnuplot --version >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "gnuplot is not installed (Debian package gnuplot-nox)";
  }
};

TEST_F(ProgramPlot, IsAnSvgWithAxesMarksAndTheSameBytesEveryTime) {
  ASSERT_EQ(run("frontier " + kProfile + " --budget floor+25% --plot curve.svg").code, 0);
  const std::string svg = read(path("curve.svg"));
  EXPECT_EQ(svg.substr(0, 5), "<?xml");
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  for (const char* text : {"gradient noise [%]", "added time a step [ms]", "limit [MiB]", "floor", "baseline"})
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  ASSERT_EQ(run("frontier " + kProfile + " --budget floor+25% --plot again.svg").code, 0);
  EXPECT_EQ(read(path("again.svg")), svg);
}

TEST_F(ProgramPlot, IsAPngOfTheExpectedSize) {
  ASSERT_EQ(run("frontier " + kProfile + " --plot curve.png").code, 0);
  const std::string png = read(path("curve.png"));
  ASSERT_GT(png.size(), 1000u);
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  const auto number = [&](size_t at) {
    return (static_cast<unsigned char>(png[at]) << 8) + static_cast<unsigned char>(png[at + 1]);
  };
  EXPECT_EQ(number(18), 860);
  EXPECT_EQ(number(22), 560);
}

TEST_F(ProgramPlot, TakesAnyFileNameAndRunsNothingOfIt) {
  const std::string name = "a'b\";!touch victim;`touch victim`$(touch victim).svg";
  write("name", name);
  const Ended ended = run("frontier " + kProfile + " --plot \"$(cat name)\"");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(std::filesystem::exists(path(name)));
  EXPECT_FALSE(std::filesystem::exists(path("victim")));
}

TEST_F(ProgramPlot, OfOneSilentPointCanBeDrawn) {
  write("keep.json", R"({"schema": "cinch.budget/1", "sites": [{"match": "*", "codec": {"name": "keep"}}]})");
  const Ended ended = run("frontier " + kProfile + " --budget keep.json --plot curve.svg");
  EXPECT_EQ(ended.code, 0) << ended.err;
}

TEST_F(Program, APlotNeedsAKnownEndingAndAFolder) {
  expect_refused("frontier " + kProfile + " --plot curve.pdf", "must end in .svg or .png");
  expect_refused("frontier " + kProfile + " --plot nowhere/curve.svg", "'nowhere/curve.svg' cannot be written");
}

// Programs named gnuplot that are not there, or fail: nothing is left, and what was there stays.
TEST_F(Program, AFailedPlotNamesThePackageOrTheReasonAndLeavesNothing) {
  std::filesystem::create_directory(path("empty"));
  const Ended missing = run("frontier " + kProfile + " --plot curve.svg", "PATH='" + path("empty") + "'");
  EXPECT_EQ(missing.code, 2);
  EXPECT_NE(missing.err.find("install the Debian package gnuplot-nox"), std::string::npos) << missing.err;
  EXPECT_FALSE(std::filesystem::exists(path("curve.svg")));
  std::filesystem::create_directory(path("bad"));
  write("bad/gnuplot", "#!/bin/sh\necho half a picture\necho unknown terminal type >&2\nexit 1\n");
  std::filesystem::permissions(path("bad/gnuplot"), std::filesystem::perms::owner_all);
  write("curve.svg", "old");
  const Ended failed = run("frontier " + kProfile + " --plot curve.svg", "PATH='" + path("bad") + "'");
  EXPECT_EQ(failed.code, 2);
  EXPECT_NE(failed.err.find("gnuplot failed: unknown terminal type"), std::string::npos) << failed.err;
  EXPECT_EQ(read(path("curve.svg")), "old");
  EXPECT_EQ(failed.out, "");
}

TEST(PlotScript, HasALogarithmOnlyForWideRangesAndNoNumberForSilence) {
  Plot plot{{{1000, 1000, 0, 0.5, 0.9, 0.001}, {2000, 2000, 0, 0, 1, 0}}, 900, 2000, 0};
  EXPECT_EQ(plot_script(plot, "svg").find("\nset logscale"), std::string::npos);
  plot.points.insert(plot.points.begin() + 1, {1500, 1500, 0, 0.001, 1, 0.001});
  const std::string script = plot_script(plot, "svg");
  EXPECT_NE(script.find("\nset logscale"), std::string::npos);
  EXPECT_NE(script.find("2000 NaN 0\n"), std::string::npos) << script;
  EXPECT_EQ(script.find("'limit'"), std::string::npos);
}

}  // namespace
}  // namespace cinch::cli
