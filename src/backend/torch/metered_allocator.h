/// A c10::Allocator over the CPU allocator that was there: counts bytes, holds the limit, asks a handler to make room.
#pragma once

#include <c10/core/Allocator.h>

#include <cstdint>
#include <memory>
#include <optional>

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

/// The meter of the CPU device. Exists from the first call on, never destroyed.
memory::Meter& cpu_meter();

/// Puts the metered allocator in front of the current CPU allocator. Idempotent, any thread; never undone.
void install_metered_allocator();

/// The handler that is asked, or nullptr. Not owned; the caller keeps it alive until it has been replaced and
/// `set_overrun_handler` has returned (it waits for calls in progress on other threads).
void set_overrun_handler(OverrunHandler* handler);

/// True when freeing this pointer gives bytes back to the meter (our deleter), so that dropping the storage helps.
bool is_metered(const c10::DataPtr& data) noexcept;

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

}  // namespace cinch::backend
