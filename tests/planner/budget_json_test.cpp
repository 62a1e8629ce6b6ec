#include <gtest/gtest.h>

#include <fstream>

#include "cinch/budget.h"
#include "cinch/error.h"
#include "tests/support/scratch_folder.h"

namespace cinch {
namespace {

std::string document(const std::string& members) {
  return R"({"schema": "cinch.budget/1")" + (members.empty() ? "" : ", " + members) + "}";
}

// Pointer of the error, with what() for the message.
struct Refusal {
  std::string pointer = "accepted", what;
};
Refusal refusal(const std::string& text) {
  try {
    Budget::from_json(text, "my.json");
  } catch (const JsonError& error) {
    EXPECT_EQ(error.file(), "my.json");
    return {error.pointer(), error.what()};
  }
  return {};
}

TEST(BudgetJson, ReadsEveryField) {
  const Budget budget = Budget::from_json(document(R"(
    "limit": "8GiB", "objective": "least_bytes", "min_effective_batch": 0.9, "max_gradient_noise": 0.2, "on_overrun": "throw",
    "allow": ["exact", "group_quant"],
    "sites": [{"match": "layer*", "codec": {"name": "group_quant", "bits": 2}}, {"match": "*", "max_bits": 4}])"));
  EXPECT_EQ(budget.limit, (Limit{LimitKind::kBytes, 8589934592.0}));
  EXPECT_EQ(budget.objective, Objective::kLeastBytes);
  EXPECT_EQ(budget.min_effective_batch, 0.9);
  EXPECT_EQ(budget.max_gradient_noise, 0.2);
  EXPECT_EQ(budget.on_overrun, OnOverrun::kThrow);
  EXPECT_EQ(budget.allow, (std::vector<std::string>{"exact", "group_quant"}));
  ASSERT_EQ(budget.rules.size(), 2u);
  EXPECT_EQ(budget.rules[0].codec->get_int("bits", 0), 2);
  EXPECT_EQ(budget.rules[1].max_bits, 4.0);
}

TEST(BudgetJson, LeavesDefaultsForWhatIsAbsent) { EXPECT_EQ(Budget::from_json(document("")), Budget{}); }

TEST(BudgetJson, ReadsEveryKindOfLimit) {
  EXPECT_EQ(Budget::from_json(document(R"("limit": 1000)")), Budget::bytes(1000));
  EXPECT_EQ(Budget::from_json(document(R"("limit": 8e9)")), Budget::bytes(8'000'000'000));
  EXPECT_EQ(Budget::from_json(document(R"("limit": {"fraction_of_device": 0.9})")), Budget::fraction_of_device(0.9));
  EXPECT_EQ(Budget::from_json(document(R"("limit": {"fraction_of_baseline": 0.6})")),
            Budget::fraction_of_baseline(0.6));
  EXPECT_EQ(Budget::from_json(document(R"("limit": {"above_floor": 0.25})")), Budget::above_floor(0.25));
}

TEST(BudgetJson, WritesWhatItReads) {
  Budget budget = Budget::above_floor(0.25);
  budget.objective = Objective::kLeastTime;
  budget.on_overrun = OnOverrun::kWarn;
  budget.max_gradient_noise = 0.125;
  budget.min_effective_batch = 0;
  budget.allow = {"exact", "group_quant"};
  budget.rules = {
      {"a*", CodecSpec{"group_quant", {{"bits", int64_t{2}}, {"rounding", std::string("nearest")}}}, std::nullopt},
      {"b?", std::nullopt, 3.5}};
  EXPECT_EQ(Budget::from_json(budget.to_json()), budget);
  EXPECT_EQ(Budget::from_json(Budget::exact().to_json()), Budget::exact());
}

TEST(BudgetJson, PointsAtWrongTypesAndUnknownKeys) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("limits": 1)", "/limits"},
      {R"("limit": true)", "/limit"},
      {R"("limit": 0)", "/limit"},
      {R"("limit": -1)", "/limit"},
      {R"("limit": 1.5)", "/limit"},
      {R"("limit": null)", "/limit"},
      {R"("limit": "8 apples")", "/limit"},
      {R"("limit": "60%")", "/limit"},
      {R"("limit": {})", "/limit"},
      {R"("limit": {"above_floor": 0.1, "fraction_of_device": 0.5})", "/limit"},
      {R"("limit": {"above_flour": 0.1})", "/limit/above_flour"},
      {R"("limit": {"above_floor": "0.1"})", "/limit/above_floor"},
      {R"("limit": {"fraction_of_device": 1.5})", "/limit/fraction_of_device"},
      {R"("limit": {"fraction_of_device": 0})", "/limit"},
      {R"("objective": "fastest")", "/objective"},
      {R"("objective": 1)", "/objective"},
      {R"("on_overrun": "ignore")", "/on_overrun"},
      {R"("min_effective_batch": "0.9")", "/min_effective_batch"},
      {R"("min_effective_batch": 1)", "/min_effective_batch"},
      {R"("max_gradient_noise": -0.1)", "/max_gradient_noise"},
      {R"("allow": "exact")", "/allow"},
      {R"("allow": [])", "/allow"},
      {R"("allow": ["exact", "zip"])", "/allow/1"},
      {R"("allow": [3])", "/allow/0"},
      {R"("sites": {})", "/sites"},
      {R"("sites": [{"codec": {"name": "keep"}}])", "/sites/0/match"},
      {R"("sites": [{"match": "*"}])", "/sites/0"},
      {R"("sites": [{"match": "*", "max_bits": 0}])", "/sites/0"},
      {R"("sites": [{"match": "*", "max_bits": "2"}])", "/sites/0/max_bits"},
      {R"("sites": [{"match": "*", "codec": "keep"}])", "/sites/0/codec"},
      {R"("sites": [{"match": "*", "codec": {"bits": 2}}])", "/sites/0/codec/name"},
      {R"("sites": [{"match": "*", "codec": {"name": "zip"}}])", "/sites/0/codec"},
      {R"("sites": [{"match": "*", "codec": {"name": "group_quant", "bits": 3.5}}])", "/sites/0/codec"},
      {R"("sites": [{"match": "*", "codec": {"name": "group_quant", "bits": [2]}}])", "/sites/0/codec/bits"},
      {R"("sites": [{"match": "*", "max_bits": 2, "extra": 1}])", "/sites/0/extra"},
      {R"("a/b~c": 1)", "/a~1b~0c"},
  };
  for (const auto& [members, pointer] : cases) {
    const Refusal found = refusal(document(members));
    EXPECT_EQ(found.pointer, pointer) << members << " -> " << found.what;
  }
}

TEST(BudgetJson, WantsItsSchema) {
  EXPECT_EQ(refusal("{}").pointer, "/schema");
  EXPECT_EQ(refusal(R"({"schema": "cinch.plan/1"})").pointer, "/schema");
  EXPECT_EQ(refusal(R"({"schema": 1})").pointer, "/schema");
  EXPECT_EQ(refusal("[]").pointer, "");
  EXPECT_EQ(refusal("3").pointer, "");
}

TEST(BudgetJson, TellsLineAndColumnOfMalformedText) {
  const Refusal found = refusal("{\"schema\": \"cinch.budget/1\",\n  \"limit\": 5 6}");
  EXPECT_EQ(found.pointer, "");
  EXPECT_NE(found.what.find("malformed JSON at line 2, column"), std::string::npos) << found.what;
  for (const char* text : {"", "{", "{\"schema\"", "nul", "{\"a\": 01}", "{} {}", "{\"a\": \"\xff\"}", "/* no */ {}",
                           "{} // no", "{\"a\": NaN}", "{'a': 1}", "{\"a\": 1,}"})
    EXPECT_NE(refusal(text).what.find("malformed JSON at line 1"), std::string::npos) << text << refusal(text).what;
}

TEST(BudgetJson, RefusesDuplicateKeysAndNumbersOutOfRange) {
  EXPECT_EQ(refusal(document(R"("limit": 1, "limit": 2)")).pointer, "/limit");
  EXPECT_EQ(refusal(document(R"("sites": [{"match": "a", "max_bits": 2}, {"match": "*", "match": "b"}])")).pointer,
            "/sites/1/match");
  EXPECT_EQ(refusal(document(R"("sites": [{"match": "a", "max_bits": 1e999}])")).pointer, "/sites/0/max_bits");
  EXPECT_EQ(refusal(document(R"("limit": 99999999999999999999)")).pointer, "/limit");
  EXPECT_EQ(refusal(document(R"("limit": 18446744073709551615)")).pointer, "/limit");
}

TEST(BudgetJson, RefusesDeepNesting) {
  EXPECT_NE(refusal(std::string(100000, '[')).what.find("nested"), std::string::npos);
}

TEST(BudgetJson, ReadsFilesAndNamesTheOnesItCannot) {
  const test::ScratchFolder folder;
  const std::string path = folder / "budget.json";
  std::ofstream(path) << document(R"("limit": {"above_floor": 0.5})");
  EXPECT_EQ(Budget::from_json_file(path), Budget::above_floor(0.5));
  EXPECT_EQ(Budget::parse(path), Budget::above_floor(0.5));
  EXPECT_THROW(Budget::from_json_file(path + ".absent"), JsonError);
  EXPECT_THROW(Budget::from_json_file(folder.path()), JsonError);
  EXPECT_THROW(Budget::from_json_file("/dev/null"), JsonError);
}

}  // namespace
}  // namespace cinch
