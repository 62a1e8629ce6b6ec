// Seeds of what kernels write and the CPU reads: dither in slots, some of whose chunks are coarser.
#pragma once

#include <vector>

#include "tests/fuzz/fuzz.h"

namespace cinch::fuzz {

std::vector<Seed> slot_seeds();

}  // namespace cinch::fuzz
