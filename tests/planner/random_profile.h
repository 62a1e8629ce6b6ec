// Random profiles with the shape of training: payloads are saved on the way up and used and freed on the way down.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "cinch/profile.h"

namespace cinch::planner::testing {

struct RandomShape {
  int payloads = 6;
  int options = 5;         ///< at most, `keep` included
  int instants = 0;        ///< 0: two for each payload
  bool irregular = false;  ///< any lifetimes and uses instead of forward and backward
};

Profile random_profile(uint64_t seed, const RandomShape& shape);

}  // namespace cinch::planner::testing
