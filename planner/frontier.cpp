#include <algorithm>
#include <tuple>

#include "cinch/planner.h"
#include "planner/curve.h"
#include "planner/describe.h"
#include "planner/profile_check.h"

namespace cinch {
namespace {

// Between the smallest feasible limit and the baseline. Finer than anyone chooses limits, and than a plot can show.
constexpr int64_t kSteps = 64;

FrontierPoint point_of(const Plan& plan, int64_t limit_bytes) {
  FrontierPoint point;
  point.limit_bytes = limit_bytes;
  point.predicted_peak_bytes = plan.predicted_peak_bytes;
  point.charged_bytes = plan.charged_bytes;
  point.noise = plan.predicted_noise;
  point.effective_batch = plan.predicted_effective_batch;
  point.extra_seconds = plan.predicted_extra_seconds;
  return point;
}

// Of two that are equal in all three the earlier one stays.
bool beats(const FrontierPoint& a, const FrontierPoint& b) {
  const auto key = [](const FrontierPoint& p) { return std::tuple(p.predicted_peak_bytes, p.noise, p.extra_seconds); };
  if (a.predicted_peak_bytes > b.predicted_peak_bytes || a.noise > b.noise || a.extra_seconds > b.extra_seconds)
    return false;
  return key(a) != key(b) || &a < &b;
}

}  // namespace

std::vector<FrontierPoint> frontier(const Profile& profile, const Budget& budget) {
  validate(budget);
  planner::require_sound(profile);
  const planner::Problem problem = planner::make_problem(profile, budget);
  std::vector<FrontierPoint> found;
  for (const auto& [room, options] : planner::plans_along(problem, budget.objective, kSteps))
    found.push_back(
        point_of(planner::describe(profile, options, 0, problem.floor_bytes), room + profile.reserve_bytes));
  if (found.empty()) {
    Budget without_limit = budget;
    without_limit.limit = {};
    make_plan(profile, without_limit);  // throws, and says which bounds would do
    throw Error("the planner contradicts itself about the noise bounds; please report this profile");
  }
  std::vector<FrontierPoint> points;
  for (const FrontierPoint& point : found) {
    const bool beaten = std::ranges::any_of(found, [&](const FrontierPoint& other) { return beats(other, point); });
    if (!beaten) points.push_back(point);
  }
  std::ranges::stable_sort(points, {}, &FrontierPoint::predicted_peak_bytes);
  return points;
}

std::vector<FrontierPoint> frontier(const Profile& profile) {
  Budget budget;
  budget.min_effective_batch = 0;
  return frontier(profile, budget);
}

}  // namespace cinch
