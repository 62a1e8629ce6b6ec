// Codes in the lanes of a warp: which of them a lane's words hold, and how they get into the payload's order.
#pragma once

#include <bit>

#include "src/codec/fixed_rate/lanes.h"

namespace cinch::codec {

using backend::Words;

// A word of the payload holds one column of kFields pairs of rows: a field a pair, its rows 16 bits apart.
template <int kBits>
struct CodeWords {
  static constexpr int kFields = kBits == 1 ? 8 : 16 / kBits;
  static constexpr uint32_t kMask = (1u << kBits) - 1;  // of one code
  static constexpr uint32_t kCode = kMask * 0x10001u;   // of field 0, both rows
  static constexpr int block(int pair) noexcept { return pair / kFields; }
  static constexpr int shift(int pair) noexcept { return kBits * (pair % kFields); }
};

// Words of a lane that codes. At first their fields are the lane's own columns; lanes then swap fields until a field is
// a pair of rows, and each lane has kSide columns next to each other.
template <int kBits, class T>
struct LaneCodes {
  using Lanes = GroupLanes<T>;
  using Code = CodeWords<kBits>;
  static constexpr int kSwapped = Code::kFields < kPairLanes ? Code::kFields : kPairLanes;  // lanes that swap
  static constexpr int kSide = Lanes::kValues / kSwapped;
  static constexpr int kFold = Code::kFields / kSwapped;  // of the lane's pairs in one word
  static constexpr int kBlocks = kPairsOfLane / kFold;
  static constexpr int kWords = kBlocks * kSide;
  static constexpr int field(int k, int column) noexcept { return column / kSide + k % kFold * kSwapped; }
  static constexpr int word(int k, int column) noexcept { return k / kFold * kSide + column % kSide; }
  // Where in the group's words those of one block begin.
  static constexpr int place(int lane, int block) noexcept {
    return Code::block(Lanes::pair(lane) + block * kFold * kPairLanes) * static_cast<int>(kColumns) +
           Lanes::part(lane) * Lanes::kValues + Lanes::pair(lane) % kSwapped * kSide;
  }
  // Fields whose number has bit `distance` clear.
  static constexpr uint32_t lower_fields(int distance) noexcept {
    uint32_t mask = 0;
    for (int f = 0; f < Code::kFields; ++f) mask |= (f & distance) == 0 ? Code::kCode << kBits * f : 0u;
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

// Field f of lane p goes where field p of lane f was, for fields and lanes below kSwapped: in each round lanes that are
// `distance` apart swap half of their fields.
template <int kBits, class T, class W>
CINCH_DEVICE_FN void swap_fields(const W& w, typename W::template Var<Words<LaneCodes<kBits, T>::kWords>>& words) {
  using Codes = LaneCodes<kBits, T>;
  CINCH_UNROLL
  for (int distance = Codes::kSwapped / 2; distance > 0; distance /= 2) {
    CINCH_UNROLL
    for (int i = 0; i < Codes::kWords; ++i) {
      typename W::template Var<uint32_t> mine;
      w.each([&](int lane) { mine[lane] = words[lane].at[i]; });
      const auto other = w.exchange(mine, distance * GroupLanes<T>::kParts);
      w.each([&](int lane) {
        const bool upper = (GroupLanes<T>::pair(lane) & distance) != 0;
        const uint32_t keep = upper ? ~Codes::lower_fields(distance) : Codes::lower_fields(distance);
        const uint32_t moved = std::rotl(other[lane], upper ? 32 - kBits * distance : kBits * distance);
        words[lane].at[i] = choose(keep, mine[lane], moved);
      });
    }
  }
}

template <int kCount>
struct alignas(4 * kCount) WordsInMemory {
  uint32_t at[kCount];
};

// A lane's words, with their fields swapped, into the codes of its group. At 1 bit the halves of a word hold 8 bits
// each and are stored folded.
template <int kBits, class T>
CINCH_DEVICE_FN void store_words(const Words<LaneCodes<kBits, T>::kWords>& words, std::byte* codes, int lane) {
  using Codes = LaneCodes<kBits, T>;
  CINCH_UNROLL
  for (int b = 0; b < Codes::kBlocks; ++b) {
    const int place = Codes::place(lane, b);
    if constexpr (kBits == 1) {
      CINCH_UNROLL
      for (int i = 0; i < Codes::kSide; ++i) {
        const uint32_t word = words.at[b * Codes::kSide + i];
        reinterpret_cast<uint16_t*>(codes)[place + i] = static_cast<uint16_t>((word & 0xffu) | (word >> 8 & 0xff00u));
      }
    } else {
      WordsInMemory<Codes::kSide> out;
      CINCH_UNROLL
      for (int i = 0; i < Codes::kSide; ++i) out.at[i] = words.at[b * Codes::kSide + i];
      *reinterpret_cast<WordsInMemory<Codes::kSide>*>(codes + 4 * place) = out;
    }
  }
}

// One code of a lane, at its place while the fields are not swapped.
template <int kBits, class T>
CINCH_DEVICE_FN void put_code(Words<LaneCodes<kBits, T>::kWords>& words, int k, int row, int column, uint32_t code) {
  using Codes = LaneCodes<kBits, T>;
  words.at[Codes::word(k, column)] |= code << (kBits * Codes::field(k, column) + 16 * row);
}

// Stores the codes of groups from `first` on.
template <int kBits, class T, class W>
CINCH_DEVICE_FN void store_codes(const W& w, typename W::template Var<Words<LaneCodes<kBits, T>::kWords>>& words,
                                 std::byte* codes, int64_t first, int64_t groups) {
  swap_fields<kBits, T>(w, words);
  w.each([&](int lane) {
    const int64_t group = first + GroupLanes<T>::group(lane);
    if (group < groups) store_words<kBits, T>(words[lane], codes + group * code_bytes(kBits), lane);
  });
}

// Words of four columns side by side, as they are in the payload (at 1 bit unfolded).
template <int kBits>
CINCH_DEVICE_FN void load_words(const std::byte* codes, int block, int column, uint32_t* words) {
  const int place = block * static_cast<int>(kColumns) + column;
  if constexpr (kBits == 1) {
    const auto two = *reinterpret_cast<const WordsInMemory<2>*>(codes + 2 * place);
    CINCH_UNROLL
    for (int i = 0; i < 4; ++i) {
      const uint32_t word = two.at[i / 2] >> (i % 2 * 16);
      words[i] = (word & 0xffu) | (word & 0xff00u) << 8;
    }
  } else {
    const auto four = *reinterpret_cast<const WordsInMemory<4>*>(codes + 4 * place);
    CINCH_UNROLL
    for (int i = 0; i < 4; ++i) words[i] = four.at[i];
  }
}

}  // namespace cinch::codec
