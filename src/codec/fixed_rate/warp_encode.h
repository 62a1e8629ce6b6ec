// A warp codes two groups, each half of its lanes one: a single read of the input, everything else in registers. The
// bytes are those of the CPU codec.
#pragma once

#include "src/codec/fixed_rate/lane_codes.h"
#include "src/codec/fixed_rate/lane_range.h"
#include "src/codec/stage/rng.h"

namespace cinch::codec {

// Values of a tensor. A short last group goes on with its first value.
template <class T>
struct TensorSource {
  using Value = T;
  const T* in;
  int64_t numel;

  CINCH_DEVICE_FN int64_t groups() const { return group_count(numel); }

  // Groups first and first + 1. Behind the last group the last one is read once more.
  template <class W>
  CINCH_DEVICE_FN void load(const W& w, int64_t first, typename W::template Var<LaneValues<T>>& to) const {
    // One question for all loads: then none of them waits for a branch.
    const bool whole = (first + kTogether) * kGroup <= numel && is_chunk_aligned(in);
    w.each([&](int lane) {
      if (whole)
        load_chunks(first, lane, to[lane]);
      else
        load_values(first, lane, to[lane]);
    });
  }

 private:
  using Lanes = GroupLanes<T>;

  CINCH_DEVICE_FN void load_chunks(int64_t first, int lane, LaneValues<T>& to) const {
    const T* from = in + first * kGroup + (Lanes::group(lane) * static_cast<int>(kGroup) + Lanes::begin(lane));
    CINCH_UNROLL
    for (int row = 0; row < kRowsOfLane; ++row) {
      CINCH_UNROLL
      for (int c = 0; c < Lanes::kChunks; ++c)
        to.at[row][c] = *reinterpret_cast<const Chunk*>(from + Lanes::offset(row, c));
    }
  }
  CINCH_DEVICE_FN void load_values(int64_t first, int lane, LaneValues<T>& to) const {
    const int64_t last = groups() - 1, own = first + Lanes::group(lane);
    const int64_t begin = (own < last ? own : last) * kGroup, count = numel - begin;
    CINCH_UNROLL
    for (int row = 0; row < kRowsOfLane; ++row) {
      CINCH_UNROLL
      for (int c = 0; c < Lanes::kChunks; ++c) {
        const int element = Lanes::begin(lane) + Lanes::offset(row, c);
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i)
          set_chunk_value(to.at[row][c], i, in[begin + (element + i < count ? element + i : 0)]);
      }
    }
  }
};

template <class Source>
struct EncodeJob {
  Source source;
  uint64_t key;  // of the generator
  Sides* sides;
  std::byte* codes;
  uint32_t* poisoned;  // counts groups that could not be coded; may be null
};

// Draws in the memory of a warp: [group][pair of rows][column]. The strides are such that no two lanes that read
// 16 bytes each at a time meet in a bank.
constexpr int kPairStride = 24, kDrawStride = 8 * kPairStride + 16;
constexpr int kScratchWords = kTogether * kDrawStride;

// Where a column's draw is among those of its pair: the first four columns of both lanes, then the other four.
template <class T>
constexpr int draw_place(int column) noexcept {
  constexpr int kValues = GroupLanes<T>::kValues;
  const int lane = column / kValues % 2, own = column / (2 * kValues) * kValues + column % kValues;
  return (own / 4 * 2 + lane) * 4 + own % 4;
}

// Draws of both groups: 16 lanes a group, each follows one column's chain.
template <class T, class W>
CINCH_DEVICE_FN void make_draws(const W& w, uint64_t key, int64_t first) {
  w.sync();  // nobody reads those of the groups before any more
  w.each([&](int lane) {
    const int group = lane / kLanesOfHalf, column = lane % kLanesOfHalf;
    uint32_t* to = w.scratch + group * kDrawStride + draw_place<T>(column);
    uint32_t x = first_draw(group_key(key, first + group), static_cast<uint32_t>(column));
    CINCH_UNROLL
    for (int pair = 0; pair < 8; ++pair, x = next_draw(x)) to[pair * kPairStride] = x;
  });
  w.sync();
}

template <class T>
CINCH_DEVICE_FN void read_draws(const uint32_t* scratch, int lane, uint32_t* draws) {
  using Lanes = GroupLanes<T>;
  const uint32_t* from = scratch + Lanes::group(lane) * kDrawStride + Lanes::pair(lane) * kPairStride + lane % 2 * 4;
  CINCH_UNROLL
  for (int c = 0; c < kColumnsOfLane; c += 4) {
    const Chunk chunk = *reinterpret_cast<const Chunk*>(from + 2 * c);
    CINCH_UNROLL
    for (int i = 0; i < 4; ++i) draws[c + i] = chunk.words[i];
  }
}

CINCH_DEVICE_FN uint32_t low_halves(uint32_t low, uint32_t high) {
#if defined(__CUDA_ARCH__)
  return __byte_perm(low, high, 0x5410);
#else
  return (low & 0xffffu) | high << 16;
#endif
}

// Codes of a lane's values. Both rows of a column share an addition: 16 bits each, and no sum carries.
template <int kBits, bool kNearest, class T>
CINCH_DEVICE_FN void quantise(const LaneValues<T>& x, Sides sides, const uint32_t* draws,
                              Words<LaneCodes<kBits>::kWords>& words) {
  using Codes = LaneCodes<kBits>;
  constexpr int kFraction = 16 - kBits;
  constexpr uint32_t kMask = ((1u << kFraction) - 1) * Codes::kBoth, kHalf = (1u << (kFraction - 1)) * Codes::kBoth;
  const float minimum = bf16_to_float(sides.minimum), step = bf16_to_float(sides.step);
  const float scale = step > 0.0f ? step_reciprocal(step) * static_cast<float>(1u << kFraction) : 0.0f;
  CINCH_UNROLL
  for (int i = 0; i < Codes::kWords; ++i) words.at[i] = 0;
  CINCH_UNROLL
  for (int c = 0; c < kColumnsOfLane; ++c) {
    // Rounds to nearest even and leaves the integer in the low bits.
    const auto rounded = [&](int row) {
      return std::bit_cast<uint32_t>((x.value(row, c) - minimum) * scale + 12582912.0f);
    };
    const uint32_t both = low_halves(rounded(0), rounded(1));
    const uint32_t sum = both + (kNearest ? kHalf : draws[c] & kMask);
    const int shift = kBits * Codes::field(c);
    words.at[Codes::word(c)] |= sum >> (kFraction - shift) & Codes::kCode << shift;
  }
}

// Stores the sides of both groups; each lane has those of its own.
template <int kBits, class Source, class W>
CINCH_DEVICE_FN void find_sides(const W& w, const EncodeJob<Source>& job, int64_t first,
                                const typename W::template Var<LaneValues<typename Source::Value>>& in,
                                typename W::template Var<Sides>& sides) {
  using Lanes = GroupLanes<typename Source::Value>;
  const int64_t groups = job.source.groups();
  typename W::template Var<int32_t> low, high;
  typename W::template Var<bool> bad;
  w.each([&](int lane) {
    const KeyRange range = lane_range(in[lane]);
    low[lane] = range.low;
    high[lane] = range.high;
  });
  const auto min = w.half_min(low), max = w.half_max(high);
  w.each([&](int lane) {
    const bool stores = lane % kLanesOfHalf == 0 && first + Lanes::group(lane) < groups;
    const KeyRange range{min[lane], max[lane]};
    const Sides s = sides_of<(1 << kBits) - 1>(from_order_key(range.low), from_order_key(range.high));
    const bool is_bad = !is_coded_range(range);
    sides[lane] = is_bad ? kPoisoned : s;
    bad[lane] = is_bad && stores;
    if (stores) job.sides[first + Lanes::group(lane)] = sides[lane];
  });
  if (w.any(bad)) w.count_lanes(job.poisoned, bad);
}

// Groups first and, if there is one, first + 1.
template <int kBits, bool kNearest, class Source, class W>
CINCH_DEVICE_FN void encode_groups_of_warp(const W& w, const EncodeJob<Source>& job, int64_t first) {
  using T = typename Source::Value;
  using Codes = LaneCodes<kBits>;
  typename W::template Var<LaneValues<T>> in;
  job.source.load(w, first, in);
  if constexpr (!kNearest) make_draws<T>(w, job.key, first);  // while the values are on their way
  typename W::template Var<Sides> sides;
  find_sides<kBits>(w, job, first, in, sides);
  typename W::template Var<Words<Codes::kWords>> words;
  w.each([&](int lane) {
    uint32_t draws[kColumnsOfLane] = {};
    if constexpr (!kNearest) read_draws<T>(w.scratch, lane, draws);
    quantise<kBits, kNearest, T>(in[lane], sides[lane], draws, words[lane]);
    CINCH_UNROLL
    for (int i = 0; i < Codes::kWords; ++i) words[lane].at[i] = is_poisoned(sides[lane]) ? 0u : words[lane].at[i];
  });
  transpose<kBits>(w, words);
  w.each([&](int lane) {
    const int64_t group = first + GroupLanes<T>::group(lane);
    if (group >= job.source.groups()) return;
    store_code_words<kBits, T>(words[lane], job.codes + group * code_bytes(kBits), lane);
  });
}

}  // namespace cinch::codec
