/// The plan of those who ask for nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "planner/problem.h"

namespace cinch::planner {

/// Without a limit and for least noise: of every payload its smallest lossless form, where that saves at least 1 KiB.
/// Nothing is offloaded: that costs traffic, and nobody has asked for the bytes. Candidates of `problem`.
std::vector<int32_t> smallest_lossless(const Problem& problem);

}  // namespace cinch::planner
