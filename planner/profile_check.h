/// Is a profile sound? Everything behind this check may index without looking.
#pragma once

#include <optional>
#include <string>

#include "cinch/profile.h"

namespace cinch::planner {

/// What is wrong and where.
struct Defect {
  std::string pointer;  ///< as in the profile's JSON form
  std::string expected;
};

/// The first defect of indices, ranges and numbers, or nothing. Sums of bytes of a sound profile fit into 64 bits.
std::optional<Defect> find_defect(const Profile& profile);

/// Throws Error for a profile that find_defect refuses.
void require_sound(const Profile& profile);

}  // namespace cinch::planner
