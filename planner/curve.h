/// The plans of many limits from one search.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/budget.h"
#include "planner/problem.h"

namespace cinch::planner {

/// Options of all payloads for `steps` + 1 peaks, evenly from the lowest that a plan within the problem's noise bound
/// has up to the highest instant with every payload raw; one that is the same as the plan before it is left out. Empty
/// where no plan is within the bound.
std::vector<std::vector<int32_t>> plans_along(const Problem& problem, Objective objective, int64_t steps);

}  // namespace cinch::planner
