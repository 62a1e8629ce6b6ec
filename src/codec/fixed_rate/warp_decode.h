// A warp decodes two groups, each half of its lanes one. Every word of codes is read once.
#pragma once

#include "src/codec/fixed_rate/lane_codes.h"

namespace cinch::codec {

// Groups in a payload. `codes` is 64-byte aligned.
struct CodedGroups {
  const Sides* sides;
  const std::byte* codes;
  int64_t numel;

  CINCH_DEVICE_FN const std::byte* codes_of(int64_t group, int bits) const { return codes + group * code_bytes(bits); }
};

CINCH_DEVICE_FN float level(Sides sides, uint32_t code) {
  return bf16_to_float(sides.minimum) + static_cast<float>(code) * bf16_to_float(sides.step);
}

// The same from an integer's bits in a float of 2^23: cheaper than a conversion.
CINCH_DEVICE_FN float level_of_bits(Sides sides, uint32_t code) {
  const float exact = std::bit_cast<float>(code | 0x4b000000u) - 8388608.0f;
  return bf16_to_float(sides.minimum) + exact * bf16_to_float(sides.step);
}

// Two values of a chunk at once.
template <class T>
CINCH_DEVICE_FN void set_chunk_pair(Chunk& chunk, int i, float a, float b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  if constexpr (std::is_same_v<T, Bf16>) {
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(chunk.words[i / 2]) : "f"(b), "f"(a));
    return;
  }
#endif
  set_chunk_value(chunk, i, from_float<T>(a));
  set_chunk_value(chunk, i + 1, from_float<T>(b));
}

// A lane's values from its words, by arithmetic.
template <int kBits, class T>
CINCH_DEVICE_FN void dequantise(const Words<LaneCodes<kBits>::kWords>& words, Sides sides, LaneValues<T>& to) {
  using Codes = LaneCodes<kBits>;
  constexpr int kValues = GroupLanes<T>::kValues;
  const auto value = [&](int row, int c) {
    const uint32_t code = words.at[Codes::word(c)] >> (kBits * Codes::field(c) + 16 * row) & ((1u << kBits) - 1);
    return level_of_bits(sides, code);
  };
  CINCH_UNROLL
  for (int row = 0; row < kRowsOfLane; ++row) {
    CINCH_UNROLL
    for (int c = 0; c < kColumnsOfLane; c += 2)
      set_chunk_pair<T>(to.at[row][c / kValues], c % kValues, value(row, c), value(row, c + 1));
  }
}

// 16 bits each from a table of four: `codes` has the number of the lower one's entry in bits 0 and 1, of the upper
// one's in bits 8 and 9.
CINCH_DEVICE_FN uint32_t two_of_four(uint32_t low_entries, uint32_t high_entries, uint32_t selector) {
#if defined(__CUDA_ARCH__)
  return __byte_perm(low_entries, high_entries, selector);
#else
  const uint64_t entries = low_entries | static_cast<uint64_t>(high_entries) << 32;
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i) out |= static_cast<uint32_t>(entries >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
  return out;
#endif
}

// 16-bit values of 1 or 2 bits: a group has at most four different ones, so a byte permutation finds two at a time.
template <int kBits, class T>
CINCH_DEVICE_FN void look_up(uint32_t word, Sides sides, LaneValues<T>& to) {
  static_assert(kBits <= 2 && sizeof(T) == 2);
  using Codes = LaneCodes<kBits>;
  constexpr uint32_t kTwo = ((1u << 2 * kBits) - 1) * Codes::kBoth, kOne = ((1u << kBits) - 1) * 0x01010101u;
  Chunk table;
  set_chunk_pair<T>(table, 0, level(sides, 0), level(sides, 1));
  set_chunk_pair<T>(table, 2, level(sides, 2), level(sides, 3));
  CINCH_UNROLL
  for (int i = 0; i < kColumnsOfLane / 2; ++i) {
    const uint32_t two = word >> 2 * kBits * i & kTwo;               // codes of columns 2i and 2i + 1, both rows
    const uint32_t spread = two * (1 + (1u << (8 - kBits))) & kOne;  // one in each byte
    const uint32_t selector = spread * 0x22u + 0x10101010u;          // 2 * code and 2 * code + 1 in its halves
    to.at[0][0].words[i] = two_of_four(table.words[0], table.words[1], selector);
    to.at[1][0].words[i] = two_of_four(table.words[0], table.words[1], selector >> 16);
  }
}

// Words of both groups' codes, a pair of rows a lane. Nothing for a group behind the last one.
template <int kBits, class T, class W>
CINCH_DEVICE_FN void load_codes(const W& w, const CodedGroups& in, int64_t first,
                                typename W::template Var<Words<LaneCodes<kBits>::kWords>>& words,
                                typename W::template Var<Sides>& sides) {
  const int64_t groups = group_count(in.numel);
  w.each([&](int lane) {
    const int64_t own = first + GroupLanes<T>::group(lane), group = own < groups ? own : groups - 1;
    sides[lane] = in.sides[group];
    load_code_words<kBits, T>(in.codes_of(group, kBits), lane, words[lane]);
  });
  transpose<kBits>(w, words);
}

template <class T>
struct DecodeJob {
  CodedGroups in;
  T* out;  // chunk-aligned
};

template <class T>
CINCH_DEVICE_FN void store_values(const DecodeJob<T>& job, int64_t group, int lane, const LaneValues<T>& x) {
  using Lanes = GroupLanes<T>;
  const int64_t count = job.in.numel - group * kGroup;
  T* own = job.out + group * kGroup + Lanes::begin(lane);
  CINCH_UNROLL
  for (int row = 0; row < kRowsOfLane; ++row) {
    CINCH_UNROLL
    for (int c = 0; c < Lanes::kChunks; ++c) {
      const int element = Lanes::begin(lane) + Lanes::offset(row, c);
      T* to = own + Lanes::offset(row, c);
      if (element + Lanes::kValues <= count) {
        *reinterpret_cast<Chunk*>(to) = x.at[row][c];
      } else {
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i)
          if (element + i < count) to[i] = chunk_value<T>(x.at[row][c], i);
      }
    }
  }
}

template <int kBits, class T, class W>
CINCH_DEVICE_FN void decode_groups_of_warp(const W& w, const DecodeJob<T>& job, int64_t first) {
  typename W::template Var<Words<LaneCodes<kBits>::kWords>> words;
  typename W::template Var<Sides> sides;
  load_codes<kBits, T>(w, job.in, first, words, sides);
  w.each([&](int lane) {
    const int64_t group = first + GroupLanes<T>::group(lane);
    if (group >= group_count(job.in.numel)) return;
    LaneValues<T> x;
    if constexpr (kBits <= 2 && sizeof(T) == 2)
      look_up<kBits, T>(words[lane].at[0], sides[lane], x);
    else
      dequantise<kBits, T>(words[lane], sides[lane], x);
    store_values(job, group, lane, x);
  });
}

// A payload as the source of a coarser one. A short last group goes on with its first value.
template <int kBits>
struct CodedSource {
  using Value = float;
  CodedGroups in;

  CINCH_DEVICE_FN int64_t groups() const { return group_count(in.numel); }

  template <class W>
  CINCH_DEVICE_FN void load(const W& w, int64_t first, typename W::template Var<LaneValues<float>>& to) const {
    typename W::template Var<Words<LaneCodes<kBits>::kWords>> words;
    typename W::template Var<Sides> sides;
    load_codes<kBits, float>(w, in, first, words, sides);
    const bool whole = (first + kTogether) * kGroup <= in.numel;
    w.each([&](int lane) {
      dequantise<kBits, float>(words[lane], sides[lane], to[lane]);
      if (!whole) go_on_with_first(first, lane, sides[lane], to[lane]);
    });
  }

 private:
  CINCH_DEVICE_FN void go_on_with_first(int64_t first, int lane, Sides sides, LaneValues<float>& to) const {
    using Lanes = GroupLanes<float>;
    const int64_t last = groups() - 1, own = first + Lanes::group(lane), group = own < last ? own : last;
    const int64_t count = in.numel - group * kGroup;
    const uint32_t code = *reinterpret_cast<const uint8_t*>(in.codes_of(group, kBits)) & ((1u << kBits) - 1);
    const uint32_t value = std::bit_cast<uint32_t>(level(sides, code));
    CINCH_UNROLL
    for (int row = 0; row < kRowsOfLane; ++row) {
      CINCH_UNROLL
      for (int c = 0; c < Lanes::kChunks; ++c) {
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i)
          if (Lanes::begin(lane) + Lanes::offset(row, c) + i >= count) to.at[row][c].words[i] = value;
      }
    }
  }
};

}  // namespace cinch::codec
