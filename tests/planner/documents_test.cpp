// What docs/budget_file.md says of keys is what the reader knows.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "cinch/budget.h"
#include "cinch/error.h"

namespace cinch::planner {
namespace {

std::string page() {
  std::ostringstream text;
  text << std::ifstream(std::filesystem::path(CINCH_SOURCE_DIR) / "docs/budget_file.md").rdbuf();
  return text.str();
}

// The keys that the error of an unknown one lists.
std::set<std::string> known_keys(const std::string& json) {
  try {
    Budget::from_json(json);
  } catch (const JsonError& error) {
    const std::string text = error.what(), before = "known here: ";
    const size_t at = text.find(before);
    EXPECT_NE(at, std::string::npos) << text;
    std::set<std::string> keys;
    const std::regex word("[a-z_]+");
    for (std::sregex_iterator it(text.begin() + static_cast<std::ptrdiff_t>(at + before.size()), text.end(), word), end;
         it != end; ++it)
      keys.insert(it->str());
    return keys;
  }
  ADD_FAILURE() << json << " was taken";
  return {};
}

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

TEST(BudgetPage, HasTheKeysOfAFile) {
  const std::string table = page().substr(0, page().find("A rule has `match`"));
  EXPECT_EQ(matches(table, "\n\\| `([a-z_]+)` \\|"), known_keys(R"({"schema": "cinch.budget/1", "no_such_key": 1})"));
}

TEST(BudgetPage, HasTheKeysOfALimit) {
  EXPECT_EQ(matches(page(), "\n\\| `limit\\.([a-z_]+)` \\|"),
            known_keys(R"({"schema": "cinch.budget/1", "limit": {"no_such_key": 1}})"));
}

TEST(BudgetPage, HasTheKeysOfARule) {
  std::set<std::string> keys = matches(page(), "\n- `([a-z_]+)`:");
  EXPECT_NE(page().find("A rule has `match`"), std::string::npos);
  keys.insert("match");
  EXPECT_EQ(keys, known_keys(R"({"schema": "cinch.budget/1", "sites": [{"no_such_key": 1}]})"));
}

TEST(BudgetPage, ItsExampleIsAFile) {
  const std::string text = page();
  const size_t begin = text.find("```json\n") + 8;
  const Budget budget = Budget::from_json(text.substr(begin, text.find("```", begin) - begin));
  EXPECT_EQ(budget.rules.size(), 2u);
}

}  // namespace
}  // namespace cinch::planner
