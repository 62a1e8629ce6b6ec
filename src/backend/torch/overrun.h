/// What happens when a request for memory does not fit: who is asked to make room, and who may use the reserve. Shared
/// by the allocators of all devices.
#pragma once

#include <c10/util/FunctionRef.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "cinch/error.h"
#include "src/memory/meter.h"

namespace cinch::backend {

/// Asked when a request does not fit. Called on the requesting thread, outside every lock of the allocator, never from
/// within a ReserveScope and never recursively on one thread.
class OverrunHandler {
 public:
  virtual ~OverrunHandler() = default;
  /// Frees memory until `request_bytes` more fit under limit - reserve, or as far as it can. Returns true when
  /// something was freed (the allocator then tries again, and asks again while that helps).
  virtual bool make_room(int64_t request_bytes) = 0;
  /// The request is about to be refused (OutOfBudget) or, when it answers true, granted over the limit (on_overrun =
  /// warn).
  virtual bool overrun(int64_t request_bytes, MemoryBreakdown& breakdown) = 0;
};

/// A device's handler with the calls in progress, counted in two generations: whoever replaces the handler waits for
/// the calls that began before, and later calls cannot hold it up.
class HandlerSlot {
 public:
  /// Not owned; the caller keeps it alive until it has been replaced and set() has returned.
  void set(OverrunHandler* handler);

  enum class Answer : uint8_t { kFits, kGranted, kRefused };
  /// Asks the handler to make room until `attempt` succeeds or nothing more can be freed; then whether the request is
  /// granted all the same. Without a handler, refused. `breakdown` is filled in for the last two answers.
  Answer negotiate(int64_t request_bytes, c10::function_ref<bool()> attempt, MemoryBreakdown& breakdown);

 private:
  struct Call {
    OverrunHandler* handler;
    uint64_t generation;
  };
  Call enter();
  void leave(const Call& call);

  std::mutex set_mutex_, mutex_;
  std::condition_variable left_;
  OverrunHandler* handler_ = nullptr;
  uint64_t generation_ = 0;
  int64_t calls_[2] = {0, 0};
};

/// Allocations of this thread may use the reserve, up to the hard limit, and never call the handler; beyond the hard
/// limit they throw OutOfBudget. For payloads being made.
class ReserveScope {
 public:
  ReserveScope() noexcept;
  ~ReserveScope();
  ReserveScope(const ReserveScope&) = delete;
  ReserveScope& operator=(const ReserveScope&) = delete;

 private:
  bool previous_;
};

/// This thread is inside a ReserveScope.
bool in_reserve() noexcept;
/// This thread is being asked by negotiate(): it must not be asked again.
bool in_handler() noexcept;

/// Throws OutOfBudget with one sentence.
[[noreturn]] void refuse(const memory::Meter& meter, int64_t request_bytes, const MemoryBreakdown& breakdown);

}  // namespace cinch::backend
