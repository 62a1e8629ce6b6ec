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

TEST(Output, LongLinesGoOnBelowTheirSecondColumn) {
  const std::string words = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm ";
  EXPECT_EQ(wrapped("memory    " + words + "nnnn oooo\nshort\n"),
            "memory    " + words + "nnnn\n          oooo\nshort\n")
      << "80 letters fit, 81 do not";
  EXPECT_EQ(wrapped("          " + words + "nnnnnn"), "          " + words.substr(0, 64) + "\n          nnnnnn\n");
  EXPECT_EQ(wrapped("a  aaaa bbbb cccc dddd eeee ffff, " + words),
            "a  aaaa bbbb cccc dddd eeee ffff,\n   " + words.substr(0, 65) + "\n")
      << "rather after a comma";
  EXPECT_EQ(wrapped("a  " + std::string(100, 'x') + "\n"), "a  " + std::string(100, 'x') + "\n") << "one word";
  EXPECT_EQ(wrapped("a  " + std::string(100, 'x') + " bbbb\n"), "a  " + std::string(100, 'x') + "\n   bbbb\n");
  EXPECT_EQ(wrapped(words + std::string(12, 'y') + "  z z\n"), words + std::string(12, 'y') + "  z\nz\n");
  EXPECT_EQ(wrapped("a\n\nb\n"), "a\n\nb\n");
  EXPECT_EQ(wrapped(""), "");
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
