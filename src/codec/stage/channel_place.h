// Whose channel a value is, in the numbers that a kernel works with: a tile's start takes divisions in 64 bits, from
// there on everything fits 32. For device and walk.
#pragma once

#include "src/codec/stage/grid.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

// Of a grid that holds values. A tile reaches over fewer than kFarPositions positions, so that farther ones need not be
// told apart.
constexpr int64_t kFarPositions = int64_t{1} << 30;

struct ChannelMap {
  int64_t slab_positions;
  uint32_t positions;  // of a slab, at most kFarPositions
  uint32_t inner, channels;
};
constexpr ChannelMap channel_map(const Grid& g) noexcept {
  const int64_t positions = slab_positions(g);
  return {positions, static_cast<uint32_t>(positions < kFarPositions ? positions : kFarPositions),
          static_cast<uint32_t>(g.inner), static_cast<uint32_t>(g.channels)};
}

// The inner index, the channel along outer, and how many positions of the slab are left, this one included.
struct ChannelPlace {
  uint32_t i, channel, left;
};

CINCH_DEVICE_FN int64_t side_of(const ChannelMap& m, ChannelPlace p) {
  return static_cast<int64_t>(p.channel) * m.inner + p.i;
}

CINCH_DEVICE_FN ChannelPlace channel_place(const ChannelMap& m, int64_t element) {
  const auto e = static_cast<uint64_t>(element), positions = static_cast<uint64_t>(m.slab_positions);
  const uint64_t position = e / m.inner, slab = position / positions;
  const uint64_t left = positions - (position - slab * positions);
  return {static_cast<uint32_t>(e - position * m.inner), static_cast<uint32_t>(slab % m.channels),
          static_cast<uint32_t>(left < kFarPositions ? left : kFarPositions)};
}

// `by` elements further on, within a tile.
CINCH_DEVICE_FN ChannelPlace moved(const ChannelMap& m, ChannelPlace p, uint32_t by) {
  uint32_t steps = by;
  if (m.inner > 1) {
    p.i += by;
    steps = p.i / m.inner;
    p.i -= steps * m.inner;
  }
  if (steps < p.left) {
    p.left -= steps;
    return p;
  }
  steps -= p.left;
  const uint32_t slabs = steps / m.positions;
  p.left = m.positions - (steps - slabs * m.positions);
  p.channel = (p.channel + 1 + slabs) % m.channels;
  return p;
}

// The next element. True: its channel is another one.
CINCH_DEVICE_FN bool advance(const ChannelMap& m, ChannelPlace& p) {
  if (++p.i < m.inner) return true;
  p.i = 0;
  if (--p.left > 0) return m.inner > 1;
  p.left = m.positions;
  if (++p.channel == m.channels) p.channel = 0;
  return true;
}

}  // namespace cinch::codec
