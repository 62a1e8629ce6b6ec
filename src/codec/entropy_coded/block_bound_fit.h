// The fit of error_bound as blocks make it: levels, whether neighbours predict them, the range of symbols and the
// prefix code, from a sample. The numbers are those of bound_fit.cpp to the last bit; nothing of it reaches the host.
#pragma once

#include "src/codec/entropy_coded/block_fit.h"
#include "src/codec/entropy_coded/bound_slots.h"
#include "src/codec/entropy_coded/error_bound_layout.h"
#include "src/codec/entropy_coded/warp_bound_sample.h"

namespace cinch::codec {

// What the threads of a block know together while they fit.
struct BoundState {
  BoundQuantiser quantiser;
  uint32_t zeros, alone, fits;
  uint32_t counts[kLetters], lengths[kLetters];
};

// Choices are between these: 14 and 253 symbols, without and with neighbours.
constexpr int kChoices = 4;
constexpr int choice_width(int choice) noexcept {
  return choice % 2 == 0 ? Alphabet::kPairedSymbols : Alphabet::kSingleSymbols;
}

struct ChoiceMemory {
  static constexpr int kParts = 64;
  IntegerCounts counts;
  // Windows are named by where they end: the first and the last of those of a part that hold the most.
  struct Best {
    uint32_t inside, first, last;
  } best[kChoices][kParts];
  int begin[kChoices];
  uint32_t inside[kChoices];
  double bits[kChoices][Alphabet::kSingleSymbols];  // of each symbol
  double total_bits[kChoices];
};

template <int kWarps>
struct BoundMemory {
  union {
    MomentPart parts[kMomentParts];
    MergeMemory merge;
    ChoiceMemory choice;
  };
  BoundState state;
};

template <class B>
CINCH_DEVICE_FN void clear_counts(const B& b, IntegerCounts& counts) {
  b.each([&](int thread) {
    for (int i = thread; i < 2 * kIntegers; i += B::kThreads) counts.all[i] = 0;
    if (thread == 0) counts.missed = 0;
  });
  b.sync();
}

// From the parts and state.zeros: the levels.
template <class T, class B>
CINCH_DEVICE_FN void settle_levels(const B& b, const BoundJob<T>& job, MomentPart* parts, BoundState& state) {
  const Scale scale = merge_moments(b, parts);
  const auto total = static_cast<double>(job.pieces.values(job.pieces.few));
  const bool zeros = static_cast<double>(state.zeros) / total >= kManyZeros;
  BoundQuantiser q;
  q.dithered = job.aim.dithered;
  q.key = job.key;
  q.lorenzo = job.aim.predict == Predict::kLorenzo;
  const bool fits = scale.any && set_levels(scale, job.dtype, job.aim, zeros, q.levels);
  b.sync();
  b.each([&](int i) {
    if (i == 0) state.quantiser = fits ? q : BoundQuantiser{}, state.fits = fits ? 1 : 0;
  });
  b.sync();
}

namespace detail {

// The best windows of each choice, as best_window() finds them.
template <class B>
CINCH_DEVICE_FN void find_windows(const B& b, ChoiceMemory& m) {
  constexpr int kParts = ChoiceMemory::kParts, kEach = kIntegers / kParts;
  b.each([&](int thread) {
    for (int job = thread; job < kChoices * kParts; job += B::kThreads) {
      const int choice = job / kParts, width = choice_width(choice), end = job % kParts * kEach;
      const uint32_t* counts = m.counts.all + choice / 2 * kIntegers;
      uint32_t inside = 0;
      for (int s = std::max(0, end - width); s < end; ++s) inside += counts[s];
      ChoiceMemory::Best best{0, 0, 0};
      bool any = false;
      for (int s = end; s < end + kEach; ++s) {
        inside += counts[s];
        if (s >= width) inside -= counts[s - width];
        const auto place = static_cast<uint32_t>(s);
        if (!any || inside > best.inside) best = {inside, place, place};
        if (inside == best.inside) best.last = place;
        any = true;
      }
      m.best[choice][job % kParts] = best;
    }
  });
  b.sync();
  b.each([&](int thread) {
    for (int choice = thread; choice < kChoices; choice += B::kThreads) {
      ChoiceMemory::Best best = m.best[choice][0];
      for (int part = 1; part < kParts; ++part) {
        const ChoiceMemory::Best& next = m.best[choice][part];
        if (next.inside > best.inside) best = next;
        if (next.inside == best.inside) best.last = next.last;
      }
      m.begin[choice] = static_cast<int>((best.first + best.last) / 2) - choice_width(choice) + 1;
      m.inside[choice] = best.inside;
    }
  });
  b.sync();
}

}  // namespace detail

// From the counts: neighbours or not, and the range of symbols.
template <class T, class B>
CINCH_DEVICE_FN void settle_choice(const B& b, const BoundJob<T>& job, ChoiceMemory& m, BoundState& state) {
  constexpr int kMost = Alphabet::kSingleSymbols;
  const auto total = static_cast<double>(job.pieces.values(job.pieces.few));
  detail::find_windows(b, m);
  // Each symbol's bits at once, then their sums in order: doubles, whose sums depend on it.
  b.each([&](int thread) {
    for (int i = thread; i < kChoices * kMost; i += B::kThreads) {
      const int choice = i / kMost, s = i % kMost, at = m.begin[choice] + s;
      const bool there = s < choice_width(choice) && at >= 0 && at < kIntegers;
      m.bits[choice][s] = there ? symbol_bits(m.counts.all[choice / 2 * kIntegers + at], total) : 0.0;
    }
  });
  b.sync();
  b.each([&](int thread) {
    for (int choice = thread; choice < kChoices; choice += B::kThreads) {
      double bits = outside_bits(total, static_cast<double>(m.inside[choice]));
      for (int s = 0; s < choice_width(choice); ++s) bits += m.bits[choice][s];
      m.total_bits[choice] = window_bits(bits, choice_width(choice), total);
    }
  });
  b.sync();
  b.each([&](int thread) {
    if (thread != 0) return;
    const double missed = missed_bits(m.counts.missed, job.dtype);
    const auto best = [&](int lorenzo) {
      const double *both = m.total_bits + 2 * lorenzo, few = both[0], many = both[1];
      return few <= many ? 2 * lorenzo : 2 * lorenzo + 1;
    };
    const auto bits = [&](int choice) { return (m.total_bits[choice] + missed) / total; };
    int choice = best(counts_plain(job.aim) ? 0 : 1);
    if (counts_plain(job.aim) && counts_lorenzo(job.aim) && bits(best(1)) < bits(choice)) choice = best(1);
    BoundQuantiser& q = state.quantiser;
    q.lorenzo = choice >= 2;
    q.alphabet.paired = choice % 2 == 0;
    q.alphabet.base = static_cast<int>(m.begin[choice] - kReach);
  });
  b.sync();
}

// Header and sides. Before the last call of a fit it says what is known so far, for the kernels behind.
template <class T, class B>
CINCH_DEVICE_FN void write_bound_header(const B& b, const BoundJob<T>& job, const BoundState& state) {
  Header h;
  h.magic = kBoundMagic;
  h.dtype = static_cast<uint8_t>(job.dtype);
  put_bound_quantiser(state.quantiser, job.grid, h);
  if (job.slots.numel > 0 && state.fits == 0) h.kind |= kNoLevels;
  put_header(b, job.slots, h, job.payload);
  b.each([&](int i) {
    auto* sides = reinterpret_cast<uint32_t*>(job.payload + chunks_offset(job.slots.numel));
    if (i >= static_cast<int>(kBoundSides) / 4) return;
    const uint64_t key = state.quantiser.dithered ? state.quantiser.key : 0;
    sides[i] = i == 0   ? static_cast<uint32_t>(key)
               : i == 1 ? static_cast<uint32_t>(key >> 32)
               : i == 2 ? std::bit_cast<uint32_t>(state.quantiser.levels.bound)
                        : 0u;
  });
}

// What header and sides say, for the kernels behind that one. The grid is not looked at.
CINCH_DEVICE_FN BoundQuantiser stored_quantiser(const std::byte* payload, const Slots& slots, Grid* grid) {
  const Header header = *reinterpret_cast<const Header*>(payload);
  BoundQuantiser q = bound_quantiser_in(header, grid);
  const auto* sides = reinterpret_cast<const uint32_t*>(payload + chunks_offset(slots.numel));
  q.key = uint64_t{sides[1]} << 32 | sides[0];
  q.levels.bound = std::bit_cast<float>(sides[2]);
  return q;
}
CINCH_DEVICE_FN bool has_levels(const std::byte* payload) {
  return (reinterpret_cast<const Header*>(payload)->kind & kNoLevels) == 0;
}

// From counts of letters to lengths, or none.
template <class B>
CINCH_DEVICE_FN void settle_bound_code(const B& b, MergeMemory& merge, BoundState& state) {
  if (state.fits != 0) {
    const Alphabet q = state.quantiser.alphabet;
    settle_code(b, q, merge, state.counts, &state.alone, state.lengths);
    return;
  }
  b.each([&](int i) {
    if (i < kLetters) state.lengths[i] = 0;
  });
  b.sync();
}

template <class B>
CINCH_DEVICE_FN void clear_bound_state(const B& b, BoundState& state) {
  b.each([&](int i) {
    if (i < kLetters) state.counts[i] = 0;
    if (i == 0) state.quantiser = BoundQuantiser(), state.zeros = state.alone = state.fits = 0;
  });
  b.sync();
}

// All of it by one block: small tensors.
template <class T, class B, class Memory>
CINCH_DEVICE_FN void fit_bound_by_one_block(const B& b, const BoundJob<T>& job, Memory& m) {
  BoundState& state = m.state;
  clear_bound_state(b, state);
  if (job.slots.numel > 0) {
    b.each([&](int i) {
      for (; i < kMomentParts; i += B::kThreads) m.parts[i] = kNoMoments;
    });
    b.sync();
    b.warps([&](const auto& w, int warp) {
      for (int pair = warp; 2 * pair < job.parts; pair += B::kWarps) add_moments_of_warp(w, job, pair, m.parts);
      count_zeros_of_warp(w, job, warp, B::kWarps, &state.zeros);
    });
    b.sync();
    settle_levels(b, job, m.parts, state);
  }
  if (state.fits != 0) {
    clear_counts(b, m.choice.counts);
    b.warps([&](const auto& w, int warp) {
      count_integers_of_warp(w, job, state.quantiser, warp, B::kWarps, &m.choice.counts);
    });
    b.sync();
    settle_choice(b, job, m.choice, state);
    b.warps([&](const auto& w, int warp) {
      if (state.quantiser.alphabet.paired)
        count_bound_letters_of_warp<true>(w, job, state.quantiser, warp, B::kWarps, state.counts);
      else
        count_bound_letters_of_warp<false>(w, job, state.quantiser, warp, B::kWarps, state.counts);
    });
    b.sync();
  }
  settle_bound_code(b, m.merge, state);
  write_bound_header(b, job, state);
  put_lengths(b, job.payload, state.lengths);
}

}  // namespace cinch::codec
