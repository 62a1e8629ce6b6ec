/// What a choice means to users: the plan that says it.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/plan.h"
#include "cinch/profile.h"
#include "planner/problem.h"

namespace cinch::planner {

/// Indices of candidates -> indices of options.
std::vector<int32_t> options_of(const Problem& problem, const std::vector<int32_t>& candidates);

/// The plan of these options: entries, predicted peak, noise and time. `limit` and `floor` are written down as they
/// are.
Plan describe(const Profile& profile, const std::vector<int32_t>& options, int64_t limit, int64_t floor);

/// The part of the plan's noise variance that `variance` is; 0 where there is none.
double noise_share(const Plan& plan, double variance);

}  // namespace cinch::planner
