#include "src/cli/output.h"

#include <gtest/gtest.h>

namespace cinch::cli {
namespace {

TEST(Output, TableCutsTheWidestColumnsInTheMiddle) {
  const std::vector<Column> columns{{"name", false, 6}, {"n", true}};
  EXPECT_EQ(table(columns, {{"abcdefghij", "1"}, {"b", "22"}}, 80), "name         n\nabcdefghij   1\nb           22\n");
  EXPECT_EQ(table(columns, {{"abcdefghij", "1"}, {"b", "22"}}, 11), "name      n\nabc..ij   1\nb        22\n");
  EXPECT_EQ(table(columns, {{"abcdefghij", "1"}}, 2), "name    n\nab..ij  1\n") << "not below its narrowest";
  EXPECT_EQ(table(columns, {}, 80), "name  n\n");
}

TEST(Output, FiguresHaveThreeDigits) {
  EXPECT_EQ(percent(0), "0 %");
  EXPECT_EQ(percent(0.12345), "12.3 %");
  EXPECT_EQ(percent(0.000934), "0.0934 %");
  EXPECT_EQ(percent(12.5), "1250 %");
  EXPECT_EQ(duration(0), "0 ms");
  EXPECT_EQ(duration(0.0016056), "1.61 ms");
  EXPECT_EQ(duration(0.00040), "400 us");
  EXPECT_EQ(duration(2.5), "2.5 s");
  EXPECT_EQ(counted(1, "rule"), "1 rule");
  EXPECT_EQ(counted(0, "rule"), "0 rules");
}

}  // namespace
}  // namespace cinch::cli
