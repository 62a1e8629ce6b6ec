// What people see of a suite's rows: any table fits its width, and nothing is lost where it is folded.
#include "bench/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace cinch::bench {
namespace {

std::vector<std::string> lines_of(const std::string& table) {
  std::vector<std::string> lines;
  std::istringstream stream(table);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

size_t widest_line(const std::string& table) {
  size_t widest = 0;
  for (const std::string& line : lines_of(table)) widest = std::max(widest, line.size());
  return widest;
}

SuiteResult wide() {
  SuiteResult result;
  result.columns = {"model", "batch", "samples_per_second", "baseline_samples_per_second", "peak_bytes", "step_ratio"};
  result.rows = {{{"model", "gpt"},
                  {"batch", 32},
                  {"samples_per_second", 71.5},
                  {"baseline_samples_per_second", 80.25},
                  {"peak_bytes", 164243912},
                  {"step_ratio", 1.125}},
                 {{"model", "gpt"},
                  {"batch", 64},
                  {"samples_per_second", 72.5},
                  {"baseline_samples_per_second", nullptr},
                  {"peak_bytes", 328487824}}};
  return result;
}

TEST(Table, HasALineForEachRowWhereThereIsRoom) {
  EXPECT_EQ(to_table(wide(), 200),
            "model  batch  samples_per_second  baseline_samples_per_second  peak_bytes  step_ratio\n"
            "gpt    32     71.5                80.25                        164243912   1.125\n"
            "gpt    64     72.5                -                            328487824   -\n");
}

TEST(Table, FoldsTitlesFirst) {
  EXPECT_EQ(to_table(wide(), 60),
            "model  batch  samples_    baseline_   peak_bytes  step_ratio\n"
            "              per_second  samples_\n"
            "                          per_second\n"
            "gpt    32     71.5        80.25       164243912   1.125\n"
            "gpt    64     72.5        -           328487824   -\n");
}

TEST(Table, IsDividedWhereFoldingDoesNotDoAndRepeatsWhatTellsRowsApart) {
  EXPECT_EQ(to_table(wide(), 34),
            "model  batch  samples_  baseline_\n"
            "              per_      samples_\n"
            "              second    per_\n"
            "                        second\n"
            "gpt    32     71.5      80.25\n"
            "gpt    64     72.5      -\n"
            "\n"
            "model  batch  peak_      step_\n"
            "              bytes      ratio\n"
            "gpt    32     164243912  1.125\n"
            "gpt    64     328487824  -\n");
}

TEST(Table, IsDividedEvenly) {
  // One column alone would not fit.
  EXPECT_EQ(to_table(wide(), 50), to_table(wide(), 34));
  EXPECT_NE(to_table(wide(), 51), to_table(wide(), 34));
}

TEST(Table, IsDividedWithWholeTitlesWhereThatTakesNoMore) {
  SuiteResult result;
  result.columns = {"model",        "batch",      "step_seconds",  "without_step_seconds",
                    "step_ratio",   "turn_ratio", "scrapes",       "scrape_seconds",
                    "scrape_bytes", "sites",      "exporter_bytes"};
  for (const std::string& column : result.columns) result.rows[0][column] = column == "model" ? "resnet18" : "0.8769";
  EXPECT_EQ(to_table(result, 80),
            "model     batch   step_seconds  without_step_seconds  step_ratio  turn_ratio\n"
            "resnet18  0.8769  0.8769        0.8769                0.8769      0.8769\n"
            "\n"
            "model     scrapes  scrape_seconds  scrape_bytes  sites   exporter_bytes\n"
            "resnet18  0.8769   0.8769          0.8769        0.8769  0.8769\n");
}

TEST(Table, NumbersRowsThatNoFewColumnsTellApart) {
  SuiteResult result = wide();
  result.rows[1]["batch"] = 32;
  EXPECT_EQ(to_table(result, 34),
            "row  model  batch  samples_\n"
            "                   per_\n"
            "                   second\n"
            "1    gpt    32     71.5\n"
            "2    gpt    32     72.5\n"
            "\n"
            "row  baseline_  peak_      step_\n"
            "     samples_   bytes      ratio\n"
            "     per_\n"
            "     second\n"
            "1    80.25      164243912  1.125\n"
            "2    -          328487824  -\n");
}

TEST(Table, FoldsLongTexts) {
  SuiteResult result;
  result.columns = {"codec", "ratio"};
  result.rows = {
      {{"codec", {{"name", "group_quant"}, {"bits", 2}, {"group", 256}, {"rounding", "stochastic"}}}, {"ratio", 14.5}}};
  EXPECT_EQ(to_table(result, 80),
            "codec                                             ratio\n"
            "group_quant bits=2 group=256 rounding=stochastic  14.5\n");
  EXPECT_EQ(to_table(result, 40),
            "codec                              ratio\n"
            "group_quant bits=2 group=256       14.5\n"
            "rounding=stochastic\n");
  result.rows[0]["codec"] = std::string(70, 'x');
  EXPECT_EQ(to_table(result, 50), "codec                                        ratio\n" + std::string(43, 'x') +
                                      "  14.5\n" + std::string(27, 'x') + "\n");
}

TEST(Table, FitsWhateverItsColumnsAre) {
  SuiteResult result;
  for (int c = 0; c < 14; ++c) {
    result.columns.push_back("a_column_of_long_title_" + std::to_string(c));
    for (size_t r = 0; r < 3; ++r) {
      result.rows[r][result.columns.back()] = c % 3 == 0 ? std::string(static_cast<size_t>(10 * c), 'y') : "value";
    }
    for (const size_t width : {80u, 100u, 200u}) EXPECT_LE(widest_line(to_table(result, width)), width) << c;
  }
}

TEST(Table, WithoutRowsHasTitlesOnly) {
  SuiteResult result;
  result.columns = {"model", "batch"};
  EXPECT_EQ(to_table(result, 80), "model  batch\n");
}

}  // namespace
}  // namespace cinch::bench
