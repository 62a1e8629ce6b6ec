#include "src/codec/fixed_rate/channel_sides.h"

#include <cmath>

#include "src/codec/stage/channel_moments.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

bool channel_sides(const Extent& in, const Grid& grid, int bits, int64_t first, int64_t last,
                   ChannelSides* sides) noexcept {
  const int64_t most = values_looked_at(grid);
  for (int64_t c = first; c < last; ++c) {
    const ChannelMoments m = channel_moments(in, grid, c, most);
    if (!m.finite || !std::isfinite(m.deviation)) return false;
    sides[c] = channel_cells(m.mean, m.deviation, bits, in.dtype);
  }
  return true;
}

}  // namespace cinch::codec
