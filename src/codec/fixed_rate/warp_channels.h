// fixed_point by warps: a warp finds the cells of one channel; then warps code two groups each. The bytes are those of
// the CPU codec.
#pragma once

#include "src/codec/fixed_rate/channel_cells.h"
#include "src/codec/fixed_rate/warp_decode.h"
#include "src/codec/fixed_rate/warp_encode.h"
#include "src/codec/stage/channel_place.h"
#include "src/codec/stage/channel_sample.h"

namespace cinch::codec {

template <class T>
struct ChannelSidesJob {
  const T* in;
  ChannelSample sample;
  int64_t channels;
  int bits;
  DType dtype;
  ChannelSides* sides;
};

// Adds up what the lanes have; each has the sum afterwards.
template <class W>
CINCH_DEVICE_FN void join_lanes(const W& w, typename W::template Var<MomentSums>& sums) {
  CINCH_UNROLL
  for (int mask = kLanes / 2; mask > 0; mask /= 2) {
    typename W::template Var<uint32_t> give;
    typename W::template Var<Words<4>> got;
    CINCH_UNROLL
    for (int k = 0; k < 4; ++k) {
      w.each([&](int lane) {
        const auto bits = std::bit_cast<uint64_t>(k < 2 ? sums[lane].sum : sums[lane].squares);
        give[lane] = static_cast<uint32_t>(bits >> (k % 2 * 32));
      });
      const auto other = w.exchange(give, mask);
      w.each([&](int lane) { got[lane].at[k] = other[lane]; });
    }
    w.each([&](int lane) {
      const auto number = [&](int k) {
        return std::bit_cast<double>(static_cast<uint64_t>(got[lane].at[k + 1]) << 32 | got[lane].at[k]);
      };
      sums[lane] = joined(sums[lane], {number(0), number(2)});
    });
  }
}

// A channel with a value in its sample that is not finite gets sides that decode to NaN.
template <class T, class W>
CINCH_DEVICE_FN void find_channel_sides(const W& w, const ChannelSidesJob<T>& job, int64_t channel) {
  constexpr int kMostOfRun = 16;
  const ChannelSample& s = job.sample;
  const T* begin = job.in + channel_begin(s, channel);
  typename W::template Var<MomentSums> sums;
  typename W::template Var<double> origin;
  typename W::template Var<bool> bad;
  w.each([&](int lane) {
    origin[lane] = to_float(begin[run_begin(s, channel, 0)]);
    MomentSums own;
    bool wild = false;
    CINCH_ROLLED
    for (int64_t r = lane; r < s.runs; r += kLanes) {
      const T* from = begin + run_begin(s, channel, r);
      T values[kMostOfRun] = {};
      CINCH_UNROLL
      for (int i = 0; i < kMostOfRun; ++i)
        if (i < s.run) values[i] = from[i];
      CINCH_UNROLL
      for (int i = 0; i < kMostOfRun; ++i) {
        if (i >= s.run) continue;
        const float v = to_float(values[i]);
        wild |= (std::bit_cast<uint32_t>(v) & 0x7f800000u) == 0x7f800000u;
        add_value(own, origin[lane], v);
      }
    }
    sums[lane] = own;
    bad[lane] = wild;
  });
  const bool poisoned = w.any(bad);
  join_lanes(w, sums);
  w.each([&](int lane) {
    if (lane != 0) return;
    ChannelSides sides = kPoisonedChannel;
    if (!poisoned) {
      const MeanAndDeviation m = moments_of(sums[lane], origin[lane], s.runs * s.run);
      sides = channel_cells(m.mean, m.deviation, job.bits, job.dtype);
    }
    job.sides[channel] = sides;
  });
}

template <class T>
struct ChannelEncodeJob {
  TensorSource<T> source;
  ChannelMap map;
  ChannelSides* sides;  // of a channel with a value that cannot be coded: overwritten
  std::byte* codes;
  uint32_t* poisoned;  // counts groups with such a value; may be null
};

// Codes of up to `count` values of a lane's row. True: one of them cannot be coded.
template <int kBits, class T>
CINCH_DEVICE_FN bool cell_codes(const ChannelEncodeJob<T>& job, const LaneValues<T>& x, int k, int row, int count,
                                ChannelPlace place, Words<LaneCodes<kBits, T>::kWords>& words) {
  bool bad = false, other = true;
  float inverse = 0, shift = 0;
  CINCH_UNROLL
  for (int i = 0; i < GroupLanes<T>::kValues; ++i) {
    if (i >= count) break;
    if (other) {
      const ChannelSides s = job.sides[side_of(job.map, place)];
      inverse = 1.0f / bf16_to_float(s.step);
      shift = static_cast<float>(s.shift);
    }
    const float value = x.value(k, row, i);
    if (!(value < kLargestCoded && value > -kLargestCoded)) {
      bad = true;
      job.sides[side_of(job.map, place)] = kPoisonedChannel;
    } else {
      put_code<kBits, T>(words, k, row, i, cell_code<kBits>(value, inverse, shift));
    }
    other = advance(job.map, place);
  }
  return bad;
}

// One of encoding_pieces().
template <int kBits, class T, class W>
CINCH_DEVICE_FN void encode_cells(const W& w, const ChannelEncodeJob<T>& job, int64_t piece) {
  using Lanes = GroupLanes<T>;
  constexpr int kMost = Lanes::kTogether * static_cast<int>(kGroup);
  const int64_t first = piece * Lanes::kTogether, begin = first * kGroup, rest = job.source.numel - begin;
  const int count = rest < kMost ? static_cast<int>(rest) : kMost;
  const ChannelPlace start = channel_place(job.map, begin);
  typename W::template Var<LaneValues<T>> in;
  job.source.load(w, first, in);
  typename W::template Var<Words<LaneCodes<kBits, T>::kWords>> words;
  typename W::template Var<bool> bad;
  w.each([&](int lane) {
    words[lane] = {};
    bad[lane] = false;
    CINCH_UNROLL
    for (int k = 0; k < kPairsOfLane; ++k) {
      CINCH_UNROLL
      for (int row = 0; row < kRows; ++row) {
        const int element = Lanes::group(lane) * static_cast<int>(kGroup) + Lanes::begin(lane) + Lanes::offset(k, row);
        if (element >= count) continue;
        const ChannelPlace place = moved(job.map, start, static_cast<uint32_t>(element));
        bad[lane] |= cell_codes<kBits, T>(job, in[lane], k, row, count - element, place, words[lane]);
      }
    }
  });
  CINCH_UNROLL
  for (int g = 0; g < Lanes::kTogether; ++g) {
    typename W::template Var<bool> own;
    w.each([&](int lane) { own[lane] = bad[lane] && Lanes::group(lane) == g; });
    if (w.any(own)) w.count(job.poisoned);
  }
  store_codes<kBits, T>(w, words, job.codes, first, job.source.groups());
}

template <class T>
struct ChannelDecodeJob {
  const ChannelSides* sides;
  const std::byte* codes;
  ChannelMap map;
  int64_t numel;
  T* out;  // chunk-aligned
};

// One of decoding_pieces().
template <int kBits, class T, class W>
CINCH_DEVICE_FN void decode_cells(const W& w, const ChannelDecodeJob<T>& job, int64_t piece) {
  using Lanes = DecodingLanes<T>;
  constexpr int kMost = kDecodedTogether * static_cast<int>(kGroup);
  const int64_t first = piece * kDecodedTogether, begin = first * kGroup, rest = job.numel - begin;
  const int count = rest < kMost ? static_cast<int>(rest) : kMost;
  const ChannelPlace start = channel_place(job.map, begin);
  w.each([&](int lane) {
    const int of_group = Lanes::group(lane) * static_cast<int>(kGroup);
    if (of_group >= count) return;
    LaneWords<kBits, T> words;
    words.load(job.codes + (first + Lanes::group(lane)) * code_bytes(kBits), lane);
    CINCH_UNROLL
    for (int chunk = 0; chunk < Lanes::kChunks; ++chunk) {
      const int element = of_group + Lanes::element(lane, chunk);
      if (element >= count) continue;
      ChannelPlace place = moved(job.map, start, static_cast<uint32_t>(element));
      float x[Lanes::kValues];
      ChannelSides sides{};
      bool other = true;
      CINCH_UNROLL
      for (int i = 0; i < Lanes::kValues; ++i) {
        if (other && element + i < count) sides = job.sides[side_of(job.map, place)];
        x[i] = middle_of_cell(words.code(chunk, i), sides);
        other = advance(job.map, place);
      }
      store_values(job.out + begin + element, x, count - element);
    }
  });
}

}  // namespace cinch::codec
