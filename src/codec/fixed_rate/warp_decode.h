// A warp decodes two groups, each half of its lanes one, and stores chunk after chunk.
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

// The codes of a lane's columns in all of its chunks: the words they lie in, the lane's first code at the low end.
template <int kBits, class T>
struct LaneWords {
  using Lanes = DecodingLanes<T>;
  using Code = CodeWords<kBits>;
  static constexpr int kChunksOfWord = Code::kFields > Lanes::kStep ? Code::kFields / Lanes::kStep : 1;
  static constexpr int kBlocks = Lanes::kChunks / kChunksOfWord;
  uint32_t at[kBlocks][Lanes::kValues];

  CINCH_DEVICE_FN void load(const std::byte* codes, int lane) {
    const int shift = Code::shift(Lanes::pair(lane)) + 16 * Lanes::row(lane);
    CINCH_UNROLL
    for (int b = 0; b < kBlocks; ++b) {
      const int block = Code::block(Lanes::pair(lane) + b * kChunksOfWord * Lanes::kStep);
      CINCH_UNROLL
      for (int c = 0; c < Lanes::kValues; c += 4)
        load_words<kBits>(codes, block, Lanes::part(lane) * Lanes::kValues + c, &at[b][c]);
      CINCH_UNROLL
      for (int c = 0; c < Lanes::kValues; ++c) at[b][c] >>= shift;
    }
  }
  // How far a chunk's code is from the low end.
  static constexpr int shift(int chunk) noexcept { return kBits * Lanes::kStep * (chunk % kChunksOfWord); }
  CINCH_DEVICE_FN uint32_t code(int chunk, int column) const {
    return at[chunk / kChunksOfWord][column] >> shift(chunk) & Code::kMask;
  }
};

// A chunk by arithmetic. The integer goes into the bits of a float of 2^23: cheaper than a conversion, and where it is
// shifted the step is so the other way, which is exact.
template <int kBits, class T>
CINCH_DEVICE_FN Chunk dequantise(const LaneWords<kBits, T>& words, Sides sides, int chunk) {
  using Lane = LaneWords<kBits, T>;
  constexpr int kMostShift = 8;  // above that the product of a small step is not exact
  const int stay = Lane::shift(chunk) <= kMostShift ? Lane::shift(chunk) : 0;
  const float minimum = bf16_to_float(sides.minimum);
  const float step = bf16_to_float(sides.step) * (1.0f / static_cast<float>(1 << stay));
  const auto value = [&](int column) {
    const uint32_t word = words.at[chunk / Lane::kChunksOfWord][column] >> (Lane::shift(chunk) - stay);
    const uint32_t code = word & CodeWords<kBits>::kMask << stay;
    return minimum + (std::bit_cast<float>(code | 0x4b000000u) - 8388608.0f) * step;
  };
  Chunk out;
  CINCH_UNROLL
  for (int c = 0; c < DecodingLanes<T>::kValues; c += 2) set_chunk_pair<T>(out, c, value(c), value(c + 1));
  return out;
}

// Bytes of `low` (0 to 3) and `high` (4 to 7) by the four low nibbles of a selector.
CINCH_DEVICE_FN uint32_t pick_bytes(uint32_t low, uint32_t high, uint32_t selector) {
#if defined(__CUDA_ARCH__)
  return __byte_perm(low, high, selector);
#else
  const uint64_t bytes = low | static_cast<uint64_t>(high) << 32;
  uint32_t out = 0;
  for (int i = 0; i < 4; ++i) out |= static_cast<uint32_t>(bytes >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
  return out;
#endif
}

// 16-bit values of 1 or 2 bits: a group has at most four different ones, of which picking bytes finds two at a time.
template <int kBits, class T>
CINCH_DEVICE_FN void look_up(const LaneWords<kBits, T>& words, Sides sides, Chunk* chunks) {
  using Lane = LaneWords<kBits, T>;
  static_assert(kBits <= 2 && sizeof(T) == 2 && Lane::kBlocks == 1 && DecodingLanes<T>::kChunks == 2);
  Chunk table;
  set_chunk_pair<T>(table, 0, level(sides, 0), level(sides, 1));
  set_chunk_pair<T>(table, 2, level(sides, 2), level(sides, 3));
  CINCH_UNROLL
  for (int i = 0; i < 4; ++i) {
    const uint32_t a = words.at[0][2 * i], b = words.at[0][2 * i + 1];
    // A code in each byte: both columns of chunk 0, both of chunk 1.
    uint32_t codes;
    if constexpr (Lane::shift(1) == 8)
      codes = pick_bytes(a, b, 0x5140);
    else
      codes = (pick_bytes(a, b, 0x4040) & 0xffffu) | pick_bytes(a >> Lane::shift(1), b >> Lane::shift(1), 0x4040) << 16;
    // Bytes 2 * code and 2 * code + 1 of the table.
    const uint32_t selector = (codes & CodeWords<kBits>::kMask * 0x01010101u) * 0x22u + 0x10101010u;
    chunks[0].words[i] = pick_bytes(table.words[0], table.words[1], selector);
    chunks[1].words[i] = pick_bytes(table.words[0], table.words[1], selector >> 16);
  }
}

// A lane's chunks of a group of `count` values. `to`: the group's first one, chunk-aligned.
template <int kBits, class T>
CINCH_DEVICE_FN void decode_words(const LaneWords<kBits, T>& words, Sides sides, int count, int lane, T* to) {
  using Lanes = DecodingLanes<T>;
  Chunk chunks[Lanes::kChunks];
  if constexpr (kBits <= 2 && sizeof(T) == 2) {
    look_up<kBits, T>(words, sides, chunks);
  } else {
    CINCH_UNROLL
    for (int i = 0; i < Lanes::kChunks; ++i) chunks[i] = dequantise<kBits, T>(words, sides, i);
  }
  T* own = to + Lanes::element(lane, 0);
  CINCH_UNROLL
  for (int i = 0; i < Lanes::kChunks; ++i)
    store_chunk(own + Lanes::element(0, i), chunks[i], count - Lanes::element(lane, i));
}

// Of a group whose values and those behind it are `rest`.
CINCH_DEVICE_FN int values_of_group(int64_t rest) {
  return rest < kGroup ? static_cast<int>(rest) : static_cast<int>(kGroup);
}

template <class T>
struct DecodeJob {
  CodedGroups in;
  T* out;  // chunk-aligned
};

// One of decoding_pieces().
template <int kBits, class T, class W>
CINCH_DEVICE_FN void decode_piece(const W& w, const DecodeJob<T>& job, int64_t piece) {
  const int64_t groups = group_count(job.in.numel), first = piece * kDecodedTogether;
  w.each([&](int lane) {
    const int64_t group = first + DecodingLanes<T>::group(lane);
    if (group >= groups) return;
    const Sides sides = job.in.sides[group];
    LaneWords<kBits, T> words;
    words.load(job.in.codes_of(group, kBits), lane);
    const int count = values_of_group(job.in.numel - group * kGroup);
    decode_words<kBits, T>(words, sides, count, lane, job.out + group * kGroup);
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
    using Lanes = GroupLanes<float>;
    using Code = CodeWords<kBits>;
    w.each([&](int lane) {
      const int64_t last = groups() - 1, own = first + Lanes::group(lane), group = own < last ? own : last;
      const int64_t count = in.numel - group * kGroup;
      const std::byte* codes = in.codes_of(group, kBits);
      const Sides sides = in.sides[group];
      const float first_value = level(sides, *reinterpret_cast<const uint8_t*>(codes) & Code::kMask);
      CINCH_UNROLL
      for (int k = 0; k < kPairsOfLane; ++k) {
        const int pair = Lanes::pair(lane) + k * kPairLanes;
        uint32_t words[Lanes::kValues];
        load_words<kBits>(codes, Code::block(pair), Lanes::part(lane) * Lanes::kValues, words);
        CINCH_UNROLL
        for (int row = 0; row < kRows; ++row) {
          const int element = Lanes::begin(lane) + Lanes::offset(k, row);
          CINCH_UNROLL
          for (int i = 0; i < Lanes::kValues; ++i) {
            const float x = level(sides, words[i] >> (Code::shift(pair) + 16 * row) & Code::kMask);
            set_chunk_value(to[lane].at[k][row], i, element + i < count ? x : first_value);
          }
        }
      }
    });
  }
};

}  // namespace cinch::codec
