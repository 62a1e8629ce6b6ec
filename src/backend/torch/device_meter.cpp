#include <string>

#include "cinch/error.h"
#include "cinch/torch/meter.h"
#include "src/backend/torch/device_memory.h"

namespace cinch {

DeviceMeter& DeviceMeter::of(c10::Device device) {
  backend::device_memory(device);
  static auto* meter = new DeviceMeter;
  return *meter;
}

int64_t DeviceMeter::current_bytes() const noexcept { return backend::cpu_meter().current(); }

int64_t DeviceMeter::peak_bytes() const noexcept { return backend::cpu_meter().peak(); }

void DeviceMeter::reset_peak() noexcept { backend::cpu_meter().reset_peak(); }

void DeviceMeter::set_limit(int64_t bytes) {
  if (bytes < 0) {
    throw Error("A memory limit of " + std::to_string(bytes) + " bytes makes no sense; give 0 to lift the limit.");
  }
  backend::cpu_meter().set_limit(bytes == 0 ? memory::Meter::kNoLimit : bytes);
}

int64_t DeviceMeter::limit_bytes() const noexcept {
  const int64_t limit = backend::cpu_meter().limit();
  return limit == memory::Meter::kNoLimit ? 0 : limit;
}

}  // namespace cinch
