#include "planner/curve.h"

#include <algorithm>

#include "planner/describe.h"
#include "planner/search.h"
#include "planner/state.h"

namespace cinch::planner {

std::vector<CurvePlan> plans_along(const Problem& problem, Objective objective, int64_t steps) {
  std::vector<CurvePlan> plans;
  const Search search(problem, objective);
  const auto lowest = search.lowest_peak(problem.noise_bound);
  if (!lowest) return plans;
  const auto& raw = problem.raw_timeline;
  // No room is one byte: 0 stands for no limit.
  const int64_t bottom = std::max<int64_t>(lowest->peak, 1);
  const int64_t top = std::max(bottom, raw.empty() ? 0 : *std::ranges::max_element(raw));
  for (int64_t step = 0; step <= steps; ++step) {
    const int64_t room = step == steps ? top : bottom + (top - bottom) / steps * step;
    const auto choice = search.best(room, problem.noise_bound);
    if (!choice) continue;
    State state(problem);
    for (size_t i = 0; i < choice->size(); ++i) state.move(i, (*choice)[i]);
    auto options = options_of(problem, *choice);
    // The best of all states under a limit is the best of those under its own peak.
    if (plans.empty() || plans.back().options != options) plans.push_back({state.peak(), std::move(options)});
  }
  return plans;
}

}  // namespace cinch::planner
