// Interleaved rounds: what shares a machine with others is timed in turns, and the best of each is kept. No torch.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <vector>

#include "bench/quiet_core.h"

namespace cinch::bench {

// Seconds of each call, the best of `rounds`; of several, each begins when the core is quiet.
inline std::vector<double> best_seconds(int rounds, const std::vector<std::function<void()>>& calls) {
  std::vector<double> best(calls.size(), std::numeric_limits<double>::infinity());
  for (int r = 0; r < rounds; ++r) {
    for (size_t i = 0; i < calls.size(); ++i) {
      if (rounds > 1) quiet_core().wait();
      const auto start = std::chrono::steady_clock::now();
      calls[i]();
      best[i] = std::min(best[i], std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
  }
  return best;
}

// Raw bytes per second / 1e9.
inline double gbps(int64_t bytes, double seconds) {
  return seconds > 0 ? static_cast<double>(bytes) / seconds / 1e9 : 0.0;
}

}  // namespace cinch::bench
