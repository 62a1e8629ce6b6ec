#include "bench/planner_suite.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <functional>
#include <limits>

#include "bench/all_choices.h"
#include "bench/planner_instances.h"
#include "cinch/error.h"
#include "cinch/planner.h"
#include "planner/problem.h"

namespace cinch::bench {
namespace {

// What the planner promises.
constexpr double kSeconds = 0.1, kGap = 0.01, kDistance = 0.005;

constexpr struct {
  Objective objective;
  const char* name;
  double min_effective_batch;
} kWishes[] = {{Objective::kLeastNoise, "least_noise", 0},
               {Objective::kLeastTime, "least_time", 0.95},
               {Objective::kLeastBytes, "least_bytes", 0.95}};
constexpr double kShares[] = {0.05, 0.1, 0.2, 0.35, 0.5};

Budget budget_for(double share, Objective objective, double min_effective_batch) {
  Budget budget = Budget::above_floor(share);
  budget.objective = objective;
  budget.min_effective_batch = min_effective_batch;
  return budget;
}

// One thread, no waiting: its processor time is what a plan costs, whoever else uses the machine.
std::vector<double> best_processor_seconds(int rounds, const std::vector<std::function<void()>>& calls) {
  std::vector<double> best(calls.size(), std::numeric_limits<double>::infinity());
  for (int r = 0; r < rounds; ++r) {
    for (size_t i = 0; i < calls.size(); ++i) {
      const std::clock_t start = std::clock();
      calls[i]();
      best[i] = std::min(best[i], static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    }
  }
  return best;
}

void time_large(bool quick, std::vector<PlannerRow>& rows) {
  const PlannerShape shape;
  const Profile profile = planner_profile(1, shape);
  const std::vector<int32_t> raw(profile.payloads.size(), 0);
  for (const auto& wish : kWishes) {
    double before = std::numeric_limits<double>::infinity();
    for (const double share : kShares) {
      const Budget budget = budget_for(share, wish.objective, wish.min_effective_batch);
      PlannerRow row{"large", wish.name, shape.payloads, shape.options, shape.instants, share, {}, {}, {}, {}, {}, {},
                     {},      {}};
      if (wish.min_effective_batch > 0) row.min_effective_batch = wish.min_effective_batch;
      Plan plan;
      int64_t peak = 0;
      const auto seconds = best_processor_seconds(
          quick ? 1 : 7,
          {[&] { plan = make_plan(profile, budget); }, [&] { peak = std::max(peak, simulate_peak(profile, raw)); }});
      row.seconds = seconds[0];
      row.simulate_seconds = seconds[1];
      row.gap = plan.gap;
      const std::string what = std::string(wish.name) + " at " + std::to_string(share) + ": ";
      if (!quick && seconds[0] > kSeconds) row.failures.push_back(what + "took " + std::to_string(seconds[0]) + " s");
      if (plan.gap > kGap) row.failures.push_back(what + "gap " + std::to_string(plan.gap));
      if (plan.predicted_peak_bytes > plan.limit_bytes) row.failures.push_back(what + "over its limit");
      if (plan.objective_value > before) row.failures.push_back(what + "costs more than with a smaller limit");
      if (make_plan(profile, budget).to_json() != plan.to_json()) row.failures.push_back(what + "is not repeatable");
      before = plan.objective_value;
      rows.push_back(std::move(row));
    }
  }
}

void compare_small(bool quick, std::vector<PlannerRow>& rows) {
  const int64_t instances = quick ? 10 : 200;
  for (const auto& wish : kWishes) {
    PlannerRow row{"small", wish.name, 0, 0, 0, 0.2, {}, {}, {}, {}, instances, 0.0, 0.0, {}};
    if (wish.min_effective_batch > 0) row.min_effective_batch = wish.min_effective_batch;
    double sum = 0;
    int64_t plans = 0;
    for (int64_t seed = 1; seed <= instances; ++seed) {
      const Profile profile = small_planner_profile(static_cast<uint64_t>(seed));
      const Budget budget = budget_for(row.share, wish.objective, wish.min_effective_batch);
      const double best = AllChoices(profile).best(wish.objective, resolve_limit(profile, budget),
                                                   planner::noise_variance_bound(profile, budget));
      row.sites = std::max(row.sites, static_cast<int64_t>(profile.payloads.size()));
      row.instants = std::max(row.instants, static_cast<int64_t>(profile.timeline.size()));
      for (const PayloadProfile& payload : profile.payloads)
        row.options = std::max(row.options, static_cast<int64_t>(payload.options.size()));
      const std::string what = "small profile " + std::to_string(seed) + ", " + wish.name + ": ";
      try {
        const Plan plan = make_plan(profile, budget);
        const double distance = best > 0 ? plan.objective_value / best - 1 : plan.objective_value;
        row.worst_distance = std::max(*row.worst_distance, distance);
        sum += distance;
        ++plans;
        if (distance > kDistance) row.failures.push_back(what + std::to_string(distance) + " from the best choice");
        if (plan.objective_bound > best * (1 + 1e-9))
          row.failures.push_back(what + "the bound is above the best choice");
        if (plan.predicted_peak_bytes > plan.limit_bytes) row.failures.push_back(what + "over its limit");
      } catch (const BudgetError&) {
        if (std::isfinite(best)) row.failures.push_back(what + "refused, though a choice fits");
      }
    }
    row.mean_distance = plans > 0 ? sum / static_cast<double>(plans) : 0;
    rows.push_back(std::move(row));
  }
}

}  // namespace

std::vector<PlannerRow> run_planner(bool quick) {
  std::vector<PlannerRow> rows;
  time_large(quick, rows);
  compare_small(quick, rows);
  return rows;
}

}  // namespace cinch::bench
