/// Bytes in use on a device, as torch's allocator gives them out.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace cinch {

/// Meter of one device. The first call of `of` installs the delegating allocator for that device; tensors made before
/// are not counted, so programs call it first. Any thread. CPU: bytes in tensors' storages, without views, memory from
/// from_blob, and library buffers outside torch's allocator (docs/memory.md lists them).
class DeviceMeter {
 public:
  /// The meter of `device`; lives as long as the process. Throws Error for a device that is not supported.
  static DeviceMeter& of(c10::Device device);

  int64_t current_bytes() const noexcept;
  /// Highest current_bytes since the last reset_peak().
  int64_t peak_bytes() const noexcept;
  void reset_peak() noexcept;
  /// Requests that would pass `bytes` throw OutOfBudget (after an active guard has reclaimed what it can). 0 lifts it.
  /// Throws Error when negative. A guard with a limit sets this itself.
  void set_limit(int64_t bytes);
  /// 0: none.
  int64_t limit_bytes() const noexcept;

 private:
  DeviceMeter() = default;
};

}  // namespace cinch
