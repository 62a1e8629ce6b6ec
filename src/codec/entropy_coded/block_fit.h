// The fit of a tensor as warps and blocks make it: scale, range of symbols and prefix code from a sample, into the
// front of the payload. The bytes are those of fit.cpp; nothing of it reaches the host.
#pragma once

#include <limits>

#include "src/codec/entropy_coded/block_code.h"
#include "src/codec/entropy_coded/fit_rules.h"
#include "src/codec/entropy_coded/slots.h"
#include "src/codec/entropy_coded/warp_letters.h"
#include "src/codec/stage/sides.h"
#include "src/core/checksum.h"

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
template <bool kPaired, class T, class W>
CINCH_DEVICE_FN void count_letters_of_warp(const W& w, const FitJob<T>& job, const Quantiser& q, const ToSymbols& to,
                                           const GroupSample& sample, int64_t pair, uint32_t* counts) {
  using Lanes = LetterLanes<kPaired>;
  const int64_t count = std::min<int64_t>(2, sample.count - 2 * pair);
  const int64_t first = sample.group(2 * pair), second = count > 1 ? sample.group(2 * pair + 1) : first;
  if (q.dithered) make_two_draws(w, q.key, first, second);
  w.each([&](int lane) {
    CINCH_ROLLED
    for (int g = 0; g < count; ++g) {
      CINCH_UNROLL
      for (int half = 0; half < Lanes::kHalves; ++half) {
        const int row = Lanes::row(lane, half), column = Lanes::column(lane);
        LaneValues<kPaired> x;
        CINCH_UNROLL
        for (int r = 0; r < Lanes::kRows; ++r) {
          CINCH_UNROLL
          for (int i = 0; i < kRun; ++i)
            x.at[r][i] = job.value(g == 0 ? first : second, (row + r) * kColumns16 + column + i);
        }
        Chunk draws{};
        if (q.dithered) draws = draws_of(w.scratch, g, row, column);
        const uint32_t letters = letters_of<kPaired>(to, x, draws, row);
        CINCH_UNROLL
        for (int i = 0; i < kRun; ++i) W::add_to(counts + (letters >> (8 * i) & 0xffu), 1);
      }
    }
  });
}
constexpr int64_t sample_pairs(const GroupSample& sample) noexcept { return (sample.count + 1) / 2; }

// What the threads of a block know together while they fit.
struct FitState {
  Quantiser quantiser;
  Scale scale;
  int window_first, window_last;
  uint32_t inside, alone;
  uint32_t counts[kLetters], lengths[kLetters];
};

// From parts in memory of the block, which are used up. Leaves the quantiser for counting a window.
template <class T, class B>
CINCH_DEVICE_FN void settle_scale(const B& b, const FitJob<T>& job, MomentPart* parts, FitState& state) {
  for (int half = kMomentParts / 2; half > 0; half /= 2) {
    b.each([&](int i) {
      for (; i < half; i += B::kThreads) {
        MomentPart& part = parts[i];
        const MomentPart& other = parts[i + half];
        part.sum += other.sum;
        part.squares += other.squares;
        part.low = std::min(part.low, other.low);
        part.high = std::max(part.high, other.high);
        part.count += other.count;
      }
    });
    b.sync();
  }
  // By every thread: divisions of double are calls, which branches would have to wait for.
  Moments m;
  m.count = parts[0].count;
  m.sum = parts[0].sum;
  m.squares = parts[0].squares;
  m.min = from_order_key(parts[0].low);
  m.max = from_order_key(parts[0].high);
  Scale scale = scale_of(m, parts[0].origin);
  Quantiser q;
  q.key = job.key;
  scale.any = set_steps(scale, job.step_sigma, q);
  if (scale.any) set_wide_range(scale, q);
  b.each([&](int i) {
    if (i < kLetters) state.counts[i] = 0;
    if (i != 0) return;
    state.scale = scale;
    state.quantiser = q;
    state.inside = state.alone = 0;
  });
  b.sync();
}

// From counts of the window's sample of `all` letters, which are zero afterwards: the range of symbols.
template <class B>
CINCH_DEVICE_FN void settle_range(const B& b, uint64_t all, FitState& state) {
  constexpr int kSymbols = Alphabet::kSingleSymbols, kWidth = Alphabet::kPairedSymbols;
  uint32_t* inside = state.lengths;  // of the window that ends there
  b.each([&](int s) {
    if (s >= kSymbols) return;
    uint32_t sum = 0;
    for (int i = std::max(0, s - kWidth + 1); i <= s; ++i) sum += state.counts[i];
    inside[s] = sum;
  });
  b.sync();
  b.each([&](int s) {
    if (s >= kSymbols) return;
    // The first and the last of the best windows; their middle leaves room on both sides.
    const uint32_t own = inside[s];
    bool first = true, last = true;
    for (int other = 0; other < kSymbols; ++other) {
      const bool better = inside[other] > own, same = inside[other] == own;
      first = first && !better && !(same && other < s);
      last = last && !better && !(same && other > s);
    }
    if (first) state.window_first = s, state.inside = own;
    if (last) state.window_last = s;
  });
  b.sync();
  b.each([&](int i) {
    if (i != 0) return;
    Quantiser q = state.quantiser;
    const uint64_t in_window = uint64_t{state.inside} + state.counts[q.zero_symbol()];
    set_range((state.window_first + state.window_last) / 2 - kWidth + 1, in_window, all, q);
    state.quantiser = q;
  });
  b.sync();
  b.each([&](int i) {
    if (i < kLetters) state.counts[i] = 0;
  });
  b.sync();
}

// From counts of the code's sample: the lengths.
template <class B>
CINCH_DEVICE_FN void settle_code(const B& b, MergeMemory& merge, FitState& state) {
  const Quantiser q = state.quantiser;
  b.each([&](int i) {
    if (i >= kLetters || has_code(state.counts[i], static_cast<uint8_t>(i), q)) return;
    B::add_to(&state.alone, state.counts[i]);
    state.counts[i] = 0;
  });
  b.sync();
  b.each([&](int i) {
    if (i == 0) state.counts[q.literal()] = std::max(state.alone, 1u);
  });
  b.sync();
  make_lengths(b, state.counts, merge, state.lengths);
}

// The header, and zeros in the gap before the chunks and behind them.
template <class T, class B>
CINCH_DEVICE_FN void write_header_of_block(const B& b, const FitJob<T>& job, const FitState& state) {
  auto* words = reinterpret_cast<uint32_t*>(job.payload);
  const int64_t chunks = job.slots.chunks();
  b.each([&](int i) {
    const int64_t gap = ends_offset() / 4 + chunks + i;
    if (gap < chunks_offset(job.slots.numel) / 4) words[gap] = 0;
    if (i < kSlack) job.payload[job.slots.payload_bytes() - kSlack + i] = std::byte{0};
    if (i != 0) return;
    Header h;
    h.magic = kEntropyMagic;
    h.dtype = static_cast<uint8_t>(job.dtype);
    h.numel = job.slots.numel;
    put_quantiser(state.quantiser, h);
    if (job.slots.numel > 0 && !state.scale.any) h.kind |= kNothingFinite;
    put_slots(job.slots, h);
    h.payload_bytes = job.slots.payload_bytes();
    struct Words {
      uint32_t at[sizeof(Header) / 4];
    };
    auto raw = std::bit_cast<Words>(h);
    constexpr size_t kLast = sizeof(Header) / 4 - 1;
    raw.at[kLast] = checksum_of_words(raw.at, kLast);
    for (size_t k = 0; k <= kLast; ++k) words[k] = raw.at[k];
  });
}

template <class B>
CINCH_DEVICE_FN void write_lengths_of_block(const B& b, std::byte* payload, const FitState& state) {
  auto* words = reinterpret_cast<uint32_t*>(payload + lengths_offset());
  b.each([&](int i) {
    if (i >= kLengthWords) return;
    uint32_t word = 0;
    for (int k = 0; k < 8; ++k) word |= state.lengths[8 * i + k] << (4 * k);
    words[i] = word;
  });
}

// What a block fits in. Its warps' scratch is `draws`.
template <int kWarps>
struct FitMemory {
  union {
    MomentPart parts[kMomentParts];
    uint32_t draws[kWarps * kDrawWords];
    MergeMemory merge;
  };
  FitState state;
};

// Nothing to fit, or nothing that can be fitted.
template <class B>
CINCH_DEVICE_FN void clear_lengths(const B& b, FitState& state) {
  b.each([&](int i) {
    if (i < kLetters) state.lengths[i] = 0;
  });
  b.sync();
}

// From the parts to the range of symbols.
template <class T, class B, class Memory>
CINCH_DEVICE_FN void fit_quantiser(const B& b, const FitJob<T>& job, Memory& m) {
  settle_scale(b, job, m.parts, m.state);
  if (!m.state.scale.any || m.state.scale.sigma == 0) return;
  const GroupSample& sample = job.window;
  const ToSymbols to = to_symbols(m.state.quantiser);
  b.warps([&](const auto& w, int warp) {
    for (int64_t pair = warp; pair < sample_pairs(sample); pair += B::kWarps)
      count_letters_of_warp<false>(w, job, m.state.quantiser, to, sample, pair, m.state.counts);
  });
  b.sync();
  settle_range(b, static_cast<uint64_t>(sample.count) * kLetterGroup, m.state);
}

// Adds the letters of the code's sample from pair `begin` of its groups on, every `step` pairs.
template <class T, class W>
CINCH_DEVICE_FN void count_for_code(const W& w, const FitJob<T>& job, const Quantiser& q, const ToSymbols& to,
                                    int64_t begin, int64_t step, uint32_t* counts) {
  const GroupSample& sample = job.code;
  for (int64_t pair = begin; pair < sample_pairs(sample); pair += step) {
    if (q.paired)
      count_letters_of_warp<true>(w, job, q, to, sample, pair, counts);
    else
      count_letters_of_warp<false>(w, job, q, to, sample, pair, counts);
  }
}

// All of it by one block: small tensors.
constexpr int64_t kGroupsOfOneBlock = 4096;
template <class T, class B, class Memory>
CINCH_DEVICE_FN void fit_by_one_block(const B& b, const FitJob<T>& job, Memory& m) {
  FitState& state = m.state;
  b.each([&](int i) {
    if (i == 0) state.quantiser = Quantiser(), state.scale = Scale();
    for (; i < kMomentParts; i += B::kThreads) m.parts[i] = kNoMoments;
  });
  b.sync();
  if (job.slots.numel > 0) {
    b.warps([&](const auto& w, int warp) {
      for (int pair = warp; 2 * pair < job.parts; pair += B::kWarps) add_moments_of_warp(w, job, pair, m.parts);
    });
    b.sync();
    fit_quantiser(b, job, m);
  }
  if (state.scale.any) {
    const ToSymbols to = to_symbols(state.quantiser);
    b.warps(
        [&](const auto& w, int warp) { count_for_code(w, job, state.quantiser, to, warp, B::kWarps, state.counts); });
    b.sync();
    settle_code(b, m.merge, state);
  } else {
    clear_lengths(b, state);
  }
  write_header_of_block(b, job, state);
  write_lengths_of_block(b, job.payload, state);
}

}  // namespace cinch::codec
