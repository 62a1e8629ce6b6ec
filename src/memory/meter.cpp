#include "src/memory/meter.h"

#include "src/memory/atomic_max.h"

namespace cinch::memory {

bool Meter::try_add(int64_t n, int64_t ceiling) noexcept {
  // Checks before it adds: a large request that is refused must not make a small one fail meanwhile.
  int64_t seen = current_.load(std::memory_order_relaxed);
  do {
    if (n > ceiling - seen) {
      return false;
    }
  } while (!current_.compare_exchange_weak(seen, seen + n, std::memory_order_relaxed));
  raise_to(peak_, seen + n);
  raise_to(interval_peak_, seen + n);
  return true;
}

void Meter::reset_peak() noexcept {
  peak_.store(current(), std::memory_order_relaxed);
  // A request that came between the two lines above has raised current, and may have lost its mark.
  raise_to(peak_, current());
}

int64_t Meter::take_interval_peak() noexcept {
  const int64_t highest = interval_peak_.exchange(current(), std::memory_order_relaxed);
  raise_to(interval_peak_, current());
  return highest;
}

}  // namespace cinch::memory
