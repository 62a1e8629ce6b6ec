// Average bits, by a block of threads: groups are counted by range, counts added up, and thresholds found as
// allot_rules.h has them.
#pragma once

#include "src/backend/warp.h"
#include "src/codec/fixed_rate/allot_rules.h"

namespace cinch::codec {

using backend::kLanes;

// Groups of each range, kInWord counts to a word. Two where a block has them in its own memory: groups are few then,
// and no count reaches the next one.
template <int kInWord>
struct RangeCounts {
  static constexpr int kBits = 32 / kInWord, kWords = (kRanges + kInWord - 1) / kInWord;
  static constexpr uint32_t kMask = 0xffffffffu >> (32 - kBits);
  uint32_t* words;

  // Of a group that is not constant.
  template <class W>
  CINCH_DEVICE_FN void add(const W& w, uint32_t range) const {
    const uint32_t i = range - kLowestRange;
    w.add_to(words + i / kInWord, 1u << (i % kInWord * kBits));
  }
  // After add_up_counts().
  CINCH_DEVICE_FN uint32_t at_least(uint32_t range) const {
    if (range > kHighestRange) return 0;
    const uint32_t i = range < kLowestRange ? 0 : range - kLowestRange;
    return words[i / kInWord] >> (i % kInWord * kBits) & kMask;
  }
};

// Numbers of a block's threads, and what add_up_before() makes of them.
template <int kThreads, class T>
struct BlockSums {
  T own[kThreads], before[kThreads], rows[kThreads / kLanes];
};

// before[i]: the sum of own[0 .. i - 1].
template <class B, class T>
CINCH_DEVICE_FN void add_up_before(const B& b, BlockSums<B::kThreads, T>& sums) {
  b.sync();
  b.each([&](int i) {
    const int row = i / kLanes;
    T sum{};
    CINCH_ROLLED
    for (int j = row * kLanes; j < i; ++j) sum += sums.own[j];
    sums.before[i] = sum;
    if (i % kLanes != kLanes - 1) return;
    sum += sums.own[i];
    sums.rows[row] = sum;
  });
  b.sync();
  b.each([&](int i) {
    T sum{};
    CINCH_ROLLED
    for (int row = 0; row < i / kLanes; ++row) sum += sums.rows[row];
    sums.before[i] += sum;
  });
  b.sync();
}

// Counts become those of a range and all wider ones. The first thread has the widest.
template <int kInWord, class B>
CINCH_DEVICE_FN void add_up_counts(const B& b, const RangeCounts<kInWord>& counts,
                                   BlockSums<B::kThreads, uint32_t>& sums) {
  using Counts = RangeCounts<kInWord>;
  constexpr int kOwn = (Counts::kWords + B::kThreads - 1) / B::kThreads;
  // f(word) for those of a thread, from the widest.
  const auto each_word = [&](int i, const auto& f) {
    const int end = Counts::kWords - i * kOwn, begin = end > kOwn ? end - kOwn : 0;
    for (int at = end - 1; at >= begin; --at) f(counts.words[at]);
  };
  b.each([&](int i) {
    uint32_t sum = 0;
    each_word(i, [&](uint32_t word) {
      CINCH_UNROLL
      for (int k = 0; k < kInWord; ++k) sum += word >> (k * Counts::kBits) & Counts::kMask;
    });
    sums.own[i] = sum;
  });
  add_up_before(b, sums);
  b.each([&](int i) {
    uint32_t sum = sums.before[i];
    each_word(i, [&](uint32_t& word) {
      uint32_t added = 0;
      CINCH_UNROLL
      for (int k = kInWord - 1; k >= 0; --k) {
        sum += word >> (k * Counts::kBits) & Counts::kMask;
        added |= sum << (k * Counts::kBits);
      }
      word = added;
    });
  });
  b.sync();
}

// The widest range for which holds(range): 32 ranges are asked for at once, three times.
template <class W, class Holds>
CINCH_DEVICE_FN uint32_t highest_range(const W& w, const Holds& holds) {
  static_assert(kRanges <= kLanes * kLanes * kLanes);
  uint32_t range = kLowestRange - 1;
  CINCH_ROLLED
  for (uint32_t step = kLanes * kLanes; step > 0; step /= kLanes) {
    typename W::template Var<uint32_t> yes;
    w.each([&](int lane) {
      const uint32_t asked = range + (static_cast<uint32_t>(lane) + 1) * step;
      yes[lane] = asked <= kHighestRange && holds(asked) ? 1 : 0;
    });
    range += w.last(w.sum_up_to(yes)) * step;
  }
  return range < kLowestRange ? 0 : range;
}

// By the first warp of a block, from counts that are added up. `bits`: what there is to be allotted.
template <class B, class Counts>
CINCH_DEVICE_FN void find_thresholds_of_block(const B& b, const Counts& counts, int64_t bits, Threshold* thresholds) {
  b.warps([&](const auto& w, int warp) {
    if (warp != 0) return;
    find_thresholds([&](uint32_t range) { return counts.at_least(range); }, bits,
                    [&](const auto& holds) { return highest_range(w, holds); },
                    [&](int raise, Threshold t) {
                      w.each([&](int lane) {
                        if (lane == 0) thresholds[raise] = t;
                      });
                    });
  });
  b.sync();
}

}  // namespace cinch::codec
