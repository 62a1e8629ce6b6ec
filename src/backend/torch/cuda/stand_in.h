// Addresses on a GPU that can be read and cost (nearly) no memory, for tensors of which only the shape is wanted: one
// small piece of memory, mapped again and again. Any thread.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <mutex>

namespace cinch::backend {

// Of one device. Regions stay mapped until the process ends: stand-ins may point there.
class StandIns {
 public:
  // The start of at least `bytes` readable bytes, or null where the driver cannot map memory twice. Called with the
  // same device each time.
  void* cover(c10::DeviceIndex device, int64_t bytes);

 private:
  std::mutex mutex_;
  bool asked_ = false;
  bool supported_ = false;
  unsigned long long piece_ = 0;  // a CUmemGenericAllocationHandle
  size_t piece_bytes_ = 0;
  void* region_ = nullptr;
  size_t region_bytes_ = 0;

  bool prepare(c10::DeviceIndex device);
  bool grow(c10::DeviceIndex device, size_t bytes);
};

}  // namespace cinch::backend
