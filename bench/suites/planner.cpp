#include "bench/planner_suite.h"
#include "bench/suite.h"

namespace cinch::bench {
namespace {

SuiteResult run(const SuiteOptions& options) {
  SuiteResult result;
  result.columns = {"case", "objective", "share", "sites", "options", "instants", "seconds", "gap", "worst_distance"};
  for (const PlannerRow& row : run_planner(options.quick)) {
    nlohmann::json out = {{"case", row.name},   {"objective", row.objective}, {"share", row.share},
                          {"sites", row.sites}, {"options", row.options},     {"instants", row.instants}};
    const auto add = [&out](const char* key, const auto& value) {
      if (value) out[key] = *value;
    };
    add("min_effective_batch", row.min_effective_batch);
    add("seconds", row.seconds);
    add("simulate_seconds", row.simulate_seconds);
    add("gap", row.gap);
    add("instances", row.instances);
    add("worst_distance", row.worst_distance);
    add("mean_distance", row.mean_distance);
    result.failures.insert(result.failures.end(), row.failures.begin(), row.failures.end());
    result.rows.push_back(std::move(out));
  }
  return result;
}

const Registration registration("planner", "how long plans take, and how far from the best they are", run);

}  // namespace
}  // namespace cinch::bench
