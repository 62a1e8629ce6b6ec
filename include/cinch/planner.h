/// Profile + budget -> plan. Pure functions: same input, same plan; no torch, no device, no globals; any thread. What
/// is given is read only, results own all they say. All throw Error for a profile whose indices or numbers cannot be,
/// as far as they look at them; those that take a budget throw it for a budget out of range too (validate).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cinch/budget.h"
#include "cinch/plan.h"
#include "cinch/profile.h"

namespace cinch {

/// The limit in bytes, 1 or more, that `budget` means for `profile`; 0 when it sets none. Throws Error for a share of a
/// device whose memory the profile does not know.
int64_t resolve_limit(const Profile& profile, const Budget& budget);

/// Chooses an option for every payload so that the simulated peak stays under the limit at every instant and the
/// predicted noise under the budget's bounds, spending noise where it frees most bytes. Throws BudgetError with the
/// breakdown and the smallest feasible limit when there is none; Error for a rule that asks for a codec which the
/// profile does not offer there, and like resolve_limit.
Plan make_plan(const Profile& profile, const Budget& budget);

/// Peak in bytes over all instants when payload i is kept as options[choice[i]]: decode buffers included. Throws Error
/// unless `choice` names an option of each payload.
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
/// limit is not looked at. One search serves all points. Throws BudgetError where not even without a limit a plan keeps
/// the noise bounds, and Error for rules like make_plan.
std::vector<FrontierPoint> frontier(const Profile& profile, const Budget& budget);
/// Least noise, no bounds, no rules: the whole curve.
std::vector<FrontierPoint> frontier(const Profile& profile);

/// What advise_batch found out. Batches are samples.
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
/// without a profile, where one does not know its batch, where two are of the same batch or show different programs,
/// and like resolve_limit and make_plan's rules; BudgetError where no plan keeps the noise bounds at the profiled
/// batch. That not one sample fits under the limit is an answer.
BatchAdvice advise_batch(const Profile& profile, const Budget& budget);
BatchAdvice advise_batch(std::span<const Profile> profiles, const Budget& budget);

/// For each of these batches the smallest limit for which it has a plan under the budget's bounds; the budget's limit
/// is not looked at. In the order of `batches`. Throws like advise_batch, BudgetError where the noise bounds have no
/// plan for one of them, and Error for a batch below 1 or of more bytes than can be counted.
std::vector<int64_t> smallest_limits(std::span<const Profile> profiles, const Budget& budget,
                                     std::span<const int64_t> batches);

/// `plan` carried over to a profile that it was not made for. Sites that it does not name, or whose form this profile
/// does not offer, stay exact and stand in `unknown_sites`; peak, noise and seconds are predicted anew. The limit is
/// the plan's: whether it still holds, and whether device and torch are the same, is for the caller to see. No plan is
/// refused.
Plan apply_plan(const Plan& plan, const Profile& profile);

}  // namespace cinch
