// dither's channels on the GPU: a warp sums up the sample of one, a block makes the sides of all, and kernels that
// decode find them in the payload. The sides are those of channels.cpp to the last bit.
#pragma once

#include "src/codec/entropy_coded/block_fit.h"
#include "src/codec/stage/channel_sample.h"

namespace cinch::codec {

// Of finite values in a channel's sample.
struct ChannelMoment {
  float mean, deviation;
  uint32_t count, zeros;
};

// What a fit knows of channels beside its job.
struct ChannelFit : TensorChannels {
  ChannelSample sample;
  StoredGrid grid;
  int count;
  ChannelMoment* moments;  // of each channel

  template <class B, class Job>
  CINCH_DEVICE_FN void settle(const B& b, const Job& job, FitState& state) const;
};
// Moments wait in the slots, `behind` other things that do; 16 bytes are there for each channel, whose values have
// slots of more.
static_assert(sizeof(ChannelMoment) * kLetterGroup <= Slots::kLeast * kLeastOfChannel);
template <class T>
ChannelFit channel_fit(const FitJob<T>& job, const Grid& grid, size_t behind) {
  const std::byte* sides = job.payload + chunks_offset(job.slots.numel);
  return {{channel_map(grid), reinterpret_cast<const StoredChannel*>(sides + sizeof(StoredGrid))},
          channel_sample(grid, sampled_of_channel(grid, job.slots.numel)),
          stored_grid(grid),
          static_cast<int>(channel_count(grid)),
          reinterpret_cast<ChannelMoment*>(job.payload + job.slots.begin(0) + behind)};
}

namespace detail {

// What a channel's moments are taken about: the first finite value of its sample, nearly always the very first.
template <class T>
CINCH_DEVICE_FN double origin_of_channel(const ChannelSample& s, const T* begin, int64_t channel) {
  CINCH_ROLLED
  for (int64_t r = 0; r < s.runs; ++r) {
    const T* from = begin + run_begin(s, channel, r);
    CINCH_ROLLED
    for (int64_t i = 0; i < s.run; ++i)
      if (is_finite(to_float(from[i]))) return to_float(from[i]);
  }
  return 0;
}

}  // namespace detail

template <class T, class W>
CINCH_DEVICE_FN void find_channel_moment(const W& w, const T* in, const ChannelFit& fit, int64_t channel) {
  const ChannelSample& s = fit.sample;
  const T* begin = in + channel_begin(s, channel);
  const double origin = detail::origin_of_channel(s, begin, channel);
  typename W::template Var<double> sums, squares;
  typename W::template Var<uint32_t> counts, zeros;
  w.each([&](int lane) {
    MomentSums own;
    counts[lane] = zeros[lane] = 0;
    CINCH_ROLLED
    for (int64_t r = lane; r < s.runs; r += kLanes) {
      const T* from = begin + run_begin(s, channel, r);
      CINCH_ROLLED
      for (int64_t i = 0; i < s.run; ++i) {
        const float x = to_float(from[i]);
        if (!detail::is_finite(x)) continue;
        ++counts[lane];
        zeros[lane] += x == 0.0f ? 1 : 0;
        add_value(own, origin, static_cast<double>(x));
      }
    }
    sums[lane] = own.sum, squares[lane] = own.squares;
  });
  // In pairs, as channel_moments() adds its sums.
  CINCH_UNROLL
  for (int mask = kMomentSums / 2; mask > 0; mask /= 2) {
    detail::add_exchanged(w, sums, mask);
    detail::add_exchanged(w, squares, mask);
  }
  const uint32_t count = w.last(w.sum_up_to(counts)), zero = w.last(w.sum_up_to(zeros));
  w.each([&](int lane) {
    if (lane != 0) return;
    ChannelMoment found{0, 0, count, zero};
    if (count > 0) {
      const MeanAndDeviation m = moments_of(MomentSums{sums[lane], squares[lane]}, origin, int64_t{count});
      found.mean = static_cast<float>(m.mean);
      found.deviation = static_cast<float>(std::min(m.deviation, static_cast<double>(kLargestSigma)));
    }
    fit.moments[channel] = found;
  });
}

// From the moments, and the scale of the tensor: sides into the payload, and the quantiser for deviations. Between
// settle_scale() and the first count of letters.
template <class B, class Job>
CINCH_DEVICE_FN void ChannelFit::settle(const B& b, const Job& job, FitState& state) const {
  const bool differ = state.scale.any && state.scale.sigma != 0;
  uint32_t *below = state.lengths, *values = below + 31, *zeros = below + 32;  // nobody has lengths yet
  b.each([&](int i) {
    if (i < 33) below[i] = 0;
  });
  b.sync();
  b.each([&](int thread) {
    uint32_t own_values = 0, own_zeros = 0;
    for (int c = thread; c < count; c += B::kThreads) own_values += moments[c].count, own_zeros += moments[c].zeros;
    if (own_values > 0) B::add_to(values, own_values), B::add_to(zeros, own_zeros);
  });
  // The median deviation, bit by bit: as integers floats have the same order where none is negative.
  const auto half = static_cast<uint32_t>(count / 2);
  uint32_t median = 0;
  CINCH_ROLLED
  for (int bit = 30; bit >= 0; --bit) {
    const uint32_t next = median | 1u << bit;
    b.each([&](int thread) {
      uint32_t smaller = 0;
      for (int c = thread; c < count; c += B::kThreads)
        smaller += std::bit_cast<uint32_t>(moments[c].deviation) < next ? 1 : 0;
      if (smaller > 0) B::add_to(below + bit, smaller);
    });
    b.sync();
    if (below[bit] <= half) median = next;
  }
  const float quietest = std::bit_cast<float>(median) * kQuietest;
  const bool centred = takes_means(*zeros, *values);
  std::byte* out = job.payload + chunks_offset(job.slots.numel);
  auto* stored = reinterpret_cast<StoredChannel*>(out + sizeof(StoredGrid));
  b.each([&](int thread) {
    for (int c = thread; c < count; c += B::kThreads)
      stored[c] = differ ? channel_side(centred ? moments[c].mean : 0.0f, moments[c].deviation, quietest) : kSameSide;
    // What is behind them is less than 64 bytes.
    const int64_t gap = int64_t{sizeof(StoredGrid)} + (int64_t{count} + thread) * int64_t{sizeof(StoredChannel)};
    if (gap < job.slots.sides) *reinterpret_cast<uint32_t*>(out + gap) = 0;
    if (thread != 0) return;
    *reinterpret_cast<StoredGrid*>(out) = grid;
    if (!differ) return;
    state.scale.mean = 0, state.scale.sigma = 1;
    state.quantiser.offset = 0;
    state.quantiser.step = static_cast<float>(job.step_sigma);
    set_wide_range(state.scale, state.quantiser);
  });
  b.sync();
}

// What a payload in slots says of itself, to a kernel that is told numel and length alone.
struct StoredDither {
  ChannelMap map;
  int64_t group_bytes, sides;
  bool fits;  // header and sides are those of such a payload
  bool by_channel;

  CINCH_DEVICE_FN Slots slots(int64_t numel) const { return {numel, group_bytes, sides}; }
  CINCH_DEVICE_FN TensorChannels channels(const std::byte* payload, int64_t numel) const {
    return {map, reinterpret_cast<const StoredChannel*>(payload + chunks_offset(numel) + sizeof(StoredGrid))};
  }
};
// The payload has at least the bytes of one without sides and with the smallest slots, which is more than the grid.
CINCH_DEVICE_FN StoredDither stored_dither(const std::byte* payload, int64_t bytes, int64_t numel) {
  const auto& header = *reinterpret_cast<const Header*>(payload);
  StoredDither stored{};
  stored.group_bytes = header.words[3] >> 32;
  stored.by_channel = (header.kind & kByChannel) != 0;
  if (stored.group_bytes < Slots::kLeast || stored.group_bytes > Slots::kMost || stored.group_bytes % 4 != 0)
    return stored;
  if (stored.by_channel) {
    Grid grid;
    if (!fit_stored_grid(*reinterpret_cast<const StoredGrid*>(payload + chunks_offset(numel)), numel, grid))
      return stored;
    stored.map = channel_map(grid);
    stored.sides = channels_bytes(grid);
  }
  stored.fits = stored.slots(numel).payload_bytes() == bytes;
  return stored;
}

}  // namespace cinch::codec
