/// Profiles to measure the planner with: forward and backward of a deep network as a guard would have seen it. No
/// torch.
#pragma once

#include <cstdint>

#include "cinch/profile.h"

namespace cinch::bench {

struct PlannerShape {
  int payloads = 1000;
  int options = 24;  ///< of each payload, `keep` included
  int instants = 2000;
};

/// Saves on the way up, uses and frees on the way down. Sizes from 64 KiB to 32 MiB; a tenth of the payloads is held by
/// the user for a while (residual connections), a tenth has two uses, a twentieth has lossless options alone;
/// workspaces of up to 64 MiB. The same seed gives the same profile everywhere.
Profile planner_profile(uint64_t seed, const PlannerShape& shape = {});

/// Few payloads, so that every choice can be tried: 5 or 6 with 4 or 5 options each over 12 to 20 instants.
Profile small_planner_profile(uint64_t seed);

}  // namespace cinch::bench
