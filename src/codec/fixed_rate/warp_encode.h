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
  // Values (lane, load, 0 ..) of a group.
  CINCH_DEVICE_FN void load(int64_t group, int lane, int load, float* x) const {
    using Lanes = GroupLanes<T>;
    const T* from = in + group * kGroup;
    const int64_t count = numel - group * kGroup;
    const int element = Lanes::row(lane, load) * static_cast<int>(kColumns) + Lanes::column(lane);
    if (is_chunk_aligned(in) && count >= kGroup) {
      const Chunk chunk = *reinterpret_cast<const Chunk*>(from + element);
      CINCH_UNROLL
      for (int i = 0; i < Lanes::kValues; ++i) x[i] = to_float(chunk_value<T>(chunk, i));
      return;
    }
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

// Groups first and, if there is one, first + 1.
template <int kBits, bool kNearest, class Source, class W>
CINCH_DEVICE_FN void encode_groups_of_warp(const W& w, const EncodeJob<Source>& job, int64_t first) {
  using T = typename Source::Value;
  using Lanes = GroupLanes<T>;
  using Codes = CodeLanes<kBits, T>;
  const int64_t groups = job.source.groups();
  typename W::template Var<LoadedGroups<T>> in;
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      // Behind the last group the last one is coded once more, and not stored.
      const int64_t group = first + g < groups ? first + g : groups - 1;
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) job.source.load(group, lane, k, in[lane].x[g][k]);
    }
  });
  Sides sides[kTogether];
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
    const int32_t min = w.min(low), max = w.max(high);
    // NaN of either sign lies beyond the infinities.
    const bool ok = min > order_key(-kLargestCoded) && max < order_key(kLargestCoded);
    sides[g] = ok ? make_sides(from_order_key(min), from_order_key(max), (1 << kBits) - 1) : kPoisoned;
    if (first + g < groups) {
      if (!ok) w.count(job.poisoned);
      w.each([&](int lane) {
        if (lane == g) job.sides[first + g] = sides[g];
      });
    }
  }
  if constexpr (!kNearest) make_draws(w, job.key, first);
  typename W::template Var<Words<Codes::kCount>> words;
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int i = 0; i < Codes::kCount; ++i) words[lane].at[i] = 0;
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      if (is_poisoned(sides[g])) continue;
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
        quantise<kBits, kNearest, T>(in[lane].x[g][k], sides[g], row, draws,
                                     words[lane].at + Codes::word(g, Codes::slot(k), 0));
      }
    }
  });
  store_codes<kBits, T>(w, words, job.codes, first, groups);
}

}  // namespace cinch::codec
