// Device memory that a copy still uses: kept until its event is done, or until a stream waits for it.
#pragma once

#include <c10/core/Storage.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>

#include "src/backend/torch/device_memory.h"

namespace cinch::hooks {

// Why not hand the memory to the allocator at once, with the copy's stream on record: the allocator would learn of the
// copy's end by asking its event from the host, which runs ahead of the device, so that it would find nothing returned
// and take more memory instead. A stream that waits for the copy gets the memory back in its own order, without anyone
// asking. Thread-safe.
class Departures {
 public:
  explicit Departures(const backend::DeviceMemory& memory) : memory_(memory) {}
  ~Departures();
  Departures(const Departures&) = delete;
  Departures& operator=(const Departures&) = delete;

  // `storage` may go once `copy` is over.
  void add(c10::Storage storage, backend::CopyEventPtr copy);
  // Lets go of what is over by now. Asks, never waits.
  void retire();
  // The current stream waits for the oldest copy and takes its memory back. Answers its bytes; 0: nothing is under way.
  int64_t take_back_oldest();
  int64_t bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Departing {
    c10::Storage storage;
    backend::CopyEventPtr copy;
  };
  const backend::DeviceMemory& memory_;
  std::mutex mutex_;
  std::deque<Departing> queue_;  // oldest first
  std::atomic<int64_t> bytes_{0};
};

}  // namespace cinch::hooks
