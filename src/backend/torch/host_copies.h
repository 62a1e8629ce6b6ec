/// Copies between a device and pinned host memory, on streams of their own: one out, one in. Implemented for CUDA;
/// tests have one whose copies happen late. Any thread.
#pragma once

#include <c10/core/Storage.h>

#include <cstdint>
#include <memory>

namespace cinch::backend {

/// The end of a copy.
class CopyEvent {
 public:
  virtual ~CopyEvent() = default;
  /// Whether the copy is over. Asks, never waits.
  virtual bool done() const = 0;
  /// What is queued on the current stream from now on runs after the copy. The host does not wait.
  virtual void wait_here() const = 0;
};
using CopyEventPtr = std::shared_ptr<const CopyEvent>;

class HostCopies {
 public:
  virtual ~HostCopies() = default;

  /// Pinned memory, or null when the system has none to give.
  virtual void* pin(int64_t bytes) = 0;
  /// Nothing may be under way from or to it.
  virtual void unpin(void* memory) noexcept = 0;

  /// Queues a copy of `bytes` bytes from `from`, beginning at `offset_bytes`, on the out stream: after what is on the
  /// current stream by now, and after `after` where it is not null (an event of this object). `from` must stay alive
  /// until the copy is over, or until a stream that waits for it is the only one that gets its memory.
  virtual CopyEventPtr copy_out(void* to, const c10::Storage& from, int64_t offset_bytes, int64_t bytes,
                                const CopyEventPtr& after) = 0;
  /// The same into the front of `to`, on the in stream. What is on the current stream by now may still use the memory
  /// of `to`, since allocators give memory out again in the order of a stream.
  virtual CopyEventPtr copy_in(const c10::Storage& to, const void* from, int64_t bytes, const CopyEventPtr& after) = 0;

  /// The current stream records a graph: neither copies nor questions to events are allowed.
  virtual bool capturing() const = 0;
  /// Of one direction, the slower one. May take a measurement, and wait for it, when asked the first time.
  virtual double bytes_per_second() = 0;
};

}  // namespace cinch::backend
