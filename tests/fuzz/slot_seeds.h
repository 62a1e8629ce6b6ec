// Seeds of what kernels write and the CPU reads: dither and error_bound in slots, some of whose chunks have other
// forms than the CPU's.
#pragma once

#include <vector>

#include "tests/fuzz/fuzz.h"

namespace cinch::fuzz {

std::vector<Seed> slot_seeds();

}  // namespace cinch::fuzz
