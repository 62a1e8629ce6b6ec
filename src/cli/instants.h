// Instants of a profile in words.
#pragma once

#include <cstdint>
#include <string>

#include "cinch/plan.h"
#include "cinch/profile.h"

namespace cinch::cli {

// "backward of layer1.0.conv2/convolution#0", "forward, layer1.0/relu#0 saves", "between ..." after the last such
// event.
std::string what_happens(const Profile& profile, int32_t instant);

// Where the bytes are at the highest instant under the plan, which must be for this profile's program.
std::string peak_text(const Plan& plan, const Profile& profile);

}  // namespace cinch::cli
