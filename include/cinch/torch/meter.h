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
  /// Highest current_bytes since the last reset_peak().
  int64_t peak_bytes() const noexcept;
  /// Bytes in tensors. CPU: the same as current_bytes and peak_bytes. CUDA: less, by what is cached.
  int64_t allocated_bytes() const noexcept;
  int64_t allocated_peak_bytes() const noexcept;
  void reset_peak() noexcept;
  /// Requests that would pass `bytes` throw OutOfBudget (after an active guard has reclaimed what it can). 0 lifts it.
  /// Throws Error when negative, and on CUDA when more is reserved already. A guard with a limit sets this itself.
  void set_limit(int64_t bytes);
  /// 0: none.
  int64_t limit_bytes() const noexcept;

 private:
  explicit DeviceMeter(const backend::DeviceMemory& memory) : memory_(memory) {}
  const backend::DeviceMemory& memory_;
};

}  // namespace cinch
