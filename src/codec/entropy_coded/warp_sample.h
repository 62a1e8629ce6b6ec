// What a warp does to fit a tensor: moments and counts of letters of the groups that a sample looks at.
#pragma once

#include <limits>

#include "src/codec/entropy_coded/fit_rules.h"
#include "src/codec/entropy_coded/slots.h"
#include "src/codec/entropy_coded/warp_deviations.h"
#include "src/codec/stage/sides.h"

namespace cinch::codec {

template <class T>
struct FitJob {
  const T* in;
  Slots slots;
  DType dtype;
  double step_sigma;
  uint64_t key;  // of the generator
  std::byte* payload;
  GroupSample scale, window, code;  // samples: divisions of 64 bits are not for kernels
  int parts;                        // that the moments of the first one have

  // Value i of a whole group; a tensor shorter than one is repeated.
  CINCH_DEVICE_FN float value(int64_t group, int i) const {
    return to_float(slots.numel < kLetterGroup ? in[i % static_cast<int>(slots.numel)] : in[group * kLetterGroup + i]);
  }
};

// Moments of every kMomentParts-th group of the sample.
struct MomentPart {
  double sum, squares;
  int32_t low, high;  // as order_key(); of nothing where low > high
  uint32_t count;     // enough for 2^36 values, of which a sixteenth is looked at
  float origin;       // the same for all parts
};
constexpr int32_t kNothingLow = order_key(std::numeric_limits<float>::infinity()),
                  kNothingHigh = order_key(-std::numeric_limits<float>::infinity());
constexpr MomentPart kNoMoments{0, 0, kNothingLow, kNothingHigh, 0, 0};

template <class T>
FitJob<T> fit_job(const T* in, const Slots& slots, DType dtype, double step_sigma, uint64_t key, std::byte* payload) {
  const int64_t groups = whole_groups(slots.numel);
  const GroupSample scale = scale_sample(groups);
  return {in,
          slots,
          dtype,
          step_sigma,
          key,
          payload,
          scale,
          letter_sample(groups, kWindowGroups),
          letter_sample(groups, kCodeGroups),
          static_cast<int>(std::min<int64_t>(kMomentParts, scale.count))};
}

namespace detail {

template <class W>
CINCH_DEVICE_FN void add_exchanged(const W& w, typename W::template Var<double>& v, int mask) {
  typename W::template Var<uint32_t> low, high;
  w.each([&](int lane) {
    const auto bits = std::bit_cast<uint64_t>(v[lane]);
    low[lane] = static_cast<uint32_t>(bits), high[lane] = static_cast<uint32_t>(bits >> 32);
  });
  const auto other_low = w.exchange(low, mask), other_high = w.exchange(high, mask);
  w.each([&](int lane) { v[lane] += std::bit_cast<double>(uint64_t{other_high[lane]} << 32 | other_low[lane]); });
}

CINCH_DEVICE_FN bool is_finite(float x) { return (std::bit_cast<uint32_t>(x) & 0x7fffffffu) < 0x7f800000u; }

// What moments are taken about: of the first group, by every warp for itself.
template <class T, class W>
CINCH_DEVICE_FN float origin_of_warp(const W& w, const FitJob<T>& job) {
  typename W::template Var<int32_t> low, high;
  w.each([&](int lane) {
    low[lane] = kNothingLow, high[lane] = kNothingHigh;
    for (int i = lane; i < kLetterGroup; i += kLanes) {
      const float x = job.value(0, i);
      if (!is_finite(x)) continue;
      const int32_t key = order_key(x);
      low[lane] = key < low[lane] ? key : low[lane];
      high[lane] = key > high[lane] ? key : high[lane];
    }
  });
  const int32_t min = w.min(low), max = w.max(high);
  return origin_of(min <= max, from_order_key(min), from_order_key(max));
}

}  // namespace detail

// Parts 2 * pair and 2 * pair + 1: sixteen lanes each, one a column.
template <class T, class W>
CINCH_DEVICE_FN void add_moments_of_warp(const W& w, const FitJob<T>& job, int pair, MomentPart* parts) {
  const int64_t count = job.scale.count;
  const float origin = detail::origin_of_warp(w, job);
  typename W::template Var<MomentPart> own;
  w.each([&](int lane) {
    own[lane] = kNoMoments;
    own[lane].origin = origin;
  });
  for (int64_t i = 2 * pair; i < count; i += kMomentParts) {
    typename W::template Var<double> sums, squares;
    w.each([&](int lane) {
      float sum = 0, square = 0;
      const int64_t mine = i + lane / kColumns16;
      if (mine < count) {
        const int64_t group = job.scale.group(mine);
        MomentPart& part = own[lane];
        CINCH_UNROLL
        for (int row = 0; row < 16; ++row) {
          const float x = job.value(group, row * kColumns16 + lane % kColumns16);
          const bool finite = detail::is_finite(x);
          const float from_origin = finite ? x - origin : 0.0f;
          sum += from_origin;
          square += from_origin * from_origin;
          const int32_t key = order_key(x);
          part.low = finite && key < part.low ? key : part.low;
          part.high = finite && key > part.high ? key : part.high;
          part.count += finite ? 1 : 0;
        }
      }
      sums[lane] = static_cast<double>(sum), squares[lane] = static_cast<double>(square);
    });
    // By halves, as add_halves() does.
    CINCH_UNROLL
    for (int mask = 8; mask > 0; mask /= 2) {
      detail::add_exchanged(w, sums, mask);
      detail::add_exchanged(w, squares, mask);
    }
    w.each([&](int lane) { own[lane].sum += sums[lane], own[lane].squares += squares[lane]; });
  }
  CINCH_UNROLL
  for (int mask = 8; mask > 0; mask /= 2) {
    typename W::template Var<uint32_t> low, high, finite;
    w.each([&](int lane) {
      low[lane] = static_cast<uint32_t>(own[lane].low), high[lane] = static_cast<uint32_t>(own[lane].high);
      finite[lane] = own[lane].count;
    });
    const auto other_low = w.exchange(low, mask), other_high = w.exchange(high, mask);
    const auto other_finite = w.exchange(finite, mask);
    w.each([&](int lane) {
      MomentPart& part = own[lane];
      part.low = std::min(part.low, static_cast<int32_t>(other_low[lane]));
      part.high = std::max(part.high, static_cast<int32_t>(other_high[lane]));
      part.count += other_finite[lane];
    });
  }
  w.each([&](int lane) {
    const int part = 2 * pair + lane / kColumns16;
    if (lane % kColumns16 == 0 && part < job.parts) parts[part] = own[lane];
  });
}

// Adds the letters of groups 2 * pair and 2 * pair + 1 of a sample to the counts.
template <bool kPaired, class T, class W, class Channels>
CINCH_DEVICE_FN void count_letters_of_warp(const W& w, const FitJob<T>& job, const Quantiser& q, const ToSymbols& to,
                                           const GroupSample& sample, int64_t pair, uint32_t* counts,
                                           const Channels& channels) {
  using Lanes = LetterLanes<kPaired>;
  const int64_t count = std::min<int64_t>(2, sample.count - 2 * pair);
  const int64_t first = sample.group(2 * pair), second = count > 1 ? sample.group(2 * pair + 1) : first;
  if (q.dithered) make_two_draws(w, q.key, first, second);
  w.each([&](int lane) {
    CINCH_ROLLED
    for (int g = 0; g < count; ++g) {
      const auto channel_row = channels.row((g == 0 ? first : second) * kLetterGroup);
      CINCH_UNROLL
      for (int half = 0; half < Lanes::kHalves; ++half) {
        const int row = Lanes::row(lane, half), column = Lanes::column(lane);
        LetterValues<kPaired> x;
        CINCH_UNROLL
        for (int r = 0; r < Lanes::kRows; ++r) {
          CINCH_UNROLL
          for (int i = 0; i < kRun; ++i)
            x.at[r][i] = job.value(g == 0 ? first : second, (row + r) * kColumns16 + column + i);
        }
        Chunk draws{};
        if (q.dithered) draws = draws_of(w.scratch, g, row, column);
        x = deviations_of<kPaired>(channel_row, x, row * kColumns16 + column);
        const uint32_t letters = letters_of<kPaired>(to, x, draws, row);
        CINCH_UNROLL
        for (int i = 0; i < kRun; ++i) W::add_to(counts + (letters >> (8 * i) & 0xffu), 1);
      }
    }
  });
}
constexpr int64_t sample_pairs(const GroupSample& sample) noexcept { return (sample.count + 1) / 2; }

// Adds the letters of the code's sample from pair `begin` of its groups on, every `step` pairs.
template <class T, class W, class Channels = NoChannels>
CINCH_DEVICE_FN void count_for_code(const W& w, const FitJob<T>& job, const Quantiser& q, const ToSymbols& to,
                                    int64_t begin, int64_t step, uint32_t* counts, const Channels& channels = {}) {
  const GroupSample& sample = job.code;
  for (int64_t pair = begin; pair < sample_pairs(sample); pair += step) {
    if (q.paired)
      count_letters_of_warp<true>(w, job, q, to, sample, pair, counts, channels);
    else
      count_letters_of_warp<false>(w, job, q, to, sample, pair, counts, channels);
  }
}

}  // namespace cinch::codec
