// Where a channel's values are sampled and how they are summed up, for the CPU, device and walk. A warp takes a
// channel: run r of the sample is its lane r % 32's, each lane sums up its own runs in order, and then the lanes' sums
// are added in pairs. The CPU keeps as many sums, so that all of them find the same mean.
#pragma once

#include <algorithm>
#include <cmath>

#include "src/codec/stage/grid.h"
#include "src/core/device_fn.h"
#include "src/core/mix.h"

namespace cinch::codec {

constexpr int kMomentSums = 32;  // the lanes of a warp

struct ChannelSample {
  int64_t positions, inner;
  int64_t run;          // values that follow each other, for the sake of caches
  int64_t runs, share;  // one run anywhere in each share of the channel's positions
  int64_t slab_stride;  // elements from a channel's slab to its next one
};

// `most` values, about.
constexpr ChannelSample channel_sample(const Grid& g, int64_t most) noexcept {
  ChannelSample s{};
  s.positions = slab_positions(g);
  s.inner = g.inner;
  s.run = g.inner == 1 ? (s.positions < 16 ? s.positions : 16) : 1;
  const int64_t total = g.outer / g.channels * s.positions;
  const int64_t wanted = ceil_div(most, s.run), there = ceil_div(total, s.run);
  s.runs = wanted < there ? wanted : there;
  s.share = total / s.runs;
  s.slab_stride = g.channels * s.positions * g.inner;
  return s;
}

// The channel's first element.
constexpr int64_t channel_begin(const ChannelSample& s, int64_t channel) noexcept {
  return channel / s.inner * s.positions * s.inner + channel % s.inner;
}
// Elements from there to the begin of a run. At even distances they could all lie at the edge of a map.
constexpr int64_t run_begin(const ChannelSample& s, int64_t channel, int64_t r) noexcept {
  const uint64_t draw = mix64(static_cast<uint64_t>(channel * s.runs + r));
  const int64_t place = r * s.share + static_cast<int64_t>(draw % static_cast<uint64_t>(s.share));
  const int64_t slab = place / s.positions, at = place - slab * s.positions;
  return slab * s.slab_stride + (at < s.positions - s.run ? at : s.positions - s.run) * s.inner;
}

// Sums about an origin, the sample's first value: a large mean must not drown the variance.
struct MomentSums {
  double sum = 0, squares = 0;
};
CINCH_DEVICE_FN void add_value(MomentSums& m, double origin, double value) {
  const double v = value - origin;
  m.sum += v;
  m.squares += v * v;
}
CINCH_DEVICE_FN MomentSums joined(MomentSums a, MomentSums b) { return {a.sum + b.sum, a.squares + b.squares}; }

struct MeanAndDeviation {
  double mean, deviation;
};
CINCH_DEVICE_FN MeanAndDeviation moments_of(MomentSums m, double origin, int64_t count) {
  const double mean = m.sum / static_cast<double>(count);
  const double variance = m.squares / static_cast<double>(count) - mean * mean;
  return {origin + mean, std::sqrt(variance > 0 ? variance : 0.0)};
}

}  // namespace cinch::codec
