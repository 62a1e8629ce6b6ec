/// Profile + budget -> plan. Pure functions: same input, same plan; no torch, no device, no globals; any thread.
#pragma once

#include <cstdint>

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

}  // namespace cinch
