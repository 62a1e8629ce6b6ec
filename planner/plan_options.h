/// A plan read against a profile: which option of each payload it means.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cinch/plan.h"
#include "cinch/profile.h"

namespace cinch::planner {

struct PlanOptions {
  std::vector<int32_t> options;            ///< of each payload; 0 (exact, as it is) where the plan gives none
  std::vector<std::string> unknown_sites;  ///< of the profile: not in the plan, or not followed
};

/// The profile must be sound.
PlanOptions plan_options(const Plan& plan, const Profile& profile);

}  // namespace cinch::planner
