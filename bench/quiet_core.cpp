#include "bench/quiet_core.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

namespace cinch::bench {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// As wide as a core is: ten additions a turn, none of which waits for another one of its turn.
double burst() {
  constexpr int kTurns = 4000;
  const auto start = std::chrono::steady_clock::now();
  uint64_t a = 1, b = 2, c = 3, d = 4, e = 5;
  for (int i = 0; i < kTurns; ++i) {
    a += 3, b += 5, c += 7, d += 9, e += 11;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
    a += 3, b += 5, c += 7, d += 9, e += 11;
    asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e));
  }
  return seconds_since(start);
}

// An interrupt in one of them says nothing.
double shortest_burst() {
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 4; ++i) best = std::min(best, burst());
  return best;
}

constexpr double kSlower = 1.1;
constexpr double kMostSeconds = 0.2, kMostSecondsInAll = 120;

}  // namespace

void QuietCore::wait() {
  const double most = std::min(kMostSeconds, kMostSecondsInAll - waited_seconds_);
  const auto start = std::chrono::steady_clock::now();
  for (bool last = false;; last = seconds_since(start) >= most) {
    const double now = shortest_burst();
    if (fastest_seconds_ == 0 || now < fastest_seconds_) fastest_seconds_ = now;
    if (now <= kSlower * fastest_seconds_) break;
    if (last) {
      ++given_up_;
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  waited_seconds_ += seconds_since(start);
}

QuietCore& quiet_core() {
  static QuietCore core;
  return core;
}

}  // namespace cinch::bench
