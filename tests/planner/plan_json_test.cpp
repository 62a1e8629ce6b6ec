#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "cinch/error.h"
#include "cinch/plan.h"

namespace cinch {
namespace {

Plan sample() {
  Plan plan;
  plan.cinch_version = "0.1.0";
  plan.torch_version = "2.11.0";
  plan.device = "cpu";
  plan.fingerprint = "f00d";
  plan.limit_bytes = 1000;
  plan.predicted_peak_bytes = 900;
  plan.predicted_noise = 0.1;
  plan.predicted_effective_batch = 0.97;
  plan.objective = Objective::kLeastTime;
  plan.objective_value = 3e-5;
  plan.objective_bound = 2e-5;
  plan.gap = 1.0 / 3;
  plan.saved_per_byte = 1e-9;
  plan.binding = {{4, 4e-10}, {17, 6e-10}};
  plan.entries = {{"a/relu#0:result", CodecSpec{"mask", {}}, 4000, 125, 0, 1e-5},
                  {"b/linear#0:input", CodecSpec{"group_quant", {{"bits", int64_t{2}}}}, 4000, 300, 0.01, 2e-5}};
  plan.entries[1].layer = "b";
  plan.entries[1].op = "linear";
  plan.entries[1].need = Need::kLinear;
  plan.unknown_sites = {"c/add#0:self"};
  return plan;
}

std::string pointer_of(const nlohmann::json& document) {
  try {
    Plan::from_json(document.dump());
  } catch (const JsonError& error) {
    return error.pointer();
  }
  return "accepted";
}

TEST(PlanJson, SurvivesARoundTrip) {
  const std::string text = sample().to_json();
  const Plan back = Plan::from_json(text);
  EXPECT_EQ(back.to_json(), text);
  EXPECT_EQ(back.entries[1].spec, sample().entries[1].spec);
  EXPECT_EQ(back.predicted_noise, 0.1);
  EXPECT_EQ(back.entries[1].need, Need::kLinear);
  EXPECT_EQ(back.entries[1].op, "linear");
  EXPECT_EQ(back.unknown_sites, sample().unknown_sites);
  EXPECT_EQ(back.objective, Objective::kLeastTime);
  EXPECT_EQ(back.objective_bound, 2e-5);
  ASSERT_EQ(back.binding.size(), 2u);
  EXPECT_EQ(back.binding[1].instant, 17);
  EXPECT_EQ(back.binding[1].saved_per_byte, 6e-10);
}

TEST(PlanJson, IgnoresUnknownKeysAndPointsAtWhatIsWrong) {
  const auto document = nlohmann::json::parse(sample().to_json());
  const auto with = [&](const char* pointer, nlohmann::json value) {
    auto changed = document;
    changed[nlohmann::json::json_pointer(pointer)] = std::move(value);
    return pointer_of(changed);
  };
  EXPECT_EQ(with("/future", 1), "accepted");
  EXPECT_EQ(with("/entries/0/future", 1), "accepted");
  EXPECT_EQ(with("/limit_bytes", "1000"), "/limit_bytes");
  EXPECT_EQ(with("/predicted_effective_batch", 1.5), "/predicted_effective_batch");
  EXPECT_EQ(with("/entries/1/spec/name", "zip"), "/entries/1/spec");
  EXPECT_EQ(with("/entries/1/spec/bits", 5), "/entries/1/spec");
  EXPECT_EQ(with("/entries/1/noise_variance", -1), "/entries/1/noise_variance");
  EXPECT_EQ(with("/objective", "most_noise"), "/objective");
  EXPECT_EQ(with("/gap", 1.5), "/gap");
  EXPECT_EQ(with("/binding/1/instant", -1), "/binding/1/instant");
  EXPECT_EQ(with("/entries/1/need", "all"), "/entries/1/need");
  EXPECT_EQ(with("/schema", "cinch.profile/1"), "/schema");
  for (const auto& item : document.items()) {
    auto damaged = document;
    damaged.erase(item.key());
    EXPECT_EQ(pointer_of(damaged), std::string("/") + item.key());
  }
}

TEST(PlanJson, NeverWritesWhatIsNoNumber) {
  Plan plan = sample();
  plan.entries[0].seconds = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(plan.to_json(), Error);
}

}  // namespace
}  // namespace cinch
