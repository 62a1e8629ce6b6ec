// How long work on the current device takes: two events on its default stream. For benches: reading it waits, which
// nothing in the hooks may do. Without a device the constructor throws Error.
#pragma once

namespace cinch::backend {

class DeviceTimer {
 public:
  DeviceTimer();
  ~DeviceTimer();
  DeviceTimer(const DeviceTimer&) = delete;
  DeviceTimer& operator=(const DeviceTimer&) = delete;

  // Round what is queued in between.
  void start();
  void stop();
  // Waits for stop() to be reached. Throws Error when the work in between failed.
  double seconds() const;

 private:
  void* begin_ = nullptr;  // cudaEvent_t
  void* end_ = nullptr;
};

}  // namespace cinch::backend
