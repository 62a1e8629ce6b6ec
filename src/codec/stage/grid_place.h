// Where in a grid a value is, in the numbers that a kernel works with: a tile's start takes divisions in 64 bits, from
// there on everything fits 32 but the slab. For device and walk.
#pragma once

#include "src/codec/stage/grid.h"
#include "src/core/device_fn.h"

namespace cinch::codec {

// Whether a kernel does it: each side below 2^31. (The inner size is, everywhere.)
constexpr bool is_mappable(const Grid& g) noexcept {
  constexpr int64_t kMost = int64_t{1} << 31;
  return g.sides[0] < kMost && g.sides[1] < kMost && g.sides[2] < kMost;
}

struct GridMap {
  uint32_t inner, width, height, depth;
};
// Of a grid that holds values, and of its averages: blocks of positions lie as positions do.
constexpr GridMap grid_map(const Grid& g) noexcept {
  return {static_cast<uint32_t>(g.inner), static_cast<uint32_t>(g.sides[2]), static_cast<uint32_t>(g.sides[1]),
          static_cast<uint32_t>(g.sides[0])};
}
constexpr GridMap average_map(const Grid& g, const Blocks& b) noexcept {
  return {static_cast<uint32_t>(g.inner), static_cast<uint32_t>(b.counts[2]), static_cast<uint32_t>(b.counts[1]),
          static_cast<uint32_t>(b.counts[0])};
}

struct GridPlace {
  uint32_t i, w, h, d;
  uint64_t slab;
};

CINCH_DEVICE_FN GridPlace place_at(const GridMap& m, int64_t element) {
  const auto e = static_cast<uint64_t>(element);
  const uint64_t position = e / m.inner, line = position / m.width, plane = line / m.height, slab = plane / m.depth;
  return {static_cast<uint32_t>(e - position * m.inner), static_cast<uint32_t>(position - line * m.width),
          static_cast<uint32_t>(line - plane * m.height), static_cast<uint32_t>(plane - slab * m.depth), slab};
}

// `by` elements further on, less than 2^30. Divides as far as the step reaches.
CINCH_DEVICE_FN GridPlace moved(const GridMap& m, GridPlace p, uint32_t by) {
  const auto carry = [](uint32_t& at, uint32_t size, uint32_t& step) {
    at += step;
    step = at < size ? 0 : at / size;
    at -= step * size;
    return step > 0;
  };
  if (carry(p.i, m.inner, by) && carry(p.w, m.width, by) && carry(p.h, m.height, by) && carry(p.d, m.depth, by))
    p.slab += by;
  return p;
}

// A grid and its blocks: which average a place has.
struct BlockMap {
  GridMap grid;
  uint32_t edge, blocks_w, blocks_h;
  int64_t slab_averages;
};
constexpr BlockMap block_map(const Grid& g, const Blocks& b) noexcept {
  return {grid_map(g), static_cast<uint32_t>(b.edge), static_cast<uint32_t>(b.counts[2]),
          static_cast<uint32_t>(b.counts[1]), slab_averages(g, b)};
}

// A place and its block's average, moving on value by value.
struct BlockWalk {
  GridPlace place;
  int64_t block;  // index of the block's first average, that of inner index 0
  uint32_t left;  // positions to the end of the block's row, were the row long enough

  CINCH_DEVICE_FN int64_t average() const { return block + place.i; }
  CINCH_DEVICE_FN int64_t map(const BlockMap& m) const {
    return static_cast<int64_t>(place.slab) * m.grid.inner + place.i;
  }
  CINCH_DEVICE_FN void find(const BlockMap& m) {
    const uint32_t column = place.w / m.edge;
    const int64_t row = static_cast<int64_t>(place.d / m.edge) * m.blocks_h + place.h / m.edge;
    block = static_cast<int64_t>(place.slab) * m.slab_averages + (row * m.blocks_w + column) * m.grid.inner;
    left = (column + 1) * m.edge - place.w;
  }
  CINCH_DEVICE_FN void advance(const BlockMap& m) {
    if (++place.i < m.grid.inner) return;
    place.i = 0;
    next_position(m);
  }
  CINCH_DEVICE_FN void next_position(const BlockMap& m) {
    if (++place.w < m.grid.width) {
      if (--left > 0) return;
      left = m.edge;
      block += m.grid.inner;
      return;
    }
    place.w = 0;
    if (++place.h == m.grid.height) {
      place.h = 0;
      if (++place.d == m.grid.depth) place.d = 0, ++place.slab;
    }
    find(m);
  }
};
CINCH_DEVICE_FN BlockWalk walk_from(const BlockMap& m, GridPlace place) {
  BlockWalk walk{place, 0, 0};
  walk.find(m);
  return walk;
}

}  // namespace cinch::codec
