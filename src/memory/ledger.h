// Who holds how many bytes: current, peak and total, for each site and in all. Exact; any thread; no lock while
// counting.
//
// Charged bytes, the one unit of ledger, planner, metrics and reports: what a payload really occupies in the device's
// allocator, as the meter counts it. That is the capacity of its storage: payload, headers, scales, tables, masks and
// padding. A payload that several sites share is charged once, to its first site. Raw bytes are counted by a second
// ledger: the storages that stock autograd would keep alive for the same saves, each once.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "src/memory/chunked.h"

namespace cinch::memory {

struct Totals {
  int64_t current = 0;   // bytes held now
  int64_t peak = 0;      // highest current since the start or the last reset_peaks()
  int64_t total = 0;     // bytes ever charged
  int64_t released = 0;  // bytes ever released: what payloads took in their last form
};

class Ledger {
 public:
  static constexpr int32_t kMaxSites = Chunked<int>::kMost;

  // Dense ids from 0. Locks. Throws Error beyond kMaxSites.
  int32_t add_site(std::string name);
  int32_t sites() const noexcept { return cells_.size(); }
  // Throws Error for an unknown site, as do all calls below that take one.
  std::string name(int32_t site) const;

  void charge(int32_t site, int64_t bytes);
  void release(int32_t site, int64_t bytes);
  // A payload of `from` bytes became one of `to` bytes; the instant at which both existed is the meter's to count.
  void recharge(int32_t site, int64_t from, int64_t to);

  Totals totals() const noexcept;
  Totals site(int32_t site) const;
  // Peaks start again at the current values.
  void reset_peaks() noexcept;

 private:
  struct Cell {
    std::atomic<int64_t> current{0}, peak{0}, total{0}, released{0};
    void move(int64_t change, int64_t charged) noexcept;
    void release(int64_t bytes) noexcept;
    void reset_peak() noexcept;
    Totals read() const noexcept;
  };
  Cell& cell(int32_t site) const;

  Cell all_;
  Chunked<Cell> cells_;
  mutable std::mutex names_mutex_;
  std::deque<std::string> names_;
};

}  // namespace cinch::memory
