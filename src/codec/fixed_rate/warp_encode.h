// A warp codes two groups of float32 or four of 16-bit values: a single read of the input, everything else in
// registers. The bytes are those of the CPU codec.
#pragma once

#include "src/codec/fixed_rate/lane_codes.h"
#include "src/codec/fixed_rate/lane_range.h"
#include "src/codec/stage/rng.h"

namespace cinch::codec {

// Values of a tensor. A short last group goes on with its first value.
template <class T>
struct TensorSource {
  using Value = T;
  const T* in;
  int64_t numel;

  CINCH_DEVICE_FN int64_t groups() const { return group_count(numel); }

  // Groups from `first` on. Behind the last group the last one is read once more.
  template <class W>
  CINCH_DEVICE_FN void load(const W& w, int64_t first, typename W::template Var<LaneValues<T>>& to) const {
    // One question for all loads: then none of them waits for a branch.
    const bool whole = (first + Lanes::kTogether) * kGroup <= numel && is_chunk_aligned(in);
    w.each([&](int lane) {
      if (whole)
        load_chunks(first, lane, to[lane]);
      else
        load_values(first, lane, to[lane]);
    });
  }

 private:
  using Lanes = GroupLanes<T>;

  CINCH_DEVICE_FN void load_chunks(int64_t first, int lane, LaneValues<T>& to) const {
    const T* from = in + first * kGroup + (Lanes::group(lane) * static_cast<int>(kGroup) + Lanes::begin(lane));
    CINCH_UNROLL
    for (int k = 0; k < kPairsOfLane; ++k) {
      CINCH_UNROLL
      for (int row = 0; row < kRows; ++row)
        to.at[k][row] = *reinterpret_cast<const Chunk*>(from + Lanes::offset(k, row));
    }
  }
  CINCH_DEVICE_FN void load_values(int64_t first, int lane, LaneValues<T>& to) const {
    const int64_t last = groups() - 1, own = first + Lanes::group(lane);
    const int64_t begin = (own < last ? own : last) * kGroup, count = numel - begin;
    CINCH_UNROLL
    for (int k = 0; k < kPairsOfLane; ++k) {
      CINCH_UNROLL
      for (int row = 0; row < kRows; ++row) {
        const int element = Lanes::begin(lane) + Lanes::offset(k, row);
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i)
          set_chunk_value(to.at[k][row], i, in[begin + (element + i < count ? element + i : 0)]);
      }
    }
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

// Draws in the memory of a warp: [group][pair of rows][place]. Strides and places are such that no two lanes that read
// 16 bytes each at a time, or write a word each, meet in a bank.
template <class T>
struct Draws {
  using Lanes = GroupLanes<T>;
  static constexpr int kPairStride = sizeof(T) == 4 ? 16 : 24;
  static constexpr int kStride = kPairs * kPairStride + Lanes::kLanesOfGroup;
  static constexpr int kWords = Lanes::kTogether * kStride;
  static constexpr int kChains = static_cast<int>(kColumns) / Lanes::kLanesOfGroup;  // that a lane follows
  // A part's first four columns lie beside those of the next part.
  static constexpr int column_at(int place) noexcept {
    return place / 4 % Lanes::kParts * Lanes::kValues + place / (4 * Lanes::kParts) * 4 + place % 4;
  }
};
constexpr int kScratchWords = Draws<float>::kWords > Draws<Bf16>::kWords ? Draws<float>::kWords : Draws<Bf16>::kWords;

template <class T, class W>
CINCH_DEVICE_FN void make_draws(const W& w, uint64_t key, int64_t first) {
  using Lanes = GroupLanes<T>;
  w.sync();  // nobody reads those of the groups before any more
  w.each([&](int lane) {
    const uint64_t own = group_key(key, first + Lanes::group(lane));
    CINCH_UNROLL
    for (int c = 0; c < Draws<T>::kChains; ++c) {
      const int place = lane % Lanes::kLanesOfGroup + c * Lanes::kLanesOfGroup;
      uint32_t* to = w.scratch + Lanes::group(lane) * Draws<T>::kStride + place;
      uint32_t x = first_draw(own, static_cast<uint32_t>(Draws<T>::column_at(place)));
      CINCH_UNROLL
      for (int pair = 0; pair < kPairs; ++pair, x = next_draw(x)) to[pair * Draws<T>::kPairStride] = x;
    }
  });
  w.sync();
}

// Draws of a lane's columns, for its pair k.
template <class T>
CINCH_DEVICE_FN void read_draws(const uint32_t* scratch, int lane, int k, uint32_t* draws) {
  using Lanes = GroupLanes<T>;
  const uint32_t* from = scratch + Lanes::group(lane) * Draws<T>::kStride +
                         (Lanes::pair(lane) + k * kPairLanes) * Draws<T>::kPairStride + Lanes::part(lane) * 4;
  CINCH_UNROLL
  for (int c = 0; c < Lanes::kValues; c += 4) {
    const Chunk chunk = *reinterpret_cast<const Chunk*>(from + c * Lanes::kParts);
    CINCH_UNROLL
    for (int i = 0; i < 4; ++i) draws[c + i] = chunk.words[i];
  }
}

CINCH_DEVICE_FN uint32_t low_halves(uint32_t low, uint32_t high) {
#if defined(__CUDA_ARCH__)
  return __byte_perm(low, high, 0x5410);
#else
  return (low & 0xffffu) | high << 16;
#endif
}

// Codes of a lane's values for its pair k. Both rows of a column share an addition: 16 bits each, and no sum carries.
template <int kBits, bool kNearest, class T>
CINCH_DEVICE_FN void quantise(const LaneValues<T>& x, int k, float minimum, float scale, const uint32_t* draws,
                              Words<LaneCodes<kBits, T>::kWords>& words) {
  using Codes = LaneCodes<kBits, T>;
  constexpr int kFraction = 16 - kBits;
  constexpr uint32_t kDraw = ((1u << kFraction) - 1) * 0x10001u, kHalf = (1u << (kFraction - 1)) * 0x10001u;
  CINCH_UNROLL
  for (int c = 0; c < GroupLanes<T>::kValues; ++c) {
    // Rounds to nearest even and leaves the integer in the low bits.
    const auto rounded = [&](int row) {
      return std::bit_cast<uint32_t>((x.value(k, row, c) - minimum) * scale + 12582912.0f);
    };
    const uint32_t sum = low_halves(rounded(0), rounded(1)) + (kNearest ? kHalf : draws[c] & kDraw);
    const int shift = kBits * Codes::field(k, c);
    words.at[Codes::word(k, c)] |= sum >> (kFraction - shift) & CodeWords<kBits>::kCode << shift;
  }
}

// Codes of all of a lane's values, with the sides of its group.
template <int kBits, bool kNearest, class T>
CINCH_DEVICE_FN Words<LaneCodes<kBits, T>::kWords> codes_of_lane(const LaneValues<T>& x, const Sides& sides,
                                                                 const uint32_t* scratch, int lane) {
  constexpr float kScale = static_cast<float>(1u << (16 - kBits));
  const float minimum = bf16_to_float(sides.minimum), step = bf16_to_float(sides.step);
  const float scale = step > 0.0f ? step_reciprocal(step) * kScale : 0.0f;
  Words<LaneCodes<kBits, T>::kWords> words = {};
  CINCH_UNROLL
  for (int k = 0; k < kPairsOfLane; ++k) {
    uint32_t draws[GroupLanes<T>::kValues] = {};
    if constexpr (!kNearest) read_draws<T>(scratch, lane, k, draws);
    quantise<kBits, kNearest, T>(x, k, minimum, scale, draws, words);
  }
  return words;
}

// Stores the sides of the groups; each lane has those of its own.
template <int kBits, class Source, class W>
CINCH_DEVICE_FN void find_sides(const W& w, const EncodeJob<Source>& job, int64_t first,
                                const typename W::template Var<LaneValues<typename Source::Value>>& in,
                                typename W::template Var<Sides>& sides) {
  using Lanes = GroupLanes<typename Source::Value>;
  const int64_t groups = job.source.groups();
  typename W::template Var<KeyRange> ranges;
  typename W::template Var<bool> bad;
  w.each([&](int lane) { ranges[lane] = lane_range(in[lane]); });
  group_ranges<typename Source::Value>(w, ranges);
  w.each([&](int lane) {
    const bool stores = Lanes::is_first(lane) && first + Lanes::group(lane) < groups;
    const KeyRange range = ranges[lane];
    const Sides s = sides_of<(1 << kBits) - 1>(from_order_key(range.low), from_order_key(range.high));
    const bool is_bad = !is_range(range.low, range.high);
    sides[lane] = is_bad ? kPoisoned : s;
    bad[lane] = is_bad && stores;
    if (stores) job.sides[first + Lanes::group(lane)] = sides[lane];
  });
  w.count(job.poisoned, bad);
}

// One of encoding_pieces().
template <int kBits, bool kNearest, class Source, class W>
CINCH_DEVICE_FN void encode_piece(const W& w, const EncodeJob<Source>& job, int64_t piece) {
  using T = typename Source::Value;
  using Lanes = GroupLanes<T>;
  const int64_t first = piece * Lanes::kTogether;
  using Codes = LaneCodes<kBits, T>;
  typename W::template Var<LaneValues<T>> in;
  job.source.load(w, first, in);
  if constexpr (!kNearest) make_draws<T>(w, job.key, first);  // while the values are on their way
  typename W::template Var<Sides> sides;
  find_sides<kBits>(w, job, first, in, sides);
  typename W::template Var<Words<Codes::kWords>> words;
  w.each([&](int lane) {
    words[lane] = codes_of_lane<kBits, kNearest>(in[lane], sides[lane], w.scratch, lane);
    if (is_poisoned(sides[lane])) words[lane] = {};
  });
  store_codes<kBits, T>(w, words, job.codes, first, job.source.groups());
}

}  // namespace cinch::codec
