// The active guards of this process, as a scrape sees them. No Prometheus here.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cinch/usage.h"

namespace cinch::metrics {

// Upper bounds of the buckets of step times, in seconds; one more bucket has no bound.
inline constexpr std::array kStepBounds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                        0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};

// Step times since the guard was made.
struct StepTimes {
  std::array<uint64_t, kStepBounds.size() + 1> counts{};  // of each bucket alone
  double sum_seconds = 0.0;
};

// One writer, any number of readers, no lock.
class StepHistogram {
 public:
  void add(double seconds) noexcept;
  StepTimes read() const noexcept;

 private:
  std::array<std::atomic<uint64_t>, kStepBounds.size() + 1> counts_{};
  std::atomic<double> sum_seconds_{0.0};
};

// What a guard answers when it is asked.
struct Reading {
  Usage usage;
  std::vector<SiteUsage> sites;
};

struct Snapshot {
  std::string device, rank;
  Usage usage;
  std::vector<SiteUsage> sites;
  StepTimes steps;
  double least_effective_batch = 0.0;  // the budget's bound; 0: none
};

// A guard's entry in the list, for as long as it lives. A scrape keeps only the list's part alive, never the guard.
class Source {
 public:
  // `read` may be called from any thread, by one at a time, until the destructor returns. The rank is RANK's in the
  // environment, "0" without it.
  Source(std::string device, std::function<Reading()> read);
  // Waits for a `read` that is under way, and for no other part of a scrape.
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // From the thread that steps.
  void step_is_over(const Usage& usage, double least_effective_batch) noexcept;

 private:
  friend std::vector<Snapshot> read_sources();
  struct State;
  std::shared_ptr<State> state_;
};

// All sources, in the order in which they were made. One that cannot answer (no memory) is left out.
std::vector<Snapshot> read_sources();

}  // namespace cinch::metrics
