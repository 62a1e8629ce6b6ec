#include "src/codec/fixed_rate/channel_sides.h"

#include <algorithm>
#include <cmath>

#include "src/codec/stage/channel_moments.h"
#include "src/codec/stage/grid.h"

namespace cinch::codec {

ChannelSides channel_cells(double mean, double deviation, int bits, DType dtype) noexcept {
  const double levels = 1 << bits, low = mean - 3 * deviation, high = mean + 3 * deviation;
  double step = 6 * deviation / levels;
  if (low >= 0)
    step = high / (levels - 1);
  else if (high <= 0)
    step = -low / (levels - 1);
  // Half of a smaller step could be rounded to zero, and its sign be lost. No value that is coded needs a larger one.
  const double smallest = dtype == DType::kFloat16 ? 0x1p-23 : 0x1p-100;
  ChannelSides s;
  s.step = bf16_ceil(static_cast<float>(std::clamp(step, smallest, 0x1p120)));
  double shift = levels / 2 - std::floor(mean / bf16_to_float(s.step));
  if (low >= 0)
    shift = 1;
  else if (high <= 0)
    shift = levels - 1;
  s.shift = static_cast<uint16_t>(std::clamp(shift, 1.0, levels - 1));
  return s;
}

bool channel_sides(const Extent& in, const Grid& grid, int bits, int64_t first, int64_t last,
                   ChannelSides* sides) noexcept {
  const int64_t most = std::max(kChannelSample, kTensorSample / channel_count(grid));
  for (int64_t c = first; c < last; ++c) {
    const ChannelMoments m = channel_moments(in, grid, c, most);
    if (!m.finite || !std::isfinite(m.deviation)) return false;
    sides[c] = channel_cells(m.mean, m.deviation, bits, in.dtype);
  }
  return true;
}

}  // namespace cinch::codec
