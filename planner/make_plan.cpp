#include "cinch/planner.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cinch/version.h"
#include "planner/describe.h"
#include "planner/problem.h"
#include "planner/profile_check.h"
#include "planner/search.h"
#include "planner/simulate.h"
#include "planner/smallest_lossless.h"

namespace cinch {

std::vector<int32_t> planner::options_of(const Problem& problem, const std::vector<int32_t>& candidates) {
  std::vector<int32_t> out(candidates.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = problem.items[i].candidates[candidates[i]].option;
  return out;
}

namespace {

using planner::Point;
using planner::Problem;
using planner::Proof;
using planner::Search;

double effective_batch(double gradient_variance, double noise_variance) {
  return noise_variance > 0 ? gradient_variance / (gradient_variance + noise_variance) : 1.0;
}

// A bound that people can type, rounded so that it is not too tight.
std::string rounded(double value, bool up) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", (up ? std::ceil(value * 1000) : std::floor(value * 1000)) / 1000);
  return text;
}

MemoryBreakdown breakdown_of(const Profile& profile, const std::vector<int32_t>& choice, int64_t floor,
                             int64_t smallest) {
  MemoryBreakdown out;
  out.parameters_bytes = profile.parameters_bytes;
  out.gradients_bytes = profile.gradients_bytes;
  out.optimizer_bytes = profile.optimizer_bytes;
  out.floor_bytes = floor;
  out.smallest_limit_bytes = smallest;
  const auto bytes = planner::simulate(profile, choice);
  if (bytes.empty()) return out;
  const auto peak = static_cast<size_t>(std::max_element(bytes.begin(), bytes.end()) - bytes.begin());
  out.payloads_bytes = planner::simulate_payloads(profile, choice)[peak];
  out.transients_bytes = std::max<int64_t>(
      0, bytes[peak] - out.payloads_bytes - out.parameters_bytes - out.gradients_bytes - out.optimizer_bytes);
  // The least limit may lie above the peak by the bytes at which the search stopped.
  if (smallest > 0) out.transients_bytes += std::max(profile.reserve_bytes, smallest - bytes[peak]);
  return out;
}

// Which bounds would let a plan of this noise through.
std::string bounds_that_do(const Profile& profile, const Budget& budget, double noise_variance) {
  std::string text;
  const double batch = effective_batch(profile.gradient_variance, noise_variance);
  if (budget.min_effective_batch > batch) text = "min_effective_batch = " + rounded(batch, false);
  if (budget.max_gradient_noise && *budget.max_gradient_noise < std::sqrt(noise_variance))
    text += (text.empty() ? "" : " with ") + ("max_gradient_noise = " + rounded(std::sqrt(noise_variance), true));
  return text;
}

// What to say where no plan fits: the least limit that does under the noise bounds, and the bounds that would do here.
[[noreturn]] void throw_infeasible(const Profile& profile, const Budget& budget, const Problem& problem,
                                   Search& quietest, int64_t limit, int64_t room) {
  const Point* smallest = quietest.least_limit(problem.noise_bound);
  std::string message;
  if (!smallest) {
    const Point* any = quietest.at(0);
    message = "no plan keeps the noise bounds: the rules force a predicted gradient noise that needs " +
              bounds_that_do(profile, budget, any->totals.noise);
    throw BudgetError(message, breakdown_of(profile, quietest.options_of(*any), problem.floor_bytes, 0));
  }
  const int64_t bytes = smallest->limit + profile.reserve_bytes;
  message = "no plan fits the limit of " + format_bytes(limit) + " (" + std::to_string(limit) +
            " bytes): the smallest feasible limit is " + format_bytes(bytes) + " (" + std::to_string(bytes) +
            " bytes), the floor " + format_bytes(problem.floor_bytes) + ", the baseline " +
            format_bytes(profile.baseline_peak_bytes());
  if (const Point* noisier = quietest.at(room))
    message += "; the noise bound is what stops it, and " + bounds_that_do(profile, budget, noisier->totals.noise) +
               " would do";
  throw BudgetError(message, breakdown_of(profile, quietest.options_of(*smallest), problem.floor_bytes, bytes));
}

}  // namespace

double planner::noise_share(const Plan& plan, double variance) {
  const double all = plan.predicted_noise * plan.predicted_noise;
  return all > 0 ? variance / all : 0;
}

Plan planner::describe(const Profile& profile, const std::vector<int32_t>& choice, int64_t limit, int64_t floor) {
  Plan plan;
  plan.cinch_version = CINCH_VERSION;
  plan.torch_version = profile.torch_version;
  plan.device = profile.device;
  plan.fingerprint = profile.fingerprint;
  plan.limit_bytes = limit;
  plan.predicted_peak_bytes = simulate_peak(profile, choice);
  plan.baseline_peak_bytes = profile.baseline_peak_bytes();
  plan.floor_bytes = floor;
  plan.raw_bytes = profile.raw_peak_bytes();
  const auto payload_bytes = planner::simulate_payloads(profile, choice);
  for (int64_t bytes : payload_bytes) plan.charged_bytes = std::max(plan.charged_bytes, bytes);

  double noise = 0;
  for (size_t i = 0; i < choice.size(); ++i) {
    const Option& option = profile.payloads[i].options[choice[i]];
    noise += option.noise_variance;
    plan.predicted_extra_seconds += option.seconds;
  }
  plan.predicted_noise = std::sqrt(noise);
  plan.predicted_effective_batch = effective_batch(profile.gradient_variance, noise);

  std::vector<bool> charged(choice.size(), false);
  for (const SiteProfile& site : profile.sites) {
    PlanEntry entry;
    entry.site = site.name;
    entry.layer = site.layer;
    entry.op = site.op;
    entry.need = site.need;
    if (site.payload >= 0) {
      const PayloadProfile& payload = profile.payloads[site.payload];
      const Option& option = payload.options[choice[site.payload]];
      entry.spec = option.spec;
      if (!charged[site.payload]) {
        entry.raw_bytes = payload.raw_bytes;
        entry.charged_bytes = planner::is_kept(option) ? payload.raw_bytes : option.charged_bytes;
        entry.noise_variance = option.noise_variance;
        entry.seconds = option.seconds;
        charged[site.payload] = true;
      }
    }
    plan.entries.push_back(std::move(entry));
  }
  return plan;
}

namespace {

void add_proof(Plan& plan, Search& search, const Point& point, Objective objective, int64_t room) {
  const Proof proof = search.prove(point, room);
  plan.objective = objective;
  plan.objective_value = search.main_cost(point.totals);
  plan.objective_bound = proof.bound;
  if (plan.objective_value > 0) plan.gap = (plan.objective_value - proof.bound) / plan.objective_value;
  for (const auto& [instant, price] : proof.prices) {
    plan.saved_per_byte += price;
    plan.binding.push_back({instant, price});
  }
}

Plan finish(const Profile& profile, const Problem& problem, Search& search, const Point& point, Objective objective,
            int64_t limit, int64_t room) {
  Plan plan = planner::describe(profile, search.options_of(point), limit, problem.floor_bytes);
  add_proof(plan, search, point, objective, room);
  // The solver keeps its own books; the promise is checked with the plain simulation.
  if (limit > 0 && plan.predicted_peak_bytes > room)
    throw Error("the planner contradicts its own simulation at " + format_bytes(plan.predicted_peak_bytes) +
                "; please report this profile");
  return plan;
}

}  // namespace

int64_t resolve_limit(const Profile& profile, const Budget& budget) {
  validate(budget);
  const double value = budget.limit.value;
  double bytes = 0;
  switch (budget.limit.kind) {
    case LimitKind::kNone:
      return 0;
    case LimitKind::kBytes:
      bytes = value;
      break;
    case LimitKind::kFractionOfDevice:
      if (profile.device_bytes <= 0)
        throw Error("a fraction of the device's memory needs a profile that knows device_bytes");
      bytes = value * static_cast<double>(profile.device_bytes);
      break;
    case LimitKind::kFractionOfBaseline:
      bytes = value * static_cast<double>(profile.baseline_peak_bytes());
      break;
    case LimitKind::kAboveFloor: {
      const auto floor = static_cast<double>(profile.floor_bytes());
      bytes = floor + value * (static_cast<double>(profile.baseline_peak_bytes()) - floor);
      break;
    }
  }
  return std::max<int64_t>(1, std::llround(bytes));
}

Plan make_plan(const Profile& profile, const Budget& budget) {
  validate(budget);
  planner::require_sound(profile);
  const int64_t limit = resolve_limit(profile, budget);
  const Problem problem = planner::make_problem(profile, budget);

  if (limit == 0 && budget.objective == Objective::kLeastNoise) {
    const auto choice = planner::smallest_lossless(problem);
    Plan plan = planner::describe(profile, planner::options_of(problem, choice), limit, problem.floor_bytes);
    if (plan.predicted_noise * plan.predicted_noise <= problem.noise_bound * (1 + 1e-12)) return plan;
  }
  // Ordinary requests stop at limit - reserve. No room is one byte, in which nothing fits: 0 stands for no limit.
  const int64_t room = limit > 0 ? std::max<int64_t>(1, limit - profile.reserve_bytes) : 0;
  // Whether there is a plan at all is the same question for every objective: how quiet can one be?
  Search quietest(problem, Objective::kLeastNoise, problem.noise_bound);
  if (budget.objective == Objective::kLeastNoise) {
    const Point* point = quietest.at(room);
    if (!point || point->totals.noise > problem.noise_bound)
      throw_infeasible(profile, budget, problem, quietest, limit, room);
    return finish(profile, problem, quietest, *point, budget.objective, limit, room);
  }
  const Point* smallest = quietest.least_limit(problem.noise_bound);
  if (!smallest || (room > 0 && room < smallest->limit))
    throw_infeasible(profile, budget, problem, quietest, limit, room);
  Search search(problem, budget.objective, problem.noise_bound, quietest.options_of(*smallest), smallest->limit);
  return finish(profile, problem, search, *search.at(room), budget.objective, limit, room);
}

}  // namespace cinch
