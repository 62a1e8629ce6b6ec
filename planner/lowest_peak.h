/// How low a peak can be.
#pragma once

#include <cstdint>

#include "planner/compact.h"
#include "planner/state.h"

namespace cinch::planner {

/// The choice of the lowest peak that single changes reach from the smallest forms.
State smallest_forms(const Compact& compact);
/// No choice has a lower peak.
int64_t lowest_peak_bound(const Compact& compact);

}  // namespace cinch::planner
