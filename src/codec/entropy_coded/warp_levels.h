// error_bound's values to integers, letters, and back, as the lanes of a warp do it. The bits are those of
// levels_kernels.cpp, neighbours_kernels.cpp and symbols_kernels.cpp.
#pragma once

#include "src/codec/entropy_coded/bound_quantiser.h"
#include "src/codec/entropy_coded/chunk_axes.h"
#include "src/codec/entropy_coded/warp_stream.h"

namespace cinch::codec {

struct Level {
  int32_t number;  // an int16
  bool held;       // within the bound
};

// Levels with what follows from them.
struct LevelSteps : Levels {
  float inverse;
  static CINCH_DEVICE_FN LevelSteps of(const Levels& l) { return {l, 1.0f / l.step}; }

  CINCH_DEVICE_FN float value(int32_t number) const {
    if (zeros && number == 0) return 0.0f;
    return static_cast<float>(zeros && number > 0 ? number - 1 : number) * step + origin;
  }

  template <class T>
  CINCH_DEVICE_FN Level level(T in) const {
    constexpr float kMost = 32766.0f, kMagic = 12582912.0f;
    const float x = to_float(in), t = (x - origin) * inverse;
    const float sum = (t < -kMost ? -kMost : t > kMost ? kMost : t) + kMagic;
    const float y = to_float(from_float<T>((sum - kMagic) * step + origin));
    const float error = x - y;
    const int32_t nearest = std::bit_cast<int32_t>(sum) - 0x4b400000;
    const bool near = (error < 0 ? -error : error) < bound && y != 0.0f;
    if (x != x) return {1, false};
    if (!zeros) return {nearest, near && x != 0.0f};
    if (x == 0.0f) return {0, true};
    return {nearest + 1 + (nearest >> 31), near};
  }
};

// Values that lie in a row, numbered from 0 on: a chunk, or a piece of a sample.
template <class T>
struct LevelRow {
  const T* in;
  uint32_t count;
  LevelSteps levels;
  ChunkAxes axes;
  bool lorenzo;

  CINCH_DEVICE_FN Level level(uint32_t i) const { return levels.level(in[i]); }
  // What is left of number i where its neighbours predict it: over all sets of axes along which it has neighbours,
  // their numbers with alternating signs.
  CINCH_DEVICE_FN int32_t difference(uint32_t i, int32_t number) const {
    uint32_t reaching = 0;
    CINCH_UNROLL
    for (int k = 0; k < 3; ++k) reaching |= axes.at[k].reaches(i) ? 1u << k : 0u;
    int32_t sum = number;
    CINCH_ROLLED
    for (uint32_t set = 1; set < 8; ++set) {
      if ((set & ~reaching) != 0) continue;
      const uint32_t back =
          (set & 1u ? axes.at[0].stride : 0) + (set & 2u ? axes.at[1].stride : 0) + (set & 4u ? axes.at[2].stride : 0);
      if (back > i) continue;
      const int32_t other = level(i - back).number;
      sum += (0x96u >> set & 1u) != 0 ? -other : other;  // odd sets
    }
    return sum;
  }
  CINCH_DEVICE_FN int32_t integer(uint32_t i) const {
    const int32_t number = level(i).number;
    return lorenzo ? difference(i, number) : number;
  }
};

// Of 16 bits, wrapping around.
CINCH_DEVICE_FN uint32_t symbol_of_integer(int32_t integer, int base, uint32_t raw) {
  const uint32_t symbol = static_cast<uint32_t>(integer - base) & 0xffffu;
  return symbol < raw ? symbol : raw;
}

// A lane's four letters of a group that begins at number `first`, in a word. Letters behind the last value hold what is
// likely. `missed`: whether a value of them is held by no level.
template <bool kPaired, class T>
CINCH_DEVICE_FN uint32_t letters_of_row(const LevelRow<T>& row, const Alphabet& q, uint32_t first, int lane, int half,
                                        bool& missed) {
  using Lanes = LetterLanes<kPaired>;
  constexpr uint32_t kRaw = kPaired ? Alphabet::kPairedSymbols : Alphabet::kSingleSymbols, kLikely = kRaw / 2;
  const uint32_t begin = first + static_cast<uint32_t>(Lanes::row(lane, half) * kColumns16 + Lanes::column(lane));
  uint32_t word = 0;
  const auto put = [&](uint32_t i, uint32_t r, bool lorenzo) {
    const uint32_t at = begin + r * kColumns16 + i;
    uint32_t symbol = kLikely;
    if (at < row.count) {
      const Level level = row.level(at);
      missed = missed || !level.held;
      symbol = symbol_of_integer(lorenzo ? row.difference(at, level.number) : level.number, q.base, kRaw);
    }
    word |= symbol << (8 * i + 4 * r);
  };
  if (!row.lorenzo) {
    CINCH_UNROLL
    for (uint32_t i = 0; i < kRun; ++i) {
      CINCH_UNROLL
      for (uint32_t r = 0; r < Lanes::kRows; ++r) put(i, r, false);
    }
    return word;
  }
  CINCH_ROLLED
  for (uint32_t i = 0; i < kRun; ++i) {
    CINCH_ROLLED
    for (uint32_t r = 0; r < Lanes::kRows; ++r) put(i, r, true);
  }
  return word;
}

}  // namespace cinch::codec
