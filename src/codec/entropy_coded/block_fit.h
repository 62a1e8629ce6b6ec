// The fit of a tensor as blocks make it: scale, range of symbols and prefix code from a sample, into the front of the
// payload. The bytes are those of fit.cpp; nothing of it reaches the host.
#pragma once

#include "src/codec/entropy_coded/block_code.h"
#include "src/codec/entropy_coded/warp_sample.h"
#include "src/core/checksum.h"

namespace cinch::codec {

// What the threads of a block know together while they fit.
struct FitState {
  Quantiser quantiser;
  Scale scale;
  int window_first, window_last;
  uint32_t inside, alone;
  uint32_t counts[kLetters], lengths[kLetters];
};

// From parts in memory of the block, which are used up: the scale, for every thread.
template <class B>
CINCH_DEVICE_FN Scale merge_moments(const B& b, MomentPart* parts) {
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
  return scale_of(m, parts[0].origin);
}

// Leaves the quantiser for counting a window.
template <class T, class B>
CINCH_DEVICE_FN void settle_scale(const B& b, const FitJob<T>& job, MomentPart* parts, FitState& state) {
  Scale scale = merge_moments(b, parts);
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

// From counts of the code's sample: the lengths. `alone` is 0.
template <class B>
CINCH_DEVICE_FN void settle_code(const B& b, const Alphabet& q, MergeMemory& merge, uint32_t* counts, uint32_t* alone,
                                 uint32_t* lengths) {
  b.each([&](int i) {
    if (i >= kLetters || has_code(counts[i], static_cast<uint8_t>(i), q)) return;
    B::add_to(alone, counts[i]);
    counts[i] = 0;
  });
  b.sync();
  b.each([&](int i) {
    if (i == 0) counts[q.literal()] = std::max(*alone, 1u);
  });
  b.sync();
  make_lengths(b, counts, merge, lengths);
}
template <class B>
CINCH_DEVICE_FN void settle_code(const B& b, MergeMemory& merge, FitState& state) {
  const Quantiser q = state.quantiser;
  settle_code(b, q, merge, state.counts, &state.alone, state.lengths);
}

// A header, and zeros in the gap before the chunks and behind them.
template <class B>
CINCH_DEVICE_FN void put_header(const B& b, const Slots& slots, const Header& header, std::byte* payload) {
  auto* words = reinterpret_cast<uint32_t*>(payload);
  const int64_t chunks = slots.chunks();
  b.each([&](int i) {
    const int64_t gap = ends_offset() / 4 + chunks + i;
    if (gap < chunks_offset(slots.numel) / 4) words[gap] = 0;
    if (i < kSlack) payload[slots.payload_bytes() - kSlack + i] = std::byte{0};
    if (i != 0) return;
    Header h = header;
    h.numel = slots.numel;
    h.flags |= kInSlots;
    h.payload_bytes = slots.payload_bytes();
    struct Words {
      uint32_t at[sizeof(Header) / 4];
    };
    auto raw = std::bit_cast<Words>(h);
    constexpr size_t kLast = sizeof(Header) / 4 - 1;
    raw.at[kLast] = checksum_of_words(raw.at, kLast);
    for (size_t k = 0; k <= kLast; ++k) words[k] = raw.at[k];
  });
}
template <class T, class B>
CINCH_DEVICE_FN void write_header_of_block(const B& b, const FitJob<T>& job, const FitState& state) {
  Header h;
  h.magic = kEntropyMagic;
  h.dtype = static_cast<uint8_t>(job.dtype);
  put_quantiser(state.quantiser, h);
  if (job.slots.sides > 0) h.kind |= kByChannel;
  if (job.slots.numel > 0 && !state.scale.any) h.kind |= kNothingFinite;
  put_slots(job.slots, h);
  put_header(b, job.slots, h, job.payload);
}

template <class B>
CINCH_DEVICE_FN void put_lengths(const B& b, std::byte* payload, const uint32_t* lengths) {
  auto* words = reinterpret_cast<uint32_t*>(payload + lengths_offset());
  b.each([&](int i) {
    if (i >= kLengthWords) return;
    uint32_t word = 0;
    for (int k = 0; k < 8; ++k) word |= lengths[8 * i + k] << (4 * k);
    words[i] = word;
  });
}
template <class B>
CINCH_DEVICE_FN void write_lengths_of_block(const B& b, std::byte* payload, const FitState& state) {
  put_lengths(b, payload, state.lengths);
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

// From the parts, and what there is of channels, to the range of symbols.
template <class T, class B, class Memory, class Channels = NoChannels>
CINCH_DEVICE_FN void fit_quantiser(const B& b, const FitJob<T>& job, Memory& m, const Channels& channels = {}) {
  settle_scale(b, job, m.parts, m.state);
  channels.settle(b, job, m.state);
  if (!m.state.scale.any || m.state.scale.sigma == 0) return;
  const GroupSample& sample = job.window;
  const ToSymbols to = to_symbols(m.state.quantiser);
  b.warps([&](const auto& w, int warp) {
    for (int64_t pair = warp; pair < sample_pairs(sample); pair += B::kWarps)
      count_letters_of_warp<false>(w, job, m.state.quantiser, to, sample, pair, m.state.counts, channels);
  });
  b.sync();
  settle_range(b, static_cast<uint64_t>(sample.count) * kLetterGroup, m.state);
}

// All of it by one block: small tensors.
constexpr int64_t kGroupsOfOneBlock = 4096;
template <class T, class B, class Memory, class Channels = NoChannels>
CINCH_DEVICE_FN void fit_by_one_block(const B& b, const FitJob<T>& job, Memory& m, const Channels& channels = {}) {
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
    fit_quantiser(b, job, m, channels);
  }
  if (state.scale.any) {
    const ToSymbols to = to_symbols(state.quantiser);
    b.warps([&](const auto& w, int warp) {
      count_for_code(w, job, state.quantiser, to, warp, B::kWarps, state.counts, channels);
    });
    b.sync();
    settle_code(b, m.merge, state);
  } else {
    clear_lengths(b, state);
  }
  write_header_of_block(b, job, state);
  write_lengths_of_block(b, job.payload, state);
}

}  // namespace cinch::codec
