#include "src/backend/torch/device_memory.h"

#include "cinch/error.h"
#include "src/backend/torch/devices.h"

namespace cinch::backend {

c10::Device resolve_device(c10::Device device) {
  if (device.is_cuda() && !device.has_index()) return c10::Device(c10::kCUDA, current_cuda_index());
  return device;
}

const DeviceMemory& device_memory(c10::Device device) {
  if (device.is_cpu()) return cpu_memory();
  if (device.is_cuda()) return cuda_memory(resolve_device(device).index());
  throw Error("device " + device.str() + " is not supported: cinch knows cpu and cuda");
}

}  // namespace cinch::backend
