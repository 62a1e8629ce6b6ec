/// Profile + budget -> plan. Pure functions: same input, same plan; no torch, no device, no globals; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cinch/budget.h"
#include "cinch/plan.h"
#include "cinch/profile.h"

namespace cinch {

/// The limit in bytes that `budget` means for `profile`; 0 when it sets none.
int64_t resolve_limit(const Profile& profile, const Budget& budget);

/// Chooses an option for every payload so that the simulated peak stays under the limit at every instant and the
/// predicted noise under the budget's bounds, spending noise where it frees most bytes. Throws BudgetError with the
/// breakdown and the smallest feasible limit when there is none; Error when the budget is invalid.
Plan make_plan(const Profile& profile, const Budget& budget);

/// Peak in bytes over all instants when payload i is kept as options[choice[i]]: decode buffers included.
int64_t simulate_peak(const Profile& profile, const std::vector<int32_t>& choice);

/// A point of the memory-noise-time curve: a plan in numbers.
struct FrontierPoint {
  int64_t limit_bytes = 0;           ///< the smallest limit for which this plan is made; at least peak + reserve
  int64_t predicted_peak_bytes = 0;  ///< the plan's own, like all that follow
  int64_t charged_bytes = 0;         ///< of all payloads, at their highest instant
  double noise = 0;                  ///< relative RMS error of the parameter gradient
  double effective_batch = 1;        ///< V / (V + C)
  double extra_seconds = 0;          ///< per step
};

/// What make_plan gives for limits from the smallest feasible one up to the baseline: in order of bytes, without points
/// that another one beats in peak, noise and seconds. Objective, `allow`, rules and noise bounds are the budget's; its
/// limit is not looked at. One search serves all points. Throws like make_plan where not even the baseline is feasible.
std::vector<FrontierPoint> frontier(const Profile& profile, const Budget& budget);
/// Least noise, no bounds: the whole curve.
std::vector<FrontierPoint> frontier(const Profile& profile);

struct BatchAdvice {
  int64_t profiled_batch = 0;  ///< the batch that was observed; of several profiles the largest
  int64_t limit_bytes = 0;     ///< what the budget's limit means for that profile; 0: none
  /// The largest batch for which a plan keeps the limit and the noise bounds; 0: not even one sample. Absent where
  /// nothing bounds it: the budget has no limit, or no bytes depend on the batch.
  std::optional<int64_t> largest_batch;
  std::optional<int64_t> largest_raw_batch;  ///< the same with every payload as it is
  int64_t smallest_limit_bytes = 0;          ///< smallest limit for which profiled_batch has a plan
  FrontierPoint at_largest;                  ///< prediction for largest_batch; all zero where that is absent or 0
};

/// Largest batch for a limit, smallest limit for a batch. Which bytes grow with the batch is on the safe side when one
/// profile has to tell (docs/programs.md); two of different batch sizes give the line of each payload and instant. Both
/// answers grow with what they are asked for, and each is the simulated peak of a plan that was found. Throws Error
/// where a profile does not know its batch or two show different programs, BudgetError where the bounds have no plan.
BatchAdvice advise_batch(const Profile& profile, const Budget& budget);
BatchAdvice advise_batch(std::span<const Profile> profiles, const Budget& budget);

/// For each of these batches the smallest limit for which it has a plan under the budget's bounds; the budget's limit
/// is not looked at. Throws like advise_batch.
std::vector<int64_t> smallest_limits(std::span<const Profile> profiles, const Budget& budget,
                                     std::span<const int64_t> batches);

/// `plan` carried over to a profile that it was not made for. Sites that it does not name, or whose form this profile
/// does not offer, stay exact and stand in `unknown_sites`; peak, noise and seconds are predicted anew. The limit is
/// the plan's: whether it still holds is for the caller to see.
Plan apply_plan(const Plan& plan, const Profile& profile);

}  // namespace cinch
