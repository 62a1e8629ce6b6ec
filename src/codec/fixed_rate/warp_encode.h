// A warp codes two groups: one read of the input, everything else in registers. The bytes are those of the CPU codec.
#pragma once

#include "src/codec/fixed_rate/lanes.h"
#include "src/codec/stage/rng.h"

namespace cinch::codec {

// Values of a tensor. A short last group goes on with its first value.
template <class T>
struct TensorSource {
  using Value = T;
  const T* in;
  int64_t numel;

  CINCH_DEVICE_FN int64_t groups() const { return group_count(numel); }
  // Whether load_whole() may be used for all groups before `end`.
  CINCH_DEVICE_FN bool is_whole(int64_t end) const { return end * kGroup <= numel && is_chunk_aligned(in); }
  // Values (lane, load, 0 ..) of a group.
  CINCH_DEVICE_FN void load_whole(int64_t group, int lane, int load, float* x) const {
    using Lanes = GroupLanes<T>;
    const int element = Lanes::row(lane, load) * static_cast<int>(kColumns) + Lanes::column(lane);
    const Chunk chunk = *reinterpret_cast<const Chunk*>(in + group * kGroup + element);
    CINCH_UNROLL
    for (int i = 0; i < Lanes::kValues; ++i) x[i] = to_float(chunk_value<T>(chunk, i));
  }
  CINCH_DEVICE_FN void load(int64_t group, int lane, int load, float* x) const {
    using Lanes = GroupLanes<T>;
    const T* from = in + group * kGroup;
    const int64_t count = numel - group * kGroup;
    const int element = Lanes::row(lane, load) * static_cast<int>(kColumns) + Lanes::column(lane);
    CINCH_UNROLL
    for (int i = 0; i < Lanes::kValues; ++i) x[i] = to_float(from[element + i < count ? element + i : 0]);
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

constexpr int kDrawStride =
    8 * static_cast<int>(kColumns) + 16;  // of a group's draws: the two groups in different banks
constexpr int kScratchWords = kTogether * kDrawStride;

template <class T>
struct LoadedGroups {
  float x[kTogether][GroupLanes<T>::kLoads][GroupLanes<T>::kValues];
};

// Draws of both groups, [group][pair of rows][column]: 16 lanes a group, each follows one column's chain.
template <class W>
CINCH_DEVICE_FN void make_draws(const W& w, uint64_t key, int64_t first) {
  w.sync();  // nobody reads those of the groups before any more
  w.each([&](int lane) {
    const int group = lane / static_cast<int>(kColumns), column = lane % static_cast<int>(kColumns);
    uint32_t* to = w.scratch + group * kDrawStride + column;
    uint32_t x = first_draw(group_key(key, first + group), static_cast<uint32_t>(column));
    CINCH_UNROLL
    for (int pair = 0; pair < 8; ++pair, x = next_draw(x)) to[pair * kColumns] = x;
  });
  w.sync();
}

// Codes of a lane's values at their places in the column's words, everything else zero.
template <int kBits, bool kNearest, class T>
CINCH_DEVICE_FN void quantise(const float* x, Sides sides, int row, const uint32_t* draws, uint32_t* words) {
  constexpr int kFraction = 16 - kBits;
  constexpr uint32_t kMask = (1u << kFraction) - 1;
  const float minimum = bf16_to_float(sides.minimum), step = bf16_to_float(sides.step);
  const float scale = step > 0.0f ? static_cast<float>(1u << kFraction) / step : 0.0f;
  CINCH_UNROLL
  for (int i = 0; i < GroupLanes<T>::kValues; ++i) {
    // Rounds to nearest even and leaves the integer in the low bits.
    const float sum = (x[i] - minimum) * scale + 12582912.0f;
    const uint32_t t = std::bit_cast<uint32_t>(sum) & 0xffffu;
    const uint32_t dither = kNearest ? 1u << (kFraction - 1) : draws[i] >> (row % 2 * 16) & kMask;
    words[i] |= (t + dither) >> kFraction << CodeWords<kBits>::shift(row);
  }
}

template <int kBits, class T, class W>
CINCH_DEVICE_FN void store_codes(const W& w, typename W::template Var<Words<CodeLanes<kBits, T>::kCount>>& words,
                                 std::byte* codes, int64_t first, int64_t groups) {
  using Lanes = GroupLanes<T>;
  using Codes = CodeLanes<kBits, T>;
  scatter_or<Codes::kCount, Codes::kSet, Lanes::kRowLanes>(w, words);
  w.each([&](int lane) {
    const int begin = scattered_begin<Codes::kCount, Codes::kSet, Lanes::kRowLanes>(lane);
    const int i = begin % Lanes::kValues, slot = begin / Lanes::kValues % Codes::kSlots;
    const int64_t group = first + begin / Lanes::kValues / Codes::kSlots;
    if (group >= groups) return;
    const int block = CodeWords<kBits>::block(Lanes::row(lane, slot));
    const int place = block * static_cast<int>(kColumns) + Lanes::column(lane) + i;
    std::byte* to = codes + group * code_bytes(kBits);
    CINCH_UNROLL
    for (int k = 0; k < Codes::kHeld; ++k) {
      const uint32_t word = words[lane].at[k];
      if constexpr (kBits == 1)
        reinterpret_cast<uint16_t*>(to)[place + k] = static_cast<uint16_t>((word & 0xffu) | (word >> 8 & 0xff00u));
      else
        reinterpret_cast<uint32_t*>(to)[place + k] = word;
    }
  });
}

template <class Source, class W>
CINCH_DEVICE_FN void load_groups(const W& w, const Source& source, int64_t first,
                                 typename W::template Var<LoadedGroups<typename Source::Value>>& in) {
  using Lanes = GroupLanes<typename Source::Value>;
  const int64_t groups = source.groups();
  // One question for all loads: then none of them waits for a branch.
  const bool whole = source.is_whole(first + kTogether);
  w.each([&](int lane) {
    if (whole) {
      CINCH_UNROLL
      for (int g = 0; g < kTogether; ++g) {
        CINCH_UNROLL
        for (int k = 0; k < Lanes::kLoads; ++k) source.load_whole(first + g, lane, k, in[lane].x[g][k]);
      }
      return;
    }
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      // Behind the last group the last one is coded once more, and not stored.
      const int64_t group = first + g < groups ? first + g : groups - 1;
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) source.load(group, lane, k, in[lane].x[g][k]);
    }
  });
}

// Stores the sides of both groups; each lane has both afterwards.
template <int kBits, class Source, class W>
CINCH_DEVICE_FN void find_sides(const W& w, const EncodeJob<Source>& job, int64_t first,
                                const typename W::template Var<LoadedGroups<typename Source::Value>>& in,
                                typename W::template Var<Words<kTogether>>& sides) {
  using Lanes = GroupLanes<typename Source::Value>;
  const int64_t groups = job.source.groups();
  int32_t min[kTogether], max[kTogether];
  CINCH_UNROLL
  for (int g = 0; g < kTogether; ++g) {
    typename W::template Var<int32_t> low, high;
    w.each([&](int lane) {
      low[lane] = high[lane] = order_key(in[lane].x[g][0][0]);
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) {
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i) {
          const int32_t key = order_key(in[lane].x[g][k][i]);
          low[lane] = key < low[lane] ? key : low[lane];
          high[lane] = key > high[lane] ? key : high[lane];
        }
      }
    });
    min[g] = w.min(low), max[g] = w.max(high);
    if (first + g < groups && !is_range(min[g], max[g])) w.count(job.poisoned);
  }
  // Each half of the lanes makes the sides of its group, which takes arithmetic in double; then they are swapped.
  typename W::template Var<uint32_t> own;
  w.each([&](int lane) {
    const int g = lane / kLanesOfGroup;
    const int32_t low = g == 0 ? min[0] : min[1], high = g == 0 ? max[0] : max[1];
    const Sides s =
        is_range(low, high) ? make_sides(from_order_key(low), from_order_key(high), (1 << kBits) - 1) : kPoisoned;
    own[lane] = std::bit_cast<uint32_t>(s);
    if (lane % kLanesOfGroup == 0 && first + g < groups) job.sides[first + g] = s;
  });
  const auto other = w.exchange(own, kLanesOfGroup);
  w.each([&](int lane) {
    const bool upper = lane >= kLanesOfGroup;
    sides[lane].at[0] = upper ? other[lane] : own[lane];
    sides[lane].at[1] = upper ? own[lane] : other[lane];
  });
}

// Groups first and, if there is one, first + 1.
template <int kBits, bool kNearest, class Source, class W>
CINCH_DEVICE_FN void encode_groups_of_warp(const W& w, const EncodeJob<Source>& job, int64_t first) {
  using T = typename Source::Value;
  using Lanes = GroupLanes<T>;
  using Codes = CodeLanes<kBits, T>;
  typename W::template Var<LoadedGroups<T>> in;
  load_groups(w, job.source, first, in);
  typename W::template Var<Words<kTogether>> packed_sides;
  find_sides<kBits>(w, job, first, in, packed_sides);
  if constexpr (!kNearest) make_draws(w, job.key, first);
  typename W::template Var<Words<Codes::kCount>> words;
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int i = 0; i < Codes::kCount; ++i) words[lane].at[i] = 0;
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      const auto sides = std::bit_cast<Sides>(packed_sides[lane].at[g]);
      if (is_poisoned(sides)) continue;
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) {
        const int row = Lanes::row(lane, k);
        uint32_t draws[Lanes::kValues] = {};
        if constexpr (!kNearest) {
          const uint32_t* from = w.scratch + g * kDrawStride + row / 2 * kColumns + Lanes::column(lane);
          CINCH_UNROLL
          for (int c = 0; c < Lanes::kValues; c += 4) {
            const Chunk chunk = *reinterpret_cast<const Chunk*>(from + c);
            CINCH_UNROLL
            for (int i = 0; i < 4; ++i) draws[c + i] = chunk.words[i];
          }
        }
        quantise<kBits, kNearest, T>(in[lane].x[g][k], sides, row, draws,
                                     words[lane].at + Codes::word(g, Codes::slot(k), 0));
      }
    }
  });
  store_codes<kBits, T>(w, words, job.codes, first, job.source.groups());
}

}  // namespace cinch::codec
