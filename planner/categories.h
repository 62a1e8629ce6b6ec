/// What the bytes in use at each instant are made of.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/profile.h"

namespace cinch::planner {

/// When payload i is kept as options[choice[i]]. What the profile counts twice (a gradient in a parameter's storage,
/// for instance) is left out of the later categories, so that each instant adds up to simulate()'s bytes.
std::vector<BytesByCategory> by_category(const Profile& profile, const std::vector<int32_t>& choice);

}  // namespace cinch::planner
