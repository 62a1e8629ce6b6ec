#include "src/metrics/source.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <mutex>

namespace cinch::metrics {

void StepHistogram::add(double seconds) noexcept {
  const auto bucket = std::lower_bound(kStepBounds.begin(), kStepBounds.end(), seconds) - kStepBounds.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_seconds_.fetch_add(seconds, std::memory_order_relaxed);
}

StepTimes StepHistogram::read() const noexcept {
  StepTimes times;
  for (size_t i = 0; i < counts_.size(); ++i) times.counts[i] = counts_[i].load(std::memory_order_relaxed);
  times.sum_seconds = sum_seconds_.load(std::memory_order_relaxed);
  return times;
}

struct Source::State {
  std::string device, rank;
  StepHistogram steps;
  std::atomic<double> least_effective_batch{0.0};
  int64_t steps_seen = 0;  // by the thread that steps
  std::mutex mutex;        // held while `read` runs: its end is what a guard's end waits for
  std::function<Reading()> read;
};

namespace {

std::string rank_of_this_process() {
  const char* rank = std::getenv("RANK");
  return rank != nullptr && *rank != '\0' ? rank : "0";
}

}  // namespace

// Never destroyed: guards and servers may end after static objects do.
struct Hub {
  std::mutex mutex;
  std::vector<std::weak_ptr<void>> states;
  static Hub& instance() {
    static auto* const hub = new Hub;
    return *hub;
  }
};

Source::Source(std::string device, std::function<Reading()> read) : state_(std::make_shared<State>()) {
  state_->device = std::move(device);
  state_->rank = rank_of_this_process();
  state_->read = std::move(read);
  Hub& hub = Hub::instance();
  const std::lock_guard<std::mutex> lock(hub.mutex);
  std::erase_if(hub.states, [](const auto& state) { return state.expired(); });
  hub.states.push_back(state_);
}

Source::~Source() {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  state_->read = nullptr;
}

void Source::step_is_over(const Usage& usage, double least_effective_batch) noexcept {
  state_->least_effective_batch.store(least_effective_batch, std::memory_order_relaxed);
  // A step() that was refused before it counted adds no time.
  if (usage.steps > state_->steps_seen) state_->steps.add(usage.step_seconds);
  state_->steps_seen = usage.steps;
}

std::vector<Snapshot> read_sources() {
  Hub& hub = Hub::instance();
  std::vector<std::shared_ptr<Source::State>> states;
  {
    const std::lock_guard<std::mutex> lock(hub.mutex);
    for (const auto& weak : hub.states)
      if (auto state = weak.lock()) states.push_back(std::static_pointer_cast<Source::State>(state));
  }
  std::vector<Snapshot> snapshots;
  for (const auto& state : states) {
    Reading reading;
    {
      const std::lock_guard<std::mutex> lock(state->mutex);
      if (!state->read) continue;
      try {
        reading = state->read();
      } catch (const std::exception&) {
        continue;
      }
    }
    snapshots.push_back({state->device, state->rank, reading.usage, std::move(reading.sites), state->steps.read(),
                         state->least_effective_batch.load(std::memory_order_relaxed)});
  }
  return snapshots;
}

}  // namespace cinch::metrics
