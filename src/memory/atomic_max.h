// An atomic maximum, which C++20 lacks.
#pragma once

#include <atomic>
#include <cstdint>

namespace cinch::memory {

inline void raise_to(std::atomic<int64_t>& peak, int64_t value) noexcept {
  int64_t seen = peak.load(std::memory_order_relaxed);
  while (seen < value && !peak.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

}  // namespace cinch::memory
