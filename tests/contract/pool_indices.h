// Indices as a max-pool of a geometry gives them.
#pragma once

#include <cstdint>
#include <vector>

#include "cinch/codec.h"

namespace cinch::testing {

// In memory order; each a random cell of its window that lies in the plane.
std::vector<int64_t> pool_indices(const PoolGeometry& pool, uint32_t seed);

}  // namespace cinch::testing
