#include "planner/bytes_text.h"

#include <gtest/gtest.h>

#include "cinch/budget.h"
#include "cinch/error.h"

namespace cinch {
namespace {

TEST(ParseBytes, UnderstandsBinaryAndDecimalUnits) {
  EXPECT_EQ(parse_bytes("123"), 123);
  EXPECT_EQ(parse_bytes("123B"), 123);
  EXPECT_EQ(parse_bytes("1KiB"), 1024);
  EXPECT_EQ(parse_bytes("600MiB"), 600 * 1048576);
  EXPECT_EQ(parse_bytes("600 MB"), 600'000'000);
  EXPECT_EQ(parse_bytes(" 1.5 GiB "), 1610612736);
  EXPECT_EQ(parse_bytes("8e9"), 8'000'000'000);
  EXPECT_EQ(parse_bytes("2TiB"), int64_t{2} << 40);
}

TEST(ParseBytes, RefusesWhatIsNoNumberOfBytes) {
  for (const char* text : {"", "MiB", "1 2", "12XB", "-5", "-1MiB", "1e30", "1e300GiB", "nan", "inf", "0x10", "1,5GiB",
                           "8GiBGiB", "1e", "--1"})
    EXPECT_THROW(parse_bytes(text), Error) << text;
}

TEST(FormatBytes, KeepsOneDecimal) {
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(1023), "1023 B");
}

TEST(GlobMatch, StarIsAnyRunAndQuestionMarkOneCharacter) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("layer*/conv?d#0:*", "layer1.0/conv2d#0:input"));
  EXPECT_TRUE(glob_match("*a*b*", "xxaxxbxx"));
  EXPECT_TRUE(glob_match("a*a", "aa"));
  EXPECT_FALSE(glob_match("a*a", "a"));
  EXPECT_FALSE(glob_match("?", ""));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_FALSE(glob_match("layer", "layer1"));
  EXPECT_TRUE(glob_match("a.b[c]", "a.b[c]"));
}

TEST(GlobMatch, ManyStarsDoNotTakeForever) {
  std::string pattern;
  for (int i = 0; i < 50; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", std::string(5000, 'a')));
}

TEST(ParsePercent, NeedsTheSign) {
  EXPECT_EQ(planner::parse_percent("25%"), 0.25);
  EXPECT_EQ(planner::parse_percent("25 %"), 0.25);
  EXPECT_FALSE(planner::parse_percent("25"));
  EXPECT_FALSE(planner::parse_percent("%"));
  EXPECT_FALSE(planner::parse_percent("nan%"));
}

}  // namespace
}  // namespace cinch
