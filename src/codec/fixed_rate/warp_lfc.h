// lfc by warps, once averages and ranges are there: codes of two groups, and values from them. The bytes are those of
// the CPU codec.
#pragma once

#include "src/codec/fixed_rate/warp_decode.h"
#include "src/codec/fixed_rate/warp_encode.h"
#include "src/codec/stage/grid_place.h"

namespace cinch::codec {

template <class T>
struct ResidualEncodeJob {
  TensorSource<T> source;
  BlockMap map;
  uint64_t key;  // of the generator
  const Sides* sides;
  const uint16_t* averages;
  std::byte* codes;
};

// Codes of up to `count` values of a lane at their places in the column's words; those of maps that cannot be coded
// stay zero.
template <int kBits, class T>
CINCH_DEVICE_FN void residual_codes(const ResidualEncodeJob<T>& job, const float* x, int count, BlockWalk walk, int row,
                                    const uint32_t* draws, uint32_t* words) {
  constexpr int kFraction = 16 - kBits;
  constexpr uint32_t kMask = (1u << kFraction) - 1;
  int64_t map = -1;
  float minimum = 0, scale = 0;
  bool good = true;
  CINCH_UNROLL
  for (int i = 0; i < GroupLanes<T>::kValues; ++i) {
    if (i >= count) continue;
    if (walk.map(job.map) != map) {
      map = walk.map(job.map);
      const Sides sides = job.sides[map];
      const float step = bf16_to_float(sides.step);
      minimum = bf16_to_float(sides.minimum);
      scale = step > 0.0f ? static_cast<float>(1u << kFraction) / step : 0.0f;
      good = !is_poisoned(sides);
    }
    // Rounds to nearest even and leaves the integer in the low bits.
    const float residual = x[i] - bf16_to_float(job.averages[walk.average()]);
    const float sum = (residual - minimum) * scale + 12582912.0f;
    const uint32_t t = std::bit_cast<uint32_t>(sum) & 0xffffu, dither = draws[i] >> (row % 2 * 16) & kMask;
    words[i] |= (good ? (t + dither) >> kFraction : 0u) << CodeWords<kBits>::shift(row);
    walk.advance(job.map);
  }
}

// Groups first and, if there is one, first + 1.
template <int kBits, class T, class W>
CINCH_DEVICE_FN void encode_residuals_of_warp(const W& w, const ResidualEncodeJob<T>& job, int64_t first) {
  using Lanes = GroupLanes<T>;
  using Codes = CodeLanes<kBits, T>;
  const int64_t groups = job.source.groups(), begin = first * kGroup, rest = job.source.numel - begin;
  const int count = rest < kTogether * kGroup ? static_cast<int>(rest) : kTogether * static_cast<int>(kGroup);
  const GridPlace start = place_at(job.map.grid, begin);
  typename W::template Var<LoadedGroups<T>> in;
  load_groups(w, job.source, first, in);
  make_draws(w, job.key, first);
  typename W::template Var<Words<Codes::kCount>> words;
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int i = 0; i < Codes::kCount; ++i) words[lane].at[i] = 0;
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) {
        const int row = Lanes::row(lane, k), column = Lanes::column(lane);
        const int element = g * static_cast<int>(kGroup) + row * static_cast<int>(kColumns) + column;
        if (element >= count) continue;
        const BlockWalk walk = walk_from(job.map, moved(job.map.grid, start, static_cast<uint32_t>(element)));
        residual_codes<kBits, T>(job, in[lane].x[g][k], count - element, walk, row,
                                 w.scratch + g * kDrawStride + row / 2 * kColumns + column,
                                 words[lane].at + Codes::word(g, Codes::slot(k), 0));
      }
    }
  });
  store_codes<kBits, T>(w, words, job.codes, first, groups);
}

template <class T>
struct ResidualDecodeJob {
  BlockMap map;
  const Sides* sides;
  const uint16_t* averages;
  const std::byte* codes;
  int64_t numel;
  T* out;  // chunk-aligned
};

template <int kBits, class T, class W>
CINCH_DEVICE_FN void decode_residuals_of_warp(const W& w, const ResidualDecodeJob<T>& job, int64_t first) {
  using Lanes = GroupLanes<T>;
  const int64_t begin = first * kGroup, rest = job.numel - begin;
  const int count = rest < kTogether * kGroup ? static_cast<int>(rest) : kTogether * static_cast<int>(kGroup);
  const GridPlace start = place_at(job.map.grid, begin);
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) {
        const int element =
            g * static_cast<int>(kGroup) + Lanes::row(lane, k) * static_cast<int>(kColumns) + Lanes::column(lane);
        if (element >= count) continue;
        uint32_t codes[Lanes::kValues];
        load_codes<kBits, T>(job.codes + (first + g) * code_bytes(kBits), lane, k, codes);
        BlockWalk walk = walk_from(job.map, moved(job.map.grid, start, static_cast<uint32_t>(element)));
        int64_t map = -1;
        float x[Lanes::kValues], minimum = 0, step = 0;
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i) {
          x[i] = 0.0f;
          if (element + i >= count) continue;
          if (walk.map(job.map) != map) {
            map = walk.map(job.map);
            const Sides sides = job.sides[map];
            minimum = bf16_to_float(sides.minimum), step = bf16_to_float(sides.step);
          }
          const float residual = minimum + static_cast<float>(codes[i]) * step;
          x[i] = bf16_to_float(job.averages[walk.average()]) + residual;
          walk.advance(job.map);
        }
        store_values(job.out + begin + element, x, count - element);
      }
    }
  });
}

}  // namespace cinch::codec
