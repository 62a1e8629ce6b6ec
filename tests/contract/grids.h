// Grids for tests, and what they mean one value at a time: the oracle of block averages, written from lfc.md.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "cinch/codec.h"

namespace cinch::testing {

enum class Arrangement { kFlat, kPlanes, kChannelsLast, kTokens, kVolumes };

// A grid of `numel` values, with several slabs, channels and positions as far as numel has factors. kFlat: none.
SideInfo arranged(Arrangement arrangement, int64_t numel);

// The grid of a side information, or one row.
Grid grid_of(const SideInfo& side, int64_t numel);

// Where a value is.
struct Place {
  int64_t slab, d, h, w, i;
  int64_t map, channel;
};
Place place_of(const Grid& grid, int64_t element);

// The average of each value's block, as stored, for every value in memory order.
std::vector<float> block_averages(const std::vector<float>& values, const Grid& grid, int64_t edge);

}  // namespace cinch::testing
