#include "planner/curve.h"

#include <algorithm>
#include <optional>

#include "planner/search.h"

namespace cinch::planner {

std::vector<CurvePlan> plans_along(const Problem& problem, Objective objective, int64_t steps) {
  std::vector<CurvePlan> plans;
  // Whether there is a plan at all is the same question for every objective.
  Search quietest(problem, Objective::kLeastNoise, problem.noise_bound);
  const Point* const lowest = quietest.least_limit(problem.noise_bound);
  if (!lowest) return plans;
  std::optional<Search> other;
  if (objective != Objective::kLeastNoise)
    other.emplace(problem, objective, problem.noise_bound, quietest.options_of(*lowest), lowest->limit);
  Search& search = other ? *other : quietest;
  const auto& raw = problem.raw_timeline;
  // No room is one byte: 0 stands for no limit.
  const int64_t bottom = std::max<int64_t>(lowest->limit, 1);
  const int64_t top = std::max(bottom, raw.empty() ? 0 : *std::ranges::max_element(raw));
  for (int64_t step = 0; step <= steps; ++step) {
    const int64_t room = step == steps ? top : bottom + (top - bottom) / steps * step;
    const Point* const point = search.at(room);
    if (!point || point->totals.noise > problem.noise_bound) continue;
    auto options = search.options_of(*point);
    if (plans.empty() || plans.back().options != options) plans.push_back({point->limit, std::move(options)});
  }
  return plans;
}

}  // namespace cinch::planner
