// Bytes in device memory for tests and benches, without torch. Copies wait; the hooks take memory from torch instead.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cinch::backend {

class DeviceBuffer {
 public:
  // On the current device; 256-byte aligned. Throws Error when there is no device or not enough memory.
  explicit DeviceBuffer(int64_t bytes);
  DeviceBuffer(const void* from, int64_t bytes);
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  std::byte* data() const noexcept { return data_; }
  int64_t size() const noexcept { return bytes_; }
  // After everything queued on the device's default stream.
  void copy_to(void* to) const;
  // Queues a copy of as many bytes as the smaller one has; does not wait.
  void copy_from(const DeviceBuffer& other);

 private:
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
};

}  // namespace cinch::backend
