// dither's values to letters and back, as the lanes of a warp do it. The bits are those of letters_kernels.cpp.
//
// A lane has four letters in a row. Where a letter holds two values these are of two rows: 32 lanes have a group. Where
// it holds one, they have half of it.
#pragma once

#include "src/backend/warp.h"
#include "src/codec/entropy_coded/letters.h"
#include "src/codec/stage/chunk.h"
#include "src/codec/stage/rng.h"

namespace cinch::codec {

using backend::kLanes;

constexpr int kRun = 4;         // letters of a lane
constexpr int kColumns16 = 16;  // columns of a group

template <bool kPaired>
struct LetterLanes {
  static constexpr int kRows = kPaired ? 2 : 1;    // of a lane
  static constexpr int kHalves = kPaired ? 1 : 2;  // rounds of all lanes that a group takes
  static constexpr int kLetters = kPaired ? 128 : 256;
  static constexpr int row(int lane, int half) noexcept { return kPaired ? lane / 4 * 2 : half * 8 + lane / 4; }
  static constexpr int column(int lane) noexcept { return lane % 4 * kRun; }
};

// Values of a lane.
template <bool kPaired>
struct LetterValues {
  float at[LetterLanes<kPaired>::kRows][kRun];
};

// Whether whole runs may be loaded, or stored, at once.
template <class T>
CINCH_DEVICE_FN bool is_run_aligned(const T* p) {
  return reinterpret_cast<uintptr_t>(p) % (kRun * sizeof(T)) == 0;
}

// Four values from `element` of a group on. `count` values of the group are there, zeros behind them.
template <class T>
CINCH_DEVICE_FN void load_run(const T* group, int element, int count, bool aligned, float* x) {
  if (aligned && count >= kLetterGroup) {
    struct alignas(kRun * sizeof(T)) Four {
      T at[kRun];
    };
    const Four four = *reinterpret_cast<const Four*>(group + element);
    CINCH_UNROLL
    for (int i = 0; i < kRun; ++i) x[i] = to_float(four.at[i]);
    return;
  }
  CINCH_UNROLL
  for (int i = 0; i < kRun; ++i) x[i] = element + i < count ? to_float(group[element + i]) : 0.0f;
}

template <class T>
CINCH_DEVICE_FN void store_run(T* group, int element, int count, bool aligned, const float* x) {
  if (aligned && count >= kLetterGroup) {
    struct alignas(kRun * sizeof(T)) Four {
      T at[kRun];
    };
    Four four;
    CINCH_UNROLL
    for (int i = 0; i < kRun; ++i) four.at[i] = from_float<T>(x[i]);
    *reinterpret_cast<Four*>(group + element) = four;
    return;
  }
  CINCH_UNROLL
  for (int i = 0; i < kRun; ++i)
    if (element + i < count) group[element + i] = from_float<T>(x[i]);
}

// Draws of two groups, [group][pair of rows][column]: 16 lanes a group follow one column's chain each. The two groups
// are in different banks.
constexpr int kGroupDraws = 8 * kColumns16 + 16;
constexpr int kDrawWords = 2 * kGroupDraws;
template <class W>
CINCH_DEVICE_FN void make_two_draws(const W& w, uint64_t key, int64_t first, int64_t second) {
  w.sync();  // nobody reads those of the groups before any more
  w.each([&](int lane) {
    const int which = lane / kColumns16, column = lane % kColumns16;
    uint32_t* to = w.scratch + which * kGroupDraws + column;
    uint32_t x = first_draw(group_key(key, which == 0 ? first : second), static_cast<uint32_t>(column));
    CINCH_UNROLL
    for (int pair = 0; pair < 8; ++pair, x = next_draw(x)) to[pair * kColumns16] = x;
  });
  w.sync();
}

// A lane's four draws of group 0 or 1, for the rows of a pair.
CINCH_DEVICE_FN Chunk draws_of(const uint32_t* scratch, int which, int row, int column) {
  return *reinterpret_cast<const Chunk*>(scratch + which * kGroupDraws + row / 2 * kColumns16 + column);
}

// The way from values to symbols.
struct ToSymbols {
  float offset, scale, magic;
  uint32_t fraction, raw, zero;
};
CINCH_DEVICE_FN ToSymbols to_symbols(const Quantiser& q) {
  const float unit = dither_unit(q.paired), most = q.dithered ? unit - 1 : unit / 2;
  return {q.offset,
          unit / q.step,
          12582912.0f - static_cast<float>(q.base) * unit + most,
          q.dithered ? static_cast<uint32_t>(unit) - 1u : 0u,
          static_cast<uint32_t>(q.raw_symbol()),
          static_cast<uint32_t>(q.zero_symbol())};
}
template <bool kPaired>
CINCH_DEVICE_FN uint32_t symbol_of(const ToSymbols& s, float x, uint32_t draw) {
  const uint32_t bits = std::bit_cast<uint32_t>((x - s.offset) * s.scale + s.magic);
  const uint32_t symbol = (bits - (0x4b400000u | (draw & s.fraction))) >> kFraction<kPaired>;
  return x == 0.0f ? s.zero : symbol < s.raw ? symbol : s.raw;
}

// A lane's four letters in a word.
template <bool kPaired>
CINCH_DEVICE_FN uint32_t letters_of(const ToSymbols& s, const LetterValues<kPaired>& x, const Chunk& draws, int row) {
  uint32_t word = 0;
  CINCH_UNROLL
  for (int i = 0; i < kRun; ++i) {
    const uint32_t draw = draws.words[i];
    uint32_t letter;
    if constexpr (kPaired) {
      letter = symbol_of<true>(s, x.at[0][i], draw) | symbol_of<true>(s, x.at[1][i], draw >> 16) << 4;
    } else {
      letter = symbol_of<false>(s, x.at[0][i], draw >> (row % 2 * 16));
    }
    word |= letter << (8 * i);
  }
  return word;
}

// Raw values that a word of letters stands for.
CINCH_DEVICE_FN uint32_t raws_in_word(const Alphabet& q, uint32_t letters) {
  uint32_t raws = 0;
  for (int i = 0; i < kRun; ++i) raws += q.raws_in(static_cast<uint8_t>(letters >> (8 * i)));
  return raws;
}

// The way back.
struct FromSymbols {
  float scale, offset;
  uint32_t fraction, zero;
};
CINCH_DEVICE_FN FromSymbols from_symbols(const Quantiser& q) {
  const float unit = dither_unit(q.paired);
  const float start = static_cast<float>(q.base) * unit - (q.dithered ? (unit - 1) / 2 : 0.0f);
  const float scale = q.step * (1 / unit);  // a power of two
  return {scale, start * scale + q.offset, q.dithered ? static_cast<uint32_t>(unit) - 1u : 0u,
          static_cast<uint32_t>(q.zero_symbol())};
}
template <bool kPaired>
CINCH_DEVICE_FN float value_of(const FromSymbols& s, uint32_t symbol, uint32_t draw) {
  const uint32_t level = symbol << kFraction<kPaired> | (draw & s.fraction);
  const float x = static_cast<float>(static_cast<int32_t>(level)) * s.scale + s.offset;
  return symbol == s.zero ? 0.0f : x;
}

template <bool kPaired>
CINCH_DEVICE_FN LetterValues<kPaired> values_of(const FromSymbols& s, uint32_t letters, const Chunk& draws, int row) {
  LetterValues<kPaired> x;
  CINCH_UNROLL
  for (int i = 0; i < kRun; ++i) {
    const uint32_t letter = letters >> (8 * i) & 0xffu, draw = draws.words[i];
    if constexpr (kPaired) {
      x.at[0][i] = value_of<true>(s, letter & 15u, draw);
      x.at[1][i] = value_of<true>(s, letter >> 4, draw >> 16);
    } else {
      x.at[0][i] = value_of<false>(s, letter, draw >> (row % 2 * 16));
    }
  }
  return x;
}

}  // namespace cinch::codec
