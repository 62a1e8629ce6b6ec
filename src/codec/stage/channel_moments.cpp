#include "src/codec/stage/channel_moments.h"

#include <cmath>
#include <cstring>

#include "src/codec/stage/channel_sample.h"
#include "src/codec/stage/chunk.h"

namespace cinch::codec {
namespace {

template <class T>
ChannelMoments sample(const T* data, const Grid& g, int64_t channel, int64_t most) noexcept {
  const ChannelSample s = channel_sample(g, most);
  const T* begin = data + channel_begin(s, channel);
  ChannelMoments m;
  double origin = 0;
  MomentSums sums[kMomentSums];
  for (int64_t r = 0; r < s.runs; ++r) {
    const T* from = begin + run_begin(s, channel, r);
    MomentSums& own = sums[r % kMomentSums];
    for (int64_t i = 0; i < s.run; ++i) {
      T element;
      std::memcpy(&element, from + i, sizeof element);
      const double v = to_float(element);
      if (!std::isfinite(v)) {
        m.finite = false;
        continue;
      }
      if (m.count++ == 0) origin = v;
      m.zeros += v == 0 ? 1 : 0;
      add_value(own, origin, v);
    }
  }
  if (m.count == 0) return m;
  for (int half = kMomentSums / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) sums[i] = joined(sums[i], sums[i + half]);
  const MeanAndDeviation found = moments_of(sums[0], origin, m.count);
  m.mean = found.mean;
  m.deviation = found.deviation;
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
