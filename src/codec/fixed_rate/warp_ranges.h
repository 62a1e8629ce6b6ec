// The range of what averages leave of each map, by warps: one takes a map, or 32 maps at neighbouring inner indices, a
// lane each. Of large maps several warps take parts, and meet in a pair of numbers in memory.
#pragma once

#include "src/codec/fixed_rate/lane_range.h"
#include "src/codec/stage/grid_place.h"

namespace cinch::codec {

constexpr int64_t kPartPositions = 4096;

constexpr KeyRange kNoRange{0x7fffffff, -0x7fffffff - 1};

template <class T>
struct RangeJob {
  const T* in;
  const uint16_t* averages;
  BlockMap map;
  int64_t slab_positions;
  int64_t outer;
  int64_t parts;    // of a map
  int64_t bundles;  // of maps that a warp takes at once, of a slab
  int bits;
  KeyRange* keys;  // one a map, where there are parts
  Sides* sides;
  uint32_t* poisoned;  // counts maps that cannot be coded; may be null

  constexpr int64_t pieces() const { return outer * bundles * parts; }
};
template <class T>
RangeJob<T> range_job(const T* in, const uint16_t* averages, const Grid& g, const Blocks& b, int bits, KeyRange* keys,
                      Sides* sides, uint32_t* poisoned) {
  const int64_t positions = slab_positions(g), parts = ceil_div(positions, kPartPositions);
  return {in,   averages, block_map(g, b), positions, g.outer, parts, ceil_div(g.inner, kLanes),
          bits, keys,     sides,           poisoned};
}

CINCH_DEVICE_FN void add_residual(KeyRange& range, float x, uint16_t average) {
  range = joined(range, range_of_key(order_key(x - bf16_to_float(average))));
}

// Sides of a map. True: it cannot be coded.
CINCH_DEVICE_FN bool put_map_sides(KeyRange range, int bits, Sides* sides) {
  const bool good = is_range(range.low, range.high);
  *sides = good ? make_sides(from_order_key(range.low), from_order_key(range.high), (1 << bits) - 1) : kPoisoned;
  return !good;
}

// Up to a chunk of values; zeros behind them.
template <class T>
CINCH_DEVICE_FN void load_up_to(const T* from, int64_t count, float* x) {
  constexpr int kValues = kChunkValues<T>;
  if (count >= kValues && is_chunk_aligned(from)) {
    const Chunk chunk = *reinterpret_cast<const Chunk*>(from);
    CINCH_UNROLL
    for (int i = 0; i < kValues; ++i) x[i] = to_float(chunk_value<T>(chunk, i));
  } else {
    CINCH_UNROLL
    for (int i = 0; i < kValues; ++i) x[i] = i < count ? to_float(from[i]) : 0.0f;
  }
}

// inner = 1: lanes take chunks of the map's positions.
template <class T, class W>
CINCH_DEVICE_FN void range_of_map(const W& w, const RangeJob<T>& job, int64_t slab, int64_t begin, int64_t end,
                                  typename W::template Var<KeyRange>& range) {
  constexpr int kValues = kChunkValues<T>;
  const T* in = job.in + slab * job.slab_positions + begin;
  const int count = static_cast<int>(end - begin);
  const GridPlace start = place_at(job.map.grid, slab * job.slab_positions + begin);
  w.each([&](int lane) {
    KeyRange own = kNoRange;
    CINCH_ROLLED
    for (int at = lane * kValues; at < count; at += kLanes * kValues) {
      float x[kValues];
      load_up_to(in + at, count - at, x);
      BlockWalk walk = walk_from(job.map, moved(job.map.grid, start, static_cast<uint32_t>(at)));
      CINCH_UNROLL
      for (int i = 0; i < kValues; ++i) {
        if (at + i < count) add_residual(own, x[i], job.averages[walk.average()]);
        walk.advance(job.map);
      }
    }
    range[lane] = own;
  });
  typename W::template Var<int32_t> low, high;
  w.each([&](int lane) { low[lane] = range[lane].low, high[lane] = range[lane].high; });
  const KeyRange all{w.min(low), w.max(high)};
  w.each([&](int lane) { range[lane] = all; });
}

// inner > 1: each lane takes an inner index, and goes from position to position.
template <class T, class W>
CINCH_DEVICE_FN void range_of_maps(const W& w, const RangeJob<T>& job, int64_t slab, int64_t first, int64_t begin,
                                   int64_t end, typename W::template Var<KeyRange>& range) {
  constexpr int kAtOnce = 4;  // loads on their way together
  const int64_t inner = job.map.grid.inner, position = slab * job.slab_positions + begin;
  const int count = static_cast<int>(end - begin);
  const GridPlace start = place_at(job.map.grid, position * inner);
  w.each([&](int lane) {
    range[lane] = kNoRange;
    if (first + lane >= inner) return;
    KeyRange own = kNoRange;
    BlockWalk walk = walk_from(job.map, start);
    walk.place.i = static_cast<uint32_t>(first + lane);
    const T* in = job.in + position * inner + walk.place.i;
    CINCH_ROLLED
    for (int at = 0; at < count; at += kAtOnce) {
      T x[kAtOnce];
      CINCH_UNROLL
      for (int i = 0; i < kAtOnce; ++i) x[i] = in[(at + i < count ? at + i : 0) * inner];
      CINCH_UNROLL
      for (int i = 0; i < kAtOnce; ++i) {
        if (at + i >= count) continue;
        add_residual(own, to_float(x[i]), job.averages[walk.average()]);
        walk.next_position(job.map);
      }
    }
    range[lane] = own;
  });
}

// One part of one bundle of maps: their sides where it is the only part, else their keys.
template <class T, class W>
CINCH_DEVICE_FN void range_piece(const W& w, const RangeJob<T>& job, int64_t piece) {
  const int64_t bundle = piece / job.parts, part = piece - bundle * job.parts;
  const int64_t slab = bundle / job.bundles, first = (bundle - slab * job.bundles) * kLanes;
  const int64_t begin = part * kPartPositions;
  const int64_t end = begin + kPartPositions < job.slab_positions ? begin + kPartPositions : job.slab_positions;
  const bool single = job.map.grid.inner == 1;
  typename W::template Var<KeyRange> range;
  if (single)
    range_of_map(w, job, slab, begin, end, range);
  else
    range_of_maps(w, job, slab, first, begin, end, range);
  typename W::template Var<bool> bad;
  w.each([&](int lane) {
    bad[lane] = false;
    if (single ? lane != 0 : first + lane >= job.map.grid.inner) return;
    const int64_t map = slab * job.map.grid.inner + first + lane;
    if (job.parts == 1) {
      bad[lane] = put_map_sides(range[lane], job.bits, job.sides + map);
    } else {
      w.lower(&job.keys[map].low, range[lane].low);
      w.raise(&job.keys[map].high, range[lane].high);
    }
  });
  w.count(job.poisoned, bad);
}

// Before and after maps in parts, 32 maps at once.
template <class T, class W>
CINCH_DEVICE_FN void clear_keys(const W& w, const RangeJob<T>& job, int64_t first) {
  const int64_t maps = job.outer * job.map.grid.inner;
  w.each([&](int lane) {
    if (first + lane < maps) job.keys[first + lane] = kNoRange;
  });
}
template <class T, class W>
CINCH_DEVICE_FN void keys_to_sides(const W& w, const RangeJob<T>& job, int64_t first) {
  const int64_t maps = job.outer * job.map.grid.inner;
  typename W::template Var<bool> bad;
  w.each([&](int lane) {
    const int64_t map = first + lane;
    bad[lane] = map < maps && put_map_sides(job.keys[map], job.bits, job.sides + map);
  });
  w.count(job.poisoned, bad);
}

}  // namespace cinch::codec
