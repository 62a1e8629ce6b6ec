/// What the hooks need of a device: its meter, memory for payloads, streams. One object a device, never destroyed. Any
/// thread. Tests put one of their own in its place.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Allocator.h>
#include <c10/core/Stream.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "cinch/codec.h"
#include "src/backend/torch/host_pool.h"
#include "src/backend/torch/metered_allocator.h"
#include "src/memory/meter.h"

namespace cinch::backend {

class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;

  virtual c10::Device device() const = 0;
  virtual DeviceKind kind() const = 0;
  /// What the limit is on: the CPU's tensors; on CUDA what the allocator has reserved.
  virtual memory::Meter& meter() const = 0;
  /// Bytes in tensors. Differs from meter() where freed memory stays reserved.
  virtual memory::Meter& in_use() const { return meter(); }
  /// See DeviceMeter.
  virtual int64_t kept_bytes() const { return meter().current() - in_use().current(); }
  virtual void release_kept() const {}
  /// memory::Meter::kNoLimit lifts it. Throws Error for a limit that is passed already and cannot be kept.
  virtual void set_limit(int64_t bytes) const { meter().set_limit(bytes); }
  /// What set_reserve(bytes) really takes away from other requests.
  virtual int64_t reserve_for(int64_t bytes) const { return bytes; }
  /// Bytes that are kept for payloads being made.
  virtual void set_reserve(int64_t bytes) const { meter().set_reserve(bytes); }
  /// Whether a request that was refused would be granted now, after `freed_bytes` were given back for it.
  virtual bool fits(int64_t request_bytes, int64_t freed_bytes) const = 0;
  /// Physical memory.
  virtual int64_t total_bytes() const = 0;

  /// Memory without dispatch, for the current stream: no ambient mode (autocast, functional transforms) may touch it.
  virtual at::Tensor empty(int64_t numel, c10::ScalarType type) const = 0;
  /// Whether dropping a storage with this data gives its bytes back to the meter.
  virtual bool gives_back(const c10::DataPtr& data) const = 0;
  /// On the current stream.
  virtual void copy(void* to, const void* from, int64_t bytes) const = 0;
  /// Bytes that can be read and whose values nobody reads; they cost no memory.
  virtual c10::Storage stand_in(int64_t bytes) const = 0;

  /// Statistics of values in this memory, which the current stream has written or will have; to be called later, and
  /// the answer is the same then. Nothing waits before that. nullopt: no memory for it.
  virtual std::optional<std::function<TensorStats()>> later_stats(const Extent& values) const = 0;

  /// The work of this thread is being recorded instead of done: nothing may be coded.
  virtual bool capturing() const { return false; }
  /// Groups that could not be coded and decode to NaN, since the process began; as far as the device has told.
  virtual int64_t poisoned_groups() const { return 0; }
  /// The stream on which this thread's work is queued.
  virtual c10::Stream current_stream() const = 0;
  /// What is queued on the current stream from now on runs after what is on `earlier` by now.
  virtual void follow(const c10::Stream& earlier) const = 0;
  /// The current stream uses this memory: it is not given out again before that is done.
  virtual void used_here(const c10::DataPtr& data) const = 0;

  /// Where and how codecs run for this thread: executor, device, stream.
  virtual void describe(CodecContext& context) const = 0;
  /// See metered_allocator.h.
  virtual void set_overrun_handler(OverrunHandler* handler) const = 0;

  /// Pinned host memory for payloads of this device, or null where nothing can be offloaded: the CPU's are there.
  virtual HostPool* host_pool() const { return nullptr; }
  /// Whether an ordinary request can be expected to fit. What lies unused in an allocator's cache counts as room.
  bool has_room(int64_t bytes) const {
    const int64_t limit = meter().limit();
    return limit == memory::Meter::kNoLimit || in_use().current() + bytes <= limit - meter().reserve();
  }
};

/// "cuda" without an index is the current device; everything else stays as it is.
c10::Device resolve_device(c10::Device device);
/// The device's memory; installs its meter. Throws Error for a device that is not supported, or that is not there.
const DeviceMemory& device_memory(c10::Device device);

}  // namespace cinch::backend
