// The widths of groups with average_bits, by warps: ranges, then units and widths of chunks of 128 groups, four of them
// a lane. Between these steps a block finds thresholds (block_allot.h) and adds up chunks.
#pragma once

#include "src/codec/fixed_rate/average_layout.h"
#include "src/codec/fixed_rate/block_allot.h"
#include "src/codec/fixed_rate/warp_encode.h"

namespace cinch::codec {

constexpr int kGroupsOfLane = static_cast<int>(kAverageChunk) / kLanes;
static_assert(kGroupsOfLane == kWidthsOfByte, "a lane writes a byte of widths");

// A group with a value that cannot be coded has no codes, and no bits that others could have had.
constexpr Sides kPoisonedConstant{kPoisoned.minimum, 0};

template <class T>
struct MeasureJob {
  TensorSource<T> source;
  Sides* sides;
  RangeCounts<1> counts;  // no words: they are counted later
  uint32_t* poisoned;     // counts groups that could not be coded; may be null
};

// One of encoding_pieces(): the ranges of its groups, to the places of their sides.
template <class T, class W>
CINCH_DEVICE_FN void measure_piece(const W& w, const MeasureJob<T>& job, int64_t piece) {
  using Lanes = GroupLanes<T>;
  const int64_t first = piece * Lanes::kTogether, groups = job.source.groups();
  typename W::template Var<LaneValues<T>> in;
  job.source.load(w, first, in);
  typename W::template Var<KeyRange> ranges;
  typename W::template Var<bool> bad;
  w.each([&](int lane) { ranges[lane] = lane_range(in[lane]); });
  group_ranges<T>(w, ranges);
  w.each([&](int lane) {
    const int64_t group = first + Lanes::group(lane);
    const KeyRange range = ranges[lane];
    bad[lane] = false;
    if (!Lanes::is_first(lane) || group >= groups) return;
    bad[lane] = !is_range(range.low, range.high);
    Sides s = sides_of<1>(from_order_key(range.low), from_order_key(range.high));
    if (bad[lane]) s = kPoisonedConstant;
    if (s.step < kLowestRange) s.step = 0;
    job.sides[group] = s;
    if (s.step != 0 && job.counts.words != nullptr) job.counts.add(w, s.step);
  });
  w.count(job.poisoned, bad);
}

// What is added up over chunks.
struct ChunkSums {
  int64_t units;  // of groups, without what those at a threshold may have more
  uint32_t equals[kRaiseCount];

  CINCH_DEVICE_FN ChunkSums& operator+=(const ChunkSums& other) {
    units += other.units;
    CINCH_UNROLL
    for (int i = 0; i < kRaiseCount; ++i) equals[i] += other.equals[i];
    return *this;
  }
};

struct WidthsJob {
  WrittenSections to;
  int64_t groups;
  const Threshold* thresholds;
  ChunkSums* sums;  // one a chunk
};

// A lane's groups in a chunk: ranges are 0 where they are constant and behind the last one. Groups at thresholds are
// counted in bytes.
struct LaneGroups {
  uint32_t ranges[kGroupsOfLane];
  uint32_t units = 0, equals = 0;

  CINCH_DEVICE_FN LaneGroups(const WidthsJob& job, int64_t first) {
    CINCH_UNROLL
    for (int k = 0; k < kGroupsOfLane; ++k) {
      const uint32_t range = ranges[k] = first + k < job.groups ? job.to.sides[first + k].step : 0u;
      if (range == 0) continue;
      ++units;
      CINCH_UNROLL
      for (int i = 0; i < kRaiseCount; ++i) {
        const uint32_t at = job.thresholds[i].range;
        units += range > at ? 1u << i : 0u;
        equals += range == at ? 1u << 8 * i : 0u;
      }
    }
  }
};

template <class W>
CINCH_DEVICE_FN void sum_up_chunk(const W& w, const WidthsJob& job, int64_t chunk) {
  typename W::template Var<uint32_t> units, equals;
  w.each([&](int lane) {
    const LaneGroups own(job, chunk * kAverageChunk + lane * kGroupsOfLane);
    units[lane] = own.units, equals[lane] = own.equals;
  });
  const uint32_t all = w.last(w.sum_up_to(units)), at = w.last(w.sum_up_to(equals));
  w.each([&](int lane) {
    if (lane == 0) job.sums[chunk] = {all, {at & 0xffu, at >> 8 & 0xffu, at >> 16}};
  });
}

// Widths and offset of a chunk; all chunks are summed up.
template <class W>
CINCH_DEVICE_FN void put_widths(const W& w, const WidthsJob& job, int64_t chunk) {
  typename W::template Var<uint32_t> equals;
  const auto first_of = [&](int lane) { return chunk * kAverageChunk + lane * kGroupsOfLane; };
  w.each([&](int lane) { equals[lane] = LaneGroups(job, first_of(lane)).equals; });
  const auto up_to = w.sum_up_to(equals);
  const ChunkSums before = job.sums[chunk];
  w.each([&](int lane) {
    if (first_of(lane) >= job.groups) return;
    const LaneGroups own(job, first_of(lane));
    uint32_t raises[kGroupsOfLane] = {};
    int64_t units = before.units;
    CINCH_UNROLL
    for (int i = 0; i < kRaiseCount; ++i) {
      const Threshold t = job.thresholds[i];
      units += int64_t{before.equals[i] < t.equals ? before.equals[i] : t.equals} << i;
      // Groups at the threshold before this one.
      uint32_t rank = before.equals[i] + ((up_to[lane] - equals[lane]) >> 8 * i & 0xffu);
      CINCH_UNROLL
      for (int k = 0; k < kGroupsOfLane; ++k) {
        const uint32_t range = own.ranges[k];
        const bool equal = range != 0 && range == t.range;
        raises[k] += range > t.range || (equal && rank < t.equals) ? 1 : 0;
        rank += equal ? 1 : 0;
      }
    }
    uint32_t byte = 0;
    CINCH_UNROLL
    for (int k = 0; k < kGroupsOfLane; ++k) byte |= raises[k] << 2 * k;
    job.to.widths[first_of(lane) / kWidthsOfByte] = static_cast<std::byte>(byte);
    if (lane == 0) job.to.offsets[chunk] = units;
  });
}

}  // namespace cinch::codec
