/// The plans of many limits from one search.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/budget.h"
#include "planner/problem.h"

namespace cinch::planner {

struct CurvePlan {
  int64_t room = 0;              ///< the least limit, without the reserve, that it is the answer to
  std::vector<int32_t> options;  ///< of all payloads
};

/// The answers to `steps` + 1 limits, evenly from the least for which a plan within the problem's noise bound is found
/// up to the highest instant with every payload raw; one that is the same as the answer before it is left out. Empty
/// where no plan is within the bound.
std::vector<CurvePlan> plans_along(const Problem& problem, Objective objective, int64_t steps);

}  // namespace cinch::planner
