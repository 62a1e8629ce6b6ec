// The devices that device_memory() chooses from.
#pragma once

#include "src/backend/torch/device_memory.h"

namespace cinch::backend {

const DeviceMemory& cpu_memory();
// Throws Error where CUDA cannot be used (not built, no device, driver too old), for an index that does not exist, and
// for an allocator of torch's that cannot be held to a limit.
const DeviceMemory& cuda_memory(c10::DeviceIndex index);
// The index that "cuda" without one means on this thread. Throws like cuda_memory().
c10::DeviceIndex current_cuda_index();

}  // namespace cinch::backend
