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
  typename W::template Var<MomentSums> sums;
  typename W::template Var<double> origin;
  typename W::template Var<bool> bad;
  w.each([&](int lane) {
    origin[lane] = to_float(job.in[run_begin(s, channel, 0)]);
    MomentSums own;
    bool wild = false;
    CINCH_ROLLED
    for (int64_t r = lane; r < s.runs; r += kLanes) {
      const T* from = job.in + run_begin(s, channel, r);
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

// Codes of `count` values of a lane at their places in the column's words. True: one of them cannot be coded.
template <int kBits, class T>
CINCH_DEVICE_FN bool cell_codes(const ChannelEncodeJob<T>& job, const float* x, int count, ChannelPlace place, int row,
                                uint32_t* words) {
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
    if (!(x[i] < kLargestCoded && x[i] > -kLargestCoded)) {
      bad = true;
      job.sides[side_of(job.map, place)] = kPoisonedChannel;
    } else {
      words[i] |= cell_code<kBits>(x[i], inverse, shift) << CodeWords<kBits>::shift(row);
    }
    other = advance(job.map, place);
  }
  return bad;
}

// Groups first and, if there is one, first + 1.
template <int kBits, class T, class W>
CINCH_DEVICE_FN void encode_cells_of_warp(const W& w, const ChannelEncodeJob<T>& job, int64_t first) {
  using Lanes = GroupLanes<T>;
  using Codes = CodeLanes<kBits, T>;
  const int64_t groups = job.source.groups(), begin = first * kGroup, rest = job.source.numel - begin;
  const int count = rest < kTogether * kGroup ? static_cast<int>(rest) : kTogether * static_cast<int>(kGroup);
  const ChannelPlace start = channel_place(job.map, begin);
  typename W::template Var<LoadedGroups<T>> in;
  load_groups(w, job.source, first, in);
  typename W::template Var<Words<Codes::kCount>> words;
  typename W::template Var<bool> bad[kTogether];
  w.each([&](int lane) {
    CINCH_UNROLL
    for (int i = 0; i < Codes::kCount; ++i) words[lane].at[i] = 0;
    CINCH_UNROLL
    for (int g = 0; g < kTogether; ++g) {
      bad[g][lane] = false;
      CINCH_UNROLL
      for (int k = 0; k < Lanes::kLoads; ++k) {
        const int row = Lanes::row(lane, k);
        const int element = g * static_cast<int>(kGroup) + row * static_cast<int>(kColumns) + Lanes::column(lane);
        if (element >= count) continue;
        const ChannelPlace place = moved(job.map, start, static_cast<uint32_t>(element));
        bad[g][lane] |= cell_codes<kBits, T>(job, in[lane].x[g][k], count - element, place, row,
                                             words[lane].at + Codes::word(g, Codes::slot(k), 0));
      }
    }
  });
  CINCH_UNROLL
  for (int g = 0; g < kTogether; ++g)
    if (w.any(bad[g])) w.count(job.poisoned);
  store_codes<kBits, T>(w, words, job.codes, first, groups);
}

template <class T>
struct ChannelDecodeJob {
  const ChannelSides* sides;
  const std::byte* codes;
  ChannelMap map;
  int64_t numel;
  T* out;  // chunk-aligned
};

template <int kBits, class T, class W>
CINCH_DEVICE_FN void decode_cells_of_warp(const W& w, const ChannelDecodeJob<T>& job, int64_t first) {
  using Lanes = GroupLanes<T>;
  const int64_t begin = first * kGroup, rest = job.numel - begin;
  const int count = rest < kTogether * kGroup ? static_cast<int>(rest) : kTogether * static_cast<int>(kGroup);
  const ChannelPlace start = channel_place(job.map, begin);
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
        ChannelPlace place = moved(job.map, start, static_cast<uint32_t>(element));
        float x[Lanes::kValues];
        ChannelSides sides{};
        bool other = true;
        CINCH_UNROLL
        for (int i = 0; i < Lanes::kValues; ++i) {
          if (other && element + i < count) sides = job.sides[side_of(job.map, place)];
          x[i] = middle_of_cell(codes[i], sides);
          other = advance(job.map, place);
        }
        store_values(job.out + begin + element, x, count - element);
      }
    }
  });
}

}  // namespace cinch::codec
