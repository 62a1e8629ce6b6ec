#include "planner/rule_check.h"

#include <gtest/gtest.h>

#include <random>

#include "cinch/error.h"

namespace cinch::planner {
namespace {

SiteRule bits(const std::string& match, double most) { return {match, std::nullopt, most}; }
SiteRule codec(const std::string& match, const CodecSpec& spec) { return {match, spec, std::nullopt}; }

TEST(RuleCheck, CoversIsWhatTheGlobsSay) {
  for (const auto& [wide, narrow, covers] :
       std::initializer_list<std::tuple<const char*, const char*, bool>>{{"*", "a/*", true},
                                                                         {"*", "", true},
                                                                         {"a/*", "a/b*", true},
                                                                         {"a*c", "a*b*c", true},
                                                                         {"a/*", "*", false},
                                                                         {"a/?", "a/*", false},
                                                                         {"?*", "*", false},
                                                                         {"?*", "?", true},
                                                                         {"a", "a", true},
                                                                         {"a", "b", false},
                                                                         {"*b", "*ab", true},
                                                                         {"*ab", "*b", false},
                                                                         {"a??", "a?b", true},
                                                                         {"a?b", "a??", false},
                                                                         {"*a*", "ba?", true},
                                                                         {"**", "*", true},
                                                                         {"", "", true},
                                                                         {"?", "", false},
                                                                         {"*:input", "fc/*:input", true}})
    EXPECT_EQ(glob_covers(wide, narrow), covers) << wide << " " << narrow;
}

// What it calls covered is: no text that the narrow one matches escapes the wide one.
TEST(RuleCheck, CoversIsNeverWronglyTrue) {
  std::mt19937 g(7);
  const auto text = [&](const char* letters, size_t kinds) {
    std::string out(g() % 5, ' ');
    for (char& c : out) c = letters[g() % kinds];
    return out;
  };
  int covered = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string wide = text("ab*?", 4), narrow = text("ab*?", 4);
    if (!glob_covers(wide, narrow)) continue;
    ++covered;
    for (int j = 0; j < 20; ++j) {
      const std::string name = text("ab", 2);
      EXPECT_LE(glob_match(narrow, name), glob_match(wide, name)) << wide << " " << narrow << " " << name;
    }
  }
  EXPECT_GT(covered, 500);
}

TEST(RuleCheck, TheSameGlobWithTwoWishesIsAContradiction) {
  const CodecSpec two{"group_quant", {{"bits", int64_t{2}}}}, four{"group_quant", {{"bits", int64_t{4}}}};
  EXPECT_FALSE(find_contradiction({codec("a/*", two), codec("b/*", four)}));
  EXPECT_FALSE(find_contradiction({codec("a/*", two), codec("*", four)})) << "the last match wins: an exception";
  EXPECT_FALSE(find_contradiction({codec("a/*", four), codec("a/*", CodecSpec{"group_quant", {}})}))
      << "4 is the default";
  const auto pair = find_contradiction({codec("b", two), codec("a/*", two), bits("c", 3), codec("a/*", four)});
  ASSERT_TRUE(pair.has_value());
  EXPECT_EQ(pair->earlier, 1u);
  EXPECT_EQ(pair->later, 3u);
  EXPECT_TRUE(find_contradiction({bits("a", 3), bits("a", 4)}));
  EXPECT_TRUE(find_contradiction({bits("a", 3), codec("a", two)}));
}

TEST(RuleCheck, ABudgetWithAContradictionIsRefusedAndBothAreNamed) {
  Budget budget;
  budget.rules = {bits("fc/*", 3), codec("fc/*", CodecSpec{})};
  try {
    validate(budget);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "rules 0 and 1 for \"fc/*\" contradict each other: max_bits 3 and keep; remove one");
  }
  try {
    Budget::from_json(
        R"({"schema": "cinch.budget/1", "sites": [{"match": "a", "max_bits": 2}, {"match": "b", "max_bits": 2},
                          {"match": "a", "codec": {"name": "keep"}}]})",
        "b.json");
    FAIL();
  } catch (const JsonError& error) {
    EXPECT_EQ(error.pointer(), "/sites/2");
    EXPECT_NE(std::string(error.what()).find("rules 0 and 2 for \"a\""), std::string::npos) << error.what();
  }
}

TEST(RuleCheck, RulesThatNeverHoldAreFoundWithTheRuleThatHidesThem) {
  const auto pairs = find_shadowed({bits("a/b*", 2), bits("c", 2), bits("a/*", 3), bits("d", 1), bits("*", 4)});
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[0].later, 2u);
  EXPECT_EQ(pairs[1].later, 4u);
  EXPECT_TRUE(find_shadowed({bits("*", 4), bits("a/*", 3), bits("a/b*", 2)}).empty());
}

}  // namespace
}  // namespace cinch::planner
