/// Bytes in use on one device: current, peak, and a limit. Lock-free; any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace cinch::memory {

class Meter {
 public:
  static constexpr int64_t kNoLimit = INT64_MAX;

  /// Counts n bytes if that keeps current <= ceiling; false and nothing counted otherwise.
  bool try_add(int64_t n, int64_t ceiling) noexcept;
  /// Counts n bytes whatever the limit.
  void add(int64_t n) noexcept { try_add(n, kNoLimit); }
  void sub(int64_t n) noexcept { current_.fetch_sub(n, std::memory_order_relaxed); }

  int64_t current() const noexcept { return current_.load(std::memory_order_relaxed); }
  int64_t peak() const noexcept { return peak_.load(std::memory_order_relaxed); }
  void reset_peak() noexcept;
  /// Highest value since the last call; starts the next interval at the current value.
  int64_t take_interval_peak() noexcept;

  /// Hard limit in bytes; kNoLimit: none.
  int64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  void set_limit(int64_t bytes) noexcept { limit_.store(bytes, std::memory_order_relaxed); }
  /// Bytes below the limit that ordinary requests must leave free, so that coding a payload always has room for its
  /// result. Requests inside a ReserveScope may use them.
  int64_t reserve() const noexcept { return reserve_.load(std::memory_order_relaxed); }
  void set_reserve(int64_t bytes) noexcept { reserve_.store(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> current_{0}, peak_{0}, interval_peak_{0}, limit_{kNoLimit}, reserve_{0};
};

}  // namespace cinch::memory
