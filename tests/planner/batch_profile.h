// Profiles of one small program at any batch size: what a sample costs is known.
#pragma once

#include <cstdint>

#include "cinch/profile.h"

namespace cinch::planner::testing {

// Three payloads, one of which (a table that the parameters gave) does not depend on the batch; transients of 300 bytes
// a sample; gradients that come during the backward.
Profile batch_profile(int64_t batch);

}  // namespace cinch::planner::testing
