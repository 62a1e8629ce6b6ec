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

namespace cinch {

std::vector<int32_t> planner::options_of(const Problem& problem, const std::vector<int32_t>& candidates) {
  std::vector<int32_t> out(candidates.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = problem.items[i].candidates[candidates[i]].option;
  return out;
}

namespace {

using planner::options_of;
using planner::Problem;
using planner::Search;
using planner::Totals;

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
  if (smallest > 0) out.transients_bytes += profile.reserve_bytes;
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

[[noreturn]] void throw_infeasible(const Profile& profile, const Budget& budget, const Problem& problem,
                                   const Search& search, int64_t limit, int64_t room) {
  auto smallest = search.lowest_peak(problem.noise_bound);
  const auto noise = search.least_noise(room);
  if (smallest) smallest->peak += profile.reserve_bytes;
  const int64_t baseline = profile.baseline_peak_bytes();
  std::string message;
  if (!smallest) {
    message = "no plan keeps the noise bounds: the rules force a predicted gradient noise that needs " +
              bounds_that_do(profile, budget, *search.least_noise(0));
  } else {
    message = "no plan fits the limit of " + format_bytes(limit) + " (" + std::to_string(limit) +
              " bytes): the smallest feasible limit is " + format_bytes(smallest->peak) + " (" +
              std::to_string(smallest->peak) + " bytes), the floor " + format_bytes(problem.floor_bytes) +
              ", the baseline " + format_bytes(baseline);
  }
  if (smallest && noise)
    message += "; the noise bound is what stops it, and " + bounds_that_do(profile, budget, *noise) + " would do";
  const auto choice = options_of(problem, search.lowest_peak_choice(problem.noise_bound));
  throw BudgetError(message, breakdown_of(profile, choice, problem.floor_bytes, smallest ? smallest->peak : 0));
}

}  // namespace

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
    Plan plan = planner::describe(profile, options_of(problem, choice), limit, problem.floor_bytes);
    if (plan.predicted_noise * plan.predicted_noise <= problem.noise_bound * (1 + 1e-12)) return plan;
  }
  const Search search(problem, budget.objective);
  // Ordinary requests stop at limit - reserve. No room is one byte, in which nothing fits: 0 stands for no limit.
  const int64_t room = limit > 0 ? std::max<int64_t>(1, limit - profile.reserve_bytes) : 0;
  const auto choice = search.best(room, problem.noise_bound);
  if (!choice) throw_infeasible(profile, budget, problem, search, limit, room);
  Plan plan = planner::describe(profile, options_of(problem, *choice), limit, problem.floor_bytes);
  // The solver keeps its own books; the promise is checked with the plain simulation.
  if (limit > 0 && plan.predicted_peak_bytes > room)
    throw Error("the planner contradicts its own simulation at " + format_bytes(plan.predicted_peak_bytes) +
                "; please report this profile");
  return plan;
}

}  // namespace cinch
