#include <map>
#include <mutex>
#include <string>

#include "cinch/error.h"
#include "cinch/torch/meter.h"
#include "src/backend/torch/device_memory.h"

namespace cinch {

DeviceMeter& DeviceMeter::of(c10::Device device) {
  const backend::DeviceMemory& memory = backend::device_memory(device);
  static std::mutex mutex;
  static auto* meters = new std::map<const backend::DeviceMemory*, DeviceMeter*>;
  const std::lock_guard<std::mutex> lock(mutex);
  DeviceMeter*& meter = (*meters)[&memory];
  if (meter == nullptr) meter = new DeviceMeter(memory);
  return *meter;
}

int64_t DeviceMeter::current_bytes() const noexcept { return memory_.meter().current(); }

int64_t DeviceMeter::peak_bytes() const noexcept { return memory_.meter().peak(); }

int64_t DeviceMeter::allocated_bytes() const noexcept { return memory_.in_use().current(); }

int64_t DeviceMeter::allocated_peak_bytes() const noexcept { return memory_.in_use().peak(); }

int64_t DeviceMeter::kept_bytes() const noexcept { return memory_.kept_bytes(); }

void DeviceMeter::release_kept() noexcept { memory_.release_kept(); }

void DeviceMeter::reset_peak() noexcept {
  memory_.meter().reset_peak();
  memory_.in_use().reset_peak();
}

void DeviceMeter::set_limit(int64_t bytes) {
  if (bytes < 0) {
    throw Error("A memory limit of " + std::to_string(bytes) + " bytes makes no sense; give 0 to lift the limit.");
  }
  memory_.set_limit(bytes == 0 ? memory::Meter::kNoLimit : bytes);
}

int64_t DeviceMeter::limit_bytes() const noexcept {
  const int64_t limit = memory_.meter().limit();
  return limit == memory::Meter::kNoLimit ? 0 : limit;
}

}  // namespace cinch
