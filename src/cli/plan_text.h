// A plan in words.
#pragma once

#include <string>

#include "cinch/plan.h"

namespace cinch::cli {

// Limit, peak, payloads, noise and time: four lines.
std::string summary(const Plan& plan);

// "+6.8 ms a step".
std::string extra_time(double seconds);

}  // namespace cinch::cli
