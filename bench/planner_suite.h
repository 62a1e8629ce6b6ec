/// `cinch-bench planner`: how long plans take and how far from the best they are. No torch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cinch::bench {

struct PlannerRow {
  std::string name, objective;  // name: the field `case`
  int64_t sites = 0, options = 0, instants = 0;
  double share = 0;                           // of the way from the floor to the baseline
  std::optional<double> min_effective_batch;  // absent: no noise bound
  std::optional<double> seconds;              // of one processor, best of the rounds
  std::optional<double> simulate_seconds;     // one plain simulation of the same profile, in the same rounds
  std::optional<double> gap;                  // to the plan's own bound
  // Many small profiles, whose every choice was tried: the plan's cost over the best one's, less 1.
  std::optional<int64_t> instances;
  std::optional<double> worst_distance, mean_distance;
  std::vector<std::string> failures;  // promises that were not kept
};

// Half a minute on an idle machine; `quick`: one round, few profiles, and no promise about time.
std::vector<PlannerRow> run_planner(bool quick);

}  // namespace cinch::bench
