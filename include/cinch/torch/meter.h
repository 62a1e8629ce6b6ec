/// Bytes in use on a device, as torch's allocator gives them out.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace cinch {

namespace backend {
class DeviceMemory;
}

/// Meter of one device. The first call of `of` installs the delegating allocator for that device; on the CPU tensors
/// made before are not counted, so programs call it first. Any thread. CPU: bytes in tensors' storages, without views,
/// memory from from_blob, and library buffers outside torch's allocator. CUDA: bytes that torch's caching allocator has
/// reserved, so that fragmentation counts; without the context and libraries' own memory (docs/memory.md lists them).
class DeviceMeter {
 public:
  /// The meter of `device` ("cuda" without an index: the current one); lives as long as the process. Throws Error for a
  /// device that is not supported or not there, and for CUDA allocators that cannot be held to a limit.
  static DeviceMeter& of(c10::Device device);

  int64_t current_bytes() const noexcept;
  /// Highest current_bytes since the last reset_peak(), whoever called it; without one since the meter was made.
  int64_t peak_bytes() const noexcept;
  /// Bytes in tensors. CPU: the same as current_bytes and peak_bytes. CUDA: less, by what is cached.
  int64_t allocated_bytes() const noexcept;
  int64_t allocated_peak_bytes() const noexcept;
  /// Bytes that were freed and are kept to be given out again. CPU: blocks of 256 KiB and more, beside what
  /// current_bytes counts; both together are never more than the limit, nor than current_bytes was at its highest since
  /// the last release_kept() (CINCH_KEEP_FREED=0 in the environment: nothing is kept). CUDA: torch's cache and what
  /// cinch holds in reserve, which current_bytes counts.
  int64_t kept_bytes() const noexcept;
  /// Hands what is kept on the CPU back to the heap, for other users of memory in the process. CUDA: nothing; torch's
  /// emptyCache does that.
  void release_kept() noexcept;
  /// Both peaks begin anew at what is in use now. There is one meter a device for the whole process, and each step() of
  /// a guard resets it when it has read it: take a peak over several steps as the largest of those read before each
  /// step(). A reset between two steps hides what came before it from Usage::device_peak_bytes, from the guard's event
  /// of an overrun, and on CUDA from a profile's share of fragmentation; the limit holds all the same.
  void reset_peak() noexcept;
  /// Requests that would pass `bytes` throw OutOfBudget (after an active guard has reclaimed what it can). 0 lifts it.
  /// Throws Error when negative, and on CUDA when more is reserved already even after the cache was emptied; the CPU
  /// takes a limit below what is in use, and then refuses the next request. A guard with a limit sets this itself, and
  /// puts back what was set before when it ends.
  void set_limit(int64_t bytes);
  /// 0: none.
  int64_t limit_bytes() const noexcept;

 private:
  explicit DeviceMeter(const backend::DeviceMemory& memory) : memory_(memory) {}
  const backend::DeviceMemory& memory_;
};

}  // namespace cinch
