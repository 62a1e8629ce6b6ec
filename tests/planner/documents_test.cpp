// What docs/budget_file.md says of keys, values, defaults and methods is what the code knows.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "cinch/budget.h"
#include "cinch/error.h"
#include "src/methods/methods.h"

namespace cinch::planner {
namespace {

std::string page() {
  std::ostringstream text;
  text << std::ifstream(std::filesystem::path(CINCH_SOURCE_DIR) / "docs/budget_file.md").rdbuf();
  return text.str();
}

// What the error of a document says; empty where it is taken.
std::string refusal(const std::string& json) {
  try {
    Budget::from_json(json);
  } catch (const JsonError& error) {
    return error.what();
  }
  return "";
}

// The keys that the error of an unknown one lists.
std::set<std::string> known_keys(const std::string& json) {
  const std::string text = refusal(json), before = "known here: ";
  const size_t at = text.find(before);
  EXPECT_NE(at, std::string::npos) << json << ": " << text;
  if (at == std::string::npos) return {};
  std::set<std::string> keys;
  const std::regex word("[a-z_]+");
  for (std::sregex_iterator it(text.begin() + static_cast<std::ptrdiff_t>(at + before.size()), text.end(), word), end;
       it != end; ++it)
    keys.insert(it->str());
  return keys;
}

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

struct Row {
  std::string name, text, last;
};

// The rows of a table of three columns that begin with a name.
std::vector<Row> rows(const std::string& table) {
  const std::regex line("\n\\| (`[^|]*`) \\| ([^|]*) \\| ?([^|\n]*?) ?\\|");
  std::vector<Row> found;
  for (std::sregex_iterator it(table.begin(), table.end(), line), end; it != end; ++it)
    found.push_back({(*it)[1], (*it)[2], (*it)[3]});
  return found;
}

std::string without_ticks(std::string text) {
  std::erase(text, '`');
  return text;
}

std::string key_table() { return page().substr(0, page().find("A rule has `match`")); }

std::string method_table() {
  const std::string text = page();
  const size_t begin = text.find("Methods and their parameters"), end = text.find("A plan may choose");
  EXPECT_TRUE(begin < end && end != std::string::npos);
  return text.substr(begin, end - begin);
}

TEST(BudgetPage, HasTheKeysOfAFile) {
  const std::string table = key_table();
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

TEST(BudgetPage, HasTheDefaultsOfABudget) {
  const auto defaults = nlohmann::json::parse(Budget{}.to_json());
  size_t seen = 0;
  for (const Row& row : rows(key_table())) {
    const std::string key = without_ticks(row.name), said = without_ticks(row.last);
    if (key == "schema" || key.find('.') != std::string::npos) continue;
    if (defaults.contains(key)) {
      EXPECT_EQ(said, defaults[key].dump()) << key;
      ++seen;
    } else {
      EXPECT_TRUE(said == "none" || said == "no limit" || said == "all") << key << ": " << said;
    }
  }
  EXPECT_EQ(seen + 1, defaults.size()) << "all but the schema";
}

TEST(BudgetPage, HasTheWordsOfEnumerations) {
  const auto table = rows(key_table());
  for (const std::string key : {"objective", "on_overrun"}) {
    const auto row = std::ranges::find(table, "`" + key + "`", &Row::name);
    ASSERT_NE(row, table.end()) << key;
    const std::string error = refusal(R"({"schema": "cinch.budget/1", ")" + key + R"(": "no_such_word"})");
    const std::string quoted = "\"([a-z_]+)\"";
    EXPECT_EQ(matches(row->text, quoted), matches(error.substr(0, error.find(", found")), quoted)) << error;
  }
}

TEST(BudgetPage, HasTheBoundsOfNumbers) {
  const std::regex bound("(above|at least|at most|below) ([0-9.]+)");
  int seen = 0;
  for (const Row& row : rows(key_table())) {
    const std::string key = without_ticks(row.name);
    const auto taken = [&](double value) {
      const std::string number = nlohmann::json(value).dump(), schema = R"({"schema": "cinch.budget/1", )";
      if (key.rfind("limit.", 0) == 0)
        return refusal(schema + R"("limit": {")" + key.substr(6) + "\": " + number + "}}").empty();
      return refusal(schema + '"' + key + "\": " + number + "}").empty();
    };
    for (std::sregex_iterator it(row.text.begin(), row.text.end(), bound), end; it != end; ++it) {
      const std::string word = (*it)[1];
      const double value = std::stod((*it)[2]), inwards = word == "at most" || word == "below" ? -0.01 : 0.01;
      EXPECT_EQ(taken(value), word.rfind("at ", 0) == 0) << key << ": " << it->str();
      EXPECT_TRUE(taken(value + inwards)) << key << ": " << it->str();
      EXPECT_FALSE(taken(value - inwards)) << key << ": " << it->str();
      ++seen;
    }
  }
  EXPECT_GE(seen, 8);
}

double number(const std::string& text) {
  const size_t slash = text.find('/');
  return slash == std::string::npos ? std::stod(text) : std::stod(text) / std::stod(text.substr(slash + 1));
}

// "`bits` 1, 2, 4 or 8 (default 4)", "`block` 1 to 64 (default 8): ...", "`rounding` `"stochastic"` (default) or ...".
void expect_is(const std::string& text, const ParamInfo& param) {
  SCOPED_TRACE(text);
  const std::string name = "`" + std::string(param.name) + "`";
  ASSERT_EQ(text.rfind(name, 0), 0u) << name;
  std::smatch found;
  const bool has_default = std::regex_search(text, found, std::regex("\\(default ([^):]+)"));
  if (const auto* word = std::get_if<std::string_view>(&param.fallback)) {
    EXPECT_NE(text.find("`\"" + std::string(*word) + "\"` (default)"), std::string::npos);
    EXPECT_EQ(matches(text, "`\"([a-z0-9_]+)\"`"), std::set<std::string>(param.texts.begin(), param.texts.end()));
    return;
  }
  if (const auto* flag = std::get_if<bool>(&param.fallback)) {
    ASSERT_TRUE(has_default);
    EXPECT_EQ(found.str(1), *flag ? "true" : "false");
    return;
  }
  const auto* integer = std::get_if<int64_t>(&param.fallback);
  const double fallback = integer != nullptr ? static_cast<double>(*integer) : std::get<double>(param.fallback);
  if (param.integers.size() != 1) {
    ASSERT_TRUE(has_default);
    EXPECT_EQ(number(found[1]), fallback);
  }
  if (!param.integers.empty()) {
    ASSERT_TRUE(std::regex_search(text, found, std::regex("^`[a-z_]+` ([0-9]+((, | or )[0-9]+)*)")));
    std::string list;
    for (size_t i = 0; i < param.integers.size(); ++i)
      list += (i == 0 ? "" : i + 1 == param.integers.size() ? " or " : ", ") + std::to_string(param.integers[i]);
    EXPECT_EQ(found.str(1), list);
    return;
  }
  ASSERT_TRUE(std::regex_search(text, found, std::regex("^`[a-z_]+` ([0-9e./-]+) to ([0-9e.]+)")));
  const auto range = param.numbers.value_or(Range{});
  const auto whole = param.integer_range.value_or(IntegerRange{});
  EXPECT_EQ(number(found[1]), param.numbers ? range.min : static_cast<double>(whole.min));
  EXPECT_EQ(number(found[2]), param.numbers ? range.max : static_cast<double>(whole.max));
}

TEST(BudgetPage, HasTheMethodsTheirParametersAndDefaults) {
  std::set<std::string> named, known;
  for (const MethodInfo& method : methods()) known.emplace(method.name);
  for (const Row& row : rows(method_table())) {
    std::vector<std::string> parts;  // one a parameter
    for (size_t at = row.text == "-" ? std::string::npos : 0; at != std::string::npos;) {
      const size_t next = row.text.find("; `", at);
      parts.push_back(row.text.substr(at, next == std::string::npos ? next : next - at));
      at = next == std::string::npos ? next : next + 2;
    }
    for (const std::string& name : matches(row.name, "`([a-z_]+)`")) {
      SCOPED_TRACE(name);
      const MethodInfo* method = find_method(name);
      ASSERT_NE(method, nullptr);
      EXPECT_EQ(row.last.rfind(method->error_class, 0), 0u) << row.last;
      ASSERT_EQ(parts.size(), method->params.size());
      for (size_t i = 0; i < parts.size(); ++i) expect_is(parts[i], method->params[i]);
      named.insert(name);
    }
  }
  EXPECT_EQ(named, known);
}

TEST(BudgetPage, ItsExampleIsAFile) {
  const std::string text = page();
  const size_t begin = text.find("```json\n") + 8;
  const Budget budget = Budget::from_json(text.substr(begin, text.find("```", begin) - begin));
  EXPECT_EQ(budget.rules.size(), 2u);
}

}  // namespace
}  // namespace cinch::planner
