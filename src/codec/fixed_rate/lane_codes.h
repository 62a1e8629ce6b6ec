// Codes in the lanes of a warp: which of them a lane's words hold, how they get into the payload's order, and back.
#pragma once

#include <bit>

#include "src/codec/fixed_rate/lanes.h"

namespace cinch::codec {

using backend::Words;

// Codes of a lane. A word of the payload holds one column of kFields pairs of rows, a field a pair in both halves.
// While values are coded a lane's words hold one pair of rows, its eight columns spread over the fields of kWords
// words.
template <int kBits>
struct LaneCodes {
  static constexpr int kFields = kBits == 1 ? 8 : 16 / kBits;
  static constexpr int kWords = kColumnsOfLane / kFields;
  static constexpr uint32_t kBoth = 0x10001u;                     // once in each half
  static constexpr uint32_t kCode = ((1u << kBits) - 1) * kBoth;  // of field 0
  static constexpr int field(int column) noexcept { return column / kWords; }
  static constexpr int word(int column) noexcept { return column % kWords; }
  // The lane's words in the payload: one after the other, from this one on.
  template <class T>
  static constexpr int place(int lane) noexcept {
    using Lanes = GroupLanes<T>;
    const int first = Lanes::pair(lane) % kFields * kWords;  // of the lane's columns
    return Lanes::pair(lane) / kFields * static_cast<int>(kColumns) + Lanes::column(lane, first / Lanes::kValues) +
           first % Lanes::kValues;
  }
  // Fields whose number has bit `distance` clear.
  static constexpr uint32_t lower_fields(int distance) noexcept {
    uint32_t mask = 0;
    for (int f = 0; f < kFields; ++f) mask |= (f & distance) == 0 ? kCode << kBits * f : 0u;
    return mask;
  }
};

// Bits of `yes` where the mask has ones, of `no` elsewhere: one instruction, which the compiler takes apart again where
// it knows something of the mask.
CINCH_DEVICE_FN uint32_t choose(uint32_t mask, uint32_t yes, uint32_t no) {
#if defined(__CUDA_ARCH__)
  uint32_t out;
  asm("lop3.b32 %0, %1, %2, %3, 0xca;" : "=r"(out) : "r"(mask), "r"(yes), "r"(no));
  return out;
#else
  return (mask & yes) | (~mask & no);
#endif
}

// Turns words of one pair of rows into words of one column, or back: field f of pair p goes where field p of pair f
// was. In each round lanes that are `distance` pairs apart swap half of their fields.
template <int kBits, class W>
CINCH_DEVICE_FN void transpose(const W& w, typename W::template Var<Words<LaneCodes<kBits>::kWords>>& words) {
  using Codes = LaneCodes<kBits>;
  CINCH_UNROLL
  for (int distance = Codes::kFields / 2; distance > 0; distance /= 2) {
    CINCH_UNROLL
    for (int i = 0; i < Codes::kWords; ++i) {
      typename W::template Var<uint32_t> mine;
      w.each([&](int lane) { mine[lane] = words[lane].at[i]; });
      const auto other = w.exchange(mine, 2 * distance);
      w.each([&](int lane) {
        const bool upper = (lane & 2 * distance) != 0;
        const uint32_t keep = upper ? ~Codes::lower_fields(distance) : Codes::lower_fields(distance);
        const uint32_t moved = std::rotl(other[lane], upper ? 32 - kBits * distance : kBits * distance);
        words[lane].at[i] = choose(keep, mine[lane], moved);
      });
    }
  }
}

// A lane's words in the codes of its group. At 1 bit the halves of a word hold 8 bits each and are stored folded.
template <int kCount>
struct alignas(4 * kCount) WordsInMemory {
  Words<kCount> words;
};

template <int kBits, class T>
CINCH_DEVICE_FN void store_code_words(const Words<LaneCodes<kBits>::kWords>& words, std::byte* codes, int lane) {
  using Codes = LaneCodes<kBits>;
  const int place = Codes::template place<T>(lane);
  if constexpr (kBits == 1) {
    const uint32_t word = words.at[0];
    reinterpret_cast<uint16_t*>(codes)[place] = static_cast<uint16_t>((word & 0xffu) | (word >> 8 & 0xff00u));
  } else {
    *reinterpret_cast<WordsInMemory<Codes::kWords>*>(codes + 4 * place) = {words};
  }
}

template <int kBits, class T>
CINCH_DEVICE_FN void load_code_words(const std::byte* codes, int lane, Words<LaneCodes<kBits>::kWords>& words) {
  using Codes = LaneCodes<kBits>;
  const int place = Codes::template place<T>(lane);
  if constexpr (kBits == 1) {
    const uint32_t word = reinterpret_cast<const uint16_t*>(codes)[place];
    words.at[0] = (word & 0xffu) | (word & 0xff00u) << 8;
  } else {
    words = reinterpret_cast<const WordsInMemory<Codes::kWords>*>(codes + 4 * place)->words;
  }
}

}  // namespace cinch::codec
