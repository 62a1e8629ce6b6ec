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

// Codes of up to `count` values of a lane's row; those of maps that cannot be coded stay zero.
template <int kBits, class T>
CINCH_DEVICE_FN void residual_codes(const ResidualEncodeJob<T>& job, const LaneValues<T>& x, int k, int row, int count,
                                    BlockWalk walk, const uint32_t* draws, Words<LaneCodes<kBits, T>::kWords>& words) {
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
    const float residual = x.value(k, row, i) - bf16_to_float(job.averages[walk.average()]);
    const float sum = (residual - minimum) * scale + 12582912.0f;
    const uint32_t t = std::bit_cast<uint32_t>(sum) & 0xffffu, dither = draws[i] >> (row * 16) & kMask;
    put_code<kBits, T>(words, k, row, i, good ? (t + dither) >> kFraction : 0u);
    walk.advance(job.map);
  }
}

// One of encoding_pieces().
template <int kBits, class T, class W>
CINCH_DEVICE_FN void encode_residuals(const W& w, const ResidualEncodeJob<T>& job, int64_t piece) {
  using Lanes = GroupLanes<T>;
  constexpr int kMost = Lanes::kTogether * static_cast<int>(kGroup);
  const int64_t first = piece * Lanes::kTogether, begin = first * kGroup, rest = job.source.numel - begin;
  const int count = rest < kMost ? static_cast<int>(rest) : kMost;
  const GridPlace start = place_at(job.map.grid, begin);
  typename W::template Var<LaneValues<T>> in;
  job.source.load(w, first, in);
  make_draws<T>(w, job.key, first);
  typename W::template Var<Words<LaneCodes<kBits, T>::kWords>> words;
  w.each([&](int lane) {
    words[lane] = {};
    CINCH_UNROLL
    for (int k = 0; k < kPairsOfLane; ++k) {
      uint32_t draws[Lanes::kValues];
      read_draws<T>(w.scratch, lane, k, draws);
      CINCH_UNROLL
      for (int row = 0; row < kRows; ++row) {
        const int element = Lanes::group(lane) * static_cast<int>(kGroup) + Lanes::begin(lane) + Lanes::offset(k, row);
        if (element >= count) continue;
        const BlockWalk walk = walk_from(job.map, moved(job.map.grid, start, static_cast<uint32_t>(element)));
        residual_codes<kBits, T>(job, in[lane], k, row, count - element, walk, draws, words[lane]);
      }
    }
  });
  store_codes<kBits, T>(w, words, job.codes, first, job.source.groups());
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

// One of decoding_pieces().
template <int kBits, class T, class W>
CINCH_DEVICE_FN void decode_residuals(const W& w, const ResidualDecodeJob<T>& job, int64_t piece) {
  using Lanes = DecodingLanes<T>;
  constexpr int kMost = kDecodedTogether * static_cast<int>(kGroup);
  const int64_t first = piece * kDecodedTogether, begin = first * kGroup, rest = job.numel - begin;
  const int count = rest < kMost ? static_cast<int>(rest) : kMost;
  const GridPlace start = place_at(job.map.grid, begin);
  w.each([&](int lane) {
    const int of_group = Lanes::group(lane) * static_cast<int>(kGroup);
    if (of_group >= count) return;
    LaneWords<kBits, T> words;
    words.load(job.codes + (first + Lanes::group(lane)) * code_bytes(kBits), lane);
    CINCH_UNROLL
    for (int chunk = 0; chunk < Lanes::kChunks; ++chunk) {
      const int element = of_group + Lanes::element(lane, chunk);
      if (element >= count) continue;
      BlockWalk walk = walk_from(job.map, moved(job.map.grid, start, static_cast<uint32_t>(element)));
      int64_t map = -1;
      float x[Lanes::kValues];
      Sides sides;
      CINCH_UNROLL
      for (int i = 0; i < Lanes::kValues; ++i) {
        x[i] = 0.0f;
        if (element + i >= count) continue;
        if (walk.map(job.map) != map) {
          map = walk.map(job.map);
          sides = job.sides[map];
        }
        x[i] = bf16_to_float(job.averages[walk.average()]) + level(sides, words.code(chunk, i));
        walk.advance(job.map);
      }
      store_values(job.out + begin + element, x, count - element);
    }
  });
}

}  // namespace cinch::codec
