// What 32 lanes do together, written once: kernels run it with cuda/device_warp.cuh, where a lane is a thread,
// tests with tests/warp/host_warp.h, where a loop goes through the lanes. A warp W has
//   W::Var<U>           one U a lane, reached as var[lane]
//   each(f)             f(lane) for every lane; what f writes into memory is seen by others after sync()
//   sync()
//   min(Var<int32_t>), max(Var<int32_t>), any(Var<bool>)   one answer for all lanes
//   exchange(Var<uint32_t>, mask)                          each lane's value of lane ^ mask
//   sum_up_to(Var<uint32_t>)                               the sum of the lanes up to and with each one
//   last(Var<uint32_t>)                                    that of the last lane, for all
//   scratch             words of memory that the lanes share
//   count(counter, n)   adds n (1), once for the warp; counter may be null
//   count(counter, Var<bool>)                              adds the number of lanes that say so
//   lower(int32_t*, value), raise(int32_t*, value)         of a lane: a minimum, a maximum that warps have in common
// and, for single lanes, or_into(word, bits) and add_to(word, n), which nobody else's come in between of.
// A block B of kWarps warps has warps(f), f(warp, which) for each of them, each(f) over its kThreads threads, sync()
// and add_to().
#pragma once

#include <cstdint>

#include "src/core/device_fn.h"

namespace cinch::backend {

constexpr int kLanes = 32;

template <int kCount>
struct Words {
  uint32_t at[kCount];
};

// ORs word i of kLanesOfSet lanes, those that differ in the bits from kMask up, and spreads the kCount results over
// them: each lane ends with kCount / kLanesOfSet of them in front, those from scattered_begin() on. Half of the words
// travel in each round, so that no lane ORs what another one has already.
template <int kCount, int kLanesOfSet, int kMask, class W, class WordsOfLanes>
CINCH_DEVICE_FN void scatter_or(const W& w, WordsOfLanes& words) {
  if constexpr (kLanesOfSet > 1) {
    static_assert(kCount % kLanesOfSet == 0, "every lane ends with the same number of words");
    constexpr int kHalf = kCount / 2;
    CINCH_UNROLL
    for (int i = 0; i < kHalf; ++i) {
      typename W::template Var<uint32_t> give;
      w.each([&](int lane) {
        uint32_t* mine = words[lane].at;
        const bool upper = (lane & kMask) != 0;
        give[lane] = upper ? mine[i] : mine[kHalf + i];
        mine[i] = upper ? mine[kHalf + i] : mine[i];
      });
      const auto got = w.exchange(give, kMask);
      w.each([&](int lane) { words[lane].at[i] |= got[lane]; });
    }
    scatter_or<kHalf, kLanesOfSet / 2, kMask * 2>(w, words);
  }
}

template <int kCount, int kLanesOfSet, int kMask>
constexpr int scattered_begin(int lane) noexcept {
  int begin = 0;
  for (int half = kCount / 2, mask = kMask; mask < kMask * kLanesOfSet; half /= 2, mask *= 2)
    begin += (lane & mask) != 0 ? half : 0;
  return begin;
}

}  // namespace cinch::backend
