#include "src/codec/stage/channel_moments.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "src/codec/stage/chunk.h"
#include "src/codec/stage/grid.h"
#include "src/core/mix.h"

namespace cinch::codec {
namespace {

template <class T>
ChannelMoments sample(const T* data, const Grid& g, int64_t channel, int64_t most) noexcept {
  const int64_t positions = slab_positions(g), run = g.inner == 1 ? std::min<int64_t>(16, positions) : 1;
  const int64_t total = g.outer / g.channels * positions;
  const int64_t runs = std::min(ceil_div(most, run), ceil_div(total, run)), stride = total / runs;
  const int64_t slab_stride = g.channels * positions * g.inner;
  const T* base = data + channel / g.inner * positions * g.inner + channel % g.inner;
  ChannelMoments m;
  double origin = 0, sum = 0, squares = 0;
  for (int64_t r = 0; r < runs; ++r) {
    const uint64_t draw = mix64(static_cast<uint64_t>(channel * runs + r));
    const int64_t place = r * stride + static_cast<int64_t>(draw % static_cast<uint64_t>(stride));
    const int64_t slab = place / positions, at = place % positions;
    const T* from = base + slab * slab_stride + std::min(at, positions - run) * g.inner;
    for (int64_t i = 0; i < run; ++i) {
      T element;
      std::memcpy(&element, from + i, sizeof element);
      const double v = to_float(element);
      if (!std::isfinite(v)) {
        m.finite = false;
        continue;
      }
      // About the first value: a large mean must not drown the variance.
      if (m.count++ == 0) origin = v;
      m.zeros += v == 0 ? 1 : 0;
      sum += v - origin;
      squares += (v - origin) * (v - origin);
    }
  }
  if (m.count == 0) return m;
  const double mean = sum / static_cast<double>(m.count);
  m.mean = origin + mean;
  m.deviation = std::sqrt(std::max(0.0, squares / static_cast<double>(m.count) - mean * mean));
  return m;
}

}  // namespace

ChannelMoments channel_moments(const Extent& in, const Grid& grid, int64_t channel, int64_t most) noexcept {
  switch (in.dtype) {
    case DType::kFloat32:
      return sample(static_cast<const float*>(in.data), grid, channel, most);
    case DType::kBFloat16:
      return sample(static_cast<const Bf16*>(in.data), grid, channel, most);
    default:
      return sample(static_cast<const Fp16*>(in.data), grid, channel, most);
  }
}

}  // namespace cinch::codec
