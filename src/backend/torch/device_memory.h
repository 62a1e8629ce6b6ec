/// What the hooks need of a device: its meter, memory for payloads, streams. One object a device, never destroyed. Any
/// thread. The CPU's is the only one so far; tests put one of their own in its place.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Allocator.h>
#include <c10/core/Stream.h>

#include <cstdint>

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
  virtual memory::Meter& meter() const = 0;
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
  /// Whether an ordinary request would fit without making room. Where the meter counts what an allocator has reserved,
  /// what lies unused in its cache has to count as room.
  virtual bool has_room(int64_t bytes) const {
    const int64_t limit = meter().limit();
    return limit == memory::Meter::kNoLimit || meter().current() + bytes <= limit - meter().reserve();
  }
};

/// The device's memory; installs its meter. Throws Error for a device that is not supported.
const DeviceMemory& device_memory(c10::Device device);

}  // namespace cinch::backend
